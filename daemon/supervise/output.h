/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the service's pipe to its ring: whole lines, and what has no newline yet is held back until it has one. No line is
 * looked at for itself; they are only counted. What is held back is kept with the ring, so that it survives our death; only
 * what has been read and not yet been appended, for some microseconds, does not. No heap, never blocks.
 */
#ifndef EDGEINIT_SUPERVISE_OUTPUT_H
#define EDGEINIT_SUPERVISE_OUTPUT_H

#include <stddef.h>

#include "supervise/ring.h"

struct output {
    char buffer[RING_LARGEST_BATCH]; /* first: what a quiet keeper uses lies together */
    int fd;
    struct ring *ring;
    size_t held;
    bool cut; /* the last batch was a piece of a line that is still not whole */
};

/* Go on where the ring's last writer stopped. */
void output_begin(struct output *output, int fd, struct ring *ring);

/* Read the pipe until it is empty, but not more than `most` times: a service that never stops talking must not keep us from
 * our other work. */
void output_read(struct output *output, int most);

/* What is held back is a line, for nothing will follow: its writer ended. */
void output_finish(struct output *output);

#endif
