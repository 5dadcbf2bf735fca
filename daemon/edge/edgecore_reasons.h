/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why edgecore is not started: a row a reason, with the code that status shows, and what to do. docs/kubeedge.md is printed
 * from the same rows. What ends a running edgecore is edgecore_judge's subject.
 */
#ifndef EDGEINIT_EDGE_EDGECORE_REASONS_H
#define EDGEINIT_EDGE_EDGECORE_REASONS_H

#include "supervise/judgement.h"

enum edgecore_reason {
    REASON_NOT_CONFIGURED,
    REASON_NO_NAME,
    REASON_VERSION_UNKNOWN,
    REASON_CONFIG_UNWRITABLE,
    REASON_CONFIG_ELSEWHERE,
    REASON_CGROUP_DRIVER,
    REASON_NO_TOKEN,
    REASON_TOKEN_FORM,
    REASON_TOKEN_USED,
    REASON_NAME_CHANGED,
    REASON_CLOCK,
    REASON_NO_ADDRESS,
    REASON_NO_ROUTE,
    REASON_PORT_TAKEN,
    REASON_LOCALHOST,
    REASON_HELPER_MISSING,
    EDGECORE_REASONS /* their number */
};

/* The one event that can change the answer of the look that begins now: taken before the look, so that nothing is missed, and
 * instead of that of the look before, which said yes. */
void edgecore_wake(struct judgement *judgement, enum wake_kind kind, const char *value);

/* Park it for this reason; "…" in the row's remedy is replaced by `subject` (may be ""). Always returns false, for "return edgecore_hold(…)" of a look that says whether to go on. */
bool edgecore_hold(struct judgement *judgement, enum edgecore_reason reason, const char *subject, const char *format,
                   ...) __attribute__((format(printf, 4, 5)));

/* The rows as Markdown. */
void edgecore_reasons_describe(void (*print)(const char *text));

#endif
