/* SPDX-License-Identifier: Apache-2.0 */
/* The machine of a service with a profile: prepared before each start, judged after each failed end, parked and woken. */
#include "base/util.h"
#include "machine_run.h"

static struct machine_config with(bool prepares, bool judges)
{
    struct machine_config config = plain;

    config.prepares = prepares;
    config.judges = judges;
    config.has_ready_check = config.has_alive_check = false;
    return config;
}

static void is_state(const struct run *run, enum service_state state, enum service_cause cause)
{
    assert_string_equal(machine_state_name(run->machine.state), machine_state_name(state));
    assert_string_equal(machine_cause_name(run->machine.cause), machine_cause_name(cause));
}

/* What the profile found; until 0: for ever. */
static void step_judged(struct run *run, bool parks, int64_t until, bool blameless)
{
    step_input(run, &(struct machine_input){.event = EVENT_JUDGED,
                                            .cause = parks ? CAUSE_JUDGED : CAUSE_NONE,
                                            .instance = run->machine.instance,
                                            .until = until,
                                            .blameless = blameless});
}

static void begin_failed(struct run *run, const struct machine_config *config)
{
    begin(run, config);
    step(run, EVENT_RELEASE);
    step(run, EVENT_EXECUTED);
    run->now += SECOND;
    step_end(run, EXIT_1);
}

/* Each start wants a preparation of its own, and only that is between it and the service. */
static void test_prepare(void **state)
{
    const struct machine_config config = with(true, false);
    struct run run;

    (void)state;
    begin(&run, &config);
    step_cause(&run, EVENT_HOLD, CAUSE_AFTER);
    assert_int_equal(run.actions, ACTION_CHANGED);
    step_cause(&run, EVENT_HOLD, CAUSE_PREPARING);
    is_state(&run, SERVICE_WAITING, CAUSE_PREPARING);
    assert_int_equal(run.actions, ACTION_PREPARE | ACTION_CHANGED);
    step_cause(&run, EVENT_HOLD, CAUSE_PREPARING); /* may be asked twice */
    assert_int_equal(run.actions, ACTION_PREPARE);
    step(&run, EVENT_RELEASE);
    is_state(&run, SERVICE_STARTING, CAUSE_NONE);
    assert_int_equal(run.machine.held, CAUSE_PREPARING);
    step(&run, EVENT_EXECUTED);
    step_end(&run, EXIT_1);
    is_state(&run, SERVICE_DELAYED, CAUSE_EXITED);
    assert_int_equal(run.actions & (ACTION_PREPARE | ACTION_JUDGE), 0);
    step_timer(&run);
    is_state(&run, SERVICE_WAITING, CAUSE_PREPARING);
    assert_int_equal(run.actions, ACTION_PREPARE | ACTION_TIMER | ACTION_CHANGED);
    step(&run, EVENT_RELEASE);
    assert_int_equal(run.machine.instance, 2);
    /* Stopped and started again on request: the same. */
    step(&run, EVENT_EXECUTED);
    step_cause(&run, EVENT_WANT_AGAIN, CAUSE_REQUEST);
    step_end(&run, EXIT_0);
    is_state(&run, SERVICE_WAITING, CAUSE_PREPARING);
    assert_true((run.actions & ACTION_PREPARE) != 0);
    /* Even without any delay. */
    run.config.delay = 0;
    step(&run, EVENT_RELEASE);
    step(&run, EVENT_EXECUTED);
    step_end(&run, EXIT_1);
    is_state(&run, SERVICE_WAITING, CAUSE_PREPARING);
    /* Its leftovers come first. */
    run.config.clear_group = true;
    step(&run, EVENT_RELEASE);
    step(&run, EVENT_EXECUTED);
    step_end(&run, EXIT_1);
    is_state(&run, SERVICE_WAITING, CAUSE_REMAINS);
    assert_int_equal(run.actions & ACTION_PREPARE, 0);
}

/* A preparation that finds that a start makes no sense. */
static void test_prepare_parks(void **state)
{
    const struct machine_config config = with(true, true);
    struct run run;

    (void)state;
    begin(&run, &config);
    step_cause(&run, EVENT_HOLD, CAUSE_PREPARING);
    step_judged(&run, true, run.now + 60 * SECOND, true);
    is_state(&run, SERVICE_PARKED, CAUSE_JUDGED);
    assert_int_equal(run.actions, ACTION_TIMER | ACTION_CHANGED);
    step(&run, EVENT_APPEARED); /* that is about something else */
    is_state(&run, SERVICE_PARKED, CAUSE_JUDGED);
    step_timer(&run);
    is_state(&run, SERVICE_WAITING, CAUSE_PREPARING);
    step_judged(&run, true, 0, false);
    assert_int_equal(run.machine.due, 0);
    run.now += SECOND;
    step(&run, EVENT_WAKE);
    is_state(&run, SERVICE_WAITING, CAUSE_PREPARING);
    assert_int_equal(run.actions, ACTION_PREPARE | ACTION_CHANGED);
    step(&run, EVENT_RELEASE);
    step(&run, EVENT_EXECUTED);
    is_state(&run, SERVICE_READY, CAUSE_NONE);
    step_judged(&run, true, 0, false); /* too late */
    is_state(&run, SERVICE_READY, CAUSE_NONE);
    assert_int_equal(run.machine.restarts, 0);
}

