/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passes a service's log ring on to edgeinit's own log (hilog on a board), line by line, within a budget: hilog's quota is
 * shared by all, and a service that floods must neither use it up nor keep the daemon busy. What is over the budget is
 * counted and said ("812345 lines suppressed"); it is in the ring as long as the ring has room, and "edgeinit logs" shows
 * it. How far it came is in the service's notes, so a daemon that comes back goes on where the old one was killed: a line
 * may then be passed on twice, never be left out.
 */
#ifndef EDGEINIT_SUPERVISE_FORWARD_H
#define EDGEINIT_SUPERVISE_FORWARD_H

#include "base/loop.h"
#include "supervise/notes.h"
#include "supervise/ring.h"

#define FORWARD_RATE 40000 /* bytes a second; hilog allows a domain 51200 */
#define FORWARD_BURST 65536
#define FORWARD_REST 100 /* so many of a flood's last lines are shown when the budget is back */

struct forward {
    struct loop *loop;
    struct loop_timer timer;
    struct ring_reader reader; /* fd -1: not open */
    struct notes *notes;
    const char *name;
    int64_t budget; /* bytes */
    int64_t filled; /* when it was last filled up */
    uint64_t suppressed;
    void (*listen)(void *data, uint64_t position); /* say when the ring's head is beyond this */
    void *data;
};

void forward_open(struct forward *forward, struct loop *loop, const char *name, struct notes *notes,
                  void (*listen)(void *data, uint64_t position), void *data);

/* There may be something new in the ring of this directory: pass it on. */
void forward_run(struct forward *forward, const char *directory);

void forward_close(struct forward *forward);

/* The number of bytes that the ring ever took; 0 if it is not open. A sign of life. */
uint64_t forward_head(const struct forward *forward);

#endif
