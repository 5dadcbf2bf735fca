/* SPDX-License-Identifier: Apache-2.0 */
#include "control/down.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "control/lock.h"
#include "control/publish.h"
#include "host/mounts.h"
#include "host/window.h"
#include "plan/apply.h"
#include "supervise/supervisor.h"

#define SERVICE_CONTROL "/system/bin/service_control"
#define INIT_SERVICE "edgeinit" /* as cfg/init names it */
#define MOUNT_PATIENCE (5 * MICROSECONDS_PER_SECOND)
#define KILLED_PATIENCE 5000

struct down {
    struct loop loop;
    struct supervisor supervisor;
    struct publish publish;
    struct loop_source children;
};

/* The daemon. */

/* Until it has ended; false: the time is over. `timeout` in milliseconds, -1: for ever. */
static bool wait_for(int pidfd, int64_t timeout)
{
    struct pollfd watched = {.fd = pidfd, .events = POLLIN};
    int64_t end = clock_now() + timeout * MICROSECONDS_PER_MILLISECOND;
    int64_t left = timeout;

    while (poll(&watched, 1, (int)(left > INT32_MAX ? INT32_MAX : left)) < 0 && errno == EINTR) {
        left = timeout < 0 ? -1 : (end - clock_now()) / MICROSECONDS_PER_MILLISECOND;
        left = timeout >= 0 && left < 0 ? 0 : left;
    }
    return (watched.revents & POLLIN) != 0;
}

static pid_t parent_of(pid_t pid)
{
    CLEANUP_FREE char *path = xasprintf("/proc/%d/stat", (int)pid);
    CLEANUP_FREE char *text = NULL;
    struct error ignored = {0};
    const char *end;
    size_t length = 0;

    if (file_read(path, 4096, &text, &length, &ignored) != 0 || (end = strrchr(text, ')')) == NULL || strlen(end) < 5) {
        return 0;
    }
    return (pid_t)strtol(end + 4, NULL, 10); /* ") S PPID" */
}

/* OpenHarmony's init starts a daemon that ends again, unless it was asked itself. It runs the job "on-stop" before (from 3.2
 * on), which is this verb, with init as its parent; and kills the daemon then. */
static void ask_init(pid_t daemon)
{
    char *const arguments[] = {"service_control", "stop", INIT_SERVICE, NULL};
    pid_t pid;

    if (parent_of(daemon) != 1 || getppid() == 1 || access(SERVICE_CONTROL, X_OK) != 0) {
        return;
    }
    log_info("asking init to stop the service " INIT_SERVICE);
    pid = fork();
    if (pid == 0) {
        child_reset_signals();
        execv(SERVICE_CONTROL, arguments);
        _exit(127);
    }
    waitpid(pid, NULL, 0);
}

static int end_daemon(const char *run_dir, int64_t timeout, struct error *err)
{
    pid_t daemon = lock_holder(run_dir, LOCK_DAEMON);
    CLEANUP_CLOSE int pidfd = daemon <= 0 ? -1 : (int)syscall(SYS_pidfd_open, daemon, 0);

    /* Looked at again: now the number cannot become another process's any more. */
    if (pidfd < 0 || lock_holder(run_dir, LOCK_DAEMON) != daemon) {
        return 0;
    }
    ask_init(daemon);
    if (wait_for(pidfd, 0)) {
        return 0;
    }
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) != 0 && errno != ESRCH) {
        error_system(err, errno, "tell the daemon to end, pid %d", (int)daemon);
        return error_remedy(err, "be root");
    }
    if (!wait_for(pidfd, timeout)) {
        log_warning("the daemon (pid %d) did not end in time, and is killed; its services are stopped without it",
                    (int)daemon);
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        wait_for(pidfd, KILLED_PATIENCE);
    }
    return 0;
}

/* What runs without it. */

static void service_changed(void *data, struct service *service)
{
    struct down *down = data;

    if (service != NULL) {
        publish_service(&down->publish, service);
    }
}

static void all_stopped(void *data)
{
    struct down *down = data;

    down->loop.stop = true;
}

static void child_ended(void *data, uint32_t events)
{
    struct down *down = data;
    struct signalfd_siginfo info;
    int status = 0;
    pid_t pid;

    (void)events;
    while (read(down->children.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
            if (!supervisor_reap(&down->supervisor, pid, status)) {
                publish_reap(&down->publish, pid, status);
            }
        }
    }
}

