/* SPDX-License-Identifier: Apache-2.0 */
#include "ohos/parameter.h"

#include "base/util.h"
#include "test.h"

static char *repeat(char letter, size_t count)
{
    char *text = xmalloc(count + 1);

    memset(text, letter, count);
    text[count] = '\0';
    return text;
}

static void test_names(void **state)
{
    static const char *const good[] = {"a", "edgeinit.ready", "edgeinit.service.a-b_c.state", "a@b:c", "0", "A.b"};
    static const char *const bad[] = {"", ".a", "a.", "a..b", "a b", "a=b", "a/b", "\xc3\xa9", "a\n", "#"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(parameter_is_valid(good[i], "x"));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(parameter_is_valid(bad[i], "x"));
    }
}

static void test_lengths(void **state)
{
    CLEANUP_FREE char *longest = repeat('a', 95);
    CLEANUP_FREE char *longer = repeat('a', 96);

    (void)state;
    assert_true(parameter_is_valid(longest, longest));
    assert_false(parameter_is_valid(longer, "x"));
    assert_false(parameter_is_valid("x", longer));
    assert_true(parameter_is_valid("x", ""));
    assert_false(parameter_is_valid("x", "a\nb"));
}

static void test_refused(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(parameter_set("a..b", "x", &err), -1);
    assert_int_equal(err.code, ERROR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
