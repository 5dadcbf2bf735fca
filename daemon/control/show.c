/* SPDX-License-Identifier: Apache-2.0 */
#include "control/show.h"

#include "base/clock.h"
#include "base/util.h"

#define NAME_WIDTH 44

enum colour { COLOUR_NONE, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED, COLOUR_DIM, COLOURS };

static const char *const colour_codes[COLOURS] = {
    [COLOUR_NONE] = "",        [COLOUR_GREEN] = "\033[32m", [COLOUR_YELLOW] = "\033[33m",
    [COLOUR_RED] = "\033[31m", [COLOUR_DIM] = "\033[2m",
};

static const struct {
    const char *word;
    enum colour colour;
    char mark;
} actions[ACTIONS] = {
    [ACTION_NONE] = {"none", COLOUR_DIM, '='},
    [ACTION_CREATE] = {"create", COLOUR_GREEN, '+'},
    [ACTION_CHANGE] = {"change", COLOUR_YELLOW, '~'},
    [ACTION_IMPOSSIBLE] = {"impossible", COLOUR_RED, '!'},
};

static const struct {
    const char *word;
    enum colour colour;
    char mark;
} states[STATES] = {
    [STATE_PENDING] = {"pending", COLOUR_DIM, ' '},    [STATE_RUNNING] = {"running", COLOUR_DIM, '.'},
    [STATE_WAITING] = {"waiting", COLOUR_YELLOW, '.'}, [STATE_IN_PLACE] = {"in place", COLOUR_DIM, '='},
    [STATE_APPLIED] = {"applied", COLOUR_GREEN, '+'},  [STATE_FAILED] = {"failed", COLOUR_RED, '!'},
    [STATE_BLOCKED] = {"blocked", COLOUR_RED, '!'},
};

bool show_wants_colour(int fd)
{
    const char *off = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return (off == NULL || off[0] == '\0') && terminal != NULL && !streq(terminal, "dumb") && isatty(fd) == 1;
}

const char *show_state_word(enum plan_state state)
{
    return states[state].word;
}

static void add_coloured(struct text *out, bool colour, enum colour code, const char *string)
{
    bool plain = !colour || code == COLOUR_NONE;

    text_format(out, "%s%s%s", plain ? "" : colour_codes[code], string, plain ? "" : "\033[0m");
}

static void add_line(struct text *out, bool colour, enum colour code, char mark, const char *name, const char *rest)
{
    CLEANUP_FREE char *line =
        rest[0] == '\0' ? xasprintf("%c %s", mark, name) : xasprintf("%c %-*s %s", mark, NAME_WIDTH, name, rest);

    add_coloured(out, colour, code, line);
    text_add(out, "\n");
}

/* Why an entry is impossible, failed or blocked: reason and remedy in one. Free it. */
static char *explain(const struct plan *plan, const struct plan_entry *entry)
{
    const struct plan_entry *blocker = &plan->entries[entry->blocker];
    char text[1024];

    if (blocker != entry) {
        return xasprintf("blocked by %s", blocker->resource->name);
    }
    return xstrdup(entry->resource->error == NULL ? "" : error_text(entry->resource->error, text, sizeof(text)));
}

void show_plan_entry(const struct plan *plan, const struct plan_entry *entry, bool colour, struct text *out)
{
    const struct resource *resource = entry->resource;
    CLEANUP_FREE char *rest = NULL;

    if (entry->action == ACTION_IMPOSSIBLE) {
        rest = explain(plan, entry);
    } else {
        rest = resource->detail == NULL ? xstrdup("") : xasprintf("(%s)", resource->detail);
    }
    add_line(out, colour, actions[entry->action].colour, actions[entry->action].mark, resource->name, rest);
}

void show_apply_entry(const struct plan *plan, const struct plan_entry *entry, bool colour, struct text *out)
{
    const struct resource *resource = entry->resource;
    CLEANUP_FREE char *rest = NULL;
    char took[32];

    switch (entry->state) {
        case STATE_RUNNING:
            if (entry->elapsed < MICROSECONDS_PER_SECOND) {
                return;
            }
            rest = xstrdup("takes long: the device or the module has not answered yet");
            break;
        case STATE_WAITING:
            rest = xasprintf("waiting: %s", resource->detail != NULL  ? resource->detail
                                            : resource->error != NULL ? resource->error->what
                                                                      : "not there yet");
            break;
        case STATE_APPLIED:
            rest = xasprintf("%8s", text_show_duration(entry->elapsed, took, sizeof(took)));
            break;
        case STATE_FAILED:
        case STATE_BLOCKED:
            rest = explain(plan, entry);
            break;
        default:
            return;
    }
    add_line(out, colour, states[entry->state].colour, states[entry->state].mark, resource->name, rest);
}

static void count_actions(const struct plan *plan, size_t counts[ACTIONS])
{
    for (size_t i = 0; i < plan->count; i++) {
        counts[plan->entries[i].action]++;
    }
}

static void count_states(const struct plan *plan, size_t counts[STATES])
{
    for (size_t i = 0; i < plan->count; i++) {
        counts[plan->entries[i].state]++;
    }
}

