/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/waking.h"

#include <assert.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "host/facts.h"
#include "supervise/supervisor.h"

#define MOST_PRINTS 64
#define RETRY (10 * MICROSECONDS_PER_SECOND) /* when the kernel refuses what is needed to be told */

struct waking {
    struct service *service;
    const struct judgement *judgement;
    struct conditions conditions;
    struct loop_timer wake;  /* the service is woken from the loop, never from within a step of its machine */
    struct loop_timer retry; /* some source could not be opened */
    bool held[JUDGEMENT_WAKES];
    uint64_t prints[MOST_PRINTS]; /* of the network as it was seen last */
    size_t print_count;
};

/* How each kind is watched for, as a condition; and whether that condition is itself the wake, a level. */
static const struct {
    bool watched;
    bool level;
    enum condition_kind kind;
    const char *value; /* NULL: the wake's own */
} sources[] = {
    [WAKE_NONE] = {.watched = false},
    [WAKE_ROUTE] = {.watched = true, .level = true, .kind = CONDITION_ROUTE},
    [WAKE_ADDRESS] = {.watched = true, .level = true, .kind = CONDITION_ADDRESS},
    [WAKE_CLOCK] = {.watched = true, .level = true, .kind = CONDITION_CLOCK},
    [WAKE_FILE] = {.watched = true, .level = true, .kind = CONDITION_FILE},
    [WAKE_MOUNT] = {.watched = true, .level = true, .kind = CONDITION_MOUNT},
    [WAKE_FILE_CHANGED] = {.watched = true, .kind = CONDITION_FILE},
    [WAKE_NETWORK_CHANGED] = {.watched = true, .kind = CONDITION_ROUTE, .value = "default"},
    /* A day that has come: its timer ends only when the clock is set. */
    [WAKE_CLOCK_CHANGED] = {.watched = true, .kind = CONDITION_CLOCK, .value = "1970-01-01"},
    [WAKE_SERVICE_READY] = {.watched = false},
};
static_assert(ARRAY_SIZE(sources) == WAKE_KINDS, "a row for each kind of wake");

static bool make_condition(const struct wake *wake, struct condition_config *condition)
{
    const char *value = sources[wake->kind].value;
    const char *why = NULL;

    *condition =
        (struct condition_config){.kind = sources[wake->kind].kind, .value = value == NULL ? wake->value : value};
    return condition_value_is_good(condition->kind, condition->value, &condition->clock, &why);
}

static bool level_holds(const struct wake *wake)
{
    struct condition_config condition;
    char ignored[160];

    return make_condition(wake, &condition) && condition_holds(&condition, ignored, sizeof(ignored));
}

void waking_note(struct judgement *judgement, bool *holds)
{
    struct judgement noted = *judgement;
    bool has_suspect = judgement->suspect[0] == '\0';
    size_t count = 0;

    *holds = false;
    memset(noted.wakes, 0, sizeof(noted.wakes));
    for (size_t i = 0; i < JUDGEMENT_WAKES && judgement->wakes[i].kind != WAKE_NONE; i++) {
        struct wake wake = judgement->wakes[i];
        struct condition_config condition;

        if (sources[wake.kind].watched && !make_condition(&wake, &condition)) {
            log_error("nobody can wait for \"%s\"", wake.value);
            noted.again_after = noted.again_after == 0 ? 60000 : noted.again_after;
            continue;
        }
        if (sources[wake.kind].level) {
            wake.stamp[0] = level_holds(&wake);
            *holds |= wake.stamp[0] != 0;
        }
        has_suspect |= wake.kind == WAKE_SERVICE_READY && streq(wake.value, judgement->suspect);
        noted.wakes[count++] = wake;
    }
    if (!has_suspect) {
        judgement_wake(&noted, WAKE_SERVICE_READY, judgement->suspect);
    }
    *judgement = noted;
}

/* Something came that was not there when we looked last. What went may come back, and is forgotten. */
static bool network_came(struct waking *waking)
{
    uint64_t prints[MOST_PRINTS];
    size_t count = facts_network_prints(prints, MOST_PRINTS);
    bool came = false;

    for (size_t i = 0; i < count; i++) {
        bool known = false;

        for (size_t j = 0; j < waking->print_count && !known; j++) {
            known = waking->prints[j] == prints[i];
        }
        came |= !known;
    }
    memcpy(waking->prints, prints, count * sizeof(prints[0]));
    waking->print_count = count;
    return came;
}

