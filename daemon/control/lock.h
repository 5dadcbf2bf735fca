/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One daemon at a time for a run directory, and none while "edgeinit down" takes the board down: a lock in the run directory
 * that dies with its holder. It is one of the process (fcntl(2)): one of flock(2) would live on in every child, and a worker
 * that hangs with a broken card would keep the next daemon out. And it tells who holds it. Such a lock is lost with the first
 * descriptor of its file that its process closes: whoever holds one asks no more for its holder.
 */
#ifndef EDGEINIT_CONTROL_LOCK_H
#define EDGEINIT_CONTROL_LOCK_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

enum lock_kind {
    LOCK_DAEMON,
    LOCK_DOWN, /* one that takes the board down, before it has the daemon's */
    LOCKS      /* their number */
};

/* Take it, waiting at most `patience` microseconds (-1: for ever) for who holds it. Makes the run directory. Returns the
 * descriptor to be kept open; -1: who holds it is in the error. */
int lock_take(const char *run_dir, enum lock_kind kind, int64_t patience, struct error *err);

/* Who holds it: a pid; 0: nobody. */
pid_t lock_holder(const char *run_dir, enum lock_kind kind);

#endif
