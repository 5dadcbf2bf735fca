/* SPDX-License-Identifier: Apache-2.0 */
/* What people, reloads and the daemon's end want of the machine; how it stops what runs. With a clock of its own. */
#include "supervise/machine.h"

#include "base/util.h"
#include "machine_run.h"

static void extend(struct run *run, int64_t until)
{
    step_input(run, &(struct machine_input){.event = EVENT_EXTEND, .instance = run->machine.instance, .until = until});
}

/* Not ready in time: signal, kill, kill again and again; then it is a failure like any other. */
static void test_start_timeout(void **state)
{
    struct run run;

    (void)state;
    begin_starting(&run, &plain);
    step(&run, EVENT_EXECUTED);
    assert_int_equal(run.machine.due, START + plain.start_timeout);
    step_timer(&run);
    assert_int_equal(run.machine.due - run.now, plain.stop_timeout);
    step_timer(&run);
    assert_int_equal(run.machine.cause, CAUSE_STOP_TIMEOUT);
    assert_int_equal(run.machine.stop_cause, CAUSE_START_TIMEOUT);
    assert_int_equal(run.machine.due - run.now, plain.stop_timeout);
    step_timer(&run);
    assert_int_equal(run.actions, ACTION_KILL | ACTION_TIMER);
    step_end(&run, KILLED);
    assert_int_equal(run.machine.state, SERVICE_DELAYED);
    assert_int_equal(run.machine.last_end, CAUSE_STOP_TIMEOUT);
    assert_int_equal(run.machine.stop_cause, CAUSE_START_TIMEOUT);
    assert_int_equal(run.machine.last_status, KILLED);
    assert_int_equal(run.machine.failures, 1);
    assert_int_equal(run.machine.due - run.now, 200 * MS);
    /* Even a clean end is no success then. */
    run.config.restart = ON_FAILURE;
    step_timer(&run);
    step_timer(&run);
    step_end(&run, EXIT_0);
    assert_int_equal(run.machine.state, SERVICE_DELAYED);
    assert_int_equal(run.machine.last_end, CAUSE_START_TIMEOUT);
    run.config.restart = NEVER;
    step_timer(&run);
    step_timer(&run);
    step_end(&run, EXIT_0);
    assert_int_equal(run.machine.state, SERVICE_FINISHED);
    /* Without a timeout there is no timer, and a stray one does nothing. */
    begin(&run, &plain);
    run.config.start_timeout = 0;
    step(&run, EVENT_RELEASE);
    assert_int_equal(run.actions, ACTION_START | ACTION_CHANGED);
    step(&run, EVENT_TIMER);
    assert_int_equal(run.machine.state, SERVICE_STARTING);
    extend(&run, run.now + SECOND);
    assert_int_equal(run.machine.due, 0);
}

static void test_kill_pauses(void **state)
{
    static const int64_t pauses[][2] = {
        {0, SECOND}, {SECOND, SECOND}, {7 * SECOND, 7 * SECOND}, {3600 * SECOND, 30 * SECOND}};
    struct run run;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
        begin_ready(&run, &plain);
        run.config.stop_timeout = pauses[i][0];
        step(&run, EVENT_WANT_DOWN);
        assert_int_equal(run.machine.due - run.now, pauses[i][0]);
        step_timer(&run);
        assert_int_equal(run.machine.due - run.now, pauses[i][1]);
        step_timer(&run);
        assert_int_equal(run.machine.due - run.now, pauses[i][1]);
        assert_int_equal(run.machine.since, START); /* stopping all the time */
    }
}

/* The stop came before the fork: signalled again, as it was meant, and once. */
static void test_stop_before_fork(void **state)
{
    struct run run;

    (void)state;
    begin_starting(&run, &plain);
    step(&run, EVENT_WANT_DOWN);
    assert_int_equal(run.actions, ACTION_SIGNAL | ACTION_TIMER | ACTION_CHANGED);
    step(&run, EVENT_EXECUTED);
    assert_int_equal(run.actions, ACTION_SIGNAL);
    assert_int_equal(run.machine.started_at, run.now);
    step(&run, EVENT_EXECUTED);
    assert_int_equal(run.actions, 0);
    begin_starting(&run, &plain);
    step(&run, EVENT_WANT_DOWN);
    step_timer(&run);
    step(&run, EVENT_EXECUTED);
    assert_int_equal(run.actions, ACTION_KILL);
    /* The keeper never heard of it. */
    step_cause(&run, EVENT_FAILED, CAUSE_CANNOT_START);
    assert_int_equal(run.machine.state, SERVICE_STOPPED);
    assert_int_equal(run.machine.last_status, -1);
}

