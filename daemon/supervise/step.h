/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The moves that the handlers of decide.h are made of: from one state into another, with what belongs to it. Inside the room
 * "machine" only. No move asks whether it is the right one.
 */
#ifndef EDGEINIT_SUPERVISE_STEP_H
#define EDGEINIT_SUPERVISE_STEP_H

#include <assert.h>

#include "supervise/decide.h"

#define SET(cause) (1U << (cause))
static_assert(CAUSES <= 32, "SET must hold every cause");

/* The cause that came with the event, if it is one of those that may. */
uint32_t step_cause(const struct machine_step *step, unsigned set, enum service_cause otherwise);

/* No timer runs in the new state unless the caller sets one. */
void step_enter(struct machine_step *step, enum service_state state, uint32_t cause);
void step_timer(struct machine_step *step, int64_t delay);

/* Nothing but what it waits for is between it and the next start. */
void step_start_when_released(struct machine_step *step);

/* The same at that time: at once and in this very step if it is over. */
void step_start_at(struct machine_step *step, int64_t due);

/* What the policy says for the failures so far, but not less than `least`. */
int64_t step_next_delay(struct machine_step *step, int64_t least);

void step_stop(struct machine_step *step, uint32_t cause);

/* Is there nothing but the service's profile between it and a start? */
bool step_is_free(const struct machine *machine);

/* Nobody waits for the judgement of its last end any more. */
void step_end_judging(struct machine_step *step);

#endif
