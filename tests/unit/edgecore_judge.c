/* SPDX-License-Identifier: Apache-2.0 */
/* Why edgecore ended, from how it ended, what it ended so before, and what the board looks like. */
#include "edgecore.h"

/* A dead cloud: after 5, 10, 20 … 300 seconds, and anew after one that lived. */
static void pauses_grow(void **state)
{
    static const int64_t pauses[] = {5000, 10000, 20000, 40000, 80000, 160000, 300000, 300000};
    static const char refused[] = GET_CA "dial tcp 10.0.0.5:10002: connect: connection refused\n";
    struct judgement before = {0};
    struct judgement other;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
        struct judgement judgement = judge(CAUSE_EXITED, EXIT(1), 250, refused, i == 0 ? NULL : &before);

        assert_int_equal(judgement.again_after, pauses[i]);
        before = judgement;
    }
    other = judge(CAUSE_EXITED, EXIT(1), EDGECORE_STABLE, refused, &before);
    assert_int_equal(other.again_after, 5000);
    other = judge(CAUSE_EXITED, EXIT(1), 30300, GET_CA "dial tcp 10.0.0.5:10002: i/o timeout\n", &before);
    assert_string_equal(other.code, "cloud-unreachable");
    assert_int_equal(other.again_after, 5000);
    other = judge(CAUSE_EXITED, EXIT(1), 30300, GET_CA "dial tcp 10.0.0.5:10002: i/o timeout\n", &other);
    assert_int_equal(other.again_after, 10000);
}

static void docker_is_never_its_fault(void **state)
{
    static const char absent[] = KLOG(
        "E", "edged.go:272") "init new edged error, failed to get docker version: Cannot connect "
                             "to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n";
    struct judgement judgement;

    (void)state;
    docker = DOCKER_ABSENT;
    judgement = judge_exit(absent);
    assert_int_equal(judgement.hold, JUDGEMENT_PARK);
    assert_true(judgement.blameless);
    assert_true(wakes_at(&judgement, WAKE_SERVICE_READY, "engine"));
    docker = DOCKER_ANSWERS; /* it came back before we looked */
    judgement = judge_exit(absent);
    assert_int_equal(judgement.hold, JUDGEMENT_RETRY);
    assert_true(judgement.blameless);

    docker = DOCKER_SILENT;
    judgement = judge(CAUSE_START_TIMEOUT, SIGKILL, 60000, "", NULL);
    assert_string_equal(judgement.code, "docker-hung");
    assert_string_equal(judgement.suspect, "engine");
    assert_int_equal(judgement.hold, JUDGEMENT_PARK);
    assert_true(judgement.blameless);
    assert_true(wakes_at(&judgement, WAKE_SERVICE_READY, "engine"));
    judgement = judge(CAUSE_LIVENESS, EXIT(0), 90000, "", NULL);
    assert_string_equal(judgement.code, "docker-hung");
    docker = DOCKER_ABSENT;
    assert_string_equal(judge(CAUSE_LIVENESS, EXIT(0), 90000, "", NULL).code, "docker-absent");
    has_dockershim = false; /* a 1.14: no docker is nothing to it */
    assert_int_equal(judge(CAUSE_LIVENESS, EXIT(0), 90000, "", NULL).hold, JUDGEMENT_NONE);
    has_dockershim = true;

    node.services.count = 0; /* a docker that is not ours */
    judgement = judge_exit(absent);
    assert_true(wakes_at(&judgement, WAKE_FILE_CHANGED, "/var/run/docker.sock"));
    assert_string_equal(judge(CAUSE_START_TIMEOUT, SIGKILL, 60000, "", NULL).suspect, "");
}

/* The one whose port 10550 is taken stays, and is never ready. */
static void start_timeout_by_its_lines(void **state)
{
    struct judgement judgement =
        judge(CAUSE_START_TIMEOUT, EXIT(0), 60000,
              KLOG("E", "server.go:68") "listen tcp 127.0.0.1:10550: bind: address already in use\n", NULL);

    (void)state;
    assert_string_equal(judgement.code, "port-taken");
    assert_string_equal(judgement.what, "port 10550 is taken by pid 812 (holder of 10550)");
    assert_int_equal(judge(CAUSE_START_TIMEOUT, EXIT(0), 60000, KLOG("I", "x.go:1") "hello\n", NULL).hold,
                     JUDGEMENT_NONE);
    /* Of its images, which one that is well says, too. */
    assert_int_equal(
        judge(CAUSE_START_TIMEOUT, EXIT(0), 60000,
              KLOG("E", "kubelet.go:1224") "\"Image garbage collection failed once. Stats initialization may "
                                           "not have completed yet\" err=\"failed to get imageFs info: "
                                           "unable to find data in memory cache\"\n",
              NULL)
            .hold,
        JUDGEMENT_NONE);
    assert_int_equal(
        judge(CAUSE_LIVENESS, EXIT(0), 60000, GET_CA "dial tcp 10.0.0.5:10002: connect: connection refused\n", NULL)
            .hold,
        JUDGEMENT_NONE);
}

static void crashes(void **state)
{
    static const char panic[] =
        KLOG("I", "x.go:1") "all is well\n"
                            "panic: runtime error: invalid memory address or nil pointer dereference\n"
                            "[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x1]\n\n"
                            "goroutine 1 [running]:\npanic: again\n";
    struct judgement judgement = judge(CAUSE_EXITED, EXIT(2), 100, panic, NULL);

    (void)state;
    assert_string_equal(judgement.code, "crashed");
    assert_string_equal(judgement.what, "panic: runtime error: invalid memory address or nil pointer dereference");
    assert_int_equal(judgement.hold, JUDGEMENT_RETRY);
    assert_false(judgement.blameless);
    assert_string_equal(judge(CAUSE_SIGNALLED, SIGSEGV, 100, "", NULL).code, "crashed");
    assert_int_equal(judge(CAUSE_SIGNALLED, SIGKILL, 100, panic, NULL).hold, JUDGEMENT_NONE);
    assert_string_equal(asked_for, "edgecore");
    memory_was_short = true;
    judgement = judge(CAUSE_SIGNALLED, SIGKILL, 100, panic, NULL);
    assert_string_equal(judgement.code, "killed-by-memory");
    assert_int_equal(judgement.hold, JUDGEMENT_RETRY);
    assert_int_equal(judge(CAUSE_SIGNALLED, SIGTERM, 100, panic, NULL).hold, JUDGEMENT_NONE);
    assert_int_equal(judge(CAUSE_EXITED, EXIT(0), 100, panic, NULL).hold, JUDGEMENT_NONE);
    assert_int_equal(judge(CAUSE_UNKNOWN_END, -1, 100, panic, NULL).hold, JUDGEMENT_NONE);
}

static void damage_is_mended_once(void **state)
{
    static const char damaged[] =
        KLOG("F", "db.go:27") "Failed to register db: register db Ping `default`, file is not a "
                              "database\n";
    struct judgement first = judge_exit(damaged);
    struct judgement second = judge(CAUSE_EXITED, EXIT(1), 250, damaged, &first);

    (void)state;
    assert_true(first.blameless);
    assert_false(second.blameless);
    assert_non_null(strstr(second.remedy, "could not be moved aside"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pauses_grow, set_up),
        cmocka_unit_test_setup(docker_is_never_its_fault, set_up),
        cmocka_unit_test_setup(start_timeout_by_its_lines, set_up),
        cmocka_unit_test_setup(crashes, set_up),
        cmocka_unit_test_setup(damage_is_mended_once, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
