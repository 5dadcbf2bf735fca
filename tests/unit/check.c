/* SPDX-License-Identifier: Apache-2.0 */
/* When a check probes and what it concludes; probes of files and by commands. */
#include <signal.h>
#include <sys/prctl.h>

#include "base/util.h"
#include "check.h"

static struct check_config config_of_shell(const char *script)
{
    static const char *command[] = {"/bin/sh", "-c", NULL, NULL};

    command[2] = script;
    return (struct check_config){
        .kind = CHECK_COMMAND, .command = command, .command_count = 3, .interval = 1, .timeout = 20000, .failures = 1};
}

static void test_file(void **state)
{
    CLEANUP_FREE char *target = xasprintf("%s/ready", (const char *)*state);
    CLEANUP_FREE char *missing = xasprintf("%s is not there", target);
    struct check_config config = config_of(CHECK_FILE, target);

    assert_bad(&config, missing);
    check_start(&check, &loop, &config, CHECK_UNTIL_GOOD, &calls);
    run_silently(&loop, &verdicts);
    assert_string_equal(check.reason, missing);
    shell("touch ready");
    run_until_verdict();
    assert_true(last_good);
}

static void test_commands(void **state)
{
    static const char *missing[] = {"/nowhere/probe", NULL};
    struct check_config config = config_of_shell("exit 0");

    (void)state;
    assert_good(&config);
    config = config_of_shell("echo noise; echo noise >&2; exit 3");
    assert_bad(&config, "the command ended with exit code 3");
    config = config_of_shell("kill -TERM $$");
    assert_bad(&config, "the command was killed by signal 15");
    config.command = missing;
    assert_bad(&config, "cannot execute /nowhere/probe: No such file or directory");

    /* It starts as any program: signals by default, a PATH, its own group, nothing of ours open. */
    signal(SIGPIPE, SIG_IGN);
    config = config_of_shell("grep -q '^SigIgn:.*0000000000000000' /proc/self/status && "
                             "[ -n \"$PATH\" ] && [ \"$(cut -d' ' -f5 /proc/$$/stat)\" = $$ ] && "
                             "[ \"$(readlink /proc/$$/fd/1)\" = /dev/null ] && [ ! -e /proc/$$/fd/3 ]");
    assert_good(&config);
    signal(SIGPIPE, SIG_DFL);
    assert_false(check_reap(1, 0));
}

static pid_t read_pid(const char *path)
{
    CLEANUP_FILE FILE *file = fopen(path, "re");
    char line[32] = "";

    if (file == NULL || fgets(line, sizeof(line), file) == NULL) {
        return 0;
    }
    return (pid_t)strtol(line, NULL, 10);
}

/* Both what outlives the command and what hangs with it; we adopt what is orphaned, so close_check() sees it end. */
static void test_command_leaves_nobody(void **state)
{
    struct check_config config = config_of_shell("sleep 1000 & echo $! >pid");
    pid_t pid;

    (void)state;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    assert_good(&config);
    assert_true(read_pid("pid") > 0);
    assert_true(run_for(&loop, RUN_LONGEST, is_childless, NULL));

    config = config_of_shell("trap '' TERM; sleep 1000 & echo $! >pid; wait");
    config.timeout = 300;
    assert_bad(&config, "no answer within 300 ms");
    assert_true(run_for(&loop, RUN_LONGEST, is_childless, NULL));
    pid = read_pid("pid");
    assert_true(pid == 0 || (kill(pid, 0) != 0 && errno == ESRCH)); /* 0: this machine is too slow for the test */
}

static bool is_second_probe_over(const void *data)
{
    (void)data;
    return check.probes > 1 && !check.in_flight;
}

