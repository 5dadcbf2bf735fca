/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/resolve.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/util.h"

#define MOST_SERVERS 3   /* of resolv.conf */
#define MOST_SECONDS 30U /* Go's upper bound of timeout: */
#define USUAL_SECONDS 5U
#define USUAL_ATTEMPTS 2U

static bool has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name);
    size_t size = strlen(suffix);

    return length >= size && strcasecmp(name + length - size, suffix) == 0;
}

/* "NOTFOUND=return": is this what the source does anyway (nssCriterion.standardStatusAction)? */
static bool is_standard(const char *word, bool is_last)
{
    const char *equal = strchr(word, '=');
    size_t length = equal == NULL ? 0 : (size_t)(equal - word);
    const char *action = equal == NULL ? "" : equal + 1;
    static const char *const going_on[] = {"notfound", "unavail", "tryagain"};

    if (length == strlen("success") && strncasecmp(word, "success", length) == 0) {
        return strcasecmp(action, "return") == 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(going_on); i++) {
        if (strlen(going_on[i]) == length && strncasecmp(word, going_on[i], length) == 0) {
            return strcasecmp(action, "continue") == 0 || (is_last && strcasecmp(action, "return") == 0);
        }
    }
    return false; /* "!UNAVAIL=return" too */
}

/* Criteria stand between brackets after their source; `text` begins after the opening one and is cut. False: not standard, or
 * not closed. */
static bool are_standard(char *text, char **rest)
{
    char *end = strchr(text, ']');
    char *inner = NULL;

    if (end == NULL) {
        return false;
    }
    *end = '\0';
    *rest = end + 1;
    for (char *word = strtok_r(text, " \t", &inner); word != NULL; word = strtok_r(NULL, " \t", &inner)) {
        if (!is_standard(word, inner == NULL || inner[strspn(inner, " \t")] == '\0')) {
            return false;
        }
    }
    return true;
}

struct sources {
    bool files;
    bool dns;
    bool files_first;
    bool strange; /* something that Go leaves to libc; a static program then takes files, dns */
    bool any;
};

/* One line's sources, in place. */
static void read_sources(char *line, const char *name, const char *hostname, struct sources *sources)
{
    char *rest = line;

    while (!sources->strange) {
        char *word = rest + strspn(rest, " \t");
        char last;

        if (*word == '\0') {
            return;
        }
        if (*word == '[') {
            sources->strange = !are_standard(word + 1, &rest);
            continue;
        }
        rest = word + strcspn(word, " \t[");
        last = *rest;
        *rest = '\0';
        sources->any = true;
        if (streq(word, "files")) {
            sources->files_first |= !sources->dns;
            sources->files = true;
        } else if (streq(word, "dns")) {
            sources->dns = true;
        } else if (streq(word, "myhostname")) {
            sources->strange = strcasecmp(name, "localhost") == 0 || has_suffix(name, ".localhost") ||
                               strcasecmp(name, "_gateway") == 0 || strcasecmp(name, hostname) == 0;
        } else if (!starts_with(word, "mdns")) {
            sources->strange = true;
        }
        *rest = last;
    }
}

enum resolve_order resolve_order(const char *nsswitch, const char *name, const char *hostname, enum go_rule rule)
{
    CLEANUP_FREE char *copy = xstrdup(nsswitch == NULL ? "" : nsswitch);
    struct sources sources = {0};
    char *rest = NULL;

    if (has_suffix(name, ".local")) {
        return RESOLVE_FILES_DNS;
    }
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *colon;

        line[strcspn(line, "#")] = '\0';
        line += strspn(line, " \t");
        colon = strchr(line, ':');
        if (*line == '\0') {
            continue;
        }
        if (colon == NULL) {
            return RESOLVE_FILES_DNS; /* the file does not parse: Go forgets it */
        }
        *colon = '\0';
        line[strcspn(line, " \t")] = '\0';
        if (streq(line, "hosts")) {
            read_sources(colon + 1, name, hostname, &sources);
        }
    }
    if (!sources.any) {
        return rule == GO_BEFORE_1_16 ? RESOLVE_DNS_FILES : RESOLVE_FILES_DNS;
    }
    if (sources.strange || (!sources.files && !sources.dns)) {
        return RESOLVE_FILES_DNS;
    }
    if (sources.files && sources.dns) {
        return sources.files_first ? RESOLVE_FILES_DNS : RESOLVE_DNS_FILES;
    }
    return sources.files ? RESOLVE_FILES : RESOLVE_DNS;
}

bool resolve_in_hosts(const char *hosts, const char *name, char address[64])
{
    CLEANUP_FREE char *copy = xstrdup(hosts == NULL ? "" : hosts);
    unsigned char binary[16];
    char *rest = NULL;

    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *inner = NULL;
        const char *first;

        line[strcspn(line, "#")] = '\0';
        first = strtok_r(line, " \t\r", &inner);
        if (first == NULL || (inet_pton(AF_INET, first, binary) != 1 && inet_pton(AF_INET6, first, binary) != 1)) {
            continue;
        }
        for (const char *word = strtok_r(NULL, " \t\r", &inner); word != NULL; word = strtok_r(NULL, " \t\r", &inner)) {
            if (strcasecmp(word, name) == 0) {
                snprintf(address, 64, "%s", first);
                return true;
            }
        }
    }
    return false;
}

/* "timeout:3" in a line of options. */
static unsigned option(const char *word, const char *key, unsigned value, unsigned most)
{
    int64_t number = 0;

    if (!starts_with(word, key) || !text_parse_integer(word + strlen(key), &number)) {
        return value;
    }
    return number < 1 ? 1 : number > (int64_t)most ? most : (unsigned)number;
}

unsigned resolve_patience(const char *resolv)
{
    CLEANUP_FREE char *copy = xstrdup(resolv == NULL ? "" : resolv);
    unsigned seconds = USUAL_SECONDS;
    unsigned attempts = USUAL_ATTEMPTS;
    unsigned servers = 0;
    char *rest = NULL;

    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *inner = NULL;
        const char *key;

        line[strcspn(line, "#;")] = '\0';
        key = strtok_r(line, " \t\r", &inner);
        if (key == NULL) {
            continue;
        }
        if (streq(key, "nameserver")) {
            servers += servers < MOST_SERVERS && strtok_r(NULL, " \t\r", &inner) != NULL;
        } else if (streq(key, "options")) {
            for (const char *word = strtok_r(NULL, " \t\r", &inner); word != NULL;
                 word = strtok_r(NULL, " \t\r", &inner)) {
                seconds = option(word, "timeout:", seconds, MOST_SECONDS);
                attempts = option(word, "attempts:", attempts, MOST_SECONDS);
            }
        }
    }
    return servers * seconds * attempts;
}
