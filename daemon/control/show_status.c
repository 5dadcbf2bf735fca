/* SPDX-License-Identifier: Apache-2.0 */
#include "control/show_status.h"

#include "base/clock.h"
#include "base/util.h"
#include "control/colour.h"

static const char *get_string(const cJSON *object, const char *key)
{
    const char *string = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return string == NULL ? "" : string;
}

static double get_number(const cJSON *object, const char *key)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(object, key);

    return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

static void show_resources(const cJSON *status, bool colour, struct text *out)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(status, "resources");
    const cJSON *item = NULL;
    size_t good = 0;
    size_t all = 0;

    cJSON_ArrayForEach(item, list)
    {
        const char *action = get_string(item, "action");
        CLEANUP_FREE char *rest = NULL;

        all++;
        if (streq(action, "none")) {
            good++;
            continue;
        }
        if (get_string(item, "blocked_by")[0] != '\0') {
            rest = xasprintf("blocked by %s", get_string(item, "blocked_by"));
        } else {
            rest = xasprintf("%s%s%s%s", get_string(item, "reason"), get_string(item, "remedy")[0] == '\0' ? "" : "; ",
                             get_string(item, "remedy"), get_string(item, "detail"));
        }
        colour_add_line(out, colour, streq(action, "impossible") ? COLOUR_RED : COLOUR_YELLOW,
                        streq(action, "impossible") ? '!' : '~', get_string(item, "name"),
                        rest[0] == '\0' ? "not in place" : rest);
    }
    text_format(out, "resources: %zu of %zu in place%s\n", good, all,
                cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(status, "applying")) ? ", applying" : "");
}

/* What its profile found: what to do, and what brings the next start. */
static void show_verdict(const cJSON *item, const cJSON *waits, struct text *out)
{
    const cJSON *wait = NULL;
    const char *between = "waits for ";

    if (get_string(item, "remedy")[0] != '\0') {
        text_format(out, "    remedy: %s\n", get_string(item, "remedy"));
    }
    if (waits == NULL || waits->child == NULL) {
        return;
    }
    text_add(out, "    ");
    cJSON_ArrayForEach(wait, waits)
    {
        text_format(out, "%s%s", between, wait->valuestring == NULL ? "?" : wait->valuestring);
        between = " or ";
    }
    text_add(out, "\n");
}

static void show_services(const cJSON *status, bool colour, struct text *out)
{
    static const struct {
        const char *state;
        enum colour colour;
    } colours[] = {{"ready", COLOUR_GREEN},     {"starting", COLOUR_YELLOW}, {"waiting", COLOUR_YELLOW},
                   {"stopping", COLOUR_YELLOW}, {"delayed", COLOUR_RED},     {"blocked", COLOUR_RED},
                   {"parked", COLOUR_RED}};
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(status, "services"))
    {
        const char *state = get_string(item, "state");
        const cJSON *end = cJSON_GetObjectItemCaseSensitive(item, "last_end");
        const cJSON *alive = cJSON_GetObjectItemCaseSensitive(item, "alive");
        const cJSON *waits = cJSON_GetObjectItemCaseSensitive(item, "waits_for");
        CLEANUP_TEXT struct text line = {0};
        enum colour code = COLOUR_DIM;
        char took[32];

        for (size_t i = 0; i < ARRAY_SIZE(colours); i++) {
            code = streq(colours[i].state, state) ? colours[i].colour : code;
        }
        text_format(&line, "%-16s %-9s for %s", get_string(item, "name"), state,
                    text_show_duration((int64_t)get_number(item, "since_ms") * MICROSECONDS_PER_MILLISECOND, took,
                                       sizeof(took)));
        if (get_number(item, "pid") > 0) {
            text_format(&line, ", pid %.0f", get_number(item, "pid"));
        }
        text_format(&line, ", %.0f restarts", get_number(item, "restarts"));
        if (cJSON_GetObjectItemCaseSensitive(item, "next_try_ms") != NULL) {
            text_format(&line, ", next try in %s",
                        text_show_duration((int64_t)get_number(item, "next_try_ms") * MICROSECONDS_PER_MILLISECOND,
                                           took, sizeof(took)));
        }
        if (waits != NULL) {
            text_format(&line, ": %s: %s", get_string(item, "cause"), get_string(item, "reason"));
        } else if (get_string(item, "reason")[0] != '\0') {
            text_format(&line, ": %s", get_string(item, "reason"));
        } else if (get_number(item, "restarts") > 0 && end != NULL) {
            text_format(&line, ", last end: %s", get_string(end, "reason"));
        }
        if (get_string(item, "not_ready")[0] != '\0') {
            text_format(&line, ": %s", get_string(item, "not_ready"));
        }
        if (get_string(item, "says")[0] != '\0') {
            text_format(&line, " (\"%s\")", get_string(item, "says"));
        }
        if (get_string(alive, "reason")[0] != '\0') {
            text_format(&line, ", %.0f probes failed: %s", get_number(alive, "failed_in_a_row"),
                        get_string(alive, "reason"));
        }
        colour_add(out, colour, code, text_string(&line));
        text_add(out, "\n");
        if (get_string(item, "insecure_tcp")[0] != '\0') {
            CLEANUP_FREE char *warning = xasprintf("    insecure: %s makes everybody root who reaches that port",
                                                   get_string(item, "insecure_tcp"));

            colour_add(out, colour, COLOUR_RED, warning);
            text_add(out, "\n");
        }
        show_verdict(item, waits, out);
        if (get_string(item, "explanation")[0] != '\0') {
            text_format(out, "    why: %s\n", get_string(item, "explanation"));
        }
    }
}

/* The last line: how the board is as a node. */
static void show_node(const cJSON *status, bool colour, struct text *out)
{
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(status, "node");
    const char *state = get_string(node, "state");
    CLEANUP_FREE char *line = xasprintf("node %s: %s", get_string(node, "name"), get_string(node, "text"));

    if (node != NULL) {
        colour_add(out, colour,
                   streq(state, "ready")                                ? COLOUR_GREEN
                   : streq(state, "down") || streq(state, "not-joined") ? COLOUR_RED
                                                                        : COLOUR_YELLOW,
                   line);
        text_add(out, "\n");
    }
}

void show_status(const cJSON *status, bool colour, struct text *out)
{
    const cJSON *daemon = cJSON_GetObjectItemCaseSensitive(status, "daemon");
    char took[32];

    if (get_string(status, "manifest_refused")[0] != '\0') {
        colour_add(out, colour, COLOUR_RED, "the manifest has changed, and is refused:");
        text_format(out, "\n%s", get_string(status, "manifest_refused"));
    } else {
        show_resources(status, colour, out);
    }
    show_services(status, colour, out);
    text_format(out, "edgeinit: pid %.0f, up %s\n", get_number(daemon, "pid"),
                text_show_duration((int64_t)get_number(daemon, "uptime_ms") * MICROSECONDS_PER_MILLISECOND, took,
                                   sizeof(took)));
    show_node(status, colour, out);
}
