/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/util.h"
#include "host/window.h"

/* A device that has not answered by then is given up; its worker may stay in the kernel, the rest goes on. */
#define WORKER_PATIENCE (120 * MICROSECONDS_PER_SECOND)

/* Longer than this, and a worker's entry is reported as still running. */
#define WORKER_SILENCE MICROSECONDS_PER_SECOND

/* What belongs to an entry only while it is being applied. */
struct job {
    struct run *run;
    struct plan_entry *entry;
    int64_t started; /* clock_now() at the first try; 0: not yet */
    pid_t worker;
    struct loop_source result; /* the worker's pipe */
    struct loop_source watch;
    struct loop_timer deadline;
    bool waited;          /* its waiting has been told */
    bool confirmed;       /* seen in place after it was applied, and told */
    bool stirred;         /* the watch fired while a worker was trying */
    struct error failure; /* of the last try, while waiting for a better one */
};

struct run {
    struct plan *plan;
    struct job *jobs;
    int lock;
    struct loop loop;
    apply_report *report;
    void *data;
};

static void try_job(struct job *job);

static void tell(const struct job *job)
{
    if (job->run->report != NULL) {
        job->run->report(job->run->data, job->run->plan, job->entry);
    }
}

/* "Applied" is told when it is confirmed. */
static void set_state(struct job *job, enum plan_state state)
{
    job->entry->state = state;
    job->entry->elapsed = job->started == 0 ? 0 : clock_now() - job->started;
    if (state != STATE_APPLIED) {
        tell(job);
    }
}

static void close_source(struct loop *loop, struct loop_source *source)
{
    int fd = source->fd;

    if (source->call != NULL && fd >= 0) {
        loop_remove(loop, source);
        close(fd);
    }
}

/* The job is over, well or badly: release what it held and let the run look for what can go on now. */
static void settle(struct job *job, enum plan_state state)
{
    close_source(&job->run->loop, &job->result);
    close_source(&job->run->loop, &job->watch);
    loop_timer_clear(&job->run->loop, &job->deadline);
    job->run->loop.stop = true;
    set_state(job, state);
}

static void fail(struct job *job, const struct error *err)
{
    resource_impossible(job->entry->resource, err);
    settle(job, STATE_FAILED);
}

static void waited_enough(void *data)
{
    struct job *job = data;
    char took[32];

    error_wrap(&job->failure, "gave up after %s", text_show_duration(clock_now() - job->started, took, sizeof(took)));
    fail(job, &job->failure);
}

static void watch_fired(void *data, uint32_t events)
{
    struct job *job = data;

    (void)events;
    /* Closed, for it stays readable; a new one is made before the next try. */
    close_source(&job->run->loop, &job->watch);
    if (job->entry->state == STATE_RUNNING) {
        job->stirred = true;
    } else {
        try_job(job);
    }
}

static int start_watch(struct job *job)
{
    const struct resource *resource = job->entry->resource;
    struct error err = {0};
    int fd;

    fd = resource->kind->watch(resource, &err);
    if (fd < 0 || loop_add(&job->run->loop, &job->watch, fd, EPOLLIN, watch_fired, job, &err) != 0) {
        fail(job, &err);
        return -1;
    }
    return 0;
}

static int64_t patience(const struct job *job)
{
    const struct resource *resource = job->entry->resource;

    return resource->kind->wait == NULL ? 0 : resource->kind->wait(resource) * MICROSECONDS_PER_MILLISECOND;
}

/* A try failed: wait for the watch if that can help, else the job has failed. */
static void tried_in_vain(struct job *job, const struct error *err)
{
    if (err->code != ERROR_TIMEOUT || patience(job) == 0) {
        fail(job, err);
        return;
    }
    job->stirred |= job->failure.code == ERROR_NONE; /* nobody watched yet: try once more, now with a watch */
    job->failure = *err;
    if (!job->deadline.armed) {
        loop_timer_set(&job->run->loop, &job->deadline, job->started + patience(job), waited_enough, job);
    }
    if (job->entry->state != STATE_WAITING) {
        if (job->entry->resource->detail == NULL) {
            resource_detail(job->entry->resource, "%s", err->what);
        }
        job->entry->state = STATE_WAITING;
        if (!job->waited) { /* said once, not at every vain try */
            job->waited = true;
            set_state(job, STATE_WAITING);
        }
    }
    if (job->stirred) {
        job->stirred = false;
        try_job(job);
    }
}

