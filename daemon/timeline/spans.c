/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline/spans.h"

#include <assert.h>

#include "base/util.h"

static const char *const span_names[] = {
    [SPAN_BEFORE] = "before", [SPAN_HELD] = "held",   [SPAN_TURN] = "turn",       [SPAN_OUTSIDE] = "outside",
    [SPAN_WORK] = "edgeinit", [SPAN_START] = "start", [SPAN_TROUBLE] = "trouble",
};
static_assert(ARRAY_SIZE(span_names) == SPANS, "a word for each kind");

const char *span_kind_name(enum span_kind kind)
{
    return span_names[kind];
}

int64_t spans_clamp(int64_t time, int64_t least, int64_t most)
{
    time = time > most ? most : time;
    return time < least ? least : time;
}

void spans_add(struct item *item, enum span_kind kind, int64_t from, int64_t to, const char *label)
{
    int64_t least = item->span_count == 0 ? from : item->spans[item->span_count - 1].to;

    from = from < least ? least : from;
    if (to > from) {
        item->spans = xrealloc(item->spans, (item->span_count + 1) * sizeof(*item->spans));
        item->spans[item->span_count++] = (struct span){.kind = kind, .from = from, .to = to, .label = label};
    }
}

int64_t item_time(const struct item *item, enum span_kind kind, int64_t from, int64_t to)
{
    int64_t sum = 0;

    for (size_t i = 0; i < item->span_count; i++) {
        int64_t first = item->spans[i].from > from ? item->spans[i].from : from;
        int64_t last = item->spans[i].to < to ? item->spans[i].to : to;

        sum += item->spans[i].kind == kind && last > first ? last - first : 0;
    }
    return sum;
}

void history_free(struct history *history)
{
    for (size_t i = 0; i < history->event_count; i++) {
        free(history->events[i].detail);
    }
    free(history->events);
}

void history_detail(struct history *history, struct item *item, int64_t at, char *detail)
{
    char **place = &item->detail;

    if (history->event_count > 0) {
        place = &history->events[history->event_count - 1].detail;
    } else if (!history->settled && history->waits_since == 0) {
        history->waits_since = at;
    }
    free(*place);
    *place = detail;
}

/* Resources. */

static bool is_good(const char *state)
{
    return streq(state, "in place") || streq(state, "applied");
}

void history_resource(struct history *history, struct item *item, const struct timeline_record *record, int64_t bringup)
{
    if (history->settled && is_good(item->state)) {
        return;
    }
    history->settled = true;
    history->bringup = bringup;
    snprintf(item->state, sizeof(item->state), "%s", record->resource.state);
    timeline_make_printable(item->state);
    item->began = record->resource.began;
    item->ended = record->resource.ended;
    item->told = record->at;
    item->waited = record->resource.waited;
    item->probed = record->resource.probed;
    item->applied = record->resource.applied;
    item->user = record->resource.user;
    item->system = record->resource.system;
}

int64_t history_settle_resource(const struct history *history, struct item *item, int64_t end)
{
    int64_t waits_since = history->waits_since;
    int64_t waited_until;

    item->open = !history->settled;
    item->failed = history->settled && !is_good(item->state);
    if (item->open) {
        item->ended = item->told = end;
        item->began = waits_since == 0 ? end : waits_since;
        item->waited = 0;
    }
    item->told = spans_clamp(item->told, 0, end);
    item->ended = item->ended == 0 ? item->told : spans_clamp(item->ended, 0, item->told);
    item->began = item->began == 0 ? item->ended : spans_clamp(item->began, 0, item->ended);
    waited_until = spans_clamp(item->began + item->waited, item->began, item->ended);
    /* An earlier worker, killed meanwhile, had waited for it, too. */
    if (waits_since > 0 && (waits_since < item->began || item->open)) {
        item->began = spans_clamp(waits_since, 0, item->began);
        waited_until = item->open ? item->ended : waited_until;
    }
    spans_add(item, SPAN_OUTSIDE, item->began, waited_until, "waiting");
    if (item->span_count > 0 && item->detail != NULL) {
        item->spans[0].detail = xstrdup(item->detail);
    }
    spans_add(item, SPAN_WORK, waited_until, item->ended, "applying");
    spans_add(item, SPAN_TURN, item->ended, item->told, "to be verified");
    return history->bringup > item->began ? 0 : history->bringup;
}

/* Services. */

enum meaning {
    MEANS_SPAN,    /* a span of its kind */
    MEANS_WAITING, /* its cause says for whom */
    MEANS_STARTING,
    MEANS_UP,
    MEANS_OVER, /* not up, and not to be */
};

static const struct {
    const char *state;
    enum meaning meaning;
    enum span_kind kind;
} meanings[] = {
    {"waiting", MEANS_WAITING, SPAN_HELD},  {"blocked", MEANS_SPAN, SPAN_HELD},
    {"parked", MEANS_SPAN, SPAN_TROUBLE},   {"starting", MEANS_STARTING, SPAN_START},
    {"ready", MEANS_UP, SPAN_START},        {"delayed", MEANS_SPAN, SPAN_TROUBLE},
    {"stopping", MEANS_SPAN, SPAN_TROUBLE}, {"stopped", MEANS_OVER, SPAN_TROUBLE},
    {"finished", MEANS_OVER, SPAN_START},
};

/* For whom it waits. Any other cause, also one that is not known here, is a fact outside. */
static const struct {
    const char *cause;
    enum span_kind kind;
} waits[] = {
    {"resources", SPAN_HELD}, {"after", SPAN_HELD},      {"remains", SPAN_HELD},   {"blocked", SPAN_HELD},
    {"preparing", SPAN_WORK}, {"judging", SPAN_TROUBLE}, {"judged", SPAN_TROUBLE},
};

