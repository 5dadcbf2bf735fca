/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/step.h"

static void want_up(struct machine_step *step)
{
    struct machine *machine = step->machine;

    machine->wanted_up = 1;
    machine->down_cause = CAUSE_NONE;
    machine->failures = 0;
    step_end_judging(step);
}

/* What a person stopped stays stopped after the daemon's orderly end too. */
static void want_down(struct machine_step *step)
{
    struct machine *machine = step->machine;
    uint32_t cause = step_cause(step, SET(CAUSE_SHUTDOWN), CAUSE_REQUEST);

    if (machine->down_cause != CAUSE_REQUEST) {
        machine->down_cause = cause;
    }
    machine->wanted_up = 0;
    machine->again = 0;
    step_end_judging(step);
}

static uint32_t cause_of_restart(const struct machine_step *step)
{
    return step_cause(step, SET(CAUSE_CHANGED) | SET(CAUSE_BLOCKED), CAUSE_REQUEST);
}

void decide_up(struct machine_step *step)
{
    want_up(step);
    step_start_when_released(step);
}

void decide_up_after_stop(struct machine_step *step)
{
    want_up(step);
    step->machine->again = 1;
}

void decide_up_if_asked(struct machine_step *step)
{
    if (cause_of_restart(step) == CAUSE_REQUEST) {
        decide_up(step);
    }
}

void decide_again_after_stop(struct machine_step *step)
{
    if (cause_of_restart(step) == CAUSE_REQUEST || step->machine->wanted_up) {
        decide_up_after_stop(step);
    }
}

void decide_down(struct machine_step *step)
{
    want_down(step);
    step_enter(step, SERVICE_STOPPED, step->machine->down_cause);
}

/* What has done its work must not do it again when the next daemon comes. */
void decide_down_if_asked(struct machine_step *step)
{
    if (step_cause(step, SET(CAUSE_SHUTDOWN), CAUSE_REQUEST) == CAUSE_REQUEST) {
        decide_down(step);
    }
}

void decide_stop(struct machine_step *step)
{
    want_down(step);
    step_stop(step, step->machine->down_cause);
}

void decide_stay_down(struct machine_step *step)
{
    want_down(step);
}

void decide_restart(struct machine_step *step)
{
    want_up(step);
    step->machine->again = 1;
    step_stop(step, cause_of_restart(step));
}
