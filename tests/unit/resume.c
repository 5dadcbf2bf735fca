/* SPDX-License-Identifier: Apache-2.0 */
/* The machine after its daemon's death, events that come late or twice, and what a state file may hold. */
#include "supervise/machine.h"

#include "base/util.h"
#include "machine_run.h"

static void resume(struct run *run)
{
    run->actions = machine_resume(&run->machine, &run->config, run->now);
    assert_true(machine_is_valid(&run->machine));
}

/* States in which nothing runs: the end is told again, and whatever the supervisor finds releases it anew. */
static void test_idle(void **state)
{
    struct run run;

    (void)state;
    begin(&run, &plain);
    assert_int_equal(run.machine.last_status, -1);
    resume(&run);
    assert_int_equal(run.actions, 0);
    assert_int_equal(run.machine.cause, CAUSE_RESOURCES);

    begin_ready(&run, &plain);
    run.config.clear_group = true;
    step_end(&run, EXIT_1);
    resume(&run);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_CLEAR_GROUP | ACTION_TIMER);
    assert_int_equal(run.machine.held, CAUSE_REMAINS);
    step_timer(&run);
    assert_int_equal(run.machine.state, SERVICE_WAITING);
    resume(&run);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_CLEAR_GROUP);
    assert_int_equal(run.machine.held, CAUSE_REMAINS);
    run.config.clear_group = false;
    step_cause(&run, EVENT_HOLD, CAUSE_CONDITION);
    resume(&run);
    assert_int_equal(run.actions, ACTION_COLLECT);
    assert_int_equal(run.machine.cause, CAUSE_CONDITION);
    step(&run, EVENT_BLOCK);
    resume(&run);
    assert_int_equal(run.machine.state, SERVICE_BLOCKED);
    step(&run, EVENT_WANT_DOWN);
    resume(&run);
    assert_int_equal(run.actions, ACTION_COLLECT);
}

static void test_parked(void **state)
{
    struct run run;

    (void)state;
    begin_starting(&run, &plain);
    step_cause(&run, EVENT_FAILED, CAUSE_MISSING);
    resume(&run);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_WATCH_PROGRAM);
    run.now += 2 * SECOND;
    step(&run, EVENT_APPEARED);
    assert_int_equal(run.machine.state, SERVICE_WAITING); /* nobody has released it yet */
    assert_int_equal(run.machine.cause, CAUSE_RESOURCES);
}

/* A delay that is over while nobody looks is over, and its end does not move. */
static void test_delayed(void **state)
{
    struct run run;
    int64_t due;

    (void)state;
    begin_ready(&run, &plain);
    step_end(&run, EXIT_1);
    due = run.machine.due;
    run.now += 3 * SECOND;
    resume(&run);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_TIMER);
    assert_int_equal(run.machine.due, due);
    step(&run, EVENT_TIMER);
    assert_int_equal(run.machine.state, SERVICE_WAITING);
    step(&run, EVENT_RELEASE);
    assert_int_equal(run.machine.state, SERVICE_STARTING);
}

/* Asked for, perhaps never told: asked for again, and its time begins now. */
static void test_starting(void **state)
{
    struct run run;

    (void)state;
    begin_starting(&run, &plain);
    run.config.start_timeout = 60 * SECOND;
    run.now += 3600 * SECOND;
    resume(&run);
    assert_int_equal(run.actions, ACTION_START | ACTION_TIMER);
    assert_int_equal(run.machine.due, run.now + 60 * SECOND);
    assert_int_equal(run.machine.held, CAUSE_RESOURCES);
    assert_int_equal(run.machine.instance, 1);
    /* It runs: its checks go on, and have a moment to succeed. */
    step(&run, EVENT_EXECUTED);
    run.now += 3600 * SECOND;
    resume(&run);
    assert_int_equal(run.actions, ACTION_START | ACTION_TIMER | ACTION_CHECK_READY);
    assert_int_equal(run.machine.due, run.now + MACHINE_RESUME_GRACE);
    run.now += 1;
    run.machine.due += 5;
    resume(&run);
    assert_int_equal(run.machine.due, run.now + MACHINE_RESUME_GRACE + 4); /* enough is left */
    run.now += 3600 * SECOND;
    run.config.start_timeout = SECOND;
    resume(&run);
    assert_int_equal(run.machine.due, run.now + SECOND);
    run.config.start_timeout = 0; /* the manifest changed meanwhile */
    run.config.has_ready_check = false;
    resume(&run);
    assert_int_equal(run.actions, ACTION_START | ACTION_TIMER);
    assert_int_equal(run.machine.due, 0);
    step(&run, EVENT_EXECUTED); /* the keeper's record says it again */
    assert_int_equal(run.machine.state, SERVICE_READY);
    /* The second instance: first the end of the first. */
    step_end(&run, EXIT_1);
    step(&run, EVENT_RELEASE);
    step_timer(&run);
    resume(&run);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_START | ACTION_TIMER);
}

static void test_ready(void **state)
{
    struct run run;
    int64_t due;

    (void)state;
    begin_ready(&run, &plain);
    resume(&run);
    assert_int_equal(run.actions, ACTION_CHECK_ALIVE);
    assert_int_equal(run.machine.state, SERVICE_READY);
    run.config.has_alive_check = false;
    resume(&run);
    assert_int_equal(run.actions, 0);
    step(&run, EVENT_RELEASE);
    step_end(&run, EXIT_1);
    step_timer(&run);
    step(&run, EVENT_READY);
    due = run.machine.due;
    run.config.clear_group = true;
    resume(&run);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_TIMER); /* the group is in use */
    assert_int_equal(run.machine.due, due);
}

