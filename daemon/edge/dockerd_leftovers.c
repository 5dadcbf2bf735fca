/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever has the number in containerd.pid is taken by dockerd (18.03 to 24) for its containerd, waited for in vain, and
 * (18.03) killed. A power cut, or a SIGKILL, leaves that file as it leaves docker.pid (dockerd_pid.c).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/util.h"
#include "edge/dockerd.h"
#include "edge/process.h"

#define TERM_PATIENCE 3000 /* milliseconds; both within PROFILE_PATIENCE */
#define KILL_PATIENCE 1000

int dockerd_remove_stale(const char *service, const char *path, const char *why, struct error *err)
{
    if (unlink(path) != 0 && errno != ENOENT) {
        return error_system(err, errno, "remove %s, which is stale", path);
    }
    log_info("%s: %s was stale (%s), and is removed", service, path, why);
    return 0;
}

/* The containerd that a dockerd with this exec-root has started: it is named in its command line (both generations). */
static bool is_its_containerd(pid_t pid, const char *directory)
{
    CLEANUP_FREE char *config = xasprintf("%s/containerd.toml", directory);
    size_t length = 0;
    CLEANUP_FREE char *words = pid > 0 ? process_read(pid, "cmdline", &length) : NULL;

    for (const char *word = words; word != NULL && word < words + length; word += strlen(word) + 1) {
        if (streq(word, config)) {
            return !process_is_contained(pid);
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
        pid_t pid = process_read_pid(path);

        if (pid == 0) {
            continue;
        }
        if (is_its_containerd(pid, directory)) {
            end_containerd(start->call->service->name, pid, directory);
        }
        if (dockerd_remove_stale(start->call->service->name, path, "its dockerd is dead", err) != 0) {
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
    if (dockerd_clear_pid_file(start, judgement, err) != 0) {
        return -1;
    }
    if (judgement->hold == JUDGEMENT_PARK) {
        return 0;
    }
    clear_sockets(start);
    return clear_containerd(start, err);
}