static enum meaning meaning_of(const struct service_event *event, enum span_kind *kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
        if (streq(event->state, meanings[i].state)) {
            *kind = meanings[i].kind;
            return meanings[i].meaning;
        }
    }
    *kind = SPAN_WORK;
    return MEANS_SPAN;
}

void history_service(struct history *history, const struct timeline_record *record)
{
    struct service_event *event;

    history->events = xrealloc(history->events, (history->event_count + 1) * sizeof(*history->events));
    event = &history->events[history->event_count++];
    *event = (struct service_event){
        .at = record->at,
        .executed = record->service.executed,
        .instance = record->service.instance,
        .restarts = record->service.restarts,
    };
    memcpy(event->state, record->service.state, sizeof(event->state));
    memcpy(event->cause, record->service.cause, sizeof(event->cause));
    timeline_make_printable(event->state);
    timeline_make_printable(event->cause);
}

static enum span_kind kind_of_waiting(const struct service_event *event)
{
    for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
        if (streq(event->cause, waits[i].cause)) {
            return waits[i].kind;
        }
    }
    return SPAN_OUTSIDE;
}

/* The name of a state that lives as long as the program; one that this version does not know is told by its cause. */
static const char *label_of(const struct service_event *event)
{
    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
        if (streq(event->state, meanings[i].state)) {
            return meanings[i].state;
        }
    }
    return "another state";
}

static void add_event_span(struct item *item, enum span_kind kind, int64_t from, int64_t to,
                           const struct service_event *event, const char *label)
{
    size_t before = item->span_count;

    spans_add(item, kind, from, to, label);
    if (item->span_count > before) {
        bool known = !streq(label, "another state");
        const char *about = known ? event->cause : event->state;
        const char *detail = event->detail == NULL ? "" : event->detail;
        bool silent = streq(about, "none") || about[0] == '\0';

        if (!silent || detail[0] != '\0') {
            item->spans[before].detail =
                xasprintf("%s%s%s", silent ? "" : about, silent || detail[0] == '\0' ? "" : ": ", detail);
        }
    }
}

/* The event and all until the next of another instance or state: an attempt that did not lead to "ready" was trouble. */
static void add_start(struct item *item, const struct service_event *event, const struct service_event *next,
                      int64_t from, int64_t to)
{
    enum span_kind ignored = SPAN_START;
    enum meaning then = next == NULL ? MEANS_UP : meaning_of(next, &ignored);
    bool failed =
        then != MEANS_UP && then != MEANS_OVER && !(then == MEANS_STARTING && next->instance == event->instance);
    int64_t executed = event->executed;

    if (executed == 0 && next != NULL && next->instance == event->instance) {
        executed = next->executed;
    }
    executed = executed == 0 ? to : spans_clamp(executed, from, to);
    if (failed) {
        add_event_span(item, SPAN_TROUBLE, from, to, next, "failed attempt");
        return;
    }
    add_event_span(item, SPAN_WORK, from, executed, event, "keeper");
    add_event_span(item, SPAN_START, executed, to, event, "starting");
    item->executed = executed;
}

void history_settle_service(const struct history *history, struct item *item, int64_t end)
{
    int64_t from = history->event_count == 0 ? end : spans_clamp(history->events[0].at, 0, end);
    bool begun = false;

    item->began = from;
    for (size_t i = 0; i < history->event_count; i++) {
        const struct service_event *event = &history->events[i];
        const struct service_event *next = i + 1 < history->event_count ? event + 1 : NULL;
        int64_t to = next == NULL ? end : spans_clamp(next->at, from, end);
        enum span_kind kind = SPAN_WORK;
        enum meaning meaning = meaning_of(event, &kind);

        if (meaning == MEANS_WAITING) {
            kind = kind_of_waiting(event);
        }
        if (!begun && kind == SPAN_HELD) {
            item->began = to; /* what it waited for outside meanwhile did not matter */
        }
        begun |= kind != SPAN_HELD && kind != SPAN_OUTSIDE;
        if (meaning == MEANS_UP || meaning == MEANS_OVER) {
            item->told = item->told == 0 ? from : item->told;
            item->ended = from;
        } else if (meaning == MEANS_STARTING) {
            add_start(item, event, next, from, to);
        } else {
            add_event_span(item, kind, from, to, event, label_of(event));
        }
        item->open = meaning != MEANS_UP && meaning != MEANS_OVER;
        item->failed = streq(event->state, "blocked") || streq(event->state, "parked");
        item->restarts = event->restarts;
        snprintf(item->state, sizeof(item->state), "%s", event->state);
        snprintf(item->cause, sizeof(item->cause), "%s", event->cause);
        if (next == NULL && event->detail != NULL) {
            free(item->detail); /* of before its first event */
            item->detail = xstrdup(event->detail);
        }
        from = to;
    }
    if (item->open) {
        item->ended = end;
        item->told = item->told == 0 ? end : item->told;
    }
    item->began = item->began > item->told ? item->told : item->began;
}

void spans_complete(struct item *item)
{
    struct span *spans;

    /* It could, and had to wait for edgeinit: put in front. */
    if (item->kind != ITEM_RESOURCE || item->possible >= item->began) {
        return;
    }
    spans = xrealloc(item->spans, (item->span_count + 1) * sizeof(*spans));
    memmove(spans + 1, spans, item->span_count * sizeof(*spans));
    spans[0] = (struct span){.kind = SPAN_TURN, .from = item->possible, .to = item->began, .label = "until its turn"};
    item->spans = spans;
    item->span_count++;
}
