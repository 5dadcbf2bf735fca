/* SPDX-License-Identifier: Apache-2.0 */
/* What a keeper starts: what the service finds, how it ends, and what keeps it from being started. */
#include "keeper.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void test_exit_status(void **state)
{
    CLEANUP_FREE char *script = xasprintf("echo begins; i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done;"
                                          "while [ ! -e %s/seen ]; do sleep 0.01; done; printf ends; exit 7",
                                          (const char *)*state);

    assert_int_equal(keeper.record.phase, PHASE_IDLE);
    assert_int_equal(keeper.record.keeper_pid, keeper.pid);
    start_shell(script);
    wait_phase(PHASE_RUNNING);
    assert_int_equal(keeper.record.start_time, process_start_time(keeper.record.pid));
    assert_int_equal(mkdir("seen", 0700), 0);
    wait_phase(PHASE_ENDED);
    assert_true(WIFEXITED(keeper.record.wait_status));
    assert_int_equal(WEXITSTATUS(keeper.record.wait_status), 7);
    assert_true(keeper.record.user_usec + keeper.record.system_usec > 0);
    assert_true(keeper.record.max_rss_kb > 100);
    assert_true(keeper.record.ended_at > keeper.record.started_at);
    assert_string_equal(logged(), "begins\nends\n");
    /* Twice the same message is one start. */
    SEND(.header.type = WIRE_START, .instance = keeper.instance);
    wait_phase(PHASE_ENDED);
    collect();
    SEND(.header.type = WIRE_START, .instance = keeper.instance);
    wait_phase(PHASE_IDLE);
    SEND(.header.type = WIRE_QUIT);
    assert_int_equal(waitpid(keeper.pid, &(int){0}, 0), keeper.pid);
    assert_int_equal(access("socket", F_OK), -1);
    keeper.pid = spawn_keeper();
    connect_keeper();
    assert_int_equal(keeper.record.instance, 1);
}

static void test_signals(void **state)
{
    (void)state;
    start_shell("trap 'exit 3' TERM; echo up; while :; do sleep 0.01; done");
    wait_phase(PHASE_RUNNING);
    SEND(.header.type = WIRE_SIGNAL, .instance = keeper.instance + 1, .signal = SIGKILL);
    SEND(.header.type = WIRE_SIGNAL, .instance = keeper.instance, .signal = 65);
    while (strstr(logged(), "up") == NULL) {
        pause_ms(5);
    }
    SEND(.header.type = WIRE_SIGNAL, .instance = keeper.instance, .signal = SIGTERM);
    wait_phase(PHASE_ENDED);
    assert_int_equal(WEXITSTATUS(keeper.record.wait_status), 3);
    start_shell("kill -SEGV $$");
    wait_phase(PHASE_ENDED);
    assert_int_equal(WTERMSIG(keeper.record.wait_status), SIGSEGV);
    /* The keeper itself is deaf to what would end others. */
    kill(keeper.pid, SIGTERM);
    kill(keeper.pid, SIGHUP);
    SEND(.header.type = WIRE_HELLO);
    assert_int_equal(receive(PATIENCE), WIRE_RECORD);
}

/* What the service finds: no signal ignored or blocked, its own session, nothing open but 0 to 2, its environment. */
static void test_surroundings(void **state)
{
    struct spec spec = shell("grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd | wc -l; env; ulimit -n; pwd;"
                             "cat /proc/self/oom_score_adj; nice; id -u; id -G; ps -o sid= -p $$ | tr -d ' '; echo $$");
    const char *log;
    char wanted[PATH_MAX + 64];

    (void)state;
    spec.notify = true;
    spec.limits[0] = (struct spec_limit){RLIMIT_NOFILE, 8};
    spec.limit_count = 1;
    spec.directory = "/tmp";
    spec.nice = 3;
    spec.has_oom_score_adj = true;
    spec.oom_score_adj = 123;
    spec.has_user = geteuid() == 0;
    spec.uid = 12;
    spec.gid = 34;
    start(&spec);
    wait_phase(PHASE_ENDED);
    log = logged();
    assert_non_null(strstr(log, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n4\n"));
    snprintf(wanted, sizeof(wanted), "NOTIFY_SOCKET=%s/notify\n", keeper.directory);
    assert_non_null(strstr(log, wanted));
    assert_non_null(strstr(log, "\n8\n/tmp\n123\n3\n"));
    if (spec.has_user) {
        assert_non_null(strstr(log, "\n12\n34\n"));
    }
    snprintf(wanted, sizeof(wanted), "\n%d\n%d\n", keeper.record.pid, keeper.record.pid);
    assert_non_null(strstr(log, wanted));
}

static void check_failure(const struct spec *spec, enum launch_step step, int error)
{
    start(spec);
    wait_phase(PHASE_FAILED);
    assert_int_equal(keeper.record.step, step);
    assert_int_equal(keeper.record.error, error);
    collect();
}

static void test_failures(void **state)
{
    struct spec spec = shell("true");

    (void)state;
    spec.arguments[0] = "/missing/program";
    check_failure(&spec, STEP_EXECUTE, ENOENT);
    assert_non_null(strstr(logged(), "cannot execute /missing/program"));
    spec.directory = "/missing";
    check_failure(&spec, STEP_DIRECTORY, ENOENT);
    spec.joins[0] = "/missing/cgroup.procs";
    check_failure(&spec, STEP_CGROUP, ENOENT);
    spec = shell("true");
    spec.limits[0] = (struct spec_limit){999, 1};
    spec.limit_count = 1;
    start(&spec);
    wait_phase(PHASE_ENDED);
    assert_int_equal(keeper.record.wait_status, 0);
    assert_non_null(strstr(logged(), "cannot set limit 999"));
    assert_int_equal(unlink("spec"), 0);
    SEND(.header.type = WIRE_START, .instance = ++keeper.instance);
    wait_phase(PHASE_FAILED);
    assert_int_equal(keeper.record.step, STEP_SPEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exit_status, begin, finish),
        cmocka_unit_test_setup_teardown(test_signals, begin, finish),
        cmocka_unit_test_setup_teardown(test_surroundings, begin, finish),
        cmocka_unit_test_setup_teardown(test_failures, begin, finish),
    };

    find_keeper();
    return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
