/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"
#include "host/window.h"
#include "plan/job.h"

#define WAY_INTERVAL 100 /* microseconds between two offers of the processor: each costs one, or a switch and back */

/* SELinux is tightened when nothing else can be refused any more: after all others, however they ended. */
static bool is_too_early(const struct run *run, const struct plan_entry *entry)
{
    for (size_t i = 0; i < run->plan->count && entry->resource->rank == RANK_SELINUX_TIGHTEN; i++) {
        const struct plan_entry *other = &run->plan->entries[i];

        if (other != entry && other->state < STATE_IN_PLACE) {
            return true;
        }
    }
    return false;
}

/* What a worker waits for, the kernel's threads of a file system that is mounted, may have been woken on this processor, and would
 * wait until our time slice ends: up to a millisecond of two, where processors are few. */
static void give_way(struct run *run)
{
    int64_t now = run->workers > 0 ? clock_now() : 0;

    if (now > run->gave_way + WAY_INTERVAL) {
        run->gave_way = now;
        sched_yield();
    }
}

/* If its needs are settled by now. */
static void try_if_ready(struct run *run, struct job *job)
{
    struct plan_entry *entry = job->entry;
    bool ready = entry->state == STATE_PENDING && !is_too_early(run, entry);

    for (size_t j = 0; j < entry->need_count && ready; j++) {
        const struct plan_entry *need = &run->plan->entries[entry->needs[j]];

        if (need->state == STATE_FAILED || need->state == STATE_BLOCKED) {
            entry->blocker = need->blocker;
            job_settle(job, STATE_BLOCKED);
            ready = false;
        } else if (need->state != STATE_IN_PLACE && need->state != STATE_APPLIED) {
            ready = false;
        }
    }
    if (ready) {
        job_try(job);
        give_way(run);
    }
}

/* Everything that can go on, first what the workers wait for. Returns how many jobs are still on their way. */
static size_t advance(struct run *run)
{
    const struct plan *plan = run->plan;
    size_t open = 0;

    for (size_t i = 0; i < plan->count; i++) {
        if (plan->entries[plan->order[i]].urgent) {
            try_if_ready(run, &run->jobs[plan->order[i]]);
        }
    }
    for (size_t i = 0; i < plan->count; i++) {
        try_if_ready(run, &run->jobs[plan->order[i]]);
        open += plan->entries[plan->order[i]].state < STATE_IN_PLACE;
    }
    return open;
}

/* What was applied must now be there: look at the kernel's truth, with one fresh mount table for all, and tell. */
static void confirm(struct run *run)
{
    bool refreshed = false;

    for (size_t i = 0; i < run->plan->count; i++) {
        struct job *job = &run->jobs[run->plan->order[i]];
        struct resource *resource = job->entry->resource;
        struct error err;

        if (job->entry->state != STATE_APPLIED || job->confirmed) {
            continue;
        }
        if (resource->proven) {
            resource_detail(resource, NULL);
            resource->verdict = VERDICT_IN_PLACE;
            job->confirmed = true;
            job_tell(job);
            continue;
        }
        if (!refreshed) {
            host_refresh(run->plan->host);
            refreshed = true;
        }
        job->confirmed = true;
        host_confirm(run->plan->host, resource);
        if (resource->verdict == VERDICT_IN_PLACE || resource->verdict == VERDICT_BLIND) {
            job_tell(job);
            continue;
        }
        error_clear(&err);
        error_set(&err, ERROR_SYSTEM, 0, "%s was applied, and yet is not in place: %s", resource->name,
                  resource->detail == NULL ? "it is not there" : resource->detail);
        error_remedy(&err, "write it as the kernel shows it, or find out what else changes it at the same time");
        if (resource->verdict == VERDICT_IMPOSSIBLE) {
            err = *resource->error;
        }
        job_fail(job, &err);
    }
}

int apply_lock(const struct host *host, void (*waiting)(void *data), void *data, struct error *err)
{
    /* A directory can be locked without writing anything (flock(2)), and the lock dies with its holder. */
    CLEANUP_CLOSE int fd = open(host->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT) {
        if (file_make_private(host->run_dir, err) != 0) {
            error_wrap(err, "make the run directory");
            return error_remedy(err, "name a place on a tmpfs with --run-dir");
        }
        fd = open(host->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (fd < 0) {
        return error_system(err, errno, "open the run directory %s", host->run_dir);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return take_fd(&fd);
    }
    if (waiting != NULL) {
        waiting(data);
    }
    while (flock(fd, LOCK_EX) != 0) {
        if (errno != EINTR) {
            return error_system(err, errno, "lock %s", host->run_dir);
        }
    }
    return take_fd(&fd);
}

int apply_run(struct plan *plan, apply_report *report, void (*waiting)(void *data), void *data, struct error *err)
{
    CLEANUP_CLOSE int lock = apply_lock(plan->host, waiting, data, err);
    CLEANUP_FREE struct job *jobs = xcalloc(plan->count, sizeof(*jobs));
    struct run run = {.plan = plan, .jobs = jobs, .lock = lock, .report = report, .data = data};
    int result = 0;

    if (lock < 0 || loop_open(&run.loop, err) != 0) {
        return -1;
    }
    signal(SIGCHLD, SIG_DFL); /* whoever started us may have left it ignored, and no worker could be waited for */
    host_refresh(plan->host);
    plan->host->foresee = false;
    plan->host->fresh = false;
    for (size_t i = 0; i < plan->count; i++) {
        jobs[i] = (struct job){.run = &run, .entry = &plan->entries[i], .worker = -1};
        plan->entries[i].state = STATE_PENDING;
        plan->entries[i].blocker = i;
    }
    if (plan->begin != NULL) {
        plan->begin(data);
    }
    if (window_recover(plan->host, err) != 0) {
        result = -1;
    }
    while (result == 0) {
        size_t open = advance(&run);

        /* A worker that is done meanwhile: what it did is confirmed in one go with the rest. */
        if (open > 0) {
            run.confirming = true;
            result = loop_poll(&run.loop, err);
            run.confirming = false;
            if (result != 0 || run.loop.stop) {
                run.loop.stop = false;
                continue;
            }
        }
        confirm(&run);
        for (size_t i = 0; i < plan->count; i++) {
            job_tell_waiting(&jobs[plan->order[i]]);
        }
        if (open == 0) {
            break;
        }
        if (!run.loop.stop) {
            if (report != NULL) {
                report(data, plan, NULL);
            }
            result = loop_run(&run.loop, err);
        }
        run.loop.stop = false;
    }
    loop_close(&run.loop);
    for (size_t i = 0; i < plan->count; i++) {
        free(jobs[i].failure);
    }
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    return result;
}

bool apply_is_complete(const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->entries[i].state != STATE_IN_PLACE && plan->entries[i].state != STATE_APPLIED) {
            return false;
        }
    }
    return true;
}
