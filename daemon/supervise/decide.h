/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handlers of machine.c's table, each named by what it decides. Inside the room "machine" only: everybody else asks
 * machine_step(). A handler may change the machine and add actions; it never looks at the event, for the table has, and it
 * gives neither ACTION_TIMER nor ACTION_CHANGED, for machine_step() sees what it changed.
 */
#ifndef EDGEINIT_SUPERVISE_DECIDE_H
#define EDGEINIT_SUPERVISE_DECIDE_H

#include "supervise/machine.h"

struct machine_step {
    struct machine *machine;
    const struct machine_config *config;
    const struct machine_input *input;
    int64_t now;
    unsigned actions; /* so far */
};

typedef void machine_handler(struct machine_step *step);

/* What it waits for. */
machine_handler decide_ignore;
machine_handler decide_note_hold;
machine_handler decide_note_block;
machine_handler decide_note_release;
machine_handler decide_wait;
machine_handler decide_block;
machine_handler decide_release;

/* How the instance fares. */
machine_handler decide_executed;
machine_handler decide_ready;
machine_handler decide_end_by_policy;
machine_handler decide_fail_start;
machine_handler decide_end_of_stop;
machine_handler decide_collect_again;
machine_handler decide_appeared;
machine_handler decide_judged;
machine_handler decide_wake;

/* Time, and bad health. */
machine_handler decide_start_timeout;
machine_handler decide_forget_failures;
machine_handler decide_delay_over;
machine_handler decide_kill;
machine_handler decide_extend;
machine_handler decide_unhealthy;
machine_handler decide_signal_again;

/* What is wanted. */
machine_handler decide_up;
machine_handler decide_up_after_stop;
machine_handler decide_up_if_asked;
machine_handler decide_again_after_stop;
machine_handler decide_down;
machine_handler decide_down_if_asked;
machine_handler decide_stop;
machine_handler decide_stay_down;
machine_handler decide_restart;

/* a + b for times and durations that are not negative, without overflow. */
int64_t machine_add(int64_t a, int64_t b);

/* From being parked or delayed to a start that EVENT_WAKE brings. */
int64_t machine_wake_delay(const struct machine_config *config, uint32_t failures);

/* The table's cell. */
machine_handler *machine_handler_of(unsigned state, unsigned event);

#endif
