/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "test.h"

static void test_set(void **state)
{
    struct error err = {.remedy = "of an earlier error"};
    char text[256];

    (void)state;
    assert_int_equal(error_set(&err, ERROR_INPUT, 0, "line %d", 7), -1);
    assert_int_equal(err.code, ERROR_INPUT);
    assert_string_equal(error_text(&err, text, sizeof(text)), "line 7");
    assert_int_equal(error_system(&err, ENOENT, "open %s", "/x"), -1);
    assert_int_equal(err.code, ERROR_SYSTEM);
    assert_int_equal(err.errnum, ENOENT);
    assert_string_equal(error_text(&err, text, sizeof(text)), "open /x: No such file or directory");
}

static void test_remedy(void **state)
{
    struct error err = {0};
    char text[256];

    (void)state;
    error_system(&err, EROFS, "open /etc/x");
    assert_int_equal(error_remedy(&err, "set \"%s\"", "remount"), -1);
    assert_string_equal(error_text(&err, text, sizeof(text)), "open /etc/x: Read-only file system; set \"remount\"");
    assert_string_equal(error_reason(&err, text, sizeof(text)), "open /etc/x: Read-only file system");
    error_system(&err, EIO, "again");
    assert_string_equal(err.remedy, "");
}

static void test_wrap(void **state)
{
    struct error err = {0};
    char text[256];

    (void)state;
    error_system(&err, EIO, "read");
    error_remedy(&err, "replace it");
    assert_int_equal(error_wrap(&err, "card %d", 1), -1);
    error_wrap(&err, "mount");
    assert_string_equal(error_text(&err, text, sizeof(text)), "mount: card 1: read: Input/output error; replace it");
    assert_int_equal(err.errnum, EIO);

    error_clear(&err);
    assert_int_equal(err.code, ERROR_NONE);
    error_wrap(&err, "alone");
    assert_string_equal(err.what, "alone");
}

static void test_cut(void **state)
{
    struct error err = {0};
    char long_text[2000];
    char small[8];

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    error_set(&err, ERROR_INPUT, 0, "%s", long_text);
    assert_int_equal(strlen(err.what), sizeof(err.what) - 1);
    assert_string_equal(err.what + sizeof(err.what) - 4, "...");
    error_remedy(&err, "%s", long_text);
    assert_string_equal(err.remedy + sizeof(err.remedy) - 4, "...");
    error_wrap(&err, "context");
    assert_memory_equal(err.what, "context: xxx", 12);
    assert_true(strlen(err.what) < sizeof(err.what));
    error_wrap(&err, "%s", long_text);
    assert_true(strlen(err.what) < sizeof(err.what));

    assert_string_equal(error_text(&err, small, sizeof(small)), "xxxxxxx");
    error_system(&err, EIO, "abcde");
    error_remedy(&err, "r");
    assert_string_equal(error_text(&err, small, sizeof(small)), "abcde: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_remedy),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
