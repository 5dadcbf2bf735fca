/* SPDX-License-Identifier: Apache-2.0 */
/* The table, cell by cell, and its words. What the cells do to the machine's numbers: policy.c; many steps: model.c. */
#include "supervise/machine.h"

#include "base/util.h"
#include "machine_run.h"
#include "supervise/decide.h"
#include "supervise/words.h"

/* The state's machine for the table test; each but the first three has an instance that ended before. */
static void reach(struct run *run, enum service_state state)
{
    begin_starting(run, &plain);
    if (state == SERVICE_PARKED) {
        step_cause(run, EVENT_HOLD, CAUSE_AFTER);
        step_cause(run, EVENT_FAILED, CAUSE_MISSING);
        return;
    }
    step_end(run, state == SERVICE_FINISHED ? EXIT_0 : EXIT_1);
    switch (state) {
        case SERVICE_WAITING:
            step(run, EVENT_HOLD);
            step_timer(run);
            break;
        case SERVICE_BLOCKED:
            step(run, EVENT_BLOCK);
            step_timer(run);
            break;
        case SERVICE_STARTING:
            step_timer(run);
            break;
        case SERVICE_READY:
            step_timer(run);
            step(run, EVENT_EXECUTED);
            step(run, EVENT_READY);
            break;
        case SERVICE_STOPPING:
            step_timer(run);
            step_timer(run);
            break;
        case SERVICE_STOPPED:
            step(run, EVENT_WANT_DOWN);
            break;
        case SERVICE_FINISHED:
            begin_starting(run, &plain);
            run->config.restart = ON_FAILURE;
            step_end(run, EXIT_0);
            run->config.restart = ALWAYS;
            break;
        default:
            break;
    }
    assert_int_equal(run->machine.state, state);
}

/* "starting(none) start timer changed" */
static const char *show(const struct run *run, char *buffer, size_t size)
{
    static const char *const words[] = {"collect",     "clear-group", "start", "signal",  "kill",  "timer",
                                        "check-ready", "check-alive", "watch", "prepare", "judge", "changed"};
    size_t length;

    snprintf(buffer, size, "%s(%s)", machine_state_name(run->machine.state), machine_cause_name(run->machine.cause));
    for (unsigned bit = 0; bit < ARRAY_SIZE(words); bit++) {
        if ((run->actions & (1U << bit)) != 0) {
            length = strlen(buffer);
            snprintf(buffer + length, size - length, " %s", words[bit]);
        }
    }
    return buffer;
}

