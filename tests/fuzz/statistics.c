/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics of a kernel that may write anything: what is left of them is clean, and nothing clean is lost. And plans from
 * a file that may hold anything: what is read is written to the same. */
#include "base/statistics.h"

#include <assert.h>
#include <stdint.h>

#include "base/util.h"
#include "supervise/stat_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_statistics(const char *text, size_t size)
{
    CLEANUP_FREE char *filtered = xmalloc(size + 1);
    CLEANUP_FREE char *padded = xmalloc(20 * size + 1);
    char bad[64];
    bool clean = statistics_are_clean(text, size, bad);
    size_t length;
    size_t wide;

    filtered = xrealloc(filtered, size == 0 ? 1 : size);
    memcpy(filtered, text, size);
    length = statistics_filter(filtered, size);
    assert(length <= size && (length == size) == clean);
    assert(statistics_are_clean(filtered, length, bad));
    wide = statistics_pad(text, size, padded, 20 * size + 1);
    assert(statistics_are_clean(padded, wide, bad) && (wide > 0) == (length > 0));
    assert(statistics_pad(filtered, length, padded, 20 * size + 1) == wide);
}

static void check_plan(const char *data, size_t size)
{
    char text[STAT_PLAN_LARGEST];
    char again[STAT_PLAN_LARGEST];
    struct stat_plan plan;
    size_t length = size < sizeof(text) - 1 ? size : sizeof(text) - 1;

    memcpy(text, data, length);
    text[length] = '\0';
    length = strlen(text);
    memcpy(again, text, length + 1);
    if (stat_plan_parse(text, &plan)) {
        char written[STAT_PLAN_LARGEST];

        assert(plan.count <= STAT_PLAN_MOST);
        assert(stat_plan_write(&plan, written, sizeof(written)) == length && streq(written, again));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_statistics((const char *)data, size);
    check_plan((const char *)data, size);
    return 0;
}
