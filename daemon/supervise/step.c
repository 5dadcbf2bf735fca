/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/step.h"

uint32_t step_cause(const struct machine_step *step, unsigned set, enum service_cause otherwise)
{
    unsigned cause = step->input->cause;

    return cause < CAUSES && (set & SET(cause)) != 0 ? cause : otherwise;
}

void step_enter(struct machine_step *step, enum service_state state, uint32_t cause)
{
    struct machine *machine = step->machine;

    if (machine->state != state) {
        machine->since = step->now;
    }
    machine->state = state;
    machine->cause = cause;
    machine->due = 0;
}

void step_timer(struct machine_step *step, int64_t delay)
{
    step->machine->due = machine_add(step->now, delay);
}

static void start(struct machine_step *step)
{
    struct machine *machine = step->machine;

    step_enter(step, SERVICE_STARTING, CAUSE_NONE);
    machine->since = step->now;
    machine->judged = machine->collected;
    machine->instance++;
    machine->restarts += machine->instance > 1;
    machine->started_at = 0;
    machine->ready_at = 0;
    if (step->config->start_timeout > 0) {
        step_timer(step, step->config->start_timeout);
    }
    if (step->config->prepares) {
        machine->held = CAUSE_PREPARING; /* anew for the next one */
    }
    step->actions |= ACTION_START;
}

void step_start_when_released(struct machine_step *step)
{
    uint32_t held = step->machine->held;

    if (held == CAUSE_NONE) {
        start(step);
    } else {
        step_enter(step, held == CAUSE_BLOCKED ? SERVICE_BLOCKED : SERVICE_WAITING, held);
        step->actions |= held == CAUSE_PREPARING ? ACTION_PREPARE : 0;
    }
}

bool step_is_free(const struct machine *machine)
{
    return machine->held == CAUSE_NONE || machine->held == CAUSE_PREPARING;
}

void step_end_judging(struct machine_step *step)
{
    struct machine *machine = step->machine;

    machine->judged = machine->collected;
    if (machine->held == CAUSE_JUDGING) {
        machine->held = step->config->prepares ? CAUSE_PREPARING : CAUSE_NONE;
    }
}

void step_stop(struct machine_step *step, uint32_t cause)
{
    step_enter(step, SERVICE_STOPPING, cause);
    step->machine->stop_cause = cause;
    step_timer(step, step->config->stop_timeout);
    step->actions |= ACTION_SIGNAL;
}

int64_t step_next_delay(struct machine_step *step, int64_t least)
{
    struct machine *machine = step->machine;
    int64_t delay =
        machine_jitter(machine_delay(step->config, machine->failures), step->config->jitter, &machine->seed);

    return delay > least ? delay : least;
}

void step_start_at(struct machine_step *step, int64_t due)
{
    if (due <= step->now) {
        step_start_when_released(step);
    } else {
        step_enter(step, SERVICE_DELAYED, step->machine->last_end);
        step->machine->due = due;
    }
}
