/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of checks share: one check in a loop, the daemon's reaping of children, and what its verdict was. */
#ifndef EDGEINIT_TESTS_UNIT_CHECK_H
#define EDGEINIT_TESTS_UNIT_CHECK_H

#include <errno.h>
#include <sys/wait.h>

#include "run.h"
#include "supervise/check.h"

static struct loop loop;
static struct check check;
static int descriptors;

static int verdicts;
static bool last_good;
static char last_reason[256];

static inline int open_check(void **state)
{
    struct error err = {0};

    if (enter_directory(state) != 0) {
        return -1;
    }
    verdicts = 0;
    descriptors = count_descriptors();
    memset(&check, 0, sizeof(check));
    return loop_open(&loop, &err);
}

/* The daemon's handler of SIGCHLD. */
static inline void reap(void)
{
    pid_t pid;
    int status;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        check_reap(pid, status);
    }
}

static inline bool is_childless(const void *data)
{
    (void)data;
    reap();
    return waitpid(-1, &(int){0}, WNOHANG) < 0 && errno == ECHILD;
}

static inline int close_check(void **state)
{
    check_stop(&check);
    assert_null(loop.timers);
    assert_true(run_for(&loop, RUN_LONGEST, is_childless, NULL));
    loop_close(&loop);
    assert_int_equal(count_descriptors(), descriptors);
    return leave_directory(state);
}

static inline void on_verdict(void *data, bool good, const char *reason)
{
    (void)data;
    assert_false(check.running);
    verdicts++;
    last_good = good;
    snprintf(last_reason, sizeof(last_reason), "%s", reason);
}

static inline bool has_verdict(const void *data)
{
    (void)data;
    reap();
    return verdicts > 0;
}

static const struct check_calls calls = {.verdict = on_verdict};

static inline void run_until_verdict(void)
{
    assert_true(run_for(&loop, RUN_LONGEST, has_verdict, NULL));
    assert_int_equal(verdicts, 1);
    verdicts = 0;
}

static inline void assert_good(const struct check_config *config)
{
    check_start(&check, &loop, config, CHECK_UNTIL_GOOD, &calls);
    run_until_verdict();
    if (!last_good) {
        fail_msg("%s", last_reason);
    }
    assert_string_equal(last_reason, "");
}

static inline void assert_bad(const struct check_config *config, const char *reason)
{
    check_start(&check, &loop, config, CHECK_UNTIL_BAD, &calls);
    run_until_verdict();
    assert_false(last_good);
    assert_string_equal(last_reason, reason);
}

/* A check that gives its verdict after one failure; a probe may take as long as a busy machine needs. */
static inline struct check_config config_of(enum check_kind kind, const char *target)
{
    const char *why = NULL;

    assert_true(check_target_is_good(kind, target, &why));
    return (struct check_config){.kind = kind, .target = target, .interval = 1, .timeout = 20000, .failures = 1};
}

#define test_in_check(test) cmocka_unit_test_setup_teardown(test, open_check, close_check)

#endif