static const char *const expected[SERVICE_STATES]
                                 [EVENTS] =
                                     {
                                         [SERVICE_WAITING] =
                                             {
                                                 [EVENT_HOLD] = "waiting(condition) changed",
                                                 [EVENT_RELEASE] = "starting(none) start timer changed",
                                                 [EVENT_BLOCK] = "blocked(blocked) changed",
                                                 [EVENT_EXECUTED] = "waiting(resources)",
                                                 [EVENT_READY] = "waiting(resources)",
                                                 [EVENT_ENDED] = "waiting(resources) collect",
                                                 [EVENT_FAILED] = "waiting(resources) collect",
                                                 [EVENT_TIMER] = "waiting(resources)",
                                                 [EVENT_EXTEND] = "waiting(resources)",
                                                 [EVENT_UNHEALTHY] = "waiting(resources)",
                                                 [EVENT_WANT_UP] = "waiting(resources)",
                                                 [EVENT_WANT_DOWN] = "stopped(request) changed",
                                                 [EVENT_WANT_AGAIN] = "waiting(resources)",
                                                 [EVENT_APPEARED] = "waiting(resources)",
                                                 [EVENT_JUDGED] = "parked(judged) timer changed",
                                                 [EVENT_WAKE] = "waiting(resources)",
                                             },
                                         [SERVICE_BLOCKED] =
                                             {
                                                 [EVENT_HOLD] = "waiting(condition) changed",
                                                 [EVENT_RELEASE] = "starting(none) start timer changed",
                                                 [EVENT_BLOCK] = "blocked(blocked)",
                                                 [EVENT_EXECUTED] = "blocked(blocked)",
                                                 [EVENT_READY] = "blocked(blocked)",
                                                 [EVENT_ENDED] = "blocked(blocked) collect",
                                                 [EVENT_FAILED] = "blocked(blocked) collect",
                                                 [EVENT_TIMER] = "blocked(blocked)",
                                                 [EVENT_EXTEND] = "blocked(blocked)",
                                                 [EVENT_UNHEALTHY] = "blocked(blocked)",
                                                 [EVENT_WANT_UP] = "blocked(blocked)",
                                                 [EVENT_WANT_DOWN] = "stopped(request) changed",
                                                 [EVENT_WANT_AGAIN] = "blocked(blocked)",
                                                 [EVENT_APPEARED] = "blocked(blocked)",
                                                 [EVENT_JUDGED] = "parked(judged) timer changed",
                                                 [EVENT_WAKE] = "blocked(blocked)",
                                             },
                                         [SERVICE_PARKED] =
                                             {
                                                 [EVENT_HOLD] = "parked(missing)",
                                                 [EVENT_RELEASE] = "parked(missing)",
                                                 [EVENT_BLOCK] = "parked(missing)",
                                                 [EVENT_EXECUTED] = "parked(missing)",
                                                 [EVENT_READY] = "parked(missing)",
                                                 [EVENT_ENDED] = "parked(missing) collect",
                                                 [EVENT_FAILED] = "parked(missing) collect",
                                                 [EVENT_TIMER] = "parked(missing)",
                                                 [EVENT_EXTEND] = "parked(missing)",
                                                 [EVENT_UNHEALTHY] = "parked(missing)",
                                                 [EVENT_WANT_UP] = "waiting(after) changed",
                                                 [EVENT_WANT_DOWN] = "stopped(request) changed",
                                                 [EVENT_WANT_AGAIN] = "waiting(after) changed",
                                                 [EVENT_APPEARED] = "delayed(missing) timer changed",
                                                 [EVENT_JUDGED] = "parked(missing)",
                                                 [EVENT_WAKE] = "parked(missing)",
                                             },
                                         [SERVICE_STARTING] =
                                             {
                                                 [EVENT_HOLD] = "starting(none)",
                                                 [EVENT_RELEASE] = "starting(none)",
                                                 [EVENT_BLOCK] = "starting(none)",
                                                 [EVENT_EXECUTED] = "starting(none) check-ready",
                                                 [EVENT_READY] = "ready(none) timer check-alive changed",
                                                 [EVENT_ENDED] = "delayed(exited) collect timer changed",
                                                 [EVENT_FAILED] = "delayed(cannot-start) collect timer changed",
                                                 [EVENT_TIMER] = "stopping(start-timeout) signal timer changed",
                                                 [EVENT_EXTEND] = "starting(none) timer",
                                                 [EVENT_UNHEALTHY] = "stopping(liveness) signal timer changed",
                                                 [EVENT_WANT_UP] = "starting(none)",
                                                 [EVENT_WANT_DOWN] = "stopping(request) signal timer changed",
                                                 [EVENT_WANT_AGAIN] = "stopping(request) signal timer changed",
                                                 [EVENT_APPEARED] = "starting(none)",
                                                 [EVENT_JUDGED] = "starting(none)",
                                                 [EVENT_WAKE] = "starting(none)",
                                             },
                                         [SERVICE_READY] =
                                             {
                                                 [EVENT_HOLD] = "ready(none)",
                                                 [EVENT_RELEASE] = "ready(none)",
                                                 [EVENT_BLOCK] = "ready(none)",
                                                 [EVENT_EXECUTED] = "ready(none)",
                                                 [EVENT_READY] = "ready(none)",
                                                 [EVENT_ENDED] = "delayed(exited) collect timer changed",
                                                 [EVENT_FAILED] = "delayed(cannot-start) collect timer changed",
                                                 [EVENT_TIMER] = "ready(none) timer",
                                                 [EVENT_EXTEND] = "ready(none)",
                                                 [EVENT_UNHEALTHY] = "stopping(liveness) signal timer changed",
                                                 [EVENT_WANT_UP] = "ready(none)",
                                                 [EVENT_WANT_DOWN] = "stopping(request) signal timer changed",
                                                 [EVENT_WANT_AGAIN] = "stopping(request) signal timer changed",
                                                 [EVENT_APPEARED] = "ready(none)",
                                                 [EVENT_JUDGED] = "ready(none)",
                                                 [EVENT_WAKE] = "ready(none)",
                                             },
                                         [SERVICE_DELAYED] =
                                             {
                                                 [EVENT_HOLD] = "delayed(exited)",
                                                 [EVENT_RELEASE] = "delayed(exited)",
                                                 [EVENT_BLOCK] = "delayed(exited)",
                                                 [EVENT_EXECUTED] = "delayed(exited)",
                                                 [EVENT_READY] = "delayed(exited)",
                                                 [EVENT_ENDED] = "delayed(exited) collect",
                                                 [EVENT_FAILED] = "delayed(exited) collect",
                                                 [EVENT_TIMER] = "starting(none) start timer changed",
                                                 [EVENT_EXTEND] = "delayed(exited)",
                                                 [EVENT_UNHEALTHY] = "delayed(exited)",
                                                 [EVENT_WANT_UP] = "starting(none) start timer changed",
                                                 [EVENT_WANT_DOWN] = "stopped(request) timer changed",
                                                 [EVENT_WANT_AGAIN] = "starting(none) start timer changed",
                                                 [EVENT_APPEARED] = "delayed(exited)",
                                                 [EVENT_JUDGED] = "parked(judged) timer changed",
                                                 [EVENT_WAKE] = "starting(none) start timer changed",
                                             },
                                         [SERVICE_STOPPING] =
                                             {
                                                 [EVENT_HOLD] = "stopping(start-timeout)",
                                                 [EVENT_RELEASE] = "stopping(start-timeout)",
                                                 [EVENT_BLOCK] = "stopping(start-timeout)",
                                                 [EVENT_EXECUTED] = "stopping(start-timeout) signal",
                                                 [EVENT_READY] = "stopping(start-timeout)",
                                                 [EVENT_ENDED] = "delayed(start-timeout) collect timer changed",
                                                 [EVENT_FAILED] = "delayed(start-timeout) collect timer changed",
                                                 [EVENT_TIMER] = "stopping(stop-timeout) kill timer changed",
                                                 [EVENT_EXTEND] = "stopping(start-timeout) timer",
                                                 [EVENT_UNHEALTHY] = "stopping(start-timeout)",
                                                 [EVENT_WANT_UP] = "stopping(start-timeout)",
                                                 [EVENT_WANT_DOWN] = "stopping(start-timeout)",
                                                 [EVENT_WANT_AGAIN] = "stopping(start-timeout)",
                                                 [EVENT_APPEARED] = "stopping(start-timeout)",
                                                 [EVENT_JUDGED] = "stopping(start-timeout)",
                                                 [EVENT_WAKE] = "stopping(start-timeout)",
                                             },
                                         [SERVICE_STOPPED] =
                                             {
                                                 [EVENT_HOLD] = "stopped(request)",
                                                 [EVENT_RELEASE] = "stopped(request)",
                                                 [EVENT_BLOCK] = "stopped(request)",
                                                 [EVENT_EXECUTED] = "stopped(request)",
                                                 [EVENT_READY] = "stopped(request)",
                                                 [EVENT_ENDED] = "stopped(request) collect",
                                                 [EVENT_FAILED] = "stopped(request) collect",
                                                 [EVENT_TIMER] = "stopped(request)",
                                                 [EVENT_EXTEND] = "stopped(request)",
                                                 [EVENT_UNHEALTHY] = "stopped(request)",
                                                 [EVENT_WANT_UP] = "starting(none) start timer changed",
                                                 [EVENT_WANT_DOWN] = "stopped(request)",
                                                 [EVENT_WANT_AGAIN] = "starting(none) start timer changed",
                                                 [EVENT_APPEARED] = "stopped(request)",
                                                 [EVENT_JUDGED] = "stopped(request)",
                                                 [EVENT_WAKE] = "stopped(request)",
                                             },
                                         [SERVICE_FINISHED] =
                                             {
                                                 [EVENT_HOLD] = "finished(exited)",
                                                 [EVENT_RELEASE] = "finished(exited)",
                                                 [EVENT_BLOCK] = "finished(exited)",
                                                 [EVENT_EXECUTED] = "finished(exited)",
                                                 [EVENT_READY] = "finished(exited)",
                                                 [EVENT_ENDED] = "finished(exited) collect",
                                                 [EVENT_FAILED] = "finished(exited) collect",
                                                 [EVENT_TIMER] = "finished(exited)",
                                                 [EVENT_EXTEND] = "finished(exited)",
                                                 [EVENT_UNHEALTHY] = "finished(exited)",
                                                 [EVENT_WANT_UP] = "starting(none) start timer changed",
                                                 [EVENT_WANT_DOWN] = "stopped(request) changed",
                                                 [EVENT_WANT_AGAIN] = "starting(none) start timer changed",
                                                 [EVENT_APPEARED] = "finished(exited)",
                                                 [EVENT_JUDGED] = "finished(exited)",
                                                 [EVENT_WAKE] = "finished(exited)",
                                             },
};

