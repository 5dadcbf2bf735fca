/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a path to appear or to go, without polling: one inotify instance for all of them. A path is followed as the
 * kernel would follow it: every directory on its way, through every symlink, is watched for the one name that the path goes
 * on with, down to the nearest ancestor that exists, and the watch moves on as directories appear, go and are renamed. A
 * regular file at the end is watched itself: for its mode, and for the end of writing to it (a program that is still being
 * written cannot be executed). Directories that several paths go through are watched once.
 *
 * Events of other names in these directories are read and forgotten: they call nobody. A mount over an ancestor is no
 * inotify event: whoever has a mount table to watch calls watch_again() when it changes.
 *
 * When the kernel refuses a further watch while a path is being followed (fs.inotify.max_user_watches), the watcher looks
 * again every WATCH_RETRY until it is granted: the only case in which anything here polls.
 */
#ifndef EDGEINIT_SUPERVISE_WATCH_H
#define EDGEINIT_SUPERVISE_WATCH_H

#include "base/loop.h"

#define WATCH_RETRY (10 * INT64_C(1000000)) /* microseconds */

struct watch;           /* one path */
struct watch_directory; /* one inode that the kernel watches for us */

struct watcher {
    struct loop *loop;
    struct loop_source source; /* opened with the first watch, closed with the last */
    struct loop_timer retry;
    struct watch *watches;
    struct watch_directory *directories;
};

void watcher_open(struct watcher *watcher, struct loop *loop);
/* Removes all watches that are left. */
void watcher_close(struct watcher *watcher);

/* Call `changed` whenever the path may have appeared, changed its mode, been written, or gone (level-free: look for
 * yourself, the first time right after this call). Own the result: watch_remove(), allowed in any `changed`. The path is
 * copied; it must be normal (base/path.h). NULL with an error if the kernel refuses. */
struct watch *watch_add(struct watcher *watcher, const char *path, void (*changed)(void *data), void *data,
                        struct error *err);
/* NULL is no watch. */
void watch_remove(struct watcher *watcher, struct watch *watch);

/* Directories may have come from elsewhere (a mount): look at every path anew, and call `changed` for each. */
void watch_again(struct watcher *watcher);

#endif