static void applied(struct job *job, int result, const struct error *err)
{
    if (result == 0) {
        settle(job, STATE_APPLIED);
    } else {
        tried_in_vain(job, err);
    }
}

/* The worker's answer: its error, code ERROR_NONE for success; end of file if it was killed. One that has answered is on
 * its way out; nobody waits for that, it is collected in the end. */
static void worker_answered(void *data, uint32_t events)
{
    struct job *job = data;
    struct error err = {0};
    ssize_t length = read(job->result.fd, &err, sizeof(err));
    int status = 0;

    (void)events;
    close_source(&job->run->loop, &job->result);
    loop_timer_clear(&job->run->loop, &job->deadline);
    host_refresh(job->run->plan->host); /* it may have mounted */
    if (length != (ssize_t)sizeof(err)) {
        waitpid(job->worker, &status, 0);
        error_set(&err, ERROR_SYSTEM, 0, "the worker died by signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
        error_remedy(&err, "run edgeinit apply again; if it was the out-of-memory killer, the kernel log says so");
    }
    applied(job, err.code == ERROR_NONE ? 0 : -1, &err);
}

static void worker_hangs(void *data)
{
    struct job *job = data;
    struct error err = {0};

    kill(job->worker, SIGKILL); /* takes effect when the kernel lets go of it */
    error_set(&err, ERROR_SYSTEM, ETIMEDOUT, "%s", job->entry->resource->name);
    error_remedy(&err, "the device does not answer: read the kernel log, take the card out and put it in again");
    fail(job, &err);
}

/* A window that a step opened is closed with it: the next resource may not be allowed to write there. */
static int run_step(int (*step)(struct resource *, struct host *, struct error *), struct resource *resource,
                    struct host *host, struct error *err)
{
    struct error close_err = {0};
    int result = step == NULL ? 0 : step(resource, host, err);

    if (window_close_all(host, &close_err) != 0 && result == 0) {
        *err = close_err;
        result = -1;
    }
    return result;
}

/* A person waits: say that it is not us. */
static void worker_is_slow(void *data)
{
    struct job *job = data;

    set_state(job, STATE_RUNNING);
    loop_timer_set(&job->run->loop, &job->deadline, clock_now() + WORKER_PATIENCE, worker_hangs, job);
}

static void start_worker(struct job *job)
{
    struct run *run = job->run;
    struct error err = {0};
    pid_t parent = getpid();
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        error_system(&err, errno, "pipe");
        fail(job, &err);
        return;
    }
    job->worker = fork();
    if (job->worker == 0) {
        /* Die with the one who waits for us; a mount(2) under way still ends, the next run then sees it. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(EXIT_FAILURE);
        }
        close(run->lock); /* a worker that hangs must not keep the next run out */
        if (run_step(job->entry->resource->kind->apply, job->entry->resource, run->plan->host, &err) == 0) {
            err.code = ERROR_NONE;
        }
        _exit(file_write_all(ends[1], (const char *)&err, sizeof(err)) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ends[1]);
    if (job->worker < 0) {
        error_system(&err, errno, "fork");
        close(ends[0]);
        fail(job, &err);
        return;
    }
    if (loop_add(&run->loop, &job->result, ends[0], EPOLLIN, worker_answered, job, &err) != 0) {
        close(ends[0]);
        fail(job, &err);
        return;
    }
    job->entry->state = STATE_RUNNING; /* told only if it takes long */
    loop_timer_set(&run->loop, &job->deadline, clock_now() + WORKER_SILENCE, worker_is_slow, job);
}

static void try_job(struct job *job)
{
    struct resource *resource = job->entry->resource;
    struct host *host = job->run->plan->host;
    struct error err = {0};

    if (job->started == 0) {
        job->started = clock_now();
    }
    host_probe(host, resource);
    if (resource->verdict != VERDICT_IN_PLACE && job->failure.code != ERROR_NONE &&
        (job->watch.call == NULL || job->watch.fd < 0)) {
        /* Watch first, then look again: what comes in between must not be missed. Only after a first failure, for taking
         * a watch away costs 5 to 20 ms (the last close of an inotify descriptor waits for the kernel's SRCU). */
        if (start_watch(job) != 0) {
            return;
        }
        host_probe(host, resource);
    }
    switch (resource->verdict) {
        case VERDICT_IN_PLACE:
        case VERDICT_LEFT_OUT:
            settle(job, STATE_IN_PLACE);
            return;
        case VERDICT_IMPOSSIBLE:
            err = *resource->error;
            tried_in_vain(job, &err);
            return;
        default:
            break;
    }
    if (run_step(resource->kind->prepare, resource, host, &err) != 0) {
        tried_in_vain(job, &err);
    } else if (job->entry->in_worker) {
        start_worker(job);
    } else {
        applied(job, run_step(resource->kind->apply, resource, host, &err), &err);
    }
}

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

/* Everything whose needs are settled by now. Returns how many jobs are still on their way. */
static size_t advance(struct run *run)
{
    size_t open = 0;

    for (size_t i = 0; i < run->plan->count; i++) {
        struct job *job = &run->jobs[run->plan->order[i]];
        struct plan_entry *entry = job->entry;
        bool ready = entry->state == STATE_PENDING && !is_too_early(run, entry);

        for (size_t j = 0; j < entry->need_count && ready; j++) {
            const struct plan_entry *need = &run->plan->entries[entry->needs[j]];

            if (need->state == STATE_FAILED || need->state == STATE_BLOCKED) {
                entry->blocker = need->blocker;
                settle(job, STATE_BLOCKED);
                ready = false;
            } else if (need->state != STATE_IN_PLACE && need->state != STATE_APPLIED) {
                ready = false;
            }
        }
        if (ready) {
            try_job(job);
        }
        open += entry->state < STATE_IN_PLACE;
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
        struct error err = {0};

        if (job->entry->state != STATE_APPLIED || job->confirmed) {
            continue;
        }
        if (!refreshed) {
            host_refresh(run->plan->host);
            refreshed = true;
        }
        job->confirmed = true;
        host_probe(run->plan->host, resource);
        if (resource->verdict == VERDICT_IN_PLACE || resource->verdict == VERDICT_BLIND) {
            tell(job);
            continue;
        }
        error_set(&err, ERROR_SYSTEM, 0, "%s was applied, and yet is not in place: %s", resource->name,
                  resource->detail == NULL ? "it is not there" : resource->detail);
        error_remedy(&err, "write it as the kernel shows it, or find out what else changes it at the same time");
        if (resource->verdict == VERDICT_IMPOSSIBLE) {
            err = *resource->error;
        }
        fail(job, &err);
    }
}

static int take_lock(const struct host *host, void (*waiting)(void *data), void *data, struct error *err)
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
    CLEANUP_CLOSE int lock = take_lock(plan->host, waiting, data, err);
    CLEANUP_FREE struct job *jobs = xcalloc(plan->count, sizeof(*jobs));
    struct run run = {.plan = plan, .jobs = jobs, .lock = lock, .report = report, .data = data};
    int result = 0;

    if (lock < 0 || loop_open(&run.loop, err) != 0) {
        return -1;
    }
    signal(SIGCHLD, SIG_DFL); /* whoever started us may have left it ignored, and no worker could be waited for */
    host_refresh(plan->host);
    plan->host->foresee = false;
    for (size_t i = 0; i < plan->count; i++) {
        jobs[i] = (struct job){.run = &run, .entry = &plan->entries[i], .worker = -1};
        plan->entries[i].state = STATE_PENDING;
        plan->entries[i].blocker = i;
    }
    if (window_recover(plan->host, err) != 0) {
        result = -1;
    }
    while (result == 0) {
        size_t open = advance(&run);

        confirm(&run);
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