static int watch_children(struct down *down, struct error *err)
{
    sigset_t signals;
    int fd;

    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGCHLD, SIG_DFL);
    fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? error_system(err, errno, "signalfd")
                  : loop_add(&down->loop, &down->children, fd, EPOLLIN, child_ended, down, err);
}

/* Each has what is left of the time, at most. One that a daemon was stopping when it was killed has its time already: a timer
 * that comes early is set again. */
static void hurry(struct supervisor *supervisor, int64_t left)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct service *service = supervisor->services[i];
        int64_t due = clock_now() + left * MICROSECONDS_PER_MILLISECOND;

        if (service->policy.stop_timeout > left * MICROSECONDS_PER_MILLISECOND) {
            service->policy.stop_timeout = left * MICROSECONDS_PER_MILLISECOND + 1;
        }
        if (service->machine.state == SERVICE_STOPPING && service->machine.due > due) {
            service->machine.due = due;
            running_event(service, EVENT_TIMER, CAUSE_NONE, NULL);
        }
    }
}

static int stop_services(struct down *down, const char *run_dir, const struct service_list *services, int64_t left,
                         struct error *err)
{
    int result = -1;

    *down = (struct down){.loop.epoll = -1, .children.fd = -1};
    if (loop_open(&down->loop, err) != 0 || watch_children(down, err) != 0) {
        return -1;
    }
    publish_open(&down->publish, &down->loop, run_dir);
    down->supervisor.changed = service_changed;
    down->supervisor.stopped = all_stopped;
    down->supervisor.data = down;
    if (supervisor_open(&down->supervisor, &down->loop, services, run_dir, err) == 0) {
        publish_services(&down->publish, &down->supervisor);
        if (left >= 0) {
            hurry(&down->supervisor, left);
        }
        supervisor_end_all(&down->supervisor);
        result = down->loop.stop ? 0 : loop_run(&down->loop, err);
    }
    publish_close(&down->publish);
    supervisor_close(&down->supervisor);
    loop_close(&down->loop);
    return result;
}

/* What the daemon notes for as long as the board is up. */
static void remove_notes(const char *run_dir)
{
    static const char *const names[] = {"ready", "edge"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", run_dir, names[i]);

        unlink(path);
    }
}

static void tell_of_apply(void *data)
{
    (void)data;
    log_info("another edgeinit is applying; waiting for it");
}

int down_run(const struct node_paths *paths, const struct service_list *services, int64_t timeout,
             void (*tell)(void *data, const char *target, const struct error *err), void *data,
             struct made_result *result, struct error *err)
{
    int64_t began = clock_now();
    struct host host = {.run_dir = paths->run_dir, .state_dir = paths->state_dir};
    CLEANUP_CLOSE int lock = -1;
    CLEANUP_CLOSE int alone = -1;
    CLEANUP_CLOSE int applying = -1;
    struct down down;
    int64_t left;
    int code;

    *result = (struct made_result){0};
    if (geteuid() != 0) {
        error_set(err, ERROR_SYSTEM, EPERM, "take the board down");
        return error_remedy(err, "be root");
    }
    if (access(paths->run_dir, F_OK) != 0 && errno == ENOENT) {
        return 0; /* nothing was ever brought up, since the boot */
    }
    alone = lock_take(paths->run_dir, LOCK_DOWN, -1, err);
    if (alone < 0 || end_daemon(paths->run_dir, timeout, err) != 0) {
        return -1;
    }
    lock = lock_take(paths->run_dir, LOCK_DAEMON, -1, err);
    if (lock < 0) {
        return -1;
    }
    left = timeout < 0 ? -1 : timeout - (clock_now() - began) / MICROSECONDS_PER_MILLISECOND;
    if (stop_services(&down, paths->run_dir, services, timeout >= 0 && left < 0 ? 0 : left, err) != 0) {
        return -1;
    }
    remove_notes(paths->run_dir);
    applying = apply_lock(&host, tell_of_apply, NULL, err);
    if (applying < 0) {
        return -1;
    }
    window_recover(&host, err);
    error_clear(err);
    code = made_take_off(&host, MOUNT_PATIENCE, tell, data, result, err);
    sync();
    mounts_forget(&host);
    window_free(&host);
    return code;
}
