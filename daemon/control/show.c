/* SPDX-License-Identifier: Apache-2.0 */
#include "control/show.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/util.h"
#include "control/colour.h"

#define ELAPSED_WIDTH 8

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

const char *show_state_word(enum plan_state state)
{
    return states[state].word;
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
    colour_add_line(out, colour, actions[entry->action].colour, actions[entry->action].mark, resource->name, rest);
}

void show_apply_entry(const struct plan *plan, const struct plan_entry *entry, bool colour, struct text *out)
{
    const struct resource *resource = entry->resource;
    CLEANUP_FREE char *rest = NULL;
    char elapsed[40];
    char took[32];
    size_t length;
    size_t padding;

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
            text_show_duration(entry->elapsed, took, sizeof(took));
            length = strlen(took);
            padding = length < ELAPSED_WIDTH ? ELAPSED_WIDTH - length : 0;
            memset(elapsed, ' ', padding);
            memcpy(elapsed + padding, took, length + 1);
            break;
        case STATE_FAILED:
        case STATE_BLOCKED:
            rest = explain(plan, entry);
            break;
        default:
            return;
    }
    colour_add_line(out, colour, states[entry->state].colour, states[entry->state].mark, resource->name,
                    rest == NULL ? elapsed : rest);
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
    colour_add(out, colour, counts[ACTION_IMPOSSIBLE] > 0 ? COLOUR_RED : COLOUR_NONE, text_string(&line));
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
    colour_add(out, colour, bad ? COLOUR_RED : COLOUR_NONE, text_string(&line));
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
