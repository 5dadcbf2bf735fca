/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's side of the plan (stat_plan.h), from one start of its service to the next: it gets ready for the way that is
 * planned, goes over to the next worse one when a way turns out to be impossible here (and starts the service again, which
 * has failed or only just begun), and then holds what the service needs: the listener of its openat2(2) calls, or the copies
 * that it reads. What became of it is in the record, for the daemon to tell.
 *
 * Who dies, and what then:
 *   the daemon    nothing: all of this is the keeper's, and its file.
 *   the service   its listener stays until the last process that has the filter is gone, or the next start.
 *   the keeper    with STAT_NOTIFY its service's openat2(2) fails with ENOSYS from then on, for the kernel lets nobody put a
 *                 second listener in place of one that is gone. So the daemon has such a service started anew, whatever its
 *                 "orphan" says (keeping.c); a start takes tenths of a second and touches no pod. A signal at the keeper's
 *                 death (PR_SET_PDEATHSIG) would do the same a little sooner; but execve(2) into another SELinux domain,
 *                 another user or a file with capabilities clears it. A second holder of the listener would spare the
 *                 restart; it would be one more process to be killed, for a death that nothing but a person brings about
 *                 (a keeper's oom_score_adj is -1000).
 *                 With STAT_REFRESH the next keeper goes on writing the same files.
 */
#ifndef EDGEINIT_SUPERVISE_STAT_HOLD_H
#define EDGEINIT_SUPERVISE_STAT_HOLD_H

#include <poll.h>

#include "supervise/record.h"
#include "supervise/stat_copy.h"
#include "supervise/stat_enter.h"
#include "supervise/stat_serve.h"

struct stat_hold {
    struct keeper_record *record;
    struct pollfd *source; /* the listener, for poll(2) */
    struct stat_plan plan;
    struct stat_entry entry; /* for the service's process */
    int socket;              /* our end */
    struct stat_server server;
    struct stat_copies copies;
};

void stat_hold_open(struct stat_hold *hold, struct keeper_record *record, struct pollfd *source);

/* A start begins: read the plan, and get ready. */
void stat_hold_begin(struct stat_hold *hold);

/* The service's process has executed its program, or failed to. False: it failed for the plan's sake; end it, and start it
 * again, in the way that is now in the plan. */
bool stat_hold_is_right(struct stat_hold *hold, pid_t pid);

/* Our service runs since a keeper before us. */
void stat_hold_resume(struct stat_hold *hold);

/* It has ended. */
void stat_hold_end(struct stat_hold *hold);

/* The listener has something, or is over. True if the record has changed. */
bool stat_hold_serve(struct stat_hold *hold);

#endif
