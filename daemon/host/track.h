/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes belong to which service: one group for each in a named cgroup v1 hierarchy of our own (name=edgeinit, no
 * controllers), mounted in the run directory. What a service forks stays in its group whatever it does with sessions and
 * parents, so the group is found again after any death. A hierarchy is global in the kernel, so a run directory's groups
 * are below a group of its own, named after the directory's inode: two daemons on one PC do not meet.
 *
 * Processes are only ever signalled through a pidfd that was opened while the process was seen in the group: a pid that a
 * stranger got meanwhile is in no group of ours (pidfd_open(2), Linux 5.3). Where the freezer is mounted, a group is
 * stopped frozen, so that it cannot fork away.
 *
 * A kernel without named hierarchies leaves the track unusable: then nothing is tracked, and the callers say what that costs.
 */
#ifndef EDGEINIT_HOST_TRACK_H
#define EDGEINIT_HOST_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct track {
    char *top;     /* this run directory's group; NULL: not usable */
    char *freezer; /* where the freezer is mounted; NULL: nowhere */
};

/* Mount the hierarchy at run_dir/track unless it is there, and make this run directory's group. On -1 the track is not
 * usable, and that is all. */
int track_open(struct track *track, const char *run_dir, struct error *err);

/* Look anew for the freezer, which bring-up may have mounted since. */
void track_find_freezer(struct track *track);

/* Make the group of this name; *file becomes the path of its cgroup.procs, into which a process writes itself (own it; NULL
 * if the track is not usable, which is no error). */
int track_make(const struct track *track, const char *name, char **file, struct error *err);

/* Is the process in the group? */
bool track_has(const struct track *track, const char *name, pid_t pid);

/* Is there anybody in the group but `except` (0: nobody is excepted)? */
bool track_is_empty(const struct track *track, const char *name, pid_t except);

/* SIGKILL everybody in the group but `except`. Returns how many there were, and in *left a pidfd of one of them (own it; -1
 * if none): it becomes readable when that one has ended, then call again until 0 comes back. */
size_t track_kill(const struct track *track, const char *name, pid_t except, int *left);

/* Remove the empty group; a group that is not empty stays. */
void track_remove(const struct track *track, const char *name);

/* Remove this run directory's empty group, and unmount. */
void track_unmake(struct track *track, const char *run_dir);

/* Forget it all; the groups stay. */
void track_close(struct track *track);

#endif
