/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The critical path: what the boot's end waited for, step by step, back to the kernel's start. A pure function over items
 * and their needs. The steps follow one another without a gap and fill all the time from 0 to the end, so what they sum up
 * to is the boot's time; whoever wants it shorter has to shorten one of them.
 *
 * An item's predecessor is whatever was there last of all that it needs. A resource that could have begun by then, and did
 * not because edgeinit was busy with another one, has that other for its predecessor; so has one that was applied, and
 * waited to be verified. Of a boot that did not become ready the path leads to what it still waits for.
 */
#ifndef EDGEINIT_TIMELINE_CRITICAL_H
#define EDGEINIT_TIMELINE_CRITICAL_H

#include "timeline/boot.h"

/* Why the step before it comes before it. */
enum step_reason {
    STEP_FIRST,  /* nothing comes before it */
    STEP_PHASE,  /* it comes after this in every boot */
    STEP_NEEDS,  /* it needs it */
    STEP_TURN,   /* edgeinit did one after the other */
    STEP_REASONS /* their number */
};

struct step {
    size_t item;
    int64_t from;
    int64_t to;
    enum step_reason reason;
};

struct critical {
    struct step *steps; /* in the order of time; an item may come twice */
    size_t count;
    int64_t spent[SPANS]; /* sums up to the boot's end */
};

void critical_find(const struct boot *boot, struct critical *critical);
void critical_free(struct critical *critical);

/* Time that the steps spent on this item; 0: it is not on the path. */
int64_t critical_time(const struct critical *critical, size_t item);
bool critical_has(const struct critical *critical, size_t item);

const char *step_reason_name(enum step_reason reason);

#endif
