/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STAT_REFRESH: the clean copies that lie over a service's statistics, written anew every few seconds while the service
 * runs; cAdvisor looks every 10 to 15. The files are in the service's directory and keep their inode, for that is what was
 * bound: the next keeper writes the same ones. A reader never meets half a text: the numbers have a fixed width
 * (statistics_pad), so new text goes over the old one in one write of the same length. Nobody wakes up for it otherwise.
 *
 * We are outside the service's namespace, where nothing lies over the kernel's file.
 */
#ifndef EDGEINIT_SUPERVISE_STAT_COPY_H
#define EDGEINIT_SUPERVISE_STAT_COPY_H

#include <stdint.h>

#include "supervise/stat_plan.h"

#define STAT_COPY_EVERY 5 /* seconds */

struct stat_copy {
    int from;
    int to;
    size_t length; /* of the text that is there */
};

struct stat_copies {
    struct stat_copy items[STAT_MOST_COVERS];
    size_t count; /* 0: none are kept */
    int64_t due;  /* clock_now() */
};

/* Make one for each cover of the plan. -1 with errno, and none are kept. */
int stat_copies_begin(struct stat_copies *copies, const struct stat_plan *plan);
void stat_copies_end(struct stat_copies *copies);

/* Milliseconds until they are due; -1: never. */
int stat_copies_wait(const struct stat_copies *copies);

/* Write them anew if they are due. */
void stat_copies_refresh(struct stat_copies *copies);

#endif
