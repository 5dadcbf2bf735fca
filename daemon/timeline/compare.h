/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two boots side by side: which items took longer, which less. An item's time is its own: what it waited for outside, what
 * edgeinit worked on it, its program's start, its failed attempts; not what it was held by others, or a slow card would
 * blame every service. A difference counts above the noise: COMPARE_LEAST and a tenth of the time it took before.
 */
#ifndef EDGEINIT_TIMELINE_COMPARE_H
#define EDGEINIT_TIMELINE_COMPARE_H

#include "timeline/boot.h"

#define COMPARE_LEAST INT64_C(20000) /* microseconds */

enum difference_kind {
    DIFFERENCE_SLOWER,
    DIFFERENCE_FASTER,
    DIFFERENCE_NEW, /* the other boot did not have it, and it took long enough to be told */
    DIFFERENCE_GONE,
    DIFFERENCE_FAILED, /* it was good before */
    DIFFERENCES        /* their number */
};

struct difference {
    enum difference_kind kind;
    const char *name;
    int64_t before;
    int64_t after;
    enum span_kind most; /* where most of the difference is */
};

struct comparison {
    struct difference *differences; /* the greatest first */
    size_t count;
    int64_t before; /* the whole boots, from edgeinit's process to their ends */
    int64_t after;
    bool slower;
};

void compare_boots(const struct boot *before, const struct boot *after, struct comparison *comparison);
void comparison_free(struct comparison *comparison);

const char *difference_name(enum difference_kind kind);

#endif
