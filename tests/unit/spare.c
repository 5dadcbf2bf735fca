/* SPDX-License-Identifier: Apache-2.0 */
/* What is given back is gone from the process, and what it still needs is not. */
#include "base/spare.h"

#include <sys/resource.h>

#include "base/text.h"
#include "base/util.h"
#include "test.h"

/* Kilobytes of the stack that are resident. */
static long resident(void)
{
    CLEANUP_FILE FILE *smaps = fopen("/proc/self/smaps", "re");
    char line[512];
    bool wanted = false;

    assert_non_null(smaps);
    while (fgets(line, sizeof(line), smaps) != NULL) {
        if (strstr(line, "[stack]") != NULL) {
            wanted = true;
        } else if (wanted && strncmp(line, "Rss:", 4) == 0) {
            return strtol(line + 4, NULL, 10);
        }
    }
    fail_msg("no stack in /proc/self/smaps");
    return 0;
}

static __attribute__((noinline)) void dig(void)
{
    volatile char deep[96 * 1024];

    for (size_t i = 0; i < sizeof(deep); i += 1024) {
        deep[i] = 1;
    }
}

static void the_stack_below(void **state)
{
    volatile char ours[4096];
    long before;

    (void)state;
    memset((char *)ours, 7, sizeof(ours));
    dig();
    before = resident();
    spare_stack();
    assert_in_range(before - resident(), 64, 128);
    for (size_t i = 0; i < sizeof(ours); i++) {
        assert_int_equal(ours[i], 7);
    }
}

static long faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static void code(void **state)
{
    long before;

    (void)state;
    faults();
    before = faults();
    spare_code();
    assert_true(faults() > before);
    assert_int_equal(text_distance("spare", "spaer"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stack_below),
        cmocka_unit_test(code),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
