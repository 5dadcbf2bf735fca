/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/beside.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"
#include "host/window.h"

/* A device that has not answered by then is given up; its worker may stay in the kernel, the rest goes on. */
#define WORKER_PATIENCE (120 * MICROSECONDS_PER_SECOND)

/* Longer than this, and a worker's entry is reported as still running. */
#define WORKER_SILENCE MICROSECONDS_PER_SECOND

/* What a worker tells: its error, code ERROR_NONE for success, and the CPU time that it took. */
struct answer {
    struct error err;
    struct rusage usage;
};

void job_tell(const struct job *job)
{
    if (job->run->report != NULL) {
        job->run->report(job->run->data, job->run->plan, job->entry);
    }
}

static int64_t microseconds(const struct timeval *time)
{
    return time->tv_sec * MICROSECONDS_PER_SECOND + time->tv_usec;
}

static void stop_waiting(struct job *job)
{
    if (job->waiting != 0) {
        job->entry->times.waited += clock_now() - job->waiting;
        job->waiting = 0;
    }
}

/* "Applied" is told when it is confirmed. */
static void set_state(struct job *job, enum plan_state state)
{
    int64_t now = clock_now();

    job->entry->state = state;
    job->entry->elapsed = job->started == 0 ? 0 : now - job->started;
    job->entry->times.began = job->started;
    job->entry->times.ended = now;
    if (state != STATE_APPLIED) {
        job_tell(job);
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
void job_settle(struct job *job, enum plan_state state)
{
    close_source(&job->run->loop, &job->result);
    close_source(&job->run->loop, &job->watch);
    loop_timer_clear(&job->run->loop, &job->deadline);
    job->run->loop.stop = true;
    stop_waiting(job);
    set_state(job, state);
}

void job_fail(struct job *job, const struct error *err)
{
    resource_impossible(job->entry->resource, err);
    job_settle(job, STATE_FAILED);
}

static void waited_enough(void *data)
{
    struct job *job = data;
    char took[32];

    error_wrap(job->failure, "gave up after %s", text_show_duration(clock_now() - job->started, took, sizeof(took)));
    job_fail(job, job->failure);
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
        job_try(job);
    }
}

static int start_watch(struct job *job)
{
    const struct resource *resource = job->entry->resource;
    struct error err = {0};
    int fd;

    fd = resource->kind->watch(resource, &err);
    if (fd < 0 || loop_add(&job->run->loop, &job->watch, fd, EPOLLIN, watch_fired, job, &err) != 0) {
        job_fail(job, &err);
        return -1;
    }
    return 0;
}

static int64_t patience(const struct job *job)
{
    const struct resource *resource = job->entry->resource;

    return resource->kind->wait == NULL ? 0 : resource->kind->wait(resource) * MICROSECONDS_PER_MILLISECOND;
}

/* Said once, not at every vain try. */
void job_tell_waiting(struct job *job)
{
    if (job->entry->state == STATE_WAITING && !job->waited) {
        job->waited = true;
        set_state(job, STATE_WAITING);
    }
}

/* A try failed: wait for the watch if that can help, else the job has failed. */
static void tried_in_vain(struct job *job, const struct error *err)
{
    if (err->code != ERROR_TIMEOUT || patience(job) == 0) {
        job_fail(job, err);
        return;
    }
    if (job->failure == NULL) {
        job->failure = xmalloc(sizeof(*job->failure));
        job->stirred = true; /* nobody watched yet: try once more, now with a watch */
    }
    *job->failure = *err;
    if (!job->deadline.armed) {
        loop_timer_set(&job->run->loop, &job->deadline, job->started + patience(job), waited_enough, job);
    }
    if (job->entry->state != STATE_WAITING) {
        if (job->entry->resource->detail == NULL) {
            resource_detail(job->entry->resource, "%s", err->what);
        }
        job->entry->state = STATE_WAITING;
        if (!job->run->confirming) {
            job_tell_waiting(job);
        }
    }
    job->waiting = clock_now();
    if (job->stirred) {
        job->stirred = false;
        job_try(job);
    }
}

static void applied(struct job *job, int result, const struct error *err)
{
    if (result == 0) {
        job_settle(job, STATE_APPLIED);
    } else {
        tried_in_vain(job, err);
    }
}

static void add_worker(struct job *job, const struct rusage *usage)
{
    struct plan *plan = job->run->plan;

    job->entry->times.user += microseconds(&usage->ru_utime);
    job->entry->times.system += microseconds(&usage->ru_stime);
    plan->worker_user += microseconds(&usage->ru_utime);
    plan->worker_system += microseconds(&usage->ru_stime);
}

static void worker_is_over(struct job *job, const struct rusage *usage)
{
    job->run->workers--;
    job->entry->times.applied += clock_now() - job->working;
    add_worker(job, usage);
    close_source(&job->run->loop, &job->result);
    loop_timer_clear(&job->run->loop, &job->deadline);
    host_refresh(job->run->plan->host); /* it may have mounted */
}

static void worker_died(int status, struct error *err)
{
    error_set(err, ERROR_SYSTEM, 0, "the worker died by signal %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    error_remedy(err, "run edgeinit apply again; if it was the out-of-memory killer, the kernel log says so");
}

/* The worker's answer; end of file if it was killed. One that has answered is on its way out; nobody waits for that, it is
 * collected in the end. */
static void worker_answered(void *data, uint32_t events)
{
    struct job *job = data;
    struct answer answer = {0};
    ssize_t length = read(job->result.fd, &answer, sizeof(answer));
    struct error err = answer.err;
    int status = 0;

    (void)events;
    worker_is_over(job, &answer.usage);
    if (length != (ssize_t)sizeof(answer)) {
        waitpid(job->worker, &status, 0);
        worker_died(status, &err);
    }
    applied(job, err.code == ERROR_NONE ? 0 : -1, &err);
}

static void start_worker(struct job *job);

/* The end of the pipe: the process that made the one call has closed it by ending. */
static void call_returned(void *data, uint32_t events)
{
    struct job *job = data;
    struct rusage usage = {0};
    struct error err;
    int status = 0;

    (void)events;
    wait4(job->worker, &status, 0, &usage);
    beside_free(job->beside);
    free(job->beside_data);
    job->beside = NULL;
    job->beside_data = NULL;
    worker_is_over(job, &usage);
    error_clear(&err);
    if (!WIFEXITED(status)) {
        worker_died(status, &err);
        applied(job, -1, &err);
    } else if (WEXITSTATUS(status) != 0) {
        job->refused = WEXITSTATUS(status);
        start_worker(job);
    } else {
        applied(job, 0, &err);
    }
}

static void worker_hangs(void *data)
{
    struct job *job = data;
    struct error err = {0};

    job->run->workers--;
    kill(job->worker, SIGKILL); /* takes effect when the kernel lets go of it */
    error_set(&err, ERROR_SYSTEM, ETIMEDOUT, "%s", job->entry->resource->name);
    error_remedy(&err, "the device does not answer: read the kernel log, take the card out and put it in again");
    job_fail(job, &err);
}

/* A window that a step opened is closed with it: the next resource may not be allowed to write there. */
static int run_step(int (*step)(struct resource *, struct host *, struct error *), struct resource *resource,
                    struct host *host, struct error *err)
{
    int result = step == NULL ? 0 : step(resource, host, err);
    struct error ignored;

    error_clear(&ignored);
    /* What the step failed of says more. */
    return window_close_all(host, result == 0 ? err : &ignored) != 0 ? -1 : result;
}

/* A person waits: say that it is not us. */
static void worker_is_slow(void *data)
{
    struct job *job = data;

    set_state(job, STATE_RUNNING);
    loop_timer_set(&job->run->loop, &job->deadline, clock_now() + WORKER_PATIENCE, worker_hangs, job);
}

/* In the worker. */
static int work(const struct job *job, int pipe_fd)
{
    const struct resource_kind *kind = job->entry->resource->kind;
    struct answer answer = {0};

    if (job->refused != 0) {
        kind->refused(job->entry->resource, job->refused, &answer.err);
    } else if (run_step(kind->apply, job->entry->resource, job->run->plan->host, &answer.err) == 0) {
        answer.err.code = ERROR_NONE;
    }
    if (job->run->plan->measure) {
        getrusage(RUSAGE_SELF, &answer.usage);
    }
    return file_write_all(pipe_fd, (const char *)&answer, sizeof(answer)); /* less than PIPE_BUF: whole or not at all */
}

/* False: it takes more than one call, or nobody could be found to make it. */
static bool start_call(struct job *job)
{
    const struct resource_kind *kind = job->entry->resource->kind;
    struct mount_call call = {0};

    if (!beside_is_possible() || job->refused != 0 || kind->one_call == NULL ||
        !kind->one_call(job->entry->resource, job->run->plan->host, &call)) {
        return false;
    }
    job->beside = beside_start(
        SYS_mount,
        (const long[5]){(long)call.source, (long)call.target, (long)call.type, (long)call.flags, (long)call.data},
        job->run->lock, &job->worker);
    job->beside_data = call.data;
    if (job->beside == NULL) {
        free(take_pointer(&job->beside_data));
    }
    return job->beside != NULL;
}

static void start_fork(struct job *job, int answer)
{
    pid_t parent = getpid();

    job->worker = fork();
    if (job->worker == 0) {
        /* Die with the one who waits for us; a mount(2) under way still ends, the next run then sees it. */
        child_die_with(parent);
        close(job->run->lock); /* a worker that hangs must not keep the next run out */
        _exit(work(job, answer) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
}

static void start_worker(struct job *job)
{
    struct run *run = job->run;
    struct error err = {0};
    int ends[2];

    job->working = clock_now();
    if (pipe2(ends, O_CLOEXEC) != 0) {
        error_system(&err, errno, "pipe");
        job_fail(job, &err);
        return;
    }
    if (!start_call(job)) {
        start_fork(job, ends[1]);
    }
    close(ends[1]);
    if (job->worker < 0) {
        error_system(&err, errno, "fork");
        close(ends[0]);
        job_fail(job, &err);
        return;
    }
    if (loop_add(&run->loop, &job->result, ends[0], EPOLLIN, job->beside == NULL ? worker_answered : call_returned, job,
                 &err) != 0) {
        close(ends[0]);
        kill(job->worker, SIGKILL); /* nobody would hear of it, and what it reads of ours may be freed */
        job_fail(job, &err);
        return;
    }
    run->workers++;
    job->entry->state = STATE_RUNNING; /* told only if it takes long */
    loop_timer_set(&run->loop, &job->deadline, clock_now() + WORKER_SILENCE, worker_is_slow, job);
}

/* Four times for each entry: only for who asked for it. */
static int64_t measured_now(const struct job *job)
{
    return job->run->plan->measure ? clock_now() : 0;
}

static void look(const struct job *job, void (*how)(struct host *host, struct resource *resource))
{
    int64_t began = measured_now(job);

    how(job->run->plan->host, job->entry->resource);
    job->entry->times.probed += measured_now(job) - began;
}

static int run_timed(const struct job *job, int (*step)(struct resource *, struct host *, struct error *),
                     struct error *err)
{
    int64_t began = measured_now(job);
    int result = run_step(step, job->entry->resource, job->run->plan->host, err);

    job->entry->times.applied += measured_now(job) - began;
    return result;
}

static void try_once(struct job *job)
{
    struct resource *resource = job->entry->resource;
    struct error err = {0};

    stop_waiting(job);
    job->refused = 0;
    if (job->started == 0) {
        job->started = clock_now();
    }
    look(job, host_begin);
    if (resource->verdict != VERDICT_IN_PLACE && job->failure != NULL &&
        (job->watch.call == NULL || job->watch.fd < 0)) {
        /* Watch first, then look again: what comes in between must not be missed. Only after a first failure, for taking
         * a watch away costs 5 to 20 ms (the last close of an inotify descriptor waits for the kernel's SRCU). */
        if (start_watch(job) != 0) {
            return;
        }
        look(job, host_probe);
    }
    switch (resource->verdict) {
        case VERDICT_IN_PLACE:
        case VERDICT_LEFT_OUT:
            job_settle(job, STATE_IN_PLACE);
            return;
        case VERDICT_IMPOSSIBLE:
            err = *resource->error;
            tried_in_vain(job, &err);
            return;
        default:
            break;
    }
    if (run_timed(job, resource->kind->prepare, &err) != 0) {
        tried_in_vain(job, &err);
    } else if (job->entry->in_worker) {
        start_worker(job);
    } else {
        applied(job, run_timed(job, resource->kind->apply, &err), &err);
    }
}

/* A try may lead to the next at once; that one is part of it. */
void job_try(struct job *job)
{
    struct run *run = job->run;
    struct rusage before;
    struct rusage after;

    if (!run->plan->measure || run->measuring) {
        try_once(job);
        return;
    }
    run->measuring = true;
    getrusage(RUSAGE_SELF, &before);
    try_once(job);
    getrusage(RUSAGE_SELF, &after);
    job->entry->times.user += microseconds(&after.ru_utime) - microseconds(&before.ru_utime);
    job->entry->times.system += microseconds(&after.ru_stime) - microseconds(&before.ru_stime);
    run->measuring = false;
}
