/* SPDX-License-Identifier: Apache-2.0 */
#include "control/lock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"

static const char *const names[] = {[LOCK_DAEMON] = "daemon.lock", [LOCK_DOWN] = "down.lock"};
static_assert(ARRAY_SIZE(names) == LOCKS, "one name for each lock");

/* 0: nobody any more. */
static pid_t holder_of(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK ? whole.l_pid : 0;
}

/* A daemon that was killed may still be on its way out: then the lock is worth a wait. */
static int lock_or_wait(int fd, int64_t patience)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int64_t deadline = clock_now() + patience;

    while (fcntl(fd, F_SETLK, &whole) != 0) {
        bool taken = errno == EAGAIN || errno == EACCES;
        pid_t holder = holder_of(fd);
        CLEANUP_CLOSE int pidfd = holder <= 0 ? -1 : (int)syscall(SYS_pidfd_open, holder, 0);
        struct pollfd watched = {.fd = pidfd, .events = POLLIN};
        int64_t left = patience < 0 ? -1 : (deadline - clock_now()) / MICROSECONDS_PER_MILLISECOND;

        if (!taken || left == 0 || (left < 0 && patience >= 0)) {
            return -1;
        }
        poll(&watched, pidfd >= 0, pidfd >= 0 ? (int)left : 1);
    }
    return 0;
}

int lock_take(const char *run_dir, enum lock_kind kind, int64_t patience, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", run_dir, names[kind]);
    CLEANUP_CLOSE int fd = -1;

    if (file_make_private(run_dir, err) != 0) {
        error_wrap(err, "make the run directory");
        return error_remedy(err, "name a place on a tmpfs with --run-dir");
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    if (lock_or_wait(fd, patience) != 0) {
        error_set(err, ERROR_INPUT, 0, "another edgeinit daemon holds %s: pid %d", path, holder_of(fd));
        return error_remedy(err, "see \"edgeinit status\"");
    }
    return take_fd(&fd);
}

pid_t lock_holder(const char *run_dir, enum lock_kind kind)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", run_dir, names[kind]);
    CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);

    return fd < 0 ? 0 : holder_of(fd);
}
