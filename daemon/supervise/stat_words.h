/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said about filtered statistics: what each way costs, and why a better one was not possible, with what a person can
 * do about it. docs/stat-filter.md has the same, at length.
 */
#ifndef EDGEINIT_SUPERVISE_STAT_WORDS_H
#define EDGEINIT_SUPERVISE_STAT_WORDS_H

#include "supervise/stat_plan.h"

extern const char *const stat_way_costs[STAT_WAYS];

struct stat_reason {
    const char *text;
    const char *remedy;
};
extern const struct stat_reason stat_reasons[STAT_STEPS];

#endif
