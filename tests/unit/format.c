/* SPDX-License-Identifier: Apache-2.0 */
#include "base/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "test.h"

/* libc is the judge: the same text, the same length, and the same cut, whatever the size of the buffer. */
__attribute__((format(printf, 1, 2))) static void check(const char *format, ...)
{
    static const size_t sizes[] = {0, 1, 2, 5, 16, 400};
    va_list arguments;

    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        char ours[400];
        char theirs[400];
        int our_length;
        int their_length;

        memset(ours, '~', sizeof(ours));
        memset(theirs, '~', sizeof(theirs));
        va_start(arguments, format);
        our_length = format_text(ours, sizes[i], format, arguments);
        va_end(arguments);
        va_start(arguments, format);
        their_length = vsnprintf(theirs, sizes[i], format, arguments);
        va_end(arguments);
        if (our_length != their_length || memcmp(ours, theirs, sizeof(ours)) != 0) {
            fail_msg("\"%s\" in %zu bytes: %d \"%.*s\", libc has %d \"%.*s\"", format, sizes[i], our_length,
                     (int)sizes[i], ours, their_length, (int)sizes[i], theirs);
        }
    }
}

static void test_text(void **state)
{
    (void)state;
    check("%s", "");
    check("plain, without any");
    check("%s %s", "mount", "/etc/docker");
    check("[%10s|%-10s|%2s]", "right", "left", "too long");
    check("[%.3s|%.*s|%10.2s|%-*s|%*s]", "cut off", 2, "cut", "cut", 6, "a", -6, "b");
    check("[%.*s]", -1, "all of it");
    check("%c%c%5c%-5c|", 'a', 'b', 'c', 'd');
    check("100%%, %s%%", "or less");
}

static void test_numbers(void **state)
{
    (void)state;
    check("%d %d %d %d", 0, -1, INT32_MAX, INT32_MIN);
    check("%ld %lld %zu", -123456789L, INT64_MIN + 0LL, (size_t)-1);
    check("%" PRId64 " %" PRIu64, INT64_MAX, UINT64_MAX);
    check("%u %x %o %lx %llx", UINT32_MAX, 0xc0ffeeU, 0755U, 0xbeefUL, UINT64_MAX + 0ULL);
    check("[%5d|%-5d|%05d|%5d|%-5d|%05d]", 42, 42, 42, -42, -42, -42);
    check("[%04o|%02x|%08x|%3u|%*d]", 0644U, 7U, 0xabcU, 12345U, 8, 77);
}

/* What it does not know is libc's. */
static void test_rest(void **state)
{
    (void)state;
    check("%s takes %.1f s, %e", "it", 1.25, 3.5e10);
    check("%s [%+d|% d|%#x|%.3d|%5.3d]", "signs", 5, 5, 255U, 7, 7);
    check("%s %p", "pointer", (void *)0x1234);
    check("%hhd %hd %jd %td", (signed char)-3, (short)-4, (intmax_t)-5, (ptrdiff_t)-6);
    check("%s %ls", "wide", L"text");
}

static void test_allocated(void **state)
{
    char *longest = malloc(10000);
    char *text;

    (void)state;
    assert_non_null(longest);
    memset(longest, 'x', 9999);
    longest[9999] = '\0';
    for (size_t length = 250; length < 262; length++) { /* around the buffer of xasprintf() */
        text = xasprintf("%.*s", (int)length, longest);
        assert_int_equal(strlen(text), length);
        free(text);
    }
    text = xasprintf("<%s>", longest);
    assert_int_equal(strlen(text), 10001);
    assert_string_equal(text + 10000, ">");
    free(text);
    free(longest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_allocated),
    };

    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