static bool service_became_ready(const struct waking *waking, const struct wake *wake)
{
    const struct service *service = supervisor_find(waking->service->supervisor, wake->value);

    return service != NULL && service->machine.state == SERVICE_READY && service->machine.ready_at > wake->stamp[0];
}

static bool came(struct waking *waking, size_t index)
{
    const struct wake *wake = &waking->judgement->wakes[index];
    bool before = waking->held[index];

    if (sources[wake->kind].level) {
        waking->held[index] = level_holds(wake);
        return waking->held[index] && !before;
    }
    switch (wake->kind) {
        case WAKE_NETWORK_CHANGED:
            return network_came(waking);
        case WAKE_SERVICE_READY:
            return service_became_ready(waking, wake);
        default:
            return judgement_edge_came(wake);
    }
}

static void wake_service(void *data)
{
    running_event(((struct waking *)data)->service, EVENT_WAKE, CAUSE_NONE, NULL); /* the waking is gone then */
}

static void wake(struct waking *waking, size_t index)
{
    char text[JUDGEMENT_VALUE + 32];

    log_info("%s: has waited for %s", waking->service->config->name,
             judgement_wake_text(&waking->judgement->wakes[index], text, sizeof(text)));
    loop_timer_set(waking->conditions.loop, &waking->wake, clock_now(), wake_service, waking);
}

void waking_look(struct waking *waking)
{
    for (size_t i = 0; i < JUDGEMENT_WAKES && !waking->wake.armed; i++) {
        if (came(waking, i)) {
            wake(waking, i);
        }
    }
}

static void something_changed(void *data)
{
    waking_look(data);
}

static void watch(void *data)
{
    struct waking *waking = data;
    struct supervisor *supervisor = waking->service->supervisor;

    conditions_clear(&waking->conditions);
    for (size_t i = 0; i < JUDGEMENT_WAKES; i++) {
        const struct wake *wake = &waking->judgement->wakes[i];
        struct condition_config condition;
        struct error err = {0};
        char text[1024];

        if (sources[wake->kind].watched && make_condition(wake, &condition) &&
            conditions_add(&waking->conditions, &condition, 1, &err) != 0) {
            log_error("%s: %s; looking again every 10 s", waking->service->config->name,
                      error_text(&err, text, sizeof(text)));
            loop_timer_set(supervisor->loop, &waking->retry, clock_now() + RETRY, watch, waking);
        }
    }
    waking_look(waking);
}

/* What differs from the stamp came or went while nobody looked: which of them, nobody knows any more. */
static void look_at_network(struct waking *waking)
{
    for (size_t i = 0; i < JUDGEMENT_WAKES; i++) {
        if (waking->judgement->wakes[i].kind == WAKE_NETWORK_CHANGED && !waking->wake.armed) {
            waking->print_count = facts_network_prints(waking->prints, MOST_PRINTS);
            if (judgement_edge_came(&waking->judgement->wakes[i])) {
                wake(waking, i);
            }
        }
    }
}

struct waking *waking_begin(struct service *service)
{
    struct supervisor *supervisor = service->supervisor;
    struct waking *waking = xcalloc(1, sizeof(*waking));
    struct service *suspect = supervisor_find(supervisor, service->judgement->suspect);

    waking->service = service;
    waking->judgement = service->judgement;
    conditions_open(&waking->conditions, supervisor->loop, &supervisor->watcher, something_changed, waking);
    for (size_t i = 0; i < JUDGEMENT_WAKES; i++) {
        waking->held[i] = waking->judgement->wakes[i].stamp[0] != 0;
    }
    look_at_network(waking);
    watch(waking);
    if (suspect != NULL) {
        check_hurry(&suspect->alive);
    }
    return waking;
}

void waking_end(struct waking *waking)
{
    if (waking != NULL) {
        loop_timer_clear(waking->conditions.loop, &waking->wake);
        loop_timer_clear(waking->conditions.loop, &waking->retry);
        conditions_close(&waking->conditions);
        free(waking);
    }
}
