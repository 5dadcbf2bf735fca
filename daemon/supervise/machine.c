/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/machine.h"

#include <assert.h>

#include "supervise/decide.h"

static_assert(sizeof(struct machine) == 9 * 8 + 10 * 4, "the state file's content has no padding");

/* Every cell is written out: a NULL is a mistake, and tests/unit/machine.c looks for one. */
static machine_handler
    *const transitions[][EVENTS] =
        {
            [SERVICE_WAITING] =
                {
                    [EVENT_HOLD] = decide_wait,
                    [EVENT_RELEASE] = decide_release,
                    [EVENT_BLOCK] = decide_block,
                    [EVENT_EXECUTED] = decide_ignore,
                    [EVENT_READY] = decide_ignore,
                    [EVENT_ENDED] = decide_collect_again,
                    [EVENT_FAILED] = decide_collect_again,
                    [EVENT_TIMER] = decide_ignore,
                    [EVENT_EXTEND] = decide_ignore,
                    [EVENT_UNHEALTHY] = decide_ignore,
                    [EVENT_WANT_UP] = decide_ignore,
                    [EVENT_WANT_DOWN] = decide_down,
                    [EVENT_WANT_AGAIN] = decide_ignore,
                    [EVENT_APPEARED] = decide_ignore,
                    [EVENT_JUDGED] = decide_judged,
                    [EVENT_WAKE] = decide_ignore,
                },
            [SERVICE_BLOCKED] =
                {
                    [EVENT_HOLD] = decide_wait,
                    [EVENT_RELEASE] = decide_release,
                    [EVENT_BLOCK] = decide_ignore,
                    [EVENT_EXECUTED] = decide_ignore,
                    [EVENT_READY] = decide_ignore,
                    [EVENT_ENDED] = decide_collect_again,
                    [EVENT_FAILED] = decide_collect_again,
                    [EVENT_TIMER] = decide_ignore,
                    [EVENT_EXTEND] = decide_ignore,
                    [EVENT_UNHEALTHY] = decide_ignore,
                    [EVENT_WANT_UP] = decide_ignore,
                    [EVENT_WANT_DOWN] = decide_down,
                    [EVENT_WANT_AGAIN] = decide_ignore,
                    [EVENT_APPEARED] = decide_ignore,
                    [EVENT_JUDGED] = decide_judged,
                    [EVENT_WAKE] = decide_ignore,
                },
            [SERVICE_PARKED] =
                {
                    [EVENT_HOLD] = decide_note_hold,
                    [EVENT_RELEASE] = decide_note_release,
                    [EVENT_BLOCK] = decide_note_block,
                    [EVENT_EXECUTED] = decide_ignore,
                    [EVENT_READY] = decide_ignore,
                    [EVENT_ENDED] = decide_collect_again,
                    [EVENT_FAILED] = decide_collect_again,
                    [EVENT_TIMER] = decide_delay_over,
                    [EVENT_EXTEND] = decide_ignore,
                    [EVENT_UNHEALTHY] = decide_ignore,
                    [EVENT_WANT_UP] = decide_up,
                    [EVENT_WANT_DOWN] = decide_down,
                    [EVENT_WANT_AGAIN] = decide_up,
                    [EVENT_APPEARED] = decide_appeared,
                    [EVENT_JUDGED] = decide_judged,
                    [EVENT_WAKE] = decide_wake,
                },
            [SERVICE_STARTING] =
                {
                    [EVENT_HOLD] = decide_note_hold,
                    [EVENT_RELEASE] = decide_note_release,
                    [EVENT_BLOCK] = decide_note_block,
                    [EVENT_EXECUTED] = decide_executed,
                    [EVENT_READY] = decide_ready,
                    [EVENT_ENDED] = decide_end_by_policy,
                    [EVENT_FAILED] = decide_fail_start,
                    [EVENT_TIMER] = decide_start_timeout,
                    [EVENT_EXTEND] = decide_extend,
                    [EVENT_UNHEALTHY] = decide_unhealthy,
                    [EVENT_WANT_UP] = decide_ignore,
                    [EVENT_WANT_DOWN] = decide_stop,
                    [EVENT_WANT_AGAIN] = decide_restart,
                    [EVENT_APPEARED] = decide_ignore,
                    [EVENT_JUDGED] = decide_ignore,
                    [EVENT_WAKE] = decide_ignore,
                },
            [SERVICE_READY] =
                {
                    [EVENT_HOLD] = decide_note_hold,
                    [EVENT_RELEASE] = decide_note_release,
                    [EVENT_BLOCK] = decide_note_block,
                    [EVENT_EXECUTED] = decide_ignore,
                    [EVENT_READY] = decide_ignore,
                    [EVENT_ENDED] = decide_end_by_policy,
                    [EVENT_FAILED] = decide_fail_start,
                    [EVENT_TIMER] = decide_forget_failures,
                    [EVENT_EXTEND] = decide_ignore,
                    [EVENT_UNHEALTHY] = decide_unhealthy,
                    [EVENT_WANT_UP] = decide_ignore,
                    [EVENT_WANT_DOWN] = decide_stop,
                    [EVENT_WANT_AGAIN] = decide_restart,
                    [EVENT_APPEARED] = decide_ignore,
                    [EVENT_JUDGED] = decide_ignore,
                    [EVENT_WAKE] = decide_ignore,
                },
            [SERVICE_DELAYED] =
                {
                    [EVENT_HOLD] = decide_note_hold,
                    [EVENT_RELEASE] = decide_note_release,
                    [EVENT_BLOCK] = decide_note_block,
                    [EVENT_EXECUTED] = decide_ignore,
                    [EVENT_READY] = decide_ignore,
                    [EVENT_ENDED] = decide_collect_again,
                    [EVENT_FAILED] = decide_collect_again,
                    [EVENT_TIMER] = decide_delay_over,
                    [EVENT_EXTEND] = decide_ignore,
                    [EVENT_UNHEALTHY] = decide_ignore,
                    [EVENT_WANT_UP] = decide_up,
                    [EVENT_WANT_DOWN] = decide_down,
                    [EVENT_WANT_AGAIN] = decide_up,
                    [EVENT_APPEARED] = decide_ignore,
                    [EVENT_JUDGED] = decide_judged,
                    [EVENT_WAKE] = decide_wake,
                },
            [SERVICE_STOPPING] =
                {
                    [EVENT_HOLD] = decide_note_hold,
                    [EVENT_RELEASE] = decide_note_release,
                    [EVENT_BLOCK] = decide_note_block,
                    [EVENT_EXECUTED] = decide_signal_again,
                    [EVENT_READY] = decide_ignore,
                    [EVENT_ENDED] = decide_end_of_stop,
                    [EVENT_FAILED] = decide_end_of_stop,
                    [EVENT_TIMER] = decide_kill,
                    [EVENT_EXTEND] = decide_extend,
                    [EVENT_UNHEALTHY] = decide_ignore,
                    [EVENT_WANT_UP] = decide_up_after_stop,
                    [EVENT_WANT_DOWN] = decide_stay_down,
                    [EVENT_WANT_AGAIN] = decide_again_after_stop,
                    [EVENT_APPEARED] = decide_ignore,
                    [EVENT_JUDGED] = decide_ignore,
                    [EVENT_WAKE] = decide_ignore,
                },
            [SERVICE_STOPPED] =
                {
                    [EVENT_HOLD] = decide_note_hold,
                    [EVENT_RELEASE] = decide_note_release,
                    [EVENT_BLOCK] = decide_note_block,
                    [EVENT_EXECUTED] = decide_ignore,
                    [EVENT_READY] = decide_ignore,
                    [EVENT_ENDED] = decide_collect_again,
                    [EVENT_FAILED] = decide_collect_again,
                    [EVENT_TIMER] = decide_ignore,
                    [EVENT_EXTEND] = decide_ignore,
                    [EVENT_UNHEALTHY] = decide_ignore,
                    [EVENT_WANT_UP] = decide_up,
                    [EVENT_WANT_DOWN] = decide_down,
                    [EVENT_WANT_AGAIN] = decide_up_if_asked,
                    [EVENT_APPEARED] = decide_ignore,
                    [EVENT_JUDGED] = decide_ignore,
                    [EVENT_WAKE] = decide_ignore,
                },
            [SERVICE_FINISHED] =
                {
                    [EVENT_HOLD] = decide_note_hold,
                    [EVENT_RELEASE] = decide_note_release,
                    [EVENT_BLOCK] = decide_note_block,
                    [EVENT_EXECUTED] = decide_ignore,
                    [EVENT_READY] = decide_ignore,
                    [EVENT_ENDED] = decide_collect_again,
                    [EVENT_FAILED] = decide_collect_again,
                    [EVENT_TIMER] = decide_ignore,
                    [EVENT_EXTEND] = decide_ignore,
                    [EVENT_UNHEALTHY] = decide_ignore,
                    [EVENT_WANT_UP] = decide_up,
                    [EVENT_WANT_DOWN] = decide_down_if_asked,
                    [EVENT_WANT_AGAIN] = decide_up,
                    [EVENT_APPEARED] = decide_ignore,
                    [EVENT_JUDGED] = decide_ignore,
                    [EVENT_WAKE] = decide_ignore,
                },
};
static_assert(sizeof(transitions) == sizeof(machine_handler *) * SERVICE_STATES * EVENTS, "a row for each state");

