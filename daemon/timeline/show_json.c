/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "timeline/show.h"

static void add_number(cJSON *object, const char *key, int64_t number)
{
    cJSON_AddNumberToObject(object, key, (double)number);
}

static void add_text(cJSON *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        cJSON_AddStringToObject(object, key, text);
    }
}

static cJSON *spans_json(const struct item *item)
{
    cJSON *spans = cJSON_CreateArray();

    for (size_t i = 0; i < item->span_count; i++) {
        cJSON *span = cJSON_CreateObject();

        cJSON_AddStringToObject(span, "kind", span_kind_name(item->spans[i].kind));
        cJSON_AddStringToObject(span, "label", item->spans[i].label);
        add_text(span, "detail", item->spans[i].detail);
        add_number(span, "from_us", item->spans[i].from);
        add_number(span, "to_us", item->spans[i].to);
        cJSON_AddItemToArray(spans, span);
    }
    return spans;
}

static cJSON *needs_json(const struct boot *boot, const struct item *item)
{
    cJSON *needs = cJSON_CreateArray();

    for (size_t i = 0; i < item->need_count; i++) {
        cJSON_AddItemToArray(needs, cJSON_CreateString(boot->items[item->needs[i]].name));
    }
    return needs;
}

static void add_resource(cJSON *object, const struct item *item)
{
    cJSON_AddBoolToObject(object, "in_worker", item->in_worker);
    add_number(object, "verified_us", item->told);
    add_number(object, "waited_us", item->waited);
    add_number(object, "probed_us", item->probed);
    add_number(object, "applied_us", item->applied);
    add_number(object, "cpu_user_us", item->user);
    add_number(object, "cpu_system_us", item->system);
}

static void add_service(cJSON *object, const struct item *item)
{
    add_text(object, "cause", item->cause);
    if (item->executed > 0) {
        add_number(object, "executed_us", item->executed);
    }
    if (!item->open || item->told < item->ended) {
        add_number(object, "first_ready_us", item->told);
    }
    add_number(object, "restarts", item->restarts);
}

static cJSON *item_json(const struct show *show, size_t index)
{
    const struct item *item = &show->boot->items[index];
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "name", item->name);
    cJSON_AddStringToObject(object, "kind", item_kind_name(item->kind));
    add_text(object, "state", item->state);
    add_text(object, "detail", item->detail);
    cJSON_AddBoolToObject(object, "done", !item->open && !item->failed);
    cJSON_AddBoolToObject(object, "critical", critical_has(show->critical, index));
    add_number(object, "possible_us", item->possible);
    add_number(object, "began_us", item->began);
    add_number(object, "ended_us", item->ended);
    if (item->kind == ITEM_RESOURCE) {
        add_resource(object, item);
    } else if (item->kind == ITEM_SERVICE) {
        add_service(object, item);
    }
    cJSON_AddItemToObject(object, "needs", needs_json(show->boot, item));
    cJSON_AddItemToObject(object, "spans", spans_json(item));
    return object;
}

static cJSON *steps_json(const struct show *show)
{
    cJSON *steps = cJSON_CreateArray();

    for (size_t i = 0; i < show->critical->count; i++) {
        const struct step *step = &show->critical->steps[i];
        const struct item *item = &show->boot->items[step->item];
        const struct span *span = picture_main_span(item, step->from, step->to);
        cJSON *object = cJSON_CreateObject();
        char explanation[256];

        cJSON_AddStringToObject(object, "name", item->name);
        add_number(object, "from_us", step->from);
        add_number(object, "to_us", step->to);
        cJSON_AddStringToObject(object, "reason", step_reason_name(step->reason));
        add_text(object, "explanation", picture_explain(span, explanation, sizeof(explanation)));
        cJSON_AddItemToArray(steps, object);
    }
    return steps;
}

cJSON *show_timeline_json(const struct show *show)
{
    const struct boot *boot = show->boot;
    cJSON *document = cJSON_CreateObject();
    cJSON *items = cJSON_CreateArray();
    cJSON *spent = cJSON_CreateObject();
    cJSON *cpu = cJSON_CreateObject();
    cJSON *restarts = cJSON_CreateArray();

    add_number(document, "boot", (int64_t)show->number);
    cJSON_AddStringToObject(document, "boot_id", boot->id);
    cJSON_AddBoolToObject(document, "ready", boot->ready);
    cJSON_AddBoolToObject(document, "under_way", boot->live);
    add_number(document, "wall_us", boot->wall - boot->wall_at);
    add_number(document, "edgeinit_us", boot->process);
    add_number(document, "end_us", boot->end);
    cJSON_AddItemToObject(document, "spent_us", spent);
    for (size_t kind = 0; kind < SPANS; kind++) {
        if (kind != SPAN_HELD && kind != SPAN_TURN) {
            add_number(spent, span_kind_name((enum span_kind)kind), show->critical->spent[kind]);
        }
    }
    cJSON_AddItemToObject(document, "cpu_us", cpu);
    add_number(cpu, "daemon_user", boot->daemon_user);
    add_number(cpu, "daemon_system", boot->daemon_system);
    add_number(cpu, "apply_user", boot->apply_user);
    add_number(cpu, "apply_system", boot->apply_system);
    cJSON_AddItemToObject(document, "daemon_restarts_us", restarts);
    for (size_t i = 0; i < boot->restart_count; i++) {
        cJSON_AddItemToArray(restarts, cJSON_CreateNumber((double)boot->restarts[i].at));
    }
    add_number(document, "damaged_records", (int64_t)boot->damaged);
    cJSON_AddItemToObject(document, "critical_path", steps_json(show));
    cJSON_AddItemToObject(document, "items", items);
    for (size_t i = 0; i < boot->count; i++) {
        cJSON_AddItemToArray(items, item_json(show, i));
    }
    return document;
}

cJSON *show_comparison_json(const struct comparison *comparison, size_t before, size_t after)
{
    cJSON *document = cJSON_CreateObject();
    cJSON *differences = cJSON_CreateArray();

    add_number(document, "before", (int64_t)before);
    add_number(document, "after", (int64_t)after);
    add_number(document, "before_us", comparison->before);
    add_number(document, "after_us", comparison->after);
    cJSON_AddBoolToObject(document, "slower", comparison->slower);
    cJSON_AddItemToObject(document, "differences", differences);
    for (size_t i = 0; i < comparison->count; i++) {
        const struct difference *difference = &comparison->differences[i];
        cJSON *object = cJSON_CreateObject();

        cJSON_AddStringToObject(object, "name", difference->name);
        cJSON_AddStringToObject(object, "difference", difference_name(difference->kind));
        add_number(object, "before_us", difference->before);
        add_number(object, "after_us", difference->after);
        cJSON_AddStringToObject(object, "mostly", span_kind_name(difference->most));
        cJSON_AddItemToArray(differences, object);
    }
    return document;
}
