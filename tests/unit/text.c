/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#include "base/util.h"
#include "test.h"

static void test_buffer(void **state)
{
    struct text text = {0};
    char *taken;

    (void)state;
    assert_string_equal(text_string(&text), "");
    text_add(&text, "");
    assert_string_equal(text_string(&text), "");
    for (int i = 0; i < 1000; i++) {
        text_format(&text, "%d,", i);
    }
    assert_int_equal(text.length, 10 * 2 + 90 * 3 + 900 * 4);
    assert_memory_equal(text.data, "0,1,2,", 6);
    assert_string_equal(text.data + text.length - 4, "999,");
    text_append(&text, "a\0b", 3);
    assert_int_equal(text.data[text.length - 1], 'b');
    assert_int_equal(text.data[text.length], '\0');
    taken = text_take(&text);
    assert_memory_equal(taken, "0,1,", 4);
    assert_int_equal(text.length, 0);
    free(taken);
    taken = text_take(&text);
    assert_string_equal(taken, "");
    free(taken);
    text_free(&text);
}

struct number {
    const char *text;
    bool good;
    int64_t value;
};

static void check_numbers(bool (*parse)(const char *string, int64_t *value), const struct number *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = -77;

        if (parse(cases[i].text, &value) != cases[i].good || (cases[i].good && value != cases[i].value)) {
            fail_msg("\"%s\" gave %" PRId64, cases[i].text, value);
        }
    }
}

static void test_duration(void **state)
{
    static const struct number cases[] = {
        {"0ms", true, 0},
        {"200ms", true, 200},
        {"30s", true, 30000},
        {"5m", true, 300000},
        {"2h", true, 7200000},
        {"1d", true, 86400000},
        {"007s", true, 7000},
        {"106751991167d", true, INT64_C(9223372036828800000)},
        {"106751991168d", false, 0},
        {"9223372036854775807ms", true, INT64_MAX},
        {"9223372036854775808ms", false, 0},
        {"", false, 0},
        {"s", false, 0},
        {"30", false, 0},
        {"30 s", false, 0},
        {" 30s", false, 0},
        {"30s ", false, 0},
        {"30S", false, 0},
        {"-1s", false, 0},
        {"+1s", false, 0},
        {"1.5s", false, 0},
        {"1m30s", false, 0},
        {"1us", false, 0},
        {"0x10s", false, 0},
    };

    (void)state;
    check_numbers(text_parse_duration, cases, ARRAY_SIZE(cases));
}

static void test_size(void **state)
{
    static const struct number cases[] = {
        {"0", true, 0},
        {"512", true, 512},
        {"64K", true, 65536},
        {"3M", true, 3145728},
        {"1G", true, 1073741824},
        {"2T", true, INT64_C(2199023255552)},
        {"8388607T", true, INT64_C(9223370937343148032)},
        {"8388608T", false, 0},
        {"", false, 0},
        {"K", false, 0},
        {"64k", false, 0},
        {"64KB", false, 0},
        {"64 K", false, 0},
        {"1.5G", false, 0},
        {"-1", false, 0},
    };

    (void)state;
    check_numbers(text_parse_size, cases, ARRAY_SIZE(cases));
}

static void test_integer(void **state)
{
    static const struct number cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"42", true, 42},
        {"-42", true, -42},
        {"", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1\n", false, 0},
        {"1e3", false, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
    };

    (void)state;
    check_numbers(text_parse_integer, cases, ARRAY_SIZE(cases));
}

