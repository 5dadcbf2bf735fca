/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a keeper does once, before its loop: become a process that depends on nobody, and find or make the files of its
 * service's directory (record.h), which is the working directory. All descriptors are close-on-exec and do not block.
 */
#ifndef EDGEINIT_SUPERVISE_SETTLE_H
#define EDGEINIT_SUPERVISE_SETTLE_H

#include <sys/types.h>

#include "base/error.h"
#include "supervise/record.h"

/* Close what was inherited from this descriptor on, signals to a known state (SIGCHLD is blocked, for signalfd(2)), a session of its own, a name for
 * ps, parent of every orphan. */
void settle_process(const char *name, int first);

/* -1000 if we may, else as low as we may. Returns what it was before, for the service. */
int settle_oom_score(void);

/* Hold the lock until we end. 1: another keeper does. */
int settle_lock(struct error *err);

/* Become a member of the group whose cgroup.procs this is; what we start is one too, for nothing. */
int settle_group(const char *file, struct error *err);

int settle_signals(struct error *err);
int settle_pipe(struct error *err);

/* A socket of this type and mode, which appears under its name once it can be used. */
int settle_socket(const char *name, int type, mode_t mode, struct error *err);

/* Map the record; what it said before is in *found, all zero if it says nothing about this boot. */
struct keeper_record *settle_record(struct keeper_record *found, struct error *err);

#endif
