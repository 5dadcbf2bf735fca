/* SPDX-License-Identifier: Apache-2.0 */
#include "base/statistics.h"

#include "base/util.h"
#include "test.h"

static void test_clean(void **state)
{
    static const char *const good[] = {"", "cache 4833280\nrss 0\n", "nr_periods 0\nnr_throttled 0\nthrottled_time 0",
                                       "a 18446744073709551615\n", "a 000000000000000000000007\n"};
    static const struct {
        const char *text;
        const char *bad;
    } cases[] = {
        {"cache 1\nAnon:\t         123 kB\nFile: 1 kB\n", "Anon:\t         123 kB"},
        {"cache 1\nAnon:  123 kB\n", "Anon:  123 kB"},
        {"cache -1\n", "cache -1"},
        {"cache\n", "cache"},
        {"cache \n", "cache "},
        {" 1\n", " 1"},
        {"cache 1 2\n", "cache 1 2"},
        {"cache  1\n", "cache  1"},
        {"cache 1\n\nrss 1\n", ""},
        {"cache 18446744073709551616\n", "cache 18446744073709551616"},
        {"cache 99999999999999999999\n", "cache 99999999999999999999"},
        {"cache 1a\n", "cache 1a"},
        {"cache 1\r\n", "cache 1\r"},
        {"12345678901234567890123456789012345678901234567890123456789012345 kB\n",
         "123456789012345678901234567890123456789012345678901234567890123"},
    };
    char bad[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(statistics_are_clean(good[i], strlen(good[i]), bad));
    }
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_false(statistics_are_clean(cases[i].text, strlen(cases[i].text), bad));
        assert_string_equal(bad, cases[i].bad);
    }
    /* A NUL is a byte like others, of a line that is none. */
    assert_false(statistics_are_clean("a 1\0", 4, bad));
}

static void test_filter(void **state)
{
    static const struct {
        const char *text;
        const char *left;
    } cases[] = {
        {"", ""},
        {"cache 1\nrss 2\n", "cache 1\nrss 2\n"},
        {"cache 1\nAnon:\t     123 kB\nrss 2\nFile:\t 1 kB\n", "cache 1\nrss 2\n"},
        {"Anon:\t     123 kB\nrss 2", "rss 2"},
        {"rss 2\nAnon:\t     123 kB", "rss 2\n"},
        {"Anon:\t     123 kB\n", ""},
        {"\n\n\n", ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *text = xstrdup(cases[i].text);
        size_t length = statistics_filter(text, strlen(text));

        assert_int_equal(length, strlen(cases[i].left));
        assert_memory_equal(text, cases[i].left, length);
    }
}

static void test_pad(void **state)
{
    static const char text[] = "cache 1\nAnon:\t     123 kB\nrss 18446744073709551615\nb 0000000000000000000000007";
    static const char wanted[] = "cache 00000000000000000001\nrss 18446744073709551615\nb 00000000000000000007\n";
    char out[sizeof(wanted)];

    (void)state;
    assert_int_equal(statistics_pad(text, strlen(text), out, sizeof(out)), strlen(wanted));
    assert_memory_equal(out, wanted, strlen(wanted));
    assert_int_equal(statistics_pad(text, strlen(text), out, strlen(wanted)), strlen(wanted));
    assert_int_equal(statistics_pad(text, strlen(text), out, strlen(wanted) - 1), 0);
    assert_int_equal(statistics_pad("", 0, out, sizeof(out)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_pad),
    };

    return cmocka_run_group_tests_name("statistics", tests, NULL, NULL);
}
