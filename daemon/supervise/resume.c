/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that comes from its file: is it one, and what must be done again? */
#include <assert.h>

#include "supervise/decide.h"

/* Nobody looked while the time ran: what was missed must have a chance to be told first. */
static void put_off(struct machine_step *step, int64_t timeout)
{
    int64_t least = machine_add(step->now, timeout < MACHINE_RESUME_GRACE ? timeout : MACHINE_RESUME_GRACE);

    if (step->machine->due < least) {
        step->machine->due = least;
    }
}

static void resume_starting(struct machine_step *step)
{
    struct machine *machine = step->machine;
    int64_t timeout = step->config->start_timeout;

    step->actions |= ACTION_START | ACTION_TIMER;
    if (machine->started_at != 0 && step->config->has_ready_check) {
        step->actions |= ACTION_CHECK_READY;
    }
    if (timeout <= 0) {
        machine->due = 0;
    } else if (machine->started_at == 0) {
        machine->due = machine_add(step->now, timeout); /* it may never have been asked for */
    } else {
        put_off(step, timeout);
    }
}

static void resume_ready(struct machine_step *step)
{
    step->actions |= step->config->has_alive_check ? ACTION_CHECK_ALIVE : 0;
    step->actions |= step->machine->due != 0 ? ACTION_TIMER : 0;
}

static void resume_stopping(struct machine_step *step)
{
    bool killed = step->machine->cause == CAUSE_STOP_TIMEOUT;

    step->actions |= ACTION_TIMER | (killed ? ACTION_KILL : ACTION_SIGNAL);
    if (!killed) {
        put_off(step, step->config->stop_timeout);
    }
}

static void resume_parked(struct machine_step *step)
{
    step->actions |= step->machine->cause == CAUSE_MISSING ? ACTION_WATCH_PROGRAM : 0;
    step->actions |= step->machine->due != 0 ? ACTION_TIMER : 0;
}

static void resume_delayed(struct machine_step *step)
{
    step->actions |= ACTION_TIMER;
}

static machine_handler *const resumptions[] = {
    [SERVICE_WAITING] = decide_ignore,    [SERVICE_BLOCKED] = decide_ignore, [SERVICE_PARKED] = resume_parked,
    [SERVICE_STARTING] = resume_starting, [SERVICE_READY] = resume_ready,    [SERVICE_DELAYED] = resume_delayed,
    [SERVICE_STOPPING] = resume_stopping, [SERVICE_STOPPED] = decide_ignore, [SERVICE_FINISHED] = decide_ignore,
};
static_assert(sizeof(resumptions) == sizeof(machine_handler *) * SERVICE_STATES, "a cell for each state");

unsigned machine_resume(struct machine *machine, const struct machine_config *config, int64_t now)
{
    struct machine_step step = {.machine = machine, .config = config, .now = now};

    if (machine->collected > 0) {
        step.actions |= ACTION_COLLECT;
        if (config->clear_group && machine->collected == machine->instance) {
            step.actions |= ACTION_CLEAR_GROUP;
        }
    }
    if (config->judges && machine->judged != machine->collected) {
        step.actions |= ACTION_JUDGE;
    }
    if (machine->held == CAUSE_NONE || machine->held == CAUSE_JUDGING || machine->held == CAUSE_PREPARING) {
        machine->held = CAUSE_RESOURCES;
        machine->cause = machine->state == SERVICE_WAITING ? CAUSE_RESOURCES : machine->cause;
    }
    resumptions[machine->state](&step);
    return step.actions;
}

/* What each state says about the rest of the machine. */
enum timer_rule { TIMER_NEVER, TIMER_MAYBE, TIMER_ALWAYS };
static const struct {
    bool runs;
    enum timer_rule timer;
} rules[] = {
    [SERVICE_WAITING] = {false, TIMER_NEVER},  [SERVICE_BLOCKED] = {false, TIMER_NEVER},
    [SERVICE_PARKED] = {false, TIMER_MAYBE},   [SERVICE_STARTING] = {true, TIMER_MAYBE},
    [SERVICE_READY] = {true, TIMER_MAYBE},     [SERVICE_DELAYED] = {false, TIMER_ALWAYS},
    [SERVICE_STOPPING] = {true, TIMER_ALWAYS}, [SERVICE_STOPPED] = {false, TIMER_NEVER},
    [SERVICE_FINISHED] = {false, TIMER_NEVER},
};
static_assert(sizeof(rules) == sizeof(rules[0]) * SERVICE_STATES, "a row for each state");

static bool is_in_range(const struct machine *machine)
{
    return machine->state < SERVICE_STATES && machine->cause < CAUSES && machine->last_end < CAUSES &&
           machine->stop_cause < CAUSES && machine->wanted_up <= 1 && machine->again <= 1;
}

static bool wants_are_valid(const struct machine *machine)
{
    bool stopping = machine->state == SERVICE_STOPPING;

    if (machine->wanted_up) {
        return machine->down_cause == CAUSE_NONE && machine->state != SERVICE_STOPPED && (!machine->again || stopping);
    }
    return (machine->down_cause == CAUSE_REQUEST || machine->down_cause == CAUSE_SHUTDOWN) && !machine->again &&
           (machine->state == SERVICE_STOPPED || stopping);
}

static bool hold_is_valid(const struct machine *machine)
{
    switch (machine->held) {
        case CAUSE_NONE:
            return machine->state != SERVICE_WAITING && machine->state != SERVICE_BLOCKED;
        case CAUSE_BLOCKED:
            return machine->state != SERVICE_WAITING;
        case CAUSE_RESOURCES:
        case CAUSE_AFTER:
        case CAUSE_CONDITION:
        case CAUSE_REMAINS:
        case CAUSE_JUDGING:
        case CAUSE_PREPARING:
            return machine->state != SERVICE_BLOCKED;
        default:
            return false;
    }
}

bool machine_is_valid(const struct machine *machine)
{
    if (!is_in_range(machine) || !wants_are_valid(machine) || !hold_is_valid(machine)) {
        return false;
    }
    if (machine->collected - machine->judged > 1 ||
        (rules[machine->state].runs && machine->judged != machine->collected)) {
        return false;
    }
    if (machine->state == SERVICE_PARKED && machine->cause != CAUSE_JUDGED &&
        (machine->cause != CAUSE_MISSING || machine->due != 0)) {
        return false;
    }
    if (machine->instance - machine->collected != rules[machine->state].runs || machine->restarts > machine->instance) {
        return false;
    }
    return rules[machine->state].timer == TIMER_MAYBE ||
           (machine->due != 0) == (rules[machine->state].timer == TIMER_ALWAYS);
}
