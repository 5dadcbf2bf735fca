/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine makes of policies, delays, timeouts, wishes, and of coming back; with a clock of its own. */
#include "supervise/machine.h"

#include "base/util.h"
#include "machine_run.h"

/* The state after an end in READY, by policy and wait status. */
static void test_policies(void **state)
{
    static const struct {
        int policy;
        int status; /* -1: not known */
        enum service_state state;
        enum service_cause cause;
    } cases[] = {
        {ALWAYS, EXIT_0, SERVICE_DELAYED, CAUSE_EXITED},        {ALWAYS, EXIT_1, SERVICE_DELAYED, CAUSE_EXITED},
        {ALWAYS, KILLED, SERVICE_DELAYED, CAUSE_SIGNALLED},     {ALWAYS, -1, SERVICE_DELAYED, CAUSE_UNKNOWN_END},
        {ON_FAILURE, EXIT_0, SERVICE_FINISHED, CAUSE_EXITED},   {ON_FAILURE, EXIT_1, SERVICE_DELAYED, CAUSE_EXITED},
        {ON_FAILURE, KILLED, SERVICE_DELAYED, CAUSE_SIGNALLED}, {ON_FAILURE, -1, SERVICE_DELAYED, CAUSE_UNKNOWN_END},
        {NEVER, EXIT_0, SERVICE_FINISHED, CAUSE_EXITED},        {NEVER, EXIT_1, SERVICE_FINISHED, CAUSE_EXITED},
        {NEVER, KILLED, SERVICE_FINISHED, CAUSE_SIGNALLED},     {NEVER, -1, SERVICE_FINISHED, CAUSE_UNKNOWN_END},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct run run;

        begin_ready(&run, &plain);
        run.config.restart = cases[i].policy;
        step_end(&run, cases[i].status);
        assert_int_equal(run.machine.state, cases[i].state);
        assert_int_equal(run.machine.cause, cases[i].cause);
        assert_int_equal(run.machine.last_end, cases[i].cause);
        assert_int_equal(run.machine.last_status, cases[i].status);
        assert_int_equal(run.machine.stop_cause, CAUSE_NONE);
        assert_true((run.actions & ACTION_COLLECT) != 0);
    }
}

/* Failed starts: the missing program is waited for whatever the policy, the rest is a failure. */
static void test_failed_starts(void **state)
{
    struct run run;

    (void)state;
    for (int policy = ALWAYS; policy <= NEVER; policy++) {
        begin_starting(&run, &plain);
        run.config.restart = policy;
        step_cause(&run, EVENT_FAILED, CAUSE_MISSING);
        assert_int_equal(run.machine.state, SERVICE_PARKED);
        assert_int_equal(run.actions, ACTION_COLLECT | ACTION_WATCH_PROGRAM | ACTION_TIMER | ACTION_CHANGED);
        assert_int_equal(run.machine.last_status, -1);
        /* It appears after a long time: at once. */
        run.now += 5 * SECOND;
        step(&run, EVENT_APPEARED);
        assert_int_equal(run.machine.state, SERVICE_STARTING);
        step_cause(&run, EVENT_FAILED, CAUSE_CANNOT_START);
        assert_int_equal(run.machine.state, policy == NEVER ? SERVICE_FINISHED : SERVICE_DELAYED);
        assert_int_equal(run.machine.failures, policy == NEVER ? 1 : 2);
        if (policy != NEVER) {
            assert_int_equal(run.machine.due - run.now, MACHINE_FAILED_LEAST); /* the law says 400 ms */
        }
    }
    /* It is there and cannot be executed all the same: no circle without a delay. */
    begin_starting(&run, &plain);
    for (uint32_t n = 1; n <= 8; n++) {
        int64_t failed_at = run.now;
        int64_t law = machine_delay(&plain, n);

        step_cause(&run, EVENT_FAILED, CAUSE_MISSING);
        assert_int_equal(run.machine.failures, n);
        run.now += 10 * MS;
        step(&run, EVENT_APPEARED);
        assert_int_equal(run.machine.state, SERVICE_DELAYED);
        assert_int_equal(run.machine.due, failed_at + (law < SECOND ? SECOND : law));
        step_timer(&run);
    }
}

