/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people ask of the supervisor: start, stop, restart a service from any state, wait until it is ready. Each verb is a
 * row: what it does at once, and when it is done.
 */
#ifndef EDGEINIT_CONTROL_VERBS_H
#define EDGEINIT_CONTROL_VERBS_H

#include "control/bringup.h"
#include "control/server.h"

/* Carry the verb out (wait-ready: nothing to do). Returns -1 if it is refused, and the reason. *ticket is for the question
 * whether it is done; `note` is for the person, may stay empty. */
int verbs_begin(const struct bringup *bringup, const struct request *request, uint64_t *ticket, char *note,
                size_t size);

/* Is it done? 1 yes, 0 not yet, -1 it cannot be (any more), with the reason. */
int verbs_is_done(const struct bringup *bringup, const struct request *request, uint64_t ticket, char *reason,
                  size_t size);

/* Is everything of the manifest in place and ready? */
bool verbs_all_ready(const struct bringup *bringup);

#endif
