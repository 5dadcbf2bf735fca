/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that a test drives by hand: struct run, and a function for each kind of step. Every step leaves a machine that
 * is valid, or the test fails. */
#ifndef EDGEINIT_TESTS_UNIT_MACHINE_RUN_H
#define EDGEINIT_TESTS_UNIT_MACHINE_RUN_H

#include "supervise/machine.h"
#include "test.h"

#define MS INT64_C(1000)
#define SECOND (1000 * MS)
#define START (100 * SECOND) /* the clock when a machine begins */

enum { ALWAYS, ON_FAILURE, NEVER };
enum { EXIT_0 = 0, EXIT_1 = 1 << 8, KILLED = 9 }; /* wait statuses */

static const struct machine_config plain = {
    .restart = ALWAYS,
    .delay = 200 * MS,
    .max_delay = 60 * SECOND,
    .reset_after = 60 * SECOND,
    .start_timeout = 10 * SECOND,
    .stop_timeout = 5 * SECOND,
    .has_ready_check = true,
    .has_alive_check = true,
};

/* A machine, and the clock that goes with it. */
struct run {
    struct machine machine;
    struct machine_config config;
    int64_t now;
    unsigned actions; /* of the last step */
};

static inline void step_input(struct run *run, const struct machine_input *input)
{
    run->actions = machine_step(&run->machine, &run->config, input, run->now);
    assert_true(machine_is_valid(&run->machine));
}

static inline void step_cause(struct run *run, enum machine_event event, enum service_cause cause)
{
    step_input(run, &(struct machine_input){.event = event, .cause = cause, .instance = run->machine.instance});
}

static inline void step(struct run *run, enum machine_event event)
{
    step_cause(run, event, CAUSE_NONE);
}

static inline void step_end(struct run *run, int status)
{
    step_input(run, &(struct machine_input){.event = EVENT_ENDED,
                                            .instance = run->machine.instance,
                                            .status = status,
                                            .status_known = status >= 0});
}

static inline void step_timer(struct run *run)
{
    assert_true(run->machine.due != 0);
    run->now = run->machine.due;
    step(run, EVENT_TIMER);
}

static inline void begin(struct run *run, const struct machine_config *config)
{
    *run = (struct run){.config = *config, .now = START};
    machine_begin(&run->machine, 7, run->now);
    assert_true(machine_is_valid(&run->machine));
}

static inline void begin_starting(struct run *run, const struct machine_config *config)
{
    begin(run, config);
    step(run, EVENT_RELEASE);
}

static inline void begin_ready(struct run *run, const struct machine_config *config)
{
    begin_starting(run, config);
    step(run, EVENT_EXECUTED);
    step(run, EVENT_READY);
}

#endif
