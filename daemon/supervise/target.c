/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/target.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include "base/path.h"
#include "base/util.h"

#define LARGEST_PORT 65535

/* One to five digits, up to `length`. */
static bool parse_port(const char *text, size_t length, in_port_t *port)
{
    unsigned number = 0;

    if (length == 0 || length > 5) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        number = number * 10 + (unsigned)(text[i] - '0');
    }
    *port = htons((uint16_t)number);
    return number >= 1 && number <= LARGEST_PORT;
}

/* The address alone: "127.0.0.1", "[::1]", "localhost". */
static bool parse_host(const char *text, size_t length, struct target *target)
{
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&target->address;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&target->address;
    char host[INET6_ADDRSTRLEN + 2];

    if (length == 0 || length >= sizeof(host)) {
        return false;
    }
    memcpy(host, text, length);
    host[length] = '\0';
    if (host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        target->address.ss_family = AF_INET6;
        target->length = sizeof(*ipv6);
        return inet_pton(AF_INET6, host + 1, &ipv6->sin6_addr) == 1;
    }
    target->address.ss_family = AF_INET;
    target->length = sizeof(*ipv4);
    return inet_pton(AF_INET, streq(host, "localhost") ? "127.0.0.1" : host, &ipv4->sin_addr) == 1;
}

/* "ADDRESS:PORT" in the first `length` bytes. */
static bool parse_endpoint(const char *text, size_t length, struct target *target, const char **why)
{
    size_t host = length;
    in_port_t port = 0;

    while (host > 0 && text[host - 1] != ':' && text[host - 1] != ']') {
        host--;
    }
    if (host == 0 || text[host - 1] != ':') {
        *why = "names no port";
        return false;
    }
    if (!parse_port(text + host, length - host, &port)) {
        *why = "has a port that is not 1 to 65535";
        return false;
    }
    if (!parse_host(text, host - 1, target)) {
        *why = "needs an address in numbers, such as 127.0.0.1 or [::1], or localhost: names are not looked up";
        return false;
    }
    if (target->address.ss_family == AF_INET) {
        ((struct sockaddr_in *)&target->address)->sin_port = port;
    } else {
        ((struct sockaddr_in6 *)&target->address)->sin6_port = port;
    }
    return true;
}

/* "/path.sock:/request/path" */
static bool parse_unix(const char *text, struct target *target, const char **why)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&target->address;
    const char *separator = strstr(text, ":/");
    size_t length = separator == NULL ? strlen(text) : (size_t)(separator - text);

    if (separator == NULL) {
        *why = "names no path to ask for: unix:/socket:/path";
        return false;
    }
    if (length >= sizeof(address->sun_path)) {
        *why = "names a socket whose path is longer than 107 bytes";
        return false;
    }
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, text, length);
    address->sun_path[length] = '\0';
    if (!path_is_normal(address->sun_path, why)) {
        *why = "names a socket whose path is not absolute and normal";
        return false;
    }
    target->length = sizeof(*address);
    target->request = separator + 1;
    return true;
}

static bool parse_http(const char *text, struct target *target, const char **why)
{
    static const char scheme[] = "http://";

    if (starts_with(text, "unix:")) {
        if (!parse_unix(text + strlen("unix:"), target, why)) {
            return false;
        }
    } else if (starts_with(text, scheme)) {
        const char *endpoint = text + strlen(scheme);
        size_t length = strcspn(endpoint, "/");

        target->request = endpoint[length] == '\0' ? "/" : endpoint + length;
        if (!parse_endpoint(endpoint, length, target, why)) {
            return false;
        }
    } else {
        *why = "must be unix:/socket:/path or http://address:port/path";
        return false;
    }
    /* A blank or a newline would end the path and start something else. */
    for (const char *at = target->request; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            *why = "has a path with a blank or another character that HTTP wants escaped (%20)";
            return false;
        }
    }
    return true;
}

bool target_parse(enum check_kind kind, const char *text, struct target *target, const char **why)
{
    *target = (struct target){0};
    *why = NULL;
    if (strlen(text) > TARGET_LONGEST) {
        *why = "is longer than 1024 bytes";
        return false;
    }
    return kind == CHECK_HTTP ? parse_http(text, target, why) : parse_endpoint(text, strlen(text), target, why);
}

bool check_target_is_good(enum check_kind kind, const char *target, const char **why)
{
    struct target ignored;

    if (kind == CHECK_FILE || kind == CHECK_COMMAND) {
        return path_is_normal(target, why);
    }
    return target_parse(kind, target, &ignored, why);
}

/* The answer never changes as more bytes follow: three digits decide. */
int http_status(const char *bytes, size_t length)
{
    static const char form[] = "HTTP/1.0 ";
    size_t at = 0;
    int status = 0;

    for (; at < length && at < strlen(form); at++) {
        bool is_minor = form[at] == '0';

        if (is_minor ? bytes[at] < '0' || bytes[at] > '9' : bytes[at] != form[at]) {
            return -1;
        }
    }
    while (at < length && bytes[at] == ' ') {
        at++;
    }
    for (int digit = 0; digit < 3; digit++, at++) {
        if (at >= length) {
            return 0;
        }
        if (bytes[at] < '0' || bytes[at] > '9') {
            return -1;
        }
        status = status * 10 + (bytes[at] - '0');
    }
    return status >= 100 && status <= 599 ? status : -1;
}
