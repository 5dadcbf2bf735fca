/* SPDX-License-Identifier: Apache-2.0 */
/* A test of cmocka.h itself: each of these must fail, and the last one must not. */
#include "../../unit/test.h"

static void test_number(void **state)
{
    (void)state;
    assert_int_equal(1, 2);
}

static void test_truth(void **state)
{
    (void)state;
    assert_true(*state != NULL);
}

static void test_text(void **state)
{
    (void)state;
    assert_string_equal("a", "b");
}

static void test_memory(void **state)
{
    (void)state;
    assert_memory_equal("ab", "ac", 2);
}

static void test_message(void **state)
{
    (void)state;
    fail_msg("%d", 1);
}

static int no_setup(void **state)
{
    (void)state;
    return -1;
}

static void test_nothing(void **state)
{
    (void)state;
    assert_int_equal(1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number),  cmocka_unit_test(test_truth),   cmocka_unit_test(test_text),
        cmocka_unit_test(test_memory),  cmocka_unit_test(test_message), cmocka_unit_test_setup(test_nothing, no_setup),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests_name("fails", tests, NULL, NULL);
}