static void test_mode(void **state)
{
    static const struct number cases[] = {
        {"0755", true, 0755}, {"755", true, 0755}, {"000", true, 0},   {"1777", true, 01777}, {"07777", true, 07777},
        {"", false, 0},       {"7", false, 0},     {"75", false, 0},   {"17777", false, 0},   {"000755", false, 0},
        {"0788", false, 0},   {"u+x", false, 0},   {"-755", false, 0}, {"755 ", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned mode = 12345;

        if (text_parse_mode(cases[i].text, &mode) != cases[i].good || (cases[i].good && mode != cases[i].value)) {
            fail_msg("\"%s\" gave %o", cases[i].text, mode);
        }
    }
}

static void test_show_duration(void **state)
{
    static const struct {
        int64_t microseconds;
        const char *text;
    } cases[] = {
        {0, "0.0 ms"},
        {3240, "3.2 ms"},
        {9999, "10.0 ms"},
        {10000, "10 ms"},
        {999999, "999 ms"},
        {1500000, "1.5 s"},
        {INT64_C(119900000), "119.9 s"},
        {INT64_C(120000000), "2 min"},
        {INT64_C(7199) * 1000000, "119 min"},
        {INT64_C(7200) * 1000000, "2 h"},
        {INT64_C(47) * 3600 * 1000000, "47 h"},
        {INT64_C(72) * 3600 * 1000000, "3 d"},
    };
    char buffer[32];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_string_equal(text_show_duration(cases[i].microseconds, buffer, sizeof(buffer)), cases[i].text);
    }
}

static void test_distance(void **state)
{
    char long_word[64] = {0};

    (void)state;
    assert_int_equal(text_distance("", ""), 0);
    assert_int_equal(text_distance("", "abc"), 3);
    assert_int_equal(text_distance("abc", ""), 3);
    assert_int_equal(text_distance("mounts", "mounts"), 0);
    assert_int_equal(text_distance("mount", "mounts"), 1);
    assert_int_equal(text_distance("wiat", "wait"), 2);
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_int_equal(text_distance("sitting", "kitten"), 3);
    memset(long_word, 'a', 31);
    assert_int_equal(text_distance(long_word, long_word), 0);
    memset(long_word, 'a', 32);
    assert_int_equal(text_distance(long_word, "a"), 32);
    assert_int_equal(text_distance("a", long_word), 32);
}

static void test_utf8(void **state)
{
    static const struct {
        const char *bytes;
        int bad; /* -1: none */
    } cases[] = {
        {"", -1},
        {"plain\x7f", -1},
        {"\xc3\xa9 \xe6\x95\xb0 \xf0\x9f\x98\x80", -1},
        {"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", -1},
        {"\xed\x9f\xbf\xee\x80\x80", -1},
        {"ab\x80", 2}, /* a continuation alone */
        {"ab\xc3", 2}, /* cut */
        {"\xe6\x95", 0},
        {"\xf0\x9f\x98", 0},
        {"a\xc3(", 1}, /* no continuation */
        {"\xe6(\xb0", 0},
        {"\xe6\x95(", 0},
        {"\xc0\xaf", 0}, /* overlong */
        {"\xc1\xbf", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xed\xa0\x80", 0}, /* surrogates */
        {"\xed\xbf\xbf", 0},
        {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t bad = 1000;

        assert_int_equal(text_is_utf8(cases[i].bytes, strlen(cases[i].bytes), &bad), cases[i].bad < 0);
        assert_int_equal(bad, cases[i].bad < 0 ? 1000 : cases[i].bad);
    }
    /* Word by word, and what is left of the last one. */
    for (size_t plain = 0; plain < 20; plain++) {
        char bytes[24];
        size_t bad = 0;

        memset(bytes, 'a', sizeof(bytes));
        bytes[plain] = (char)0xc3;
        assert_int_equal(text_ascii(bytes, sizeof(bytes)), plain);
        assert_int_equal(text_ascii(bytes, plain), plain);
        assert_false(text_is_utf8(bytes, sizeof(bytes), &bad));
        assert_int_equal(bad, plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer),   cmocka_unit_test(test_duration), cmocka_unit_test(test_size),
        cmocka_unit_test(test_integer),  cmocka_unit_test(test_mode),     cmocka_unit_test(test_show_duration),
        cmocka_unit_test(test_distance), cmocka_unit_test(test_utf8),
    };

    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
