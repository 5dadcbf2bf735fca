/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dockerd believes its pid files too easily (18.03 to 24): any living process with the number in docker.pid keeps it from
 * starting, itself included, for after a reboot it often gets the number that it had; and whoever has the number in
 * containerd.pid is taken for its containerd, waited for in vain, and (18.03) killed. A power cut, or a SIGKILL, leaves both.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"
#include "doctor/judge.h"
#include "edge/dockerd.h"

#define PID_FILE_LARGEST 4096
#define CMDLINE_LARGEST 65536
#define TERM_PATIENCE 3000 /* milliseconds; both within PROFILE_PATIENCE */
#define KILL_PATIENCE 1000
#define LOOK_AGAIN INT64_C(10000) /* milliseconds: a dockerd that is killed leaves its pid file as it is */

/* The number in a pid file: 0 if it is not there, -1 if it holds anything else. */
static pid_t read_pid(const char *path)
{
    CLEANUP_FREE char *text = NULL;
    struct error err = {0};
    int64_t number = 0;
    size_t length = 0;

    if (file_read(path, PID_FILE_LARGEST, &text, &length, &err) != 0) {
        return err.errnum == ENOENT ? 0 : -1;
    }
    text[strcspn(text, "\n")] = '\0';
    return text_parse_integer(text, &number) && number > 0 && number <= INT32_MAX ? (pid_t)number : -1;
}

static char *read_process(pid_t pid, const char *name, size_t *length)
{
    CLEANUP_FREE char *path = xasprintf("/proc/%d/%s", (int)pid, name);
    struct error ignored = {0};
    char *text = NULL;

    return file_read(path, CMDLINE_LARGEST, &text, length, &ignored) == 0 ? text : NULL;
}

/* A process of a container has another number in its own pid namespace, which is the one that it would write. */
static bool is_in_a_container(pid_t pid)
{
    size_t length = 0;
    CLEANUP_FREE char *status = read_process(pid, "status", &length);
    char numbers[64];

    return status != NULL && judge_status_field(status, "NSpid", numbers) && strpbrk(numbers, " \t") != NULL;
}

/* Does this process run a program of this name? A program that was replaced meanwhile is "dockerd (deleted)". */
static bool runs(pid_t pid, const char *name)
{
    CLEANUP_FREE char *link = xasprintf("/proc/%d/exe", (int)pid);
    char path[PATH_MAX];
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    const char *found;

    if (length <= 0) {
        return false;
    }
    path[length] = '\0';
    found = path_name(path);
    return strncmp(found, name, strlen(name)) == 0 && (found[strlen(name)] == '\0' || found[strlen(name)] == ' ');
}

static bool is_living_dockerd(const struct profile_call *call, pid_t pid)
{
    return pid > 0 && (runs(pid, "dockerd") || runs(pid, path_name(call->service->command[0]))) &&
           !is_in_a_container(pid);
}

static int remove_stale(const char *service, const char *path, const char *why, struct error *err)
{
    if (unlink(path) != 0 && errno != ENOENT) {
        return error_system(err, errno, "remove %s, which is stale", path);
    }
    log_info("%s: %s was stale (%s), and is removed", service, path, why);
    return 0;
}

static int clear_pid_file(const struct dockerd_start *start, struct judgement *judgement, struct error *err)
{
    const char *path = start->options.pid_file;
    struct judgement parked = {.hold = JUDGEMENT_PARK, .again_after = LOOK_AGAIN};
    char why[64];
    pid_t pid;

    judgement_wake(&parked, WAKE_FILE_CHANGED, path);
    pid = read_pid(path);
    if (pid == 0) {
        return 0;
    }
    if (!is_living_dockerd(start->call, pid)) {
        snprintf(why, sizeof(why), pid < 0 ? "it holds no number" : "no dockerd has the number %d", (int)pid);
        return remove_stale(start->call->service->name, path, why, err);
    }
    *judgement = parked;
    snprintf(judgement->code, sizeof(judgement->code), "docker-running");
    snprintf(judgement->what, sizeof(judgement->what), "another dockerd runs already, with pid %d (%.96s)", (int)pid,
             path);
    snprintf(judgement->remedy, sizeof(judgement->remedy),
             "stop that one (kill %d), and see who starts it: edgeinit starts its own as soon as it has ended",
             (int)pid);
    return 0;
}

/* The containerd that a dockerd with this exec-root has started: it is named in its command line (both generations). */
static bool is_its_containerd(pid_t pid, const char *directory)
{
    CLEANUP_FREE char *config = xasprintf("%s/containerd.toml", directory);
    size_t length = 0;
    CLEANUP_FREE char *words = pid > 0 ? read_process(pid, "cmdline", &length) : NULL;

    for (const char *word = words; word != NULL && word < words + length; word += strlen(word) + 1) {
        if (streq(word, config)) {
            return !is_in_a_container(pid);
        }
    }
    return false;
}

/* Its dockerd is dead, and no other can take it over: each removes its socket before it looks at the pid file. It would be
 * killed after 15 seconds in which dockerd waits in vain. Containers do not depend on it. */
static void end_containerd(const char *service, pid_t pid, const char *directory)
{
    static const struct {
        int number;
        int patience;
    } signals[] = {{SIGTERM, TERM_PATIENCE}, {SIGKILL, KILL_PATIENCE}};
    CLEANUP_CLOSE int fd = (int)syscall(SYS_pidfd_open, pid, 0); /* Linux 5.3 */
    struct pollfd watched = {.fd = fd, .events = POLLIN};

    /* Once more, for the number may have been given to somebody else before it was opened. */
    for (size_t i = 0; i < ARRAY_SIZE(signals) && fd >= 0 && is_its_containerd(pid, directory); i++) {
        log_info("%s: the containerd of a dead dockerd is still there, with pid %d; it is ended", service, (int)pid);
        syscall(SYS_pidfd_send_signal, fd, signals[i].number, NULL, 0);
        if (poll(&watched, 1, signals[i].patience) == 1) {
            return;
        }
    }
}

static int clear_containerd(const struct dockerd_start *start, struct error *err)
{
    static const char *const names[] = {"containerd.pid", "docker-containerd.pid"}; /* since 18.09; before */
    CLEANUP_FREE char *directory = xasprintf("%s/containerd", start->options.exec_root);

    for (size_t i = 0; i < ARRAY_SIZE(names) && start->options.containerd == NULL; i++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", directory, names[i]);
        pid_t pid = read_pid(path);

        if (pid == 0) {
            continue;
        }
        if (is_its_containerd(pid, directory)) {
            end_containerd(start->call->service->name, pid, directory);
        }
        if (remove_stale(start->call->service->name, path, "its dockerd is dead", err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* A container that wants the socket while it is not there gets an empty directory in its place. Only an empty one goes. */
static void clear_sockets(const struct dockerd_start *start)
{
    const char *const *words = (const char *const *)start->call->service->command;
    static const char scheme[] = "unix://";
    const char *host;
    size_t at = 0;

    for (size_t n = 0; (host = docker_host_at(words, n, &at)) != NULL; n++) {
        if (starts_with(host, scheme) && rmdir(host + strlen(scheme)) == 0) {
            log_info("%s: %s was an empty directory, and is removed", start->call->service->name,
                     host + strlen(scheme));
        }
    }
}

int dockerd_clear_leftovers(const struct dockerd_start *start, struct judgement *judgement, struct error *err)
{
    if (clear_pid_file(start, judgement, err) != 0) {
        return -1;
    }
    if (judgement->hold == JUDGEMENT_PARK) {
        return 0;
    }
    clear_sockets(start);
    return clear_containerd(start, err);
}