static void test_extend(void **state)
{
    struct run run;
    int64_t due;

    (void)state;
    begin_starting(&run, &plain);
    due = run.machine.due;
    extend(&run, due - 1);
    assert_int_equal(run.machine.due, due); /* never back */
    extend(&run, due + 1);
    assert_int_equal(run.machine.due, due + 1);
    assert_int_equal(run.actions, ACTION_TIMER);
    extend(&run, INT64_MAX);
    assert_int_equal(run.machine.due, run.now + MACHINE_EXTEND_MOST);
    step(&run, EVENT_WANT_DOWN);
    extend(&run, run.now + 20 * SECOND);
    assert_int_equal(run.machine.due, run.now + 20 * SECOND);
    step_timer(&run);
    due = run.machine.due;
    extend(&run, run.now + 3000 * SECOND); /* it has been killed */
    assert_int_equal(run.machine.due, due);
}

static void test_health(void **state)
{
    static const enum service_cause causes[][2] = {{CAUSE_LIVENESS, CAUSE_LIVENESS},
                                                   {CAUSE_WATCHDOG, CAUSE_WATCHDOG},
                                                   {CAUSE_KEEPER_LOST, CAUSE_KEEPER_LOST},
                                                   {CAUSE_REQUEST, CAUSE_LIVENESS}};
    struct run run;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
        begin_ready(&run, &plain);
        step_cause(&run, EVENT_UNHEALTHY, causes[i][0]);
        assert_int_equal(run.machine.cause, causes[i][1]);
        step_end(&run, EXIT_0);
        assert_int_equal(run.machine.state, SERVICE_DELAYED);
        assert_int_equal(run.machine.last_end, causes[i][1]);
        assert_int_equal(run.machine.stop_cause, causes[i][1]);
        assert_int_equal(run.machine.failures, 1);
        /* It belongs to that end, and not to the next. */
        step_timer(&run);
        assert_int_equal(run.machine.stop_cause, causes[i][1]);
        if (i % 2 == 0) {
            step_end(&run, EXIT_1);
        } else {
            step_cause(&run, EVENT_FAILED, CAUSE_CANNOT_START);
        }
        assert_int_equal(run.machine.stop_cause, CAUSE_NONE);
    }
}

/* Without checks it is ready when it executes. */
static void test_without_checks(void **state)
{
    struct run run;

    (void)state;
    begin_starting(&run, &plain);
    run.config.has_ready_check = false;
    run.config.has_alive_check = false;
    run.now += 3;
    step(&run, EVENT_EXECUTED);
    assert_int_equal(run.machine.state, SERVICE_READY);
    assert_int_equal(run.actions, ACTION_TIMER | ACTION_CHANGED); /* that of the start is off */
    assert_int_equal(run.machine.due, 0);
    assert_int_equal(run.machine.started_at, run.now);
    assert_int_equal(run.machine.ready_at, run.now);
    /* With one, it is begun once, and the first time counts. */
    begin_starting(&run, &plain);
    step(&run, EVENT_EXECUTED);
    assert_int_equal(run.actions, ACTION_CHECK_READY);
    run.now += 3;
    step(&run, EVENT_EXECUTED);
    assert_int_equal(run.actions, 0);
    step(&run, EVENT_READY);
    assert_int_equal(run.machine.started_at, run.now - 3);
    assert_int_equal(run.machine.ready_at, run.now);
}

/* A restart is no failure: no delay, whatever the policy, even if it had to be killed. */
static void test_restart(void **state)
{
    struct run run;

    (void)state;
    for (int policy = ALWAYS; policy <= NEVER; policy++) {
        for (int killed = 0; killed <= 1; killed++) {
            begin_ready(&run, &plain);
            run.config.restart = policy;
            run.machine.failures = 5;
            step_cause(&run, EVENT_WANT_AGAIN, killed ? CAUSE_CHANGED : CAUSE_REQUEST);
            assert_int_equal(run.machine.cause, killed ? CAUSE_CHANGED : CAUSE_REQUEST);
            assert_int_equal(run.machine.again, 1);
            if (killed) {
                step_timer(&run);
            }
            step_end(&run, KILLED);
            assert_int_equal(run.actions, ACTION_COLLECT | ACTION_START | ACTION_TIMER | ACTION_CHANGED);
            assert_int_equal(run.machine.last_end, killed ? CAUSE_STOP_TIMEOUT : CAUSE_REQUEST);
            assert_int_equal(run.machine.again, 0);
            assert_int_equal(run.machine.failures, 0);
            step_end(&run, EXIT_1); /* and that is one */
            assert_int_equal(run.machine.state, policy == NEVER ? SERVICE_FINISHED : SERVICE_DELAYED);
        }
    }
    /* Not while it is held. */
    begin_ready(&run, &plain);
    step(&run, EVENT_WANT_AGAIN);
    step(&run, EVENT_HOLD);
    step_end(&run, EXIT_0);
    assert_int_equal(run.machine.state, SERVICE_WAITING);
}

