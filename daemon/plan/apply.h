/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying a plan out. Every resource is probed right before it is applied, so what another process or an earlier,
 * killed run has done is seen, and nothing is done twice. A resource that fails blocks only what needs it. What may
 * block (plan_entry.in_worker) runs in a worker process of its own, what is not there yet is waited for by its watch;
 * meanwhile all the rest goes on. In the end whatever was applied is probed once more: what counts is what the kernel
 * shows. Can be killed at any instant; run again, it goes on from what it finds.
 */
#ifndef EDGEINIT_PLAN_APPLY_H
#define EDGEINIT_PLAN_APPLY_H

#include "plan/plan.h"

/* Told of every change of state of an entry, as it happens; and with NULL when all there is to do is to wait. */
typedef void apply_report(void *data, const struct plan *plan, const struct plan_entry *entry);

/* The lock of the run directory, which apply_run() takes: one at a time changes the board. `waiting` as below. Returns the
 * descriptor to be kept open. */
int apply_lock(const struct host *host, void (*waiting)(void *data), void *data, struct error *err);

/* Apply the plan made by plan_make(). One at a time on a board: a lock on the run directory sees to that, and `waiting`
 * (may be NULL) is called before waiting for it. Returns -1 with err only if it could not run at all; resources that
 * failed are in the plan. */
int apply_run(struct plan *plan, apply_report *report, void (*waiting)(void *data), void *data, struct error *err);

/* Did everything come into place? */
bool apply_is_complete(const struct plan *plan);

#endif
