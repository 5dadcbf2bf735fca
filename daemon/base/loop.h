/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop: descriptors and timers over one epoll instance, single-threaded. It never polls: with nothing due it
 * sleeps in the kernel for ever. Sources and timers are embedded in their owners' structures; the loop allocates
 * nothing. A callback may add and remove any source or timer, its own included.
 */
#ifndef EDGEINIT_BASE_LOOP_H
#define EDGEINIT_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/error.h"

struct loop_source {
    int fd; /* -1 while not added; never closed by the loop */
    void (*call)(void *data, uint32_t events);
    void *data;
};

struct loop_timer {
    int64_t due; /* clock_now() units */
    void (*call)(void *data);
    void *data;
    struct loop_timer *next;
    bool armed;
};

struct loop {
    int epoll;
    bool stop;                 /* set it, and loop_run returns after the current callback */
    struct loop_timer *timers; /* by due time */
    struct epoll_event batch[16];
    int batch_count;
};

int loop_open(struct loop *loop, struct error *err);
void loop_close(struct loop *loop);

/* Watch fd for EPOLLIN, EPOLLOUT, … The source must stay where it is in memory until removed. */
int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events,
             void (*call)(void *data, uint32_t events), void *data, struct error *err);
/* No effect on a source that is not added. */
void loop_remove(struct loop *loop, struct loop_source *source);

/* Call once at `due`; setting an armed timer moves it. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due, void (*call)(void *data), void *data);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

/* Run until loop->stop. Returns -1 if epoll itself fails. */
int loop_run(struct loop *loop, struct error *err);

/* Deliver what is ready now, without waiting. loop->stop afterwards: a callback has set it. */
int loop_poll(struct loop *loop, struct error *err);

#endif