void show_plan_summary(const struct plan *plan, bool colour, struct text *out)
{
    size_t counts[ACTIONS] = {0};
    CLEANUP_TEXT struct text line = {0};

    count_actions(plan, counts);
    text_format(&line, "plan: %zu to create, %zu to change, %zu in place, %zu impossible", counts[ACTION_CREATE],
                counts[ACTION_CHANGE], counts[ACTION_NONE], counts[ACTION_IMPOSSIBLE]);
    add_coloured(out, colour, counts[ACTION_IMPOSSIBLE] > 0 ? COLOUR_RED : COLOUR_NONE, text_string(&line));
    text_add(out, "\n");
}

void show_apply_summary(const struct plan *plan, int64_t elapsed, bool colour, struct text *out)
{
    size_t counts[STATES] = {0};
    CLEANUP_TEXT struct text line = {0};
    char took[32];
    bool bad;

    count_states(plan, counts);
    bad = counts[STATE_FAILED] + counts[STATE_BLOCKED] > 0;
    text_format(&line, "apply: %zu done, %zu in place, %zu failed, %zu blocked, in %s", counts[STATE_APPLIED],
                counts[STATE_IN_PLACE], counts[STATE_FAILED], counts[STATE_BLOCKED],
                text_show_duration(elapsed, took, sizeof(took)));
    add_coloured(out, colour, bad ? COLOUR_RED : COLOUR_NONE, text_string(&line));
    text_add(out, "\n");
}

static void add_text(cJSON *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        cJSON_AddStringToObject(object, key, text);
    }
}

/* What both JSON forms say of a resource. */
static cJSON *resource_json(const struct plan *plan, const struct plan_entry *entry, bool bad)
{
    const struct resource *resource = entry->resource;
    cJSON *item = cJSON_CreateObject();
    cJSON *needs = cJSON_AddArrayToObject(item, "needs");
    char reason[1024];

    cJSON_AddStringToObject(item, "name", resource->name);
    cJSON_AddStringToObject(item, "kind", resource->kind->name);
    add_text(item, "path", resource->path);
    for (size_t i = 0; i < entry->need_count; i++) {
        cJSON_AddItemToArray(needs, cJSON_CreateString(plan->entries[entry->needs[i]].resource->name));
    }
    if (!bad) {
        add_text(item, "detail", resource->detail);
    } else if (&plan->entries[entry->blocker] != entry) {
        cJSON_AddStringToObject(item, "blocked_by", plan->entries[entry->blocker].resource->name);
    } else if (resource->error != NULL) {
        add_text(item, "reason", error_reason(resource->error, reason, sizeof(reason)));
        add_text(item, "remedy", resource->error->remedy);
    }
    return item;
}

cJSON *show_plan_json(const struct plan *plan)
{
    cJSON *document = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(document, "resources");
    cJSON *summary = cJSON_AddObjectToObject(document, "summary");
    size_t counts[ACTIONS] = {0};

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[plan->order[i]];
        cJSON *item = resource_json(plan, entry, entry->action == ACTION_IMPOSSIBLE);

        cJSON_AddStringToObject(item, "action", actions[entry->action].word);
        cJSON_AddItemToArray(list, item);
    }
    count_actions(plan, counts);
    for (size_t i = 0; i < ACTIONS; i++) {
        cJSON_AddNumberToObject(summary, actions[i].word, (double)counts[i]);
    }
    return document;
}

cJSON *show_apply_json(const struct plan *plan, int64_t elapsed)
{
    cJSON *document = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(document, "resources");
    cJSON *summary = cJSON_AddObjectToObject(document, "summary");
    size_t counts[STATES] = {0};

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[plan->order[i]];
        cJSON *item = resource_json(plan, entry, entry->state == STATE_FAILED || entry->state == STATE_BLOCKED);

        cJSON_AddStringToObject(item, "state", states[entry->state].word);
        cJSON_AddNumberToObject(item, "elapsed_us", (double)entry->elapsed);
        cJSON_AddItemToArray(list, item);
    }
    count_states(plan, counts);
    for (size_t i = STATE_IN_PLACE; i < STATES; i++) {
        cJSON_AddNumberToObject(summary, states[i].word, (double)counts[i]);
    }
    cJSON_AddNumberToObject(summary, "elapsed_us", (double)elapsed);
    return document;
}

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
        add_line(out, colour, streq(action, "impossible") ? COLOUR_RED : COLOUR_YELLOW,
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
        add_coloured(out, colour, code, text_string(&line));
        text_add(out, "\n");
        if (get_string(item, "insecure_tcp")[0] != '\0') {
            CLEANUP_FREE char *warning = xasprintf("    insecure: %s makes everybody root who reaches that port",
                                                   get_string(item, "insecure_tcp"));

            add_coloured(out, colour, COLOUR_RED, warning);
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
        add_coloured(out, colour,
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
        add_coloured(out, colour, COLOUR_RED, "the manifest has changed, and is refused:");
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