/* The next start waits for the judgement, however short the delay. */
static void test_judge(void **state)
{
    struct machine_config config = with(false, true);
    struct run run;

    (void)state;
    config.delay = 0;
    begin_failed(&run, &config);
    is_state(&run, SERVICE_WAITING, CAUSE_JUDGING);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_JUDGE | ACTION_CHANGED);
    step_judged(&run, false, 0, false);
    is_state(&run, SERVICE_STARTING, CAUSE_NONE);
    /* The delay is longer than the judging. */
    config.delay = 200 * MS;
    begin_failed(&run, &config);
    is_state(&run, SERVICE_DELAYED, CAUSE_EXITED);
    assert_int_equal(run.machine.held, CAUSE_JUDGING);
    step_judged(&run, false, 0, false);
    is_state(&run, SERVICE_DELAYED, CAUSE_EXITED);
    assert_int_equal(run.actions, 0);
    step_timer(&run);
    is_state(&run, SERVICE_STARTING, CAUSE_NONE);
    /* And shorter. */
    begin_failed(&run, &config);
    step_timer(&run);
    is_state(&run, SERVICE_WAITING, CAUSE_JUDGING);
    step_judged(&run, true, 0, false);
    is_state(&run, SERVICE_PARKED, CAUSE_JUDGED);
    step_judged(&run, true, run.now + SECOND, false); /* it may say that again */
    assert_int_equal(run.machine.due, run.now + SECOND);
    step_cause(&run, EVENT_WANT_AGAIN, CAUSE_CHANGED);
    is_state(&run, SERVICE_STARTING, CAUSE_NONE);
    assert_int_equal(run.machine.failures, 0);
    assert_int_equal(run.machine.due, run.now + plain.start_timeout);
    /* Somebody else holds it as well. */
    begin_failed(&run, &config);
    step_cause(&run, EVENT_HOLD, CAUSE_CONDITION);
    step_timer(&run);
    step_judged(&run, false, 0, false);
    is_state(&run, SERVICE_WAITING, CAUSE_CONDITION);
}

static void test_whom(void **state)
{
    struct machine_config config = with(true, true);
    struct run run;

    (void)state;
    /* Clean, but nobody asked for it. */
    begin(&run, &config);
    step(&run, EVENT_RELEASE);
    step(&run, EVENT_EXECUTED);
    step_end(&run, EXIT_0);
    assert_true((run.actions & ACTION_JUDGE) != 0);
    assert_int_equal(run.machine.held, CAUSE_JUDGING);
    step_judged(&run, false, 0, false);
    assert_int_equal(run.machine.held, CAUSE_PREPARING);
    /* We stopped it for its health. */
    step_timer(&run);
    step(&run, EVENT_RELEASE);
    step(&run, EVENT_EXECUTED);
    step_cause(&run, EVENT_UNHEALTHY, CAUSE_LIVENESS);
    step_end(&run, KILLED);
    assert_true((run.actions & ACTION_JUDGE) != 0);
    step_judged(&run, false, 0, false);
    /* It never executed: there is nothing to look into. */
    step_timer(&run);
    step(&run, EVENT_RELEASE);
    step_cause(&run, EVENT_FAILED, CAUSE_CANNOT_START);
    assert_int_equal(run.actions & ACTION_JUDGE, 0);
    assert_int_equal(run.machine.judged, run.machine.collected);
    step_timer(&run);
    step(&run, EVENT_RELEASE);
    step_cause(&run, EVENT_FAILED, CAUSE_MISSING);
    is_state(&run, SERVICE_PARKED, CAUSE_MISSING);
    assert_int_equal(run.actions & ACTION_JUDGE, 0);
    step_judged(&run, true, 0, true);
    is_state(&run, SERVICE_PARKED, CAUSE_MISSING);
    step(&run, EVENT_WAKE);
    is_state(&run, SERVICE_PARKED, CAUSE_MISSING);
    /* It is not started again anyway. */
    config.restart = NEVER;
    begin_failed(&run, &config);
    is_state(&run, SERVICE_FINISHED, CAUSE_EXITED);
    assert_int_equal(run.actions & ACTION_JUDGE, 0);
}