static void test_stopping(void **state)
{
    struct run run;

    (void)state;
    begin_ready(&run, &plain);
    step(&run, EVENT_WANT_DOWN);
    run.now += 3600 * SECOND;
    resume(&run);
    assert_int_equal(run.actions, ACTION_SIGNAL | ACTION_TIMER);
    assert_int_equal(run.machine.due, run.now + plain.stop_timeout);
    step_timer(&run);
    run.now += 3600 * SECOND;
    resume(&run);
    assert_int_equal(run.actions, ACTION_KILL | ACTION_TIMER);
    begin_ready(&run, &plain);
    run.config.stop_timeout = 0;
    step(&run, EVENT_WANT_AGAIN);
    resume(&run);
    assert_int_equal(run.machine.due, run.now);
    step_end(&run, EXIT_1);
    step(&run, EVENT_RELEASE);
    step(&run, EVENT_WANT_AGAIN);
    resume(&run);
    assert_int_equal(run.actions, ACTION_COLLECT | ACTION_SIGNAL | ACTION_TIMER);
    run.machine.again = 2;
    assert_false(machine_is_valid(&run.machine));
}

/* What is not about this instance, or was counted already. */
static void test_foreign(void **state)
{
    static const enum machine_event events[] = {EVENT_EXECUTED, EVENT_READY,     EVENT_ENDED,
                                                EVENT_FAILED,   EVENT_UNHEALTHY, EVENT_EXTEND};
    struct run run;

    (void)state;
    begin_ready(&run, &plain);
    step_end(&run, EXIT_1);
    step_timer(&run);
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        bool is_end = events[i] == EVENT_ENDED || events[i] == EVENT_FAILED;

        for (uint64_t instance = 0; instance <= 3; instance++) {
            struct machine before = run.machine;

            if (instance == run.machine.instance) {
                continue;
            }
            step_input(&run, &(struct machine_input){
                                 .event = events[i], .instance = instance, .until = run.now + 50 * SECOND});
            assert_memory_equal(&before, &run.machine, sizeof(before));
            assert_int_equal(run.actions, is_end && instance == 1 ? ACTION_COLLECT : 0);
        }
    }
    /* Before the first one there is nothing to collect. */
    begin(&run, &plain);
    step_end(&run, EXIT_1);
    assert_int_equal(run.actions, 0);
}

/* One field spoilt at a time. */
static void test_validity(void **state)
{
    static const struct {
        size_t offset;
        uint32_t value;
    } spoils[] = {
        {offsetof(struct machine, state), SERVICE_STATES},
        {offsetof(struct machine, cause), CAUSES},
        {offsetof(struct machine, last_end), CAUSES},
        {offsetof(struct machine, stop_cause), CAUSES},
        {offsetof(struct machine, held), CAUSE_EXITED},
        {offsetof(struct machine, held), CAUSE_NONE},
        {offsetof(struct machine, held), CAUSE_BLOCKED},
        {offsetof(struct machine, held), 0xffffffff},
        {offsetof(struct machine, wanted_up), 2},
        {offsetof(struct machine, wanted_up), 0},
        {offsetof(struct machine, down_cause), CAUSE_REQUEST},
        {offsetof(struct machine, again), 1},
        {offsetof(struct machine, again), 2},
        {offsetof(struct machine, instance), 7},
        {offsetof(struct machine, collected), 7},
        {offsetof(struct machine, restarts), 7},
        {offsetof(struct machine, due), 7},
        {offsetof(struct machine, state), SERVICE_STARTING},
        {offsetof(struct machine, state), SERVICE_STOPPED},
        {offsetof(struct machine, state), SERVICE_BLOCKED},
        {offsetof(struct machine, state), SERVICE_DELAYED},
        {offsetof(struct machine, state), SERVICE_STOPPING},
    };
    struct run run;
    struct machine spoilt;

    (void)state;
    begin(&run, &plain);
    for (size_t i = 0; i < ARRAY_SIZE(spoils); i++) {
        spoilt = run.machine;
        memcpy((char *)&spoilt + spoils[i].offset, &spoils[i].value, sizeof(spoils[i].value));
        assert_false(machine_is_valid(&spoilt));
    }
    step(&run, EVENT_WANT_DOWN);
    spoilt = run.machine;
    spoilt.again = 1;
    assert_false(machine_is_valid(&spoilt));
    spoilt = run.machine;
    spoilt.down_cause = CAUSE_CHANGED;
    assert_false(machine_is_valid(&spoilt));
    spoilt = run.machine;
    spoilt.state = SERVICE_FINISHED;
    assert_false(machine_is_valid(&spoilt));
    step(&run, EVENT_BLOCK);
    step(&run, EVENT_WANT_UP);
    spoilt = run.machine;
    spoilt.held = CAUSE_AFTER;
    assert_false(machine_is_valid(&spoilt));
    step(&run, EVENT_RELEASE);
    step(&run, EVENT_WANT_DOWN);
    spoilt = run.machine;
    spoilt.due = 0;
    assert_false(machine_is_valid(&spoilt));
    memset(&spoilt, 0xff, sizeof(spoilt));
    assert_false(machine_is_valid(&spoilt));
    memset(&spoilt, 0, sizeof(spoilt));
    assert_false(machine_is_valid(&spoilt));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idle),     cmocka_unit_test(test_parked),   cmocka_unit_test(test_delayed),
        cmocka_unit_test(test_starting), cmocka_unit_test(test_ready),    cmocka_unit_test(test_stopping),
        cmocka_unit_test(test_foreign),  cmocka_unit_test(test_validity),
    };

    return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
