/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline/compare.h"

#include <assert.h>

#include "base/util.h"

static const char *const names[] = {
    [DIFFERENCE_SLOWER] = "slower", [DIFFERENCE_FASTER] = "faster", [DIFFERENCE_NEW] = "new",
    [DIFFERENCE_GONE] = "gone",     [DIFFERENCE_FAILED] = "failed",
};
static_assert(ARRAY_SIZE(names) == DIFFERENCES, "a word for each kind");

const char *difference_name(enum difference_kind kind)
{
    return names[kind];
}

static const enum span_kind own_kinds[] = {SPAN_BEFORE, SPAN_OUTSIDE, SPAN_WORK, SPAN_START, SPAN_TROUBLE};

/* NULL: there is no such item, and it took no time. */
static int64_t own_time(const struct item *item)
{
    int64_t sum = 0;

    for (size_t i = 0; i < ARRAY_SIZE(own_kinds) && item != NULL; i++) {
        sum += item_time(item, own_kinds[i], 0, INT64_MAX);
    }
    return sum;
}

static enum span_kind where(const struct item *before, const struct item *after)
{
    int64_t most = 0;
    enum span_kind found = SPAN_WORK;

    for (size_t i = 0; i < ARRAY_SIZE(own_kinds); i++) {
        int64_t was = before == NULL ? 0 : item_time(before, own_kinds[i], 0, INT64_MAX);
        int64_t is = after == NULL ? 0 : item_time(after, own_kinds[i], 0, INT64_MAX);

        if (llabs(is - was) > most) {
            most = llabs(is - was);
            found = own_kinds[i];
        }
    }
    return found;
}

static bool is_noise(int64_t before, int64_t after)
{
    int64_t difference = llabs(after - before);

    return difference < COMPARE_LEAST || difference < before / 10;
}

static void add(struct comparison *comparison, enum difference_kind kind, const char *name, const struct item *before,
                const struct item *after)
{
    struct difference difference = {
        .kind = kind,
        .name = name,
        .before = own_time(before),
        .after = own_time(after),
        .most = where(before, after),
    };

    comparison->differences =
        xrealloc(comparison->differences, (comparison->count + 1) * sizeof(*comparison->differences));
    comparison->differences[comparison->count++] = difference;
    comparison->slower |= kind == DIFFERENCE_SLOWER || kind == DIFFERENCE_NEW || kind == DIFFERENCE_FAILED;
}

static int by_size(const void *a, const void *b)
{
    const struct difference *first = a;
    const struct difference *second = b;
    int64_t one = llabs(first->after - first->before);
    int64_t other = llabs(second->after - second->before);

    if (first->kind != second->kind) {
        bool fails = first->kind == DIFFERENCE_FAILED || second->kind == DIFFERENCE_FAILED;

        if (fails) {
            return first->kind == DIFFERENCE_FAILED ? -1 : 1;
        }
    }
    return one == other ? strcmp(first->name, second->name) : (one < other) - (one > other);
}

static const struct item *find(const struct boot *boot, const struct item *wanted)
{
    for (size_t i = 0; i < boot->count; i++) {
        if (boot->items[i].kind == wanted->kind && streq(boot->items[i].name, wanted->name)) {
            return &boot->items[i];
        }
    }
    return NULL;
}

/* Failed, or never done. */
static bool is_bad(const struct item *item)
{
    return item->failed || item->open;
}

void compare_boots(const struct boot *before, const struct boot *after, struct comparison *comparison)
{
    *comparison = (struct comparison){.before = before->end - before->process, .after = after->end - after->process};
    for (size_t i = 0; i < after->count; i++) {
        const struct item *now = &after->items[i];
        const struct item *was = find(before, now);

        if (was != NULL && is_bad(now) && !is_bad(was) && !after->live) {
            add(comparison, DIFFERENCE_FAILED, now->name, was, now);
        } else if (was != NULL && !is_noise(own_time(was), own_time(now))) {
            add(comparison, own_time(now) > own_time(was) ? DIFFERENCE_SLOWER : DIFFERENCE_FASTER, now->name, was, now);
        } else if (was == NULL && own_time(now) >= COMPARE_LEAST) {
            add(comparison, DIFFERENCE_NEW, now->name, NULL, now);
        }
    }
    for (size_t i = 0; i < before->count; i++) {
        if (find(after, &before->items[i]) == NULL && own_time(&before->items[i]) >= COMPARE_LEAST) {
            add(comparison, DIFFERENCE_GONE, before->items[i].name, &before->items[i], NULL);
        }
    }
    if (comparison->count > 0) {
        qsort(comparison->differences, comparison->count, sizeof(*comparison->differences), by_size);
    }
}

void comparison_free(struct comparison *comparison)
{
    free(comparison->differences);
    *comparison = (struct comparison){0};
}
