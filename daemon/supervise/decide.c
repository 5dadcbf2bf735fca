/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/decide.h"

#include <sys/wait.h>

#include "supervise/step.h"

/* service.h's enum restart_policy, which is above this room. */
enum { POLICY_ALWAYS, POLICY_ON_FAILURE, POLICY_NEVER };

/* Count the end of the running instance. */
static void note_end(struct machine_step *step, uint32_t cause)
{
    struct machine *machine = step->machine;
    const struct machine_input *input = step->input;

    machine->collected = machine->instance;
    machine->judged = machine->instance;
    machine->last_end = cause;
    machine->last_status = input->event == EVENT_ENDED && input->status_known ? input->status : -1;
    step->actions |= ACTION_COLLECT;
    if (step->config->clear_group) {
        step->actions |= ACTION_CLEAR_GROUP;
        machine->held = step_is_free(machine) ? CAUSE_REMAINS : machine->held;
    }
}

static void count_failure(struct machine *machine)
{
    machine->failures += machine->failures < UINT32_MAX;
}

/* Why it could not be started, the keeper has told; it said nothing itself. */
static void call_for_judgement(struct machine_step *step)
{
    struct machine *machine = step->machine;

    if (step->config->judges && machine->last_end != CAUSE_CANNOT_START) {
        machine->judged = machine->collected - 1;
        machine->held = step_is_free(machine) ? CAUSE_JUDGING : machine->held;
        step->actions |= ACTION_JUDGE;
    }
}

/* After an end that counts as a failure. */
static void retry(struct machine_step *step, int64_t least)
{
    if (step->config->restart == POLICY_NEVER) {
        step_enter(step, SERVICE_FINISHED, step->machine->last_end);
        return;
    }
    count_failure(step->machine);
    call_for_judgement(step);
    step_start_at(step, machine_add(step->now, step_next_delay(step, least)));
}

/* The timer may be late, or the daemon was not there when it was due: the order of two events must not matter. */
static void forget_if_due(struct machine_step *step)
{
    struct machine *machine = step->machine;

    if (machine->state == SERVICE_READY && machine->due <= step->now) {
        machine->failures = 0;
    }
}

static uint32_t cause_of_end(const struct machine_input *input)
{
    if (!input->status_known) {
        return CAUSE_UNKNOWN_END;
    }
    if (!WIFSIGNALED(input->status)) {
        return CAUSE_EXITED;
    }
    return input->cause == CAUSE_OUT_OF_MEMORY ? CAUSE_OUT_OF_MEMORY : CAUSE_SIGNALLED;
}

void decide_ignore(struct machine_step *step)
{
    (void)step;
}

void decide_note_hold(struct machine_step *step)
{
    step->machine->held = step_cause(
        step, SET(CAUSE_AFTER) | SET(CAUSE_CONDITION) | SET(CAUSE_REMAINS) | SET(CAUSE_JUDGING) | SET(CAUSE_PREPARING),
        CAUSE_RESOURCES);
}

void decide_note_block(struct machine_step *step)
{
    step->machine->held = CAUSE_BLOCKED;
}

void decide_note_release(struct machine_step *step)
{
    step->machine->held = CAUSE_NONE;
}

void decide_wait(struct machine_step *step)
{
    decide_note_hold(step);
    step_start_when_released(step);
}

void decide_block(struct machine_step *step)
{
    decide_note_block(step);
    step_start_when_released(step);
}

void decide_release(struct machine_step *step)
{
    decide_note_release(step);
    step_start_when_released(step);
}

void decide_executed(struct machine_step *step)
{
    struct machine *machine = step->machine;

    if (!step->config->has_ready_check) {
        decide_ready(step);
    } else if (machine->started_at == 0) {
        machine->started_at = step->now;
        step->actions |= ACTION_CHECK_READY;
    }
}

void decide_ready(struct machine_step *step)
{
    struct machine *machine = step->machine;

    step_enter(step, SERVICE_READY, CAUSE_NONE);
    machine->started_at = machine->started_at == 0 ? step->now : machine->started_at;
    machine->ready_at = step->now;
    if (machine->failures > 0) {
        step_timer(step, step->config->reset_after);
    }
    if (step->config->has_alive_check) {
        step->actions |= ACTION_CHECK_ALIVE;
    }
}

void decide_end_by_policy(struct machine_step *step)
{
    const struct machine_input *input = step->input;
    bool clean = input->status_known && WIFEXITED(input->status) && WEXITSTATUS(input->status) == 0;

    forget_if_due(step);
    note_end(step, cause_of_end(input));
    step->machine->stop_cause = CAUSE_NONE;
    if (clean && step->config->restart == POLICY_ON_FAILURE) {
        step_enter(step, SERVICE_FINISHED, step->machine->last_end);
    } else {
        retry(step, 0);
    }
}

