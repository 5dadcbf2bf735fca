/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan (stat_plan.h) in the service's process, between vfork(2) and execve(2): mounts of its own, where the plan asks for
 * them, then the seccomp filter, whose listener goes to the keeper through a socket. It cannot go by itself, for the two
 * share their memory but not their descriptors; and it must be there before the program runs, for the keeper stands still
 * until then. Nothing of ours between the filter and execve(2) uses openat2(2), the one call that the filter stops.
 *
 * Only the mounts that the plan names are changed, and nothing that happens to these leaves our namespace; all others stay
 * as shared as they were, so that what is mounted in here for a pod is seen by dockerd out there.
 *
 * The filter is put on with CAP_SYS_ADMIN, not with no_new_privs: under SELinux that would forbid the service its domain.
 * It is for ever, and for all that the service starts.
 */
#ifndef EDGEINIT_SUPERVISE_STAT_ENTER_H
#define EDGEINIT_SUPERVISE_STAT_ENTER_H

#include <stdint.h>

#include "supervise/stat_plan.h"

#define STAT_COPY_NAME "stat.%zu" /* in the service's directory, by number of the cover */

struct stat_entry {
    const struct stat_plan *plan;
    int socket;   /* where the listener is sent to */
    int32_t step; /* enum stat_step: where the service's process is, or failed; written by it, in the memory of both */
};

/* In the service's directory. -1 with errno. */
int stat_enter(struct stat_entry *entry);

/* The other end of the socket: the listener, or -1 with errno. */
int stat_enter_receive(int socket);

#endif