/* What an event finds in a cell of the table. */
static struct machine_input input_of(const struct run *run, enum machine_event event)
{
    static const enum service_cause causes[EVENTS] = {
        [EVENT_HOLD] = CAUSE_CONDITION,
        [EVENT_WANT_UP] = CAUSE_CHANGED, /* of no account */
        [EVENT_JUDGED] = CAUSE_JUDGED,
    };

    return (struct machine_input){.event = event,
                                  .cause = causes[event],
                                  .instance = run->machine.instance,
                                  .status = EXIT_1,
                                  .status_known = true,
                                  .until = run->now + 30 * SECOND};
}

static uint32_t held_after(uint32_t held, enum machine_event event)
{
    switch (event) {
        case EVENT_HOLD:
            return CAUSE_CONDITION;
        case EVENT_BLOCK:
            return CAUSE_BLOCKED;
        case EVENT_RELEASE:
            return CAUSE_NONE;
        default:
            return held;
    }
}

static void check_cell(enum service_state from, enum machine_event event)
{
    struct run run;
    struct machine_input input;
    uint32_t held;
    char text[160];

    reach(&run, from);
    if (event == EVENT_TIMER && run.machine.due != 0) {
        run.now = run.machine.due;
    } else if (event != EVENT_APPEARED) {
        run.now += SECOND;
    }
    held = run.machine.held;
    input = input_of(&run, event);
    step_input(&run, &input);
    assert_int_equal(run.machine.held, held_after(held, event));
    if (!streq(show(&run, text, sizeof(text)), expected[from][event])) {
        fail_msg("%s, %s: %s", machine_state_name(from), machine_event_name(event), text);
    }
}