void decide_fail_start(struct machine_step *step)
{
    struct machine *machine = step->machine;

    note_end(step, step_cause(step, SET(CAUSE_MISSING), CAUSE_CANNOT_START));
    machine->stop_cause = CAUSE_NONE;
    if (machine->last_end == CAUSE_MISSING) {
        count_failure(machine);
        step_enter(step, SERVICE_PARKED, CAUSE_MISSING);
        step->actions |= ACTION_WATCH_PROGRAM;
    } else {
        retry(step, MACHINE_FAILED_LEAST);
    }
}

void decide_end_of_stop(struct machine_step *step)
{
    struct machine *machine = step->machine;

    note_end(step, machine->cause);
    if (!machine->wanted_up) {
        step_enter(step, SERVICE_STOPPED, machine->down_cause);
    } else if (machine->again) {
        machine->again = 0;
        step_start_when_released(step);
    } else {
        retry(step, 0);
    }
}

/* The daemon died between noting the end and telling the keeper. */
void decide_collect_again(struct machine_step *step)
{
    if (step->machine->collected > 0) {
        step->actions |= ACTION_COLLECT;
    }
}

/* The delay counts from the failure, so a program that was missing for long is started at once, and one that is there and
 * still cannot be executed (its interpreter is missing) does not go round in circles. */
void decide_appeared(struct machine_step *step)
{
    if (step->machine->cause == CAUSE_MISSING) {
        step_start_at(step, machine_add(step->machine->since, step_next_delay(step, MACHINE_FAILED_LEAST)));
    }
}

/* The delay is that of one failure less, but there is one. Nothing here brings a start nearer than that. */
static void lift_blame(struct machine_step *step)
{
    struct machine *machine = step->machine;
    uint32_t left = machine->failures > 1 ? machine->failures - 1 : 1;
    int64_t delay = machine_jitter(machine_delay(step->config, left), step->config->jitter, &machine->seed);
    int64_t due = machine_add(machine->since, delay > MACHINE_FAILED_LEAST ? delay : MACHINE_FAILED_LEAST);

    machine->failures -= machine->failures > 0;
    if (due > step->now && machine->state != SERVICE_PARKED) {
        step_enter(step, SERVICE_DELAYED, machine->last_end);
        machine->due = due;
    }
}

/* The answer for an end that was judged already, or of a preparation, can only park. */
void decide_judged(struct machine_step *step)
{
    struct machine *machine = step->machine;
    bool parks = step_cause(step, SET(CAUSE_JUDGED), CAUSE_NONE) == CAUSE_JUDGED;
    bool lifts = step->input->blameless && machine->judged != machine->collected;

    if (machine->state == SERVICE_PARKED && machine->cause == CAUSE_MISSING) {
        return;
    }
    step_end_judging(step);
    if (lifts) {
        lift_blame(step);
    }
    if (parks) {
        step_enter(step, SERVICE_PARKED, CAUSE_JUDGED);
        machine->due = step->input->until;
    } else if (machine->state == SERVICE_WAITING) {
        step_start_when_released(step);
    }
}

/* At once; but what its own starts wake again and again becomes slower too. */
void decide_wake(struct machine_step *step)
{
    struct machine *machine = step->machine;
    int64_t due = machine_add(machine->since, machine_wake_delay(step->config, machine->failures));

    if (machine->state == SERVICE_PARKED ? machine->cause == CAUSE_JUDGED : due < machine->due) {
        step_start_at(step, due);
    }
}

void decide_start_timeout(struct machine_step *step)
{
    step_stop(step, CAUSE_START_TIMEOUT);
}

void decide_forget_failures(struct machine_step *step)
{
    step->machine->failures = 0;
    step->machine->due = 0;
}

void decide_delay_over(struct machine_step *step)
{
    step_start_when_released(step);
}

void decide_kill(struct machine_step *step)
{
    int64_t pause = step->config->stop_timeout;

    pause = pause < MACHINE_KILL_AGAIN_LEAST ? MACHINE_KILL_AGAIN_LEAST : pause;
    pause = pause > MACHINE_KILL_AGAIN_MOST ? MACHINE_KILL_AGAIN_MOST : pause;
    step->machine->cause = CAUSE_STOP_TIMEOUT;
    step_timer(step, pause);
    step->actions |= ACTION_KILL;
}

void decide_extend(struct machine_step *step)
{
    struct machine *machine = step->machine;
    int64_t most = machine_add(step->now, MACHINE_EXTEND_MOST);
    int64_t until = step->input->until < most ? step->input->until : most;

    if (machine->due != 0 && machine->due < until && machine->cause != CAUSE_STOP_TIMEOUT) {
        machine->due = until;
    }
}

void decide_unhealthy(struct machine_step *step)
{
    forget_if_due(step);
    step_stop(step, step_cause(step, SET(CAUSE_WATCHDOG) | SET(CAUSE_KEEPER_LOST), CAUSE_LIVENESS));
}

/* The stop came before the keeper had forked: its signal met nobody. */
void decide_signal_again(struct machine_step *step)
{
    struct machine *machine = step->machine;

    if (machine->started_at == 0) {
        machine->started_at = step->now;
        step->actions |= machine->cause == CAUSE_STOP_TIMEOUT ? ACTION_KILL : ACTION_SIGNAL;
    }
}