/* 200, 400, 800 ms … 60 s; forgotten after 60 s of being ready, and not a microsecond before. */
static void test_backoff(void **state)
{
    static const int64_t law[] = {200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000};
    struct run run;

    (void)state;
    begin_ready(&run, &plain);
    assert_int_equal(run.machine.due, 0);
    for (size_t i = 0; i < ARRAY_SIZE(law); i++) {
        step_end(&run, EXIT_1);
        assert_int_equal(run.machine.due - run.now, law[i] * MS);
        assert_int_equal(machine_delay(&plain, (uint32_t)i + 1), law[i] * MS);
        run.now = run.machine.due - 1;
        step(&run, EVENT_TIMER);
        assert_int_equal(run.machine.state, SERVICE_DELAYED); /* early: nothing but the timer again */
        assert_int_equal(run.actions, ACTION_TIMER);
        step_timer(&run);
        assert_int_equal(run.machine.state, SERVICE_STARTING);
        assert_int_equal(run.machine.restarts, i + 1);
        step(&run, EVENT_EXECUTED);
        step(&run, EVENT_READY);
        assert_int_equal(run.machine.due, run.now + plain.reset_after);
        assert_int_equal(run.machine.ready_at, run.now);
        run.now = run.machine.due - 1;
    }
    step_timer(&run);
    assert_int_equal(run.machine.failures, 0);
    assert_int_equal(run.machine.due, 0);
    step_end(&run, EXIT_1);
    assert_int_equal(run.machine.due - run.now, 200 * MS);
    run.machine.failures = UINT32_MAX;
    step_timer(&run);
    step_end(&run, EXIT_1);
    assert_int_equal(run.machine.failures, UINT32_MAX);
    assert_int_equal(machine_delay(&plain, 0), 0);
    assert_int_equal(machine_delay(&plain, UINT32_MAX), 60 * SECOND);
}

/* The end and the timer come in one batch: their order does not matter. So it is with bad health. */
static void test_reset_is_due(void **state)
{
    struct run run;

    (void)state;
    for (int health = 0; health <= 1; health++) {
        begin_starting(&run, &plain);
        step_end(&run, EXIT_1);
        step_timer(&run);
        step(&run, EVENT_READY);
        assert_int_equal(run.machine.failures, 1);
        assert_int_equal(run.machine.started_at, run.now); /* EXECUTED was superseded */
        run.now = run.machine.due;
        if (health) {
            step_cause(&run, EVENT_UNHEALTHY, CAUSE_WATCHDOG);
            assert_int_equal(run.machine.failures, 0);
            assert_int_equal(run.machine.stop_cause, CAUSE_WATCHDOG);
        }
        step_end(&run, EXIT_1);
        assert_int_equal(run.machine.failures, 1);
    }
}

static void test_jitter(void **state)
{
    static const uint32_t jitters[] = {0, 1, 200, 999, 1000, 5000};
    static const int64_t delays[] = {0, 1, 7, 200 * MS, 60 * SECOND, INT64_MAX / 2};

    (void)state;
    for (size_t j = 0; j < ARRAY_SIZE(jitters); j++) {
        for (size_t d = 0; d < ARRAY_SIZE(delays); d++) {
            int64_t part = jitters[j] < 1000 ? jitters[j] : 1000;
            int64_t reach = delays[d] / 1000 * part + delays[d] % 1000 * part / 1000;
            int64_t most = delays[d] > INT64_MAX - reach ? INT64_MAX : delays[d] + reach;
            uint64_t seed = 42;
            bool below = false;
            bool above = false;

            for (int i = 0; i < 2000; i++) {
                int64_t delay = machine_jitter(delays[d], jitters[j], &seed);

                assert_true(delay >= delays[d] - reach && delay >= 0 && delay <= most);
                below |= delay <= delays[d] - (reach - reach / 10);
                above |= delay >= delays[d] + (reach - reach / 10);
            }
            assert_true(below && above); /* the whole range is used */
        }
    }
    for (uint64_t seed = 0; seed < 20; seed++) {
        assert_true(machine_jitter(INT64_MAX, 1000, &(uint64_t){seed}) >= 0);
    }
    /* Two services that fail together do not stay together. */
    assert_int_not_equal(machine_jitter(SECOND, 200, &(uint64_t){1}), machine_jitter(SECOND, 200, &(uint64_t){2}));
}

