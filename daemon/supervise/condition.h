/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions: facts that a service waits for. Event-driven: routes and addresses by a netlink socket, the clock by a
 * timerfd that is cancelled when the clock is set, files by inotify, mounts by /proc/self/mountinfo. Each source is opened
 * only when a condition of its kind is there, and all of them together cost no wake-up while nothing changes. A file may
 * come with a mount over a directory above it, so file conditions look at the mount table too.
 *
 * The order is: conditions_add(), then condition_holds(); what changes after that is told by `changed`. `changed` may be
 * called when nothing that matters has changed, and may clear, add and close.
 *
 * Adding a kind is adding a row to the table in condition.c.
 */
#ifndef EDGEINIT_SUPERVISE_CONDITION_H
#define EDGEINIT_SUPERVISE_CONDITION_H

#include "supervise/service.h"
#include "supervise/watch.h"

struct conditions {
    struct loop *loop;
    struct watcher *watcher;
    void (*changed)(void *data); /* something changed that some condition depends on: look at them again */
    void *data;
    struct loop_source network; /* fd -1: not needed so far */
    struct loop_source clock;
    struct loop_source mounts;
    struct watch **files; /* one for each file condition that was added */
    size_t file_count;
    int64_t *instants; /* of each clock condition: seconds since 1970 */
    size_t instant_count;
    bool looking; /* the watcher is looking at all paths: `changed` is called once, at the end */
};

void conditions_open(struct conditions *conditions, struct loop *loop, struct watcher *watcher,
                     void (*changed)(void *data), void *data);

/* Watch for what these conditions depend on; they are not needed any more when this returns. An error (the first one)
 * leaves those that could be watched. */
int conditions_add(struct conditions *conditions, const struct condition_config *configs, size_t count,
                   struct error *err);

/* Forget all of them (before a reload adds the new ones). */
void conditions_clear(struct conditions *conditions);
void conditions_close(struct conditions *conditions);

/* Does it hold, now? If not, `reason` says in words what is missing: "no default route", "wlan0 has no address", "the
 * clock says 1970-01-01, before 2024-01-01", "/data/token is not there". Reads the kernel, never blocks. */
bool condition_holds(const struct condition_config *config, char *reason, size_t size);

/* "route default": for status. Returns buffer. */
const char *condition_name(const struct condition_config *config, char *buffer, size_t size);

/* Is this a value of that kind? If not, *why says what is wrong: for the manifest's reader. For CONDITION_CLOCK ("2024-01-01"
 * or "2024-01-01T12:00:00Z") *clock becomes its seconds since 1970; else it stays. Pure. */
bool condition_value_is_good(enum condition_kind kind, const char *value, int64_t *clock, const char **why);

#endif