/* A person does not wait for it. */
static void test_wishes(void **state)
{
    const struct machine_config config = with(true, true);
    struct run run;

    (void)state;
    begin_failed(&run, &config);
    step_cause(&run, EVENT_WANT_UP, CAUSE_REQUEST);
    is_state(&run, SERVICE_WAITING, CAUSE_PREPARING);
    assert_int_equal(run.machine.judged, 1);
    step_judged(&run, false, 0, true); /* is late, and lifts nothing */
    is_state(&run, SERVICE_WAITING, CAUSE_PREPARING);
    begin_failed(&run, &config);
    step_cause(&run, EVENT_WANT_DOWN, CAUSE_REQUEST);
    is_state(&run, SERVICE_STOPPED, CAUSE_REQUEST);
    assert_int_equal(run.machine.held, CAUSE_PREPARING);
    step_judged(&run, true, 0, false);
    is_state(&run, SERVICE_STOPPED, CAUSE_REQUEST);
}

static void test_blameless(void **state)
{
    struct machine_config config = with(false, true);
    struct run run;

    (void)state;
    begin_failed(&run, &config);
    assert_int_equal(run.machine.failures, 1);
    run.now += 100 * MS;
    step_judged(&run, false, 0, true);
    assert_int_equal(run.machine.failures, 0);
    is_state(&run, SERVICE_DELAYED, CAUSE_EXITED);
    assert_int_equal(run.machine.due, run.machine.since + MACHINE_FAILED_LEAST);
    step_judged(&run, false, 0, true); /* counts once */
    assert_int_equal(run.machine.failures, 0);
    /* No delay at all would be a spin. */
    config.delay = 0;
    begin_failed(&run, &config);
    run.now += 100 * MS;
    step_judged(&run, false, 0, true);
    is_state(&run, SERVICE_DELAYED, CAUSE_EXITED);
    assert_int_equal(run.machine.due, run.now + MACHINE_FAILED_LEAST - 100 * MS);
    step_timer(&run);
    is_state(&run, SERVICE_STARTING, CAUSE_NONE);
    /* A judgement that took longer than that. */
    begin_failed(&run, &config);
    run.now += 5 * SECOND;
    step_judged(&run, false, 0, true);
    is_state(&run, SERVICE_STARTING, CAUSE_NONE);
    /* The first delay is the least. */
    config.delay = 4 * SECOND;
    begin_failed(&run, &config);
    step_judged(&run, false, 0, true);
    assert_int_equal(run.machine.failures, 0);
    assert_int_equal(run.machine.due, run.now + 4 * SECOND);
    /* The delay that others before it have earned stays. */
    begin_failed(&run, &config);
    step_judged(&run, false, 0, false);
    for (int i = 0; i < 2; i++) {
        step_timer(&run);
        step(&run, EVENT_EXECUTED);
        step_end(&run, EXIT_1);
        step_judged(&run, false, 0, i == 1);
    }
    assert_int_equal(run.machine.failures, 2);
    assert_int_equal(run.machine.due, run.now + 8 * SECOND);
}

static void test_wake(void **state)
{
    struct machine_config config = with(false, true);
    struct run run;

    (void)state;
    /* Long parked: at once. */
    begin_failed(&run, &config);
    step_judged(&run, true, 0, false);
    run.now += MACHINE_WOKEN_LEAST;
    step(&run, EVENT_WAKE);
    is_state(&run, SERVICE_STARTING, CAUSE_NONE);
    /* Just parked: a moment later. */
    begin_failed(&run, &config);
    step_judged(&run, true, 0, false);
    step(&run, EVENT_WAKE);
    is_state(&run, SERVICE_DELAYED, CAUSE_EXITED);
    assert_int_equal(run.machine.due, run.now + MACHINE_WOKEN_LEAST);
    step(&run, EVENT_WAKE); /* not later again */
    assert_int_equal(run.machine.due, run.now + MACHINE_WOKEN_LEAST);
    /* Delayed: at once, never later than the delay. */
    config.delay = 30 * SECOND;
    begin_failed(&run, &config);
    step_judged(&run, false, 0, false);
    run.now += SECOND;
    step(&run, EVENT_WAKE);
    is_state(&run, SERVICE_STARTING, CAUSE_NONE);
    /* Its own start wakes it, each time. */
    config.delay = 200 * MS;
    begin_failed(&run, &config);
    for (uint32_t failures = 1; failures < 30; failures++) {
        int64_t least = failures <= MACHINE_WOKEN_FREELY ? MACHINE_WOKEN_LEAST : 200 * MS;

        for (uint32_t n = MACHINE_WOKEN_FREELY + 1; n < failures && least < MACHINE_WOKEN_MOST; n++) {
            least *= 2;
        }
        least = least > MACHINE_WOKEN_MOST ? MACHINE_WOKEN_MOST : least;
        assert_int_equal(run.machine.failures, failures);
        step_judged(&run, true, 0, false);
        step(&run, EVENT_WAKE);
        assert_int_equal(run.machine.due, run.now + least);
        step_timer(&run);
        step(&run, EVENT_EXECUTED);
        step_end(&run, EXIT_1);
    }
}