/* No delay: the end and the next start are one step. With a group to clear, what is left of it comes first. */
static void test_restart_at_once(void **state)
{
    struct machine_config config = plain;
    struct run run;

    (void)state;
    config.delay = 0;
    begin_ready(&run, &config);
    run.now += SECOND;
    step_end(&run, KILLED);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_START | ACTION_TIMER | ACTION_CHANGED);
    assert_int_equal(run.machine.instance, 2);
    assert_int_equal(run.machine.collected, 1);
    assert_int_equal(run.machine.since, run.now);
    assert_int_equal(run.machine.started_at, 0);
    assert_int_equal(run.machine.ready_at, 0);
    run.now += SECOND;
    step_end(&run, KILLED); /* before it was ready: the same state, another instance */
    assert_int_equal(run.machine.instance, 3);
    assert_int_equal(run.machine.since, run.now);
    assert_true((run.actions & ACTION_CHANGED) != 0);
    step_cause(&run, EVENT_UNHEALTHY, CAUSE_WATCHDOG);
    step_end(&run, KILLED);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_START | ACTION_TIMER | ACTION_CHANGED);

    run.config.clear_group = true;
    step_end(&run, KILLED);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_CLEAR_GROUP | ACTION_TIMER | ACTION_CHANGED);
    assert_int_equal(run.machine.state, SERVICE_WAITING);
    assert_int_equal(run.machine.cause, CAUSE_REMAINS);
    step(&run, EVENT_RELEASE);
    assert_int_equal(run.actions, ACTION_START | ACTION_TIMER | ACTION_CHANGED);

    /* The delay is over, the group is not gone; and it goes before the delay is over. */
    run.config.delay = SECOND;
    step_end(&run, KILLED);
    assert_int_equal(run.machine.state, SERVICE_DELAYED);
    step_timer(&run);
    assert_int_equal(run.machine.state, SERVICE_WAITING);
    assert_int_equal(run.machine.cause, CAUSE_REMAINS);
    step(&run, EVENT_RELEASE);
    step_end(&run, KILLED);
    step(&run, EVENT_RELEASE);
    assert_int_equal(run.machine.state, SERVICE_DELAYED);
    step_timer(&run);
    assert_int_equal(run.machine.state, SERVICE_STARTING);
    /* A reason that was there before is not forgotten for it. */
    step_cause(&run, EVENT_HOLD, CAUSE_AFTER);
    step_end(&run, KILLED);
    assert_int_equal(run.machine.held, CAUSE_AFTER);
    assert_int_equal(run.machine.restarts, run.machine.instance - 1);
}

static void test_holds(void **state)
{
    static const enum service_cause causes[] = {CAUSE_RESOURCES, CAUSE_AFTER, CAUSE_CONDITION, CAUSE_REMAINS};
    struct run run;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(causes); i++) {
        begin_ready(&run, &plain);
        step_cause(&run, EVENT_HOLD, causes[i]);
        assert_int_equal(run.machine.held, causes[i]);
        step_end(&run, EXIT_1);
        step_timer(&run);
        assert_int_equal(run.machine.state, SERVICE_WAITING);
        assert_int_equal(run.machine.cause, causes[i]);
        step(&run, EVENT_BLOCK);
        assert_int_equal(run.machine.state, SERVICE_BLOCKED);
        run.now += SECOND;
        step_cause(&run, EVENT_HOLD, causes[i]);
        assert_int_equal(run.machine.cause, causes[i]);
        assert_int_equal(run.machine.since, run.now);
        run.now += SECOND;
        step_cause(&run, EVENT_HOLD, causes[(i + 1) % ARRAY_SIZE(causes)]);
        assert_int_equal(run.machine.since, run.now - SECOND); /* it still waits */
        assert_int_equal(run.actions, ACTION_CHANGED);
    }
    /* Blocked and released while the delay runs. */
    begin_ready(&run, &plain);
    step_end(&run, EXIT_1);
    step(&run, EVENT_BLOCK);
    step(&run, EVENT_RELEASE);
    step_timer(&run);
    assert_int_equal(run.machine.state, SERVICE_STARTING);
    /* A cause that is none for waiting. */
    step_cause(&run, EVENT_HOLD, CAUSE_EXITED);
    assert_int_equal(run.machine.held, CAUSE_RESOURCES);
    step_input(&run, &(struct machine_input){.event = EVENT_HOLD, .cause = (enum service_cause)99});
    assert_int_equal(run.machine.held, CAUSE_RESOURCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policies), cmocka_unit_test(test_failed_starts),
        cmocka_unit_test(test_backoff),  cmocka_unit_test(test_reset_is_due),
        cmocka_unit_test(test_jitter),   cmocka_unit_test(test_restart_at_once),
        cmocka_unit_test(test_holds),
    };

    return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
