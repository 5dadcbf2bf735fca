/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people and programs get to read of plans and of apply's progress (the answer to "status": show_status.h). One place for
 * both forms, text and JSON, so that they say the same. The JSON is described in docs/json.md and only ever grows.
 */
#ifndef EDGEINIT_CONTROL_SHOW_H
#define EDGEINIT_CONTROL_SHOW_H

#include <stdbool.h>

#include "base/text.h"
#include "plan/plan.h"

/* "in place", "applied": stable. */
const char *show_state_word(enum plan_state state);

/* One line of a plan: "+ mount /mnt/f2fs  (waits up to 30 s)". */
void show_plan_entry(const struct plan *plan, const struct plan_entry *entry, bool colour, struct text *out);

/* One line of apply's progress; nothing for states that need no line. */
void show_apply_entry(const struct plan *plan, const struct plan_entry *entry, bool colour, struct text *out);

/* "plan: 12 to create, 1 to change, 30 in place, 1 impossible" */
void show_plan_summary(const struct plan *plan, bool colour, struct text *out);
/* "apply: 12 done, 30 in place, 1 failed, 2 blocked, in 14 ms" */
void show_apply_summary(const struct plan *plan, int64_t elapsed, bool colour, struct text *out);

/* The same as JSON; own the result. */
cJSON *show_plan_json(const struct plan *plan);
cJSON *show_apply_json(const struct plan *plan, int64_t elapsed);

#endif
