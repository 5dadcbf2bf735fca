/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline/critical.h"

#include <assert.h>

#include "base/util.h"

#define NOWHERE SIZE_MAX

static const char *const reason_names[] = {
    [STEP_FIRST] = "first", [STEP_PHASE] = "phase", [STEP_NEEDS] = "needs", [STEP_TURN] = "turn"};
static_assert(ARRAY_SIZE(reason_names) == STEP_REASONS, "a word for each reason");

const char *step_reason_name(enum step_reason reason)
{
    return reason_names[reason];
}

/* A step before `to`, and what it leads to. */
struct before {
    size_t item;
    int64_t at;
    enum step_reason reason;
};

static int64_t there_since(const struct boot *boot, const struct item *item, const struct item *need)
{
    if (need->open) {
        return boot->end;
    }
    return item->kind == ITEM_SERVICE ? need->told : need->ended;
}

/* What was there last of all that it needs, and was there when it began. */
static void look_at_needs(const struct boot *boot, const struct item *item, int64_t limit, struct before *before)
{
    for (size_t i = 0; i < item->need_count; i++) {
        int64_t since = there_since(boot, item, &boot->items[item->needs[i]]);

        if (since <= limit && (since > before->at || before->reason == STEP_PHASE)) {
            *before = (struct before){.item = item->needs[i], .at = since, .reason = STEP_NEEDS};
        }
    }
}

/* What edgeinit was busy with last in this time. */
static void look_at_turn(const struct boot *boot, size_t index, int64_t after, int64_t until, struct before *before)
{
    for (size_t i = 0; i < boot->count; i++) {
        const struct item *other = &boot->items[i];

        if (i != index && other->kind == ITEM_RESOURCE && !other->open && other->ended > after &&
            other->ended <= until && other->ended > before->at) {
            *before = (struct before){.item = i, .at = other->ended, .reason = STEP_TURN};
        }
    }
}

static struct before look_back(const struct boot *boot, size_t index, int64_t to)
{
    const struct item *item = &boot->items[index];
    struct before before = {.item = PHASE_DAEMON, .at = boot->items[PHASE_DAEMON].ended, .reason = STEP_PHASE};
    struct before turn = {.item = NOWHERE};
    int64_t limit = item->open ? to : item->began;

    if (item->kind == ITEM_PHASE) {
        before.reason = index == PHASE_KERNEL ? STEP_FIRST : STEP_PHASE;
        before.item = index == PHASE_KERNEL ? NOWHERE : index - 1;
        before.at = index == PHASE_KERNEL ? 0 : boot->items[index - 1].ended;
        return before;
    }
    if (item->kind == ITEM_RESOURCE && to > item->ended) {
        look_at_turn(boot, index, item->ended, to, &turn); /* it had to be verified */
        if (turn.item != NOWHERE) {
            return turn;
        }
    }
    look_at_needs(boot, item, limit < to ? limit : to, &before);
    if (item->kind == ITEM_RESOURCE && !item->open) {
        look_at_turn(boot, index, before.at, item->began < to ? item->began : to, &before);
    }
    return before;
}

/* What the end of it all waited for: of a boot that is ready the item that was ready last; else one that is not, a service
 * if there is one, for resources are there for them. */
static size_t last_item(const struct boot *boot)
{
    size_t last = PHASE_DAEMON;
    int64_t most = -1;

    for (size_t i = BOOT_PHASES; i < boot->count; i++) {
        const struct item *item = &boot->items[i];
        int64_t since = item->ended > item->told ? item->ended : item->told;

        if (item->open && !boot->ready) {
            since = item->kind == ITEM_SERVICE ? INT64_MAX : boot->end;
        }
        if (since >= most) {
            most = since;
            last = i;
        }
    }
    return last;
}

static void add_step(struct critical *critical, size_t item, int64_t from, int64_t to, enum step_reason reason)
{
    critical->steps = xrealloc(critical->steps, (critical->count + 1) * sizeof(*critical->steps));
    critical->steps[critical->count++] = (struct step){.item = item, .from = from, .to = to, .reason = reason};
}

/* What no span tells of, and what it was held or waited for edgeinit's other work, was edgeinit's time. */
static void add_up(const struct boot *boot, struct critical *critical)
{
    for (size_t i = 0; i < critical->count; i++) {
        const struct step *step = &critical->steps[i];
        int64_t left = step->to - step->from;

        for (size_t kind = 0; kind < SPANS; kind++) {
            int64_t time = item_time(&boot->items[step->item], (enum span_kind)kind, step->from, step->to);

            critical->spent[kind == SPAN_HELD || kind == SPAN_TURN ? SPAN_WORK : kind] += time;
            left -= time;
        }
        critical->spent[SPAN_WORK] += left;
    }
}

void critical_find(const struct boot *boot, struct critical *critical)
{
    size_t item = last_item(boot);
    size_t most = 2 * boot->count + BOOT_PHASES;
    int64_t to = boot->end;

    *critical = (struct critical){0};
    while (item != NOWHERE) {
        struct before before = look_back(boot, item, to);

        /* Needs that lead back to themselves at one and the same time: no plan has them, records may. */
        if (critical->count >= most && item >= BOOT_PHASES) {
            before = (struct before){.item = PHASE_DAEMON, .at = boot->items[PHASE_DAEMON].ended, .reason = STEP_PHASE};
        }
        before.at = before.at < to ? before.at : to;
        add_step(critical, item, before.at, to, before.reason);
        item = before.item;
        to = before.at;
    }
    for (size_t i = 0; i < critical->count / 2; i++) {
        struct step swap = critical->steps[i];

        critical->steps[i] = critical->steps[critical->count - 1 - i];
        critical->steps[critical->count - 1 - i] = swap;
    }
    add_up(boot, critical);
}

void critical_free(struct critical *critical)
{
    free(critical->steps);
    *critical = (struct critical){0};
}

int64_t critical_time(const struct critical *critical, size_t item)
{
    int64_t sum = 0;

    for (size_t i = 0; i < critical->count; i++) {
        sum += critical->steps[i].item == item ? critical->steps[i].to - critical->steps[i].from : 0;
    }
    return sum;
}

bool critical_has(const struct critical *critical, size_t item)
{
    for (size_t i = 0; i < critical->count; i++) {
        if (critical->steps[i].item == item) {
            return true;
        }
    }
    return false;
}
