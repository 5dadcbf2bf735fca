/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of the room "machine": each state, event and cause with its stable name and what it means. status and JSON get
 * them through machine.h; docs/supervision.md is printed from these very tables by describe.c.
 */
#ifndef EDGEINIT_SUPERVISE_WORDS_H
#define EDGEINIT_SUPERVISE_WORDS_H

#include "supervise/decide.h"

struct machine_word {
    const char *name;
    const char *meaning;
};
extern const struct machine_word machine_states[SERVICE_STATES];
extern const struct machine_word machine_events[EVENTS];

struct machine_cause_words {
    const char *name;
    const char *text;    /* for one line of status */
    const char *meaning; /* for the documentation */
    const char *remedy;  /* what a person can do; may be empty */
};
extern const struct machine_cause_words machine_causes[CAUSES];

/* A handler in one word and in a sentence. */
struct machine_decision {
    machine_handler *handler;
    const char *word;
    const char *meaning;
};
/* NULL beyond the end of the list; */
const struct machine_decision *machine_decision_at(size_t index);
/* NULL if the handler is not in it. */
const struct machine_decision *machine_decision_of(machine_handler *handler);

#endif
