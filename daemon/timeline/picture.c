/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <time.h>

#include "base/clock.h"
#include "base/util.h"
#include "timeline/show.h"

#define NOWHERE SIZE_MAX
#define LONGEST_BEFORE \
    (2 * 60 * MICROSECONDS_PER_SECOND) /* of a kernel and an init that come to edgeinit by themselves */
#define FIRST_YEAR 2020                /* an earlier wall clock is that of a board that does not know the time */

static const char *const kind_texts[] = {
    [SPAN_BEFORE] = "before edgeinit",
    [SPAN_HELD] = "held by others",
    [SPAN_TURN] = "its turn",
    [SPAN_OUTSIDE] = "waiting for a device or condition",
    [SPAN_WORK] = "edgeinit",
    [SPAN_START] = "programs starting",
    [SPAN_TROUBLE] = "failures and pauses",
};
static_assert(ARRAY_SIZE(kind_texts) == SPANS, "a text for each kind");

const char *span_kind_text(enum span_kind kind)
{
    return kind_texts[kind];
}

/* What a person would look for: what failed, waited, took part of the time, or is a service. */
static bool matters(const struct show *show, size_t index)
{
    const struct boot *boot = show->boot;
    const struct item *item = &boot->items[index];
    int64_t least = (boot->end - boot->process) / 100;

    if (item->kind == ITEM_PHASE) {
        return item->ended > item->began;
    }
    return show->all || item->kind == ITEM_SERVICE || item->failed || item->open || item->ended - item->began > least ||
           critical_time(show->critical, index) > least;
}

static int by_beginning(const void *a, const void *b)
{
    const struct row *first = a;
    const struct row *second = b;

    if (first->from != second->from) {
        return first->from < second->from ? -1 : 1;
    }
    return first->item == second->item ? 0 : (first->item > second->item) - (first->item < second->item);
}

static void add_row(const struct show *show, struct picture *picture, size_t index)
{
    const struct item *item = &show->boot->items[index];

    picture->rows[picture->row_count++] = (struct row){
        .item = index,
        .critical = critical_has(show->critical, index),
        .from = item->began,
        .to = item->ended > item->told ? item->ended : item->told,
        .took = item->ended - item->began,
    };
}

static void add_rest(const struct show *show, struct picture *picture)
{
    struct row row = {.item = NOWHERE, .from = INT64_MAX};

    for (size_t i = 0; i < picture->rest_count; i++) {
        const struct item *item = &show->boot->items[picture->rest[i]];

        row.from = item->began < row.from ? item->began : row.from;
        row.to = item->told > row.to ? item->told : row.to;
        row.took += item_time(item, SPAN_WORK, 0, INT64_MAX);
        row.critical |= critical_has(show->critical, picture->rest[i]);
    }
    if (picture->rest_count > 0) {
        picture->rows[picture->row_count++] = row;
    }
}

int64_t picture_tick(const struct picture *picture, int64_t most)
{
    int64_t range = picture->to - picture->from;

    static const int64_t steps[] = {1, 2, 5};

    for (int64_t power = 1; power < INT64_MAX / 100; power *= 10) {
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
            if (range / (power * steps[i]) < most) {
                return power * steps[i];
            }
        }
    }
    return INT64_MAX;
}

void picture_make(const struct show *show, struct picture *picture)
{
    const struct boot *boot = show->boot;
    int64_t own = boot->end - boot->process;

    *picture = (struct picture){
        .rows = xcalloc(boot->count + 1, sizeof(*picture->rows)),
        .rest = xcalloc(boot->count, sizeof(*picture->rest)),
        .to = boot->end,
        .cut = boot->process > LONGEST_BEFORE && boot->process > 4 * own,
    };
    if (picture->cut) {
        picture->from = boot->process - own / 10;
    }
    picture->to = picture->to > picture->from ? picture->to : picture->from + 1;
    for (size_t i = 0; i < boot->count; i++) {
        if (matters(show, i)) {
            add_row(show, picture, i);
        } else if (boot->items[i].kind != ITEM_PHASE) {
            picture->rest[picture->rest_count++] = i;
        }
    }
    add_rest(show, picture);
    qsort(picture->rows, picture->row_count, sizeof(*picture->rows), by_beginning);
}

void picture_free(struct picture *picture)
{
    free(picture->rows);
    free(picture->rest);
    *picture = (struct picture){0};
}

/* What did not fit was cut, perhaps within a character. */
static const char *end_whole(char *buffer)
{
    size_t length = strlen(buffer);
    size_t bad = 0;

    if (!text_is_utf8(buffer, length, &bad)) {
        buffer[bad] = '\0';
    }
    return buffer;
}

const char *picture_headline(const struct show *show, const struct picture *picture, char *buffer, size_t size)
{
    const struct boot *boot = show->boot;
    const char *whose = picture->cut ? "edgeinit's start" : "the kernel's start";
    char took[32];

    text_show_duration(picture->cut ? boot->end - boot->process : boot->end, took, sizeof(took));
    if (boot->ready) {
        snprintf(buffer, size, "Ready %s after %s", took, whose);
    } else {
        snprintf(buffer, size, "%s %s after %s", boot->live ? "Not ready yet," : "Was not ready", took, whose);
    }
    return buffer;
}

const char *picture_reason(const struct show *show, char *buffer, size_t size)
{
    const struct boot *boot = show->boot;
    const struct step *longest = NULL;
    char took[32];
    char explanation[160];

    buffer[0] = '\0';
    for (size_t i = 0; i < show->critical->count; i++) {
        const struct step *step = &show->critical->steps[i];

        if (step->item >= PHASE_MANIFEST && step->to > step->from &&
            (longest == NULL || step->to - step->from > longest->to - longest->from)) {
            longest = step;
        }
    }
    if (longest != NULL) {
        const struct item *item = &boot->items[longest->item];

        picture_explain(picture_main_span(item, longest->from, longest->to), explanation, sizeof(explanation));
        snprintf(buffer, size, "Longest step: %s, %s%s%s%s", item->name,
                 text_show_duration(longest->to - longest->from, took, sizeof(took)),
                 explanation[0] == '\0' ? "" : " (", explanation, explanation[0] == '\0' ? "" : ")");
    }
    return end_whole(buffer);
}

const char *picture_date(const struct boot *boot, char *buffer, size_t size)
{
    time_t seconds = (time_t)(boot->wall / MICROSECONDS_PER_SECOND);
    struct tm parts;

    if (localtime_r(&seconds, &parts) == NULL || parts.tm_year + 1900 < FIRST_YEAR ||
        strftime(buffer, size, "%Y-%m-%d %H:%M", &parts) == 0) {
        buffer[0] = '\0';
    }
    return buffer;
}

const struct span *picture_main_span(const struct item *item, int64_t from, int64_t to)
{
    const struct span *longest = NULL;
    int64_t most = 0;

    for (size_t i = 0; i < item->span_count; i++) {
        const struct span *span = &item->spans[i];
        int64_t first = span->from > from ? span->from : from;
        int64_t last = span->to < to ? span->to : to;

        if (last - first > most) {
            most = last - first;
            longest = span;
        }
    }
    return longest;
}

const char *picture_explain(const struct span *span, char *buffer, size_t size)
{
    if (span == NULL) {
        buffer[0] = '\0';
    } else {
        snprintf(buffer, size, "%s%s%s", span->label, span->detail == NULL ? "" : ": ",
                 span->detail == NULL ? "" : span->detail);
    }
    return end_whole(buffer);
}