/* A killed command that does not end is not joined by another. */
static void test_command_does_not_die(void **state)
{
    struct check_config config = config_of_shell("exec sleep 1000");
    pid_t child;

    (void)state;
    config.timeout = 20;
    config.failures = 1000000;
    check_start(&check, &loop, &config, CHECK_UNTIL_BAD, &calls);
    /* Nobody reaps: it has not ended, as far as the check knows. */
    assert_true(run_for(&loop, RUN_LONGEST, is_second_probe_over, NULL));
    assert_string_equal(check.reason, "the command of an earlier probe was killed, and has not ended");
    child = check.child;
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_true(check_reap(child, SIGKILL));
    assert_int_equal(check.child, 0);
    assert_true(check.running);
}

static bool is_started(const void *data)
{
    (void)data;
    return check.child > 0;
}

static void test_command_is_stopped(void **state)
{
    struct check_config command = config_of_shell("sleep 1000");

    (void)state;
    check_stop(&check); /* that never ran */
    check_start(&check, &loop, &command, CHECK_UNTIL_GOOD, &calls);
    assert_true(run_for(&loop, RUN_LONGEST, is_started, NULL));
    check_stop(&check);
    assert_int_equal(check.child, 0);
    assert_int_equal(verdicts, 0);
}

struct scene {
    uint64_t progress;
    uint64_t step;   /* added to progress at each look */
    uint64_t steps;  /* so many times */
    uint64_t probes; /* made until the verdict */
    bool again;      /* start it again from the verdict, once */
    const struct check_config *config;
};

static uint64_t progress(void *data)
{
    struct scene *scene = data;

    if (scene->steps > 0) {
        scene->steps--;
        scene->progress += scene->step;
    }
    return scene->progress;
}

static void on_scene_verdict(void *data, bool good, const char *reason)
{
    struct scene *scene = data;

    scene->probes = check.probes;
    on_verdict(NULL, good, reason);
    if (scene->again) {
        struct check_calls same = {on_scene_verdict, progress, scene};

        scene->again = false;
        check_start(&check, &loop, scene->config, CHECK_UNTIL_BAD, &same);
        assert_string_equal(reason, last_reason); /* still readable */
        verdicts = 0;
    }
}

static uint64_t probes_until_bad(struct scene *scene)
{
    struct check_calls scene_calls = {on_scene_verdict, progress, scene};

    check_start(&check, &loop, scene->config, CHECK_UNTIL_BAD, &scene_calls);
    run_until_verdict();
    assert_false(last_good);
    return scene->probes;
}

static bool has_failed_twice(const void *data)
{
    (void)data;
    return check.bad >= 2;
}

static bool has_not_failed(const void *data)
{
    (void)data;
    return check.bad == 0;
}

static void test_slow_is_not_dead(void **state)
{
    CLEANUP_FREE char *target = xasprintf("%s/ready", (const char *)*state);
    CLEANUP_FREE char *missing = xasprintf("%s is not there", target);
    struct check_config config = config_of(CHECK_FILE, target);
    struct scene still = {.config = &config};
    struct scene once = {.config = &config, .steps = 2, .step = 1}; /* the second look differs from the first */
    struct scene busy = {.config = &config, .steps = UINT64_MAX, .step = 7};
    struct check_calls busy_calls = {on_scene_verdict, progress, &busy};

    config.failures = 3;
    assert_int_equal(probes_until_bad(&still), 3);
    assert_string_equal(last_reason, missing);
    assert_int_equal(probes_until_bad(&once), 6);
    assert_int_equal(probes_until_bad(&busy), 3 * CHECK_PATIENCE);

    /* Of one failure, too: what it did during that probe, then what it did since. */
    config.failures = 1;
    assert_int_equal(probes_until_bad(&still), 1);
    assert_string_equal(last_reason, missing);
    once.steps = 2;
    assert_int_equal(probes_until_bad(&once), 2);
    assert_int_equal(probes_until_bad(&busy), CHECK_PATIENCE);

    config.interval = 50;
    config.failures = 1000;
    check_start(&check, &loop, &config, CHECK_UNTIL_BAD, &busy_calls);
    assert_true(run_for(&loop, RUN_LONGEST, has_failed_twice, NULL));
    shell("touch ready"); /* one success, and the row is forgotten */
    assert_true(run_for(&loop, RUN_LONGEST, has_not_failed, NULL));
    assert_string_equal(check.reason, "");
    assert_true(check.running);
}

