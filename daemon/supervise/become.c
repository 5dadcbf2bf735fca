/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/become.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/child.h"
#include "base/util.h"
#include "supervise/limit.h"
#include "supervise/spec.h"

/* As shells do; nobody sees it, for the report says more. */
#define EXIT_NOT_EXECUTED 127

const int become_ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1,
                              SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU, 0};

static void unignore_signals(void)
{
    sigset_t none;

    for (const int *number = become_ignored; *number != 0; number++) {
        child_default_signal(*number);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* stderr is the service's log. Keeps errno. */
static void complain(const char *what, const char *name)
{
    int error = errno;

    dprintf(STDERR_FILENO, "edgeinit: cannot %s %s: %s\n", what, name, strerror(error));
    errno = error;
}

static _Noreturn void fail(const struct become *become, enum launch_step step, int error)
{
    become->record->error = error;
    become->record->step = step;
    _exit(EXIT_NOT_EXECUTED);
}

static bool put(const char *path, const char *value)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    size_t length = strlen(value);

    return fd >= 0 && write(fd, value, length) == (ssize_t)length;
}

/* Its own open of the pipe, for reading too: it never meets a broken pipe while there is no keeper. */
static bool open_log(void)
{
    int fd = open("pipe", O_RDWR | O_CLOEXEC);

    return fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0;
}

static bool read_spec(struct become_space *space)
{
    int fd = open("spec", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    size_t length = 0;
    ssize_t got;

    if (fd < 0) {
        return false;
    }
    while ((got = read(fd, space->packed + length, sizeof(space->packed) - length)) > 0) {
        length += (size_t)got;
    }
    if (got < 0) {
        return false;
    }
    errno = EINVAL;
    return spec_unpack(space->packed, length, &space->spec);
}

static void set_priorities(const struct spec *spec, int oom_score_adj)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", spec->has_oom_score_adj ? spec->oom_score_adj : oom_score_adj);
    if (!put("/proc/self/oom_score_adj", text)) {
        complain("set oom_score_adj to", text);
    }
    if (setpriority(PRIO_PROCESS, 0, spec->nice) != 0) {
        snprintf(text, sizeof(text), "%d", spec->nice);
        complain("set nice to", text);
    }
}

/* When nothing more has to be opened or written, which they might forbid, and we may still raise them. */
static void set_limits(const struct spec *spec)
{
    for (size_t i = 0; i < spec->limit_count; i++) {
        const struct rlimit limit = {spec->limits[i].value, spec->limits[i].value};
        const char *name = limit_name(spec->limits[i].resource);
        char number[16];

        if (setrlimit((unsigned)spec->limits[i].resource, &limit) != 0) {
            snprintf(number, sizeof(number), "%d", spec->limits[i].resource);
            complain("set limit", name == NULL ? number : name);
        }
    }
}

static bool join_groups(const struct spec *spec)
{
    for (const char *const *path = spec->joins; *path != NULL; path++) {
        if (!put(*path, "0")) {
            complain("join cgroup", *path);
            return false;
        }
    }
    return true;
}

/* Last but for execve(2): this also clears PR_SET_PDEATHSIG. */
static bool set_credentials(const struct spec *spec)
{
    const gid_t group = spec->gid;

    return !spec->has_user || (setgroups(1, &group) == 0 && setresgid(spec->gid, spec->gid, spec->gid) == 0 &&
                               setresuid(spec->uid, spec->uid, spec->uid) == 0);
}

/* A service that has it from its environment already shall keep it. */
static void add_notify(struct spec *spec, const char *notify)
{
    size_t count = 0;

    for (; spec->environment[count] != NULL; count++) {
        if (starts_with(spec->environment[count], "NOTIFY_SOCKET=")) {
            return;
        }
    }
    spec->environment[count] = notify;
}

void become_service(const struct become *become)
{
    struct spec *spec = &become->space->spec;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != become->record->keeper_pid) {
        _exit(EXIT_NOT_EXECUTED);
    }
    __atomic_store_n(&become->record->pid, getpid(), __ATOMIC_RELEASE);
    setsid();
    if (!open_log()) {
        fail(become, STEP_LOG, errno);
    }
    if (!read_spec(become->space)) {
        complain("read", "the description of the service; restart edgeinit, which writes it");
        fail(become, STEP_SPEC, errno);
    }
    set_priorities(spec, become->oom_score_adj);
    if (!join_groups(spec)) {
        fail(become, STEP_CGROUP, errno);
    }
    become->record->step = STEP_FILTER; /* whoever is killed in there, by a filter that was on before, says so */
    if (stat_enter(become->filter) != 0) {
        fail(become, STEP_FILTER, errno);
    }
    become->record->step = STEP_NONE;
    if (spec->context != NULL && !put("/proc/self/attr/exec", spec->context)) {
        complain("set SELinux context", spec->context);
        fail(become, STEP_CONTEXT, errno);
    }
    if (chdir(spec->directory) != 0) {
        complain("enter directory", spec->directory);
        fail(become, STEP_DIRECTORY, errno);
    }
    set_limits(spec);
    if (!set_credentials(spec)) {
        complain("become", "the service's user");
        fail(become, STEP_CREDENTIALS, errno);
    }
    unignore_signals();
    if (spec->notify) {
        add_notify(spec, become->notify);
    }
    prctl(PR_SET_PDEATHSIG, 0);
    execve(spec->arguments[0], (char *const *)(uintptr_t)spec->arguments, (char *const *)(uintptr_t)spec->environment);
    complain("execute", spec->arguments[0]);
    fail(become, STEP_EXECUTE, errno);
}
