/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/notify.h"

#include "test.h"

static bool apply(struct notify_state *state, const char *text)
{
    return notify_apply(state, text, strlen(text), 1000);
}

static void test_words(void **unused)
{
    struct notify_state state = {0};

    (void)unused;
    assert_true(apply(&state, "READY=1\nSTATUS=up and well\nMAINPID=4711\n"));
    assert_int_equal(state.ready, 1);
    assert_int_equal(state.main_pid, 4711);
    assert_string_equal(state.status, "up and well");
    assert_false(apply(&state, "READY=1"));
    assert_true(apply(&state, "RELOADING=1"));
    assert_int_equal(state.reloading, 1);
    assert_true(apply(&state, "READY=1"));
    assert_int_equal(state.reloading, 0);
    assert_true(apply(&state, "STOPPING=1\nEXTEND_TIMEOUT_USEC=500\nWATCHDOG_USEC=9000"));
    assert_int_equal(state.stopping, 1);
    assert_int_equal(state.extend_until, 1500);
    assert_int_equal(state.watchdog_usec, 9000);
    assert_true(apply(&state, "WATCHDOG=1"));
    assert_true(apply(&state, "WATCHDOG=1"));
    assert_int_equal(state.watchdog_at, 1000);
    assert_true(apply(&state, "WATCHDOG=trigger"));
    assert_int_equal(state.trigger, 1);
}

static void test_ignored(void **unused)
{
    static const char *const texts[] = {
        "",
        "\n\n",
        "READY",
        "READY=2",
        "READY=11",
        "READY=",
        "ready=1",
        " READY=1",
        "X_READY=1",
        "MAINPID=0",
        "MAINPID=-5",
        "MAINPID=2147483648",
        "MAINPID=12x",
        "EXTEND_TIMEOUT_USEC=9223372036854775807",
        "EXTEND_TIMEOUT_USEC=99999999999999999999",
        "WATCHDOG_USEC=0",
        "FDSTORE=1",
        "WATCHDOG=0",
    };
    static const char large[NOTIFY_LARGEST + 1] = "READY=1\n";
    struct notify_state state = {0};

    (void)unused;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_false(apply(&state, texts[i]));
    }
    assert_false(notify_apply(&state, large, sizeof(large), 1));
    assert_true(notify_apply(&state, large, sizeof(large) - 1, 1));
}

static void test_status(void **unused)
{
    struct notify_state state = {0};
    char text[400] = "STATUS=";

    (void)unused;
    apply(&state, "STATUS=a\x1b[31mb\tc\x7f\xc2\x9b");
    assert_string_equal(state.status, "a [31mb c   ");
    apply(&state, "STATUS=\xff\xc3");
    assert_string_equal(state.status, "??");
    notify_apply(&state, "STATUS=a\0b", 10, 1);
    assert_string_equal(state.status, "a b");
    /* Cut before the character that does not fit whole: 126 bytes, then two of three. */
    memset(text + 7, 'x', 126);
    memcpy(text + 7 + 126, "\xe2\x82\xac tail", 9);
    apply(&state, text);
    assert_int_equal(strlen(state.status), 126);
    apply(&state, "STATUS=");
    assert_string_equal(state.status, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_ignored),
        cmocka_unit_test(test_status),
    };

    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