/* The last wish counts, also while it stops. */
static void test_changes_of_mind(void **state)
{
    struct run run;

    (void)state;
    begin_ready(&run, &plain);
    run.machine.failures = 5;
    step_cause(&run, EVENT_UNHEALTHY, CAUSE_LIVENESS);
    step(&run, EVENT_WANT_UP); /* no delay for a person */
    assert_int_equal(run.machine.failures, 0);
    assert_int_equal(run.machine.again, 1);
    step(&run, EVENT_WANT_DOWN);
    assert_int_equal(run.machine.again, 0);
    step_cause(&run, EVENT_WANT_AGAIN, CAUSE_CHANGED); /* stays down */
    assert_int_equal(run.machine.wanted_up, 0);
    assert_int_equal(run.machine.again, 0);
    step(&run, EVENT_WANT_AGAIN);
    assert_int_equal(run.machine.wanted_up, 1);
    assert_int_equal(run.machine.down_cause, CAUSE_NONE);
    step(&run, EVENT_WANT_DOWN);
    step_end(&run, EXIT_1);
    assert_int_equal(run.machine.state, SERVICE_STOPPED);
    assert_int_equal(run.machine.failures, 0);
    step_cause(&run, EVENT_WANT_AGAIN, CAUSE_CHANGED);
    assert_int_equal(run.machine.state, SERVICE_STOPPED);
    step(&run, EVENT_WANT_UP);
    assert_int_equal(run.machine.state, SERVICE_STARTING);
    assert_int_equal(run.machine.wanted_up, 1);
    assert_int_equal(run.machine.restarts, 1);
    /* A changed manifest while it stops for bad health: it has no more to prove. */
    step_cause(&run, EVENT_UNHEALTHY, CAUSE_WATCHDOG);
    step_cause(&run, EVENT_WANT_AGAIN, CAUSE_CHANGED);
    step_end(&run, EXIT_1);
    assert_int_equal(run.machine.state, SERVICE_STARTING);
    /* Started by a person, while it waits for its turn: the failures are forgotten. */
    step_end(&run, EXIT_1);
    step_timer(&run);
    step_end(&run, EXIT_1);
    assert_int_equal(run.machine.failures, 2);
    step(&run, EVENT_HOLD);
    step(&run, EVENT_WANT_UP);
    assert_int_equal(run.machine.state, SERVICE_WAITING);
    assert_int_equal(run.machine.failures, 0);
}

/* The daemon's orderly end: the next one wants up what it stopped, and nothing else. */
static void test_shutdown(void **state)
{
    struct run run;

    (void)state;
    begin_ready(&run, &plain);
    step_cause(&run, EVENT_WANT_DOWN, CAUSE_SHUTDOWN);
    assert_int_equal(run.machine.cause, CAUSE_SHUTDOWN);
    step_end(&run, EXIT_0);
    assert_int_equal(run.machine.state, SERVICE_STOPPED);
    assert_int_equal(run.machine.cause, CAUSE_SHUTDOWN);
    step_cause(&run, EVENT_WANT_DOWN, CAUSE_REQUEST);
    assert_int_equal(run.machine.cause, CAUSE_REQUEST);
    step_cause(&run, EVENT_WANT_DOWN, CAUSE_SHUTDOWN);
    assert_int_equal(run.machine.cause, CAUSE_REQUEST);
    /* A person stopped it, and it still stops when the daemon ends; and the other way round. */
    for (int first = 0; first <= 1; first++) {
        begin_ready(&run, &plain);
        step_cause(&run, EVENT_WANT_DOWN, first ? CAUSE_SHUTDOWN : CAUSE_REQUEST);
        step_cause(&run, EVENT_WANT_DOWN, first ? CAUSE_REQUEST : CAUSE_SHUTDOWN);
        step_end(&run, EXIT_0);
        assert_int_equal(run.machine.down_cause, CAUSE_REQUEST);
        assert_int_equal(run.machine.cause, CAUSE_REQUEST);
    }
    /* What has finished is not run again for it. */
    begin_ready(&run, &plain);
    run.config.restart = NEVER;
    step_end(&run, EXIT_0);
    step_cause(&run, EVENT_WANT_DOWN, CAUSE_SHUTDOWN);
    assert_int_equal(run.machine.state, SERVICE_FINISHED);
    assert_int_equal(run.machine.wanted_up, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_timeout),    cmocka_unit_test(test_kill_pauses),
        cmocka_unit_test(test_stop_before_fork), cmocka_unit_test(test_extend),
        cmocka_unit_test(test_health),           cmocka_unit_test(test_without_checks),
        cmocka_unit_test(test_restart),          cmocka_unit_test(test_changes_of_mind),
        cmocka_unit_test(test_shutdown),
    };

    return cmocka_run_group_tests_name("wishes", tests, NULL, NULL);
}