/* Is the event about an instance? */
static const bool has_instance[] = {
    [EVENT_EXECUTED] = true,  [EVENT_READY] = true,  [EVENT_ENDED] = true,  [EVENT_FAILED] = true,
    [EVENT_UNHEALTHY] = true, [EVENT_EXTEND] = true, [EVENT_JUDGED] = true, [EVENT_WAKE] = false, /* the last */
};
static_assert(sizeof(has_instance) == EVENTS, "a cell for each event");

machine_handler *machine_handler_of(unsigned state, unsigned event)
{
    return transitions[state][event];
}

void machine_begin(struct machine *machine, uint64_t seed, int64_t now)
{
    *machine = (struct machine){
        .seed = seed,
        .since = now,
        .state = SERVICE_WAITING,
        .cause = CAUSE_RESOURCES,
        .held = CAUSE_RESOURCES,
        .last_status = -1,
        .wanted_up = 1,
    };
}

/* What an event about another instance than the machine's has to say. */
static unsigned step_foreign(const struct machine *machine, const struct machine_input *input)
{
    bool is_end = input->event == EVENT_ENDED || input->event == EVENT_FAILED;

    return is_end && input->instance != 0 && input->instance <= machine->collected ? ACTION_COLLECT : 0;
}

unsigned machine_step(struct machine *machine, const struct machine_config *config, const struct machine_input *input,
                      int64_t now)
{
    const struct machine before = *machine;
    struct machine_step step = {.machine = machine, .config = config, .input = input, .now = now};

    if (has_instance[input->event] && input->instance != machine->instance) {
        return step_foreign(machine, input);
    }
    if (input->event == EVENT_TIMER && (machine->due == 0 || machine->due > now)) {
        /* of an earlier state, or early: a timer that went off is to be set again */
        return machine->due == 0 ? 0 : ACTION_TIMER;
    }
    transitions[machine->state][input->event](&step);
    if (machine->due != before.due || (input->event == EVENT_TIMER && machine->due != 0)) {
        step.actions |= ACTION_TIMER; /* one that went off must be set again, even for the same instant */
    }
    if (machine->state != before.state || machine->cause != before.cause || machine->instance != before.instance) {
        step.actions |= ACTION_CHANGED;
    }
    return step.actions;
}