/* A daemon that comes back asks again, and keeps what is parked parked. */
static void test_resume(void **state)
{
    const struct machine_config config = with(true, true);
    struct run run;

    (void)state;
    begin_failed(&run, &config);
    run.actions = machine_resume(&run.machine, &run.config, run.now);
    assert_true(machine_is_valid(&run.machine));
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_JUDGE | ACTION_TIMER);
    assert_int_equal(run.machine.held, CAUSE_RESOURCES);
    step_timer(&run);
    is_state(&run, SERVICE_WAITING, CAUSE_RESOURCES);
    step_cause(&run, EVENT_HOLD, CAUSE_JUDGING);
    run.actions = machine_resume(&run.machine, &run.config, run.now);
    is_state(&run, SERVICE_WAITING, CAUSE_RESOURCES);
    step_judged(&run, false, 0, false); /* that is not all it waits for */
    is_state(&run, SERVICE_WAITING, CAUSE_RESOURCES);
    step_cause(&run, EVENT_HOLD, CAUSE_PREPARING);
    assert_true((run.actions & ACTION_PREPARE) != 0);
    run.actions = machine_resume(&run.machine, &run.config, run.now);
    assert_int_equal(run.actions, ACTION_COLLECT);
    is_state(&run, SERVICE_WAITING, CAUSE_RESOURCES);
    step_cause(&run, EVENT_HOLD, CAUSE_PREPARING);
    step_judged(&run, true, run.now + 5 * SECOND, false);
    run.now += 60 * SECOND;
    run.actions = machine_resume(&run.machine, &run.config, run.now);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_TIMER);
    is_state(&run, SERVICE_PARKED, CAUSE_JUDGED);
    step(&run, EVENT_TIMER);
    is_state(&run, SERVICE_WAITING, CAUSE_RESOURCES);
    step_cause(&run, EVENT_HOLD, CAUSE_PREPARING);
    step_judged(&run, true, 0, false);
    run.actions = machine_resume(&run.machine, &run.config, run.now);
    assert_int_equal(run.actions, ACTION_COLLECT);
    /* The profile is gone from the manifest meanwhile. */
    begin_failed(&run, &config);
    run.config.prepares = run.config.judges = false;
    run.actions = machine_resume(&run.machine, &run.config, run.now);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_TIMER);
    step(&run, EVENT_RELEASE);
    step_timer(&run);
    is_state(&run, SERVICE_STARTING, CAUSE_NONE);
    assert_int_equal(run.machine.judged, 1);
}

static void test_validity(void **state)
{
    const struct machine_config config = with(true, true);
    struct run run;
    struct machine spoilt;

    (void)state;
    begin_failed(&run, &config);
    spoilt = run.machine;
    spoilt.judged = 2;
    assert_false(machine_is_valid(&spoilt));
    step_timer(&run);
    step_judged(&run, true, run.now + SECOND, false);
    spoilt = run.machine;
    spoilt.cause = CAUSE_MISSING; /* that has no end */
    assert_false(machine_is_valid(&spoilt));
    spoilt.due = 0;
    assert_true(machine_is_valid(&spoilt));
    spoilt.cause = CAUSE_EXITED;
    assert_false(machine_is_valid(&spoilt));
    step_timer(&run);
    step(&run, EVENT_RELEASE);
    spoilt = run.machine;
    spoilt.judged = 0; /* it runs again: nobody looks into that any more */
    assert_false(machine_is_valid(&spoilt));
    begin(&run, &config);
    step(&run, EVENT_BLOCK);
    spoilt = run.machine;
    spoilt.held = CAUSE_PREPARING;
    assert_false(machine_is_valid(&spoilt));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prepare), cmocka_unit_test(test_prepare_parks), cmocka_unit_test(test_judge),
        cmocka_unit_test(test_whom),    cmocka_unit_test(test_wishes),        cmocka_unit_test(test_blameless),
        cmocka_unit_test(test_wake),    cmocka_unit_test(test_resume),        cmocka_unit_test(test_validity),
    };

    return cmocka_run_group_tests_name("judged", tests, NULL, NULL);
}