/* Every cell: nobody forgot one, its handler has words, and it does what the table above promises. */
static void test_cells(void **state)
{
    (void)state;
    for (unsigned from = 0; from < SERVICE_STATES; from++) {
        for (unsigned event = 0; event < EVENTS; event++) {
            assert_non_null(machine_handler_of(from, event));
            assert_non_null(machine_decision_of(machine_handler_of(from, event)));
            check_cell((enum service_state)from, (enum machine_event)event);
        }
    }
}

/* Every decision of the list is used, and named once. */
static void test_decisions(void **state)
{
    const struct machine_decision *decision;

    (void)state;
    for (size_t i = 0; (decision = machine_decision_at(i)) != NULL; i++) {
        unsigned cells = 0;

        assert_ptr_equal(machine_decision_of(decision->handler), decision);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(machine_decision_at(j)->word, decision->word);
        }
        for (unsigned cell = 0; cell < SERVICE_STATES * EVENTS; cell++) {
            cells += machine_handler_of(cell / EVENTS, cell % EVENTS) == decision->handler;
        }
        assert_true(cells > 0);
    }
    assert_null(machine_decision_of(NULL));
}

static bool is_word(const char *name)
{
    return name != NULL && name[0] != '\0' && name[strspn(name, "abcdefghijklmnopqrstuvwxyz-")] == '\0';
}

/* Stable names: no two alike, none forgotten. */
static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SERVICE_STATES; i++) {
        assert_true(is_word(machine_state_name(i)) && machine_states[i].meaning[0] != '\0');
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(machine_state_name(i), machine_state_name(j));
        }
    }
    for (unsigned i = 0; i < EVENTS; i++) {
        assert_true(is_word(machine_event_name(i)) && machine_events[i].meaning[0] != '\0');
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(machine_event_name(i), machine_event_name(j));
        }
    }
    for (unsigned i = 0; i < CAUSES; i++) {
        assert_true(is_word(machine_cause_name(i)) && machine_causes[i].meaning[0] != '\0');
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(machine_cause_name(i), machine_cause_name(j));
            assert_string_not_equal(machine_causes[i].text, machine_causes[j].text);
        }
    }
    assert_string_equal(machine_state_name(SERVICE_STATES), "?");
    assert_string_equal(machine_event_name(EVENTS), "?");
    assert_string_equal(machine_cause_name(CAUSES), "?");
    assert_string_equal(machine_cause_name(CAUSE_START_TIMEOUT), "start-timeout");
}

static void test_texts(void **state)
{
    char text[96];

    (void)state;
    assert_string_equal(machine_cause_text(CAUSE_EXITED, 3 << 8, text, sizeof(text)), "exit code 3");
    assert_string_equal(machine_cause_text(CAUSE_SIGNALLED, 9, text, sizeof(text)), "killed by signal 9 (Killed)");
    assert_string_equal(machine_cause_text(CAUSE_SIGNALLED, 11 | 0x80, text, sizeof(text)),
                        "killed by signal 11 (Segmentation fault), core dumped");
    assert_string_equal(machine_cause_text(CAUSE_EXITED, -1, text, sizeof(text)), "ended by itself");
    assert_string_equal(machine_cause_text(CAUSE_START_TIMEOUT, EXIT_1, text, sizeof(text)), "not ready in time");
    assert_string_equal(machine_cause_text(CAUSES, 0, text, sizeof(text)), "?");
    assert_string_equal(machine_cause_text(CAUSE_EXITED, 0, text, 5), "exit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_texts),
    };

    return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
