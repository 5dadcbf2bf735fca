/* SPDX-License-Identifier: Apache-2.0 */
/* The tables as Markdown. */
#include <stdarg.h>
#include <stdio.h>

#include "supervise/words.h"

typedef void printer(const char *text);

__attribute__((format(printf, 2, 3))) static void say(printer *print, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    print(line);
}

static void describe_states(printer *print)
{
    print("## States\n\n| state | meaning |\n|---|---|\n");
    for (unsigned state = 0; state < SERVICE_STATES; state++) {
        say(print, "| `%s` | %s |\n", machine_states[state].name, machine_states[state].meaning);
    }
}

static void describe_causes(printer *print)
{
    print("\n## Causes\n\n| cause | in `status` | meaning | what to do |\n|---|---|---|---|\n");
    for (unsigned cause = CAUSE_NONE + 1; cause < CAUSES; cause++) {
        const struct machine_cause_words *words = &machine_causes[cause];

        say(print, "| `%s` | %s | %s | %s |\n", words->name, words->text, words->meaning, words->remedy);
    }
}

static void describe_delays(printer *print)
{
    static const struct machine_config config = {.delay = 200000, .max_delay = 60000000, .jitter = 200};

    print(
        "\n## The delay\n\n"
        "After n failures in a row the next start comes after min(`delay` · 2^(n-1), `max_delay`), times 1 ± `jitter`; at "
        "least\n1 s after the end if the program was never executed. The failures are forgotten when the service has been "
        "ready for\n`reset_after`, and when a person or a changed manifest starts it. With `delay` 200 ms, `max_delay` 1 "
        "min and `jitter` 0.2:\n\n"
        "| failures | delay | with jitter |\n|---|---|---|\n");
    for (uint32_t failures = 1; failures <= 10; failures++) {
        int64_t delay = machine_delay(&config, failures);
        int64_t reach = delay / 1000 * config.jitter;

        say(print, "| %u%s | %.1f s | %.2f to %.2f s |\n", failures, failures == 10 ? " and more" : "",
            (double)delay / 1e6, (double)(delay - reach) / 1e6, (double)(delay + reach) / 1e6);
    }
}

static void describe_events(printer *print)
{
    print("\n## Events\n\n| event | said by, or meaning |\n|---|---|\n");
    for (unsigned event = 0; event < EVENTS; event++) {
        say(print, "| `%s` | %s |\n", machine_events[event].name, machine_events[event].meaning);
    }
}

static void describe_transitions(printer *print)
{
    print("\n## Which event decides what in which state\n\n| |");
    for (unsigned state = 0; state < SERVICE_STATES; state++) {
        say(print, " %s |", machine_states[state].name);
    }
    print("\n|---|");
    for (unsigned state = 0; state < SERVICE_STATES; state++) {
        print("---|");
    }
    for (unsigned event = 0; event < EVENTS; event++) {
        say(print, "\n| `%s` |", machine_events[event].name);
        for (unsigned state = 0; state < SERVICE_STATES; state++) {
            say(print, " %s |", machine_decision_of(machine_handler_of(state, event))->word);
        }
    }
    print("\n");
}

static void describe_decisions(printer *print)
{
    const struct machine_decision *decision;

    print("\n| word | what is decided |\n|---|---|\n");
    for (size_t i = 0; (decision = machine_decision_at(i)) != NULL; i++) {
        say(print, "| %s | %s |\n", decision->word, decision->meaning);
    }
}

void machine_describe(void (*print)(const char *text))
{
    describe_states(print);
    describe_causes(print);
    describe_delays(print);
    describe_events(print);
    describe_transitions(print);
    describe_decisions(print);
}
