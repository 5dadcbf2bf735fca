/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry of the plan on its way: probed, prepared, applied here or by a worker process, and waited for. A job ends by settling,
 * in place, applied, failed or blocked, and then stops the run's loop, for others may be able to go on. It knows nothing of the
 * others: which of them may start is apply.c's business.
 *
 * What may block is applied by a worker: a fork, for a mount(2) that hangs with its device can be neither interrupted nor outlived
 * by a thread. It answers by a pipe, in one piece, and dies with the process that waits for it. Where it is that one mount(2) alone, as
 * of a card that is named by its path, it is a process that shares our memory (base/beside.h): its exit code is the answer, and the
 * end of the pipe tells that it is there; if the call was refused, a fork finds out why.
 */
#ifndef EDGEINIT_PLAN_JOB_H
#define EDGEINIT_PLAN_JOB_H

#include <sys/types.h>

#include "base/loop.h"
#include "plan/apply.h"

struct run;

/* What belongs to an entry only while it is being applied. */
struct job {
    struct run *run;
    struct plan_entry *entry;
    int64_t started; /* clock_now() at the first try; 0: not yet */
    int64_t waiting; /* since then; 0: it does not */
    int64_t working; /* its worker, since then */
    pid_t worker;
    struct beside *beside;     /* the worker makes one call and no more; NULL: it is a fork */
    char *beside_data;         /* of that call; lives as long as the process */
    int refused;               /* errno of that call, which a fork explains; 0: none */
    struct loop_source result; /* the worker's pipe */
    struct loop_source watch;
    struct loop_timer deadline;
    bool waited;           /* its waiting has been told */
    bool confirmed;        /* seen in place after it was applied, and told */
    bool stirred;          /* the watch fired while a worker was trying */
    struct error *failure; /* of the last try, while waiting for a better one; NULL: none failed yet */
};

/* What all jobs of an apply have in common. */
struct run {
    struct plan *plan;
    struct job *jobs;
    int lock;
    size_t workers;   /* under way */
    int64_t gave_way; /* when the processor was offered to what they wait for */
    struct loop loop;
    apply_report *report;
    void *data;
    bool measuring;  /* a try is under way */
    bool confirming; /* what was applied is not told yet, and what waits is told after it */
};

/* Probe the entry, and apply it if it has to be. Called again whenever another try is worth it. */
void job_try(struct job *job);

/* The job is over, well or badly: what it held is released. "Applied" is told by job_tell() when it is confirmed. */
void job_settle(struct job *job, enum plan_state state);

/* It failed, for this reason. */
void job_fail(struct job *job, const struct error *err);

void job_tell(const struct job *job);

/* Tell that it waits, if it does: once, not at every vain try. */
void job_tell_waiting(struct job *job);

#endif