static void test_reason_while_slow(void **state)
{
    CLEANUP_FREE char *target = xasprintf("%s/ready", (const char *)*state);
    CLEANUP_FREE char *slow = xasprintf("slow: %s is not there", target);
    struct check_config config = config_of(CHECK_FILE, target);
    struct scene busy = {.config = &config, .steps = UINT64_MAX, .step = 7};
    struct check_calls busy_calls = {on_scene_verdict, progress, &busy};

    config.failures = 2;
    config.interval = 100;
    check_start(&check, &loop, &config, CHECK_UNTIL_BAD, &busy_calls);
    assert_true(run_for(&loop, RUN_LONGEST, has_failed_twice, NULL));
    assert_true(check.running);
    assert_string_equal(check.reason, slow);
}

static void test_again_from_the_verdict(void **state)
{
    CLEANUP_FREE char *target = xasprintf("%s/ready", (const char *)*state);
    struct check_config config = config_of(CHECK_FILE, target);
    struct scene scene = {.config = &config, .again = true};

    config.failures = 2;
    assert_int_equal(probes_until_bad(&scene), 2);
    assert_false(scene.again);
}

/* At 0, 10, 30, 70, 150 ms, …: soon, and no busy waiting. */
static void test_probes_follow_each_other(void **state)
{
    CLEANUP_FREE char *target = xasprintf("%s/ready", (const char *)*state);
    struct check_config config = config_of(CHECK_FILE, target);
    int64_t started = clock_now();

    config.interval = 3600 * INT64_C(1000);
    check_start(&check, &loop, &config, CHECK_UNTIL_GOOD, &calls);
    assert_int_equal(check.probes, 0); /* never from within the start */
    run_for(&loop, RUN_SILENCE, NULL, NULL);
    assert_true(run_for(&loop, RUN_LONGEST, has_failed_twice, NULL));
    assert_true((1 << (check.probes - 1)) - 1 <= (clock_now() - started) / MICROSECONDS_PER_MILLISECOND / 10);
    check_start(&check, &loop, &config, CHECK_UNTIL_BAD, &calls);
    run_for(&loop, RUN_SILENCE, NULL, NULL);
    assert_int_equal(check.probes, 0); /* the first is due in an hour */
}

/* Somebody says that it may be bad: it is asked now, and soon again, until it is good. */
static void test_hurry(void **state)
{
    CLEANUP_FREE char *target = xasprintf("%s/ready", (const char *)*state);
    struct check_config config = config_of(CHECK_FILE, target);

    config.interval = 3600 * INT64_C(1000);
    config.failures = 3;
    check_hurry(&check); /* does not run */
    check_start(&check, &loop, &config, CHECK_UNTIL_BAD, &calls);
    check_hurry(&check);
    run_until_verdict();
    assert_false(last_good);
    assert_true(check.bad_since > 0 && check.bad_since < check.began);
    shell("touch ready");
    check_start(&check, &loop, &config, CHECK_UNTIL_BAD, &calls);
    check_hurry(&check);
    run_silently(&loop, &verdicts);
    assert_int_equal(check.probes, 1); /* it was good: the next is due in an hour */
    assert_true(check.good_at > 0);
    shell("rm ready");
    run_silently(&loop, &verdicts);
    assert_int_equal(check.probes, 1);
    check_start(&check, &loop, &config, CHECK_UNTIL_GOOD, &calls);
    check_hurry(&check); /* it is fast enough */
    assert_false(check.hurried);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_check(test_file),
        test_in_check(test_commands),
        test_in_check(test_command_leaves_nobody),
        test_in_check(test_command_does_not_die),
        test_in_check(test_command_is_stopped),
        test_in_check(test_slow_is_not_dead),
        test_in_check(test_reason_while_slow),
        test_in_check(test_again_from_the_verdict),
        test_in_check(test_probes_follow_each_other),
        test_in_check(test_hurry),
    };

    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
