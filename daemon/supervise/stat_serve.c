/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/stat_serve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/statistics.h"
#include "base/util.h"
#include "supervise/stat_plan.h"

/* Newer than the headers of some toolchains; numbers are ABI. */
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1) /* 5.14 */
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64) /* 6.6 */
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#define PATH_LONGEST 1024 /* of a path that is looked at; groups of pods have some 200 */
#define PAGE 4096         /* the smallest that there is */

/* Flags that change nothing about which file is read. */
#define READING (O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_LARGEFILE)

/* The kernel's structures only grow, and it refuses to fill less than its own. */
union request {
    struct seccomp_notif notif;
    char room[256];
};
union response {
    struct seccomp_notif_resp resp;
    char room[256];
};

struct wish {
    struct open_how how;
    char path[PATH_LONGEST + 1];
};

static char content[STATISTICS_LARGEST];

bool stat_serve_can_give(int listener, unsigned flags)
{
    struct seccomp_notif_addfd addfd = {.flags = flags, .srcfd = (uint32_t)-1};
    struct seccomp_notif_sizes sizes = {0};

    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) != 0 || sizes.seccomp_notif > sizeof(union request) ||
        sizes.seccomp_notif_resp > sizeof(union response)) {
        return false;
    }
    /* Flags and size are looked at before the descriptor, which is none. */
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd) < 0 && errno == EBADF;
}

static int make_copy(const char *text, size_t length)
{
    CLEANUP_CLOSE int fd = memfd_create("statistics", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    /* pwrite: the caller reads from where our offset is. */
    if (fd < 0 || pwrite(fd, text, length, 0) != (ssize_t)length ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
        return -1;
    }
    return take_fd(&fd);
}

int stat_serve_try_copy(void)
{
    int fd = make_copy("", 0);
    int error = errno;

    if (fd >= 0) {
        close(fd);
        return 0;
    }
    return error;
}

int stat_serve_try_look(pid_t pid)
{
    char byte;
    const struct iovec here = {&byte, 1};
    const struct iovec there = {(void *)(uintptr_t)PAGE, 1};
    char way[64];

    /* Whether we may is asked before whether there is anything: EFAULT is a yes. One that has ended is nobody's fault. */
    if (process_vm_readv(pid, &here, 1, &there, 1, 0) < 0 && errno != EFAULT && errno != ESRCH) {
        return errno;
    }
    snprintf(way, sizeof(way), "/proc/%d/fd/0", (int)pid);
    return readlink(way, &byte, 1) < 0 && errno != ENOENT ? errno : 0;
}

void stat_serve_begin(struct stat_server *server, int listener)
{
    *server =
        (struct stat_server){.listener = listener, .at_once = stat_serve_can_give(listener, SECCOMP_ADDFD_FLAG_SEND)};
    /* We and the caller wait for each other in turn, so one CPU is best; where the kernel does not know that, fine. */
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

/* What the caller wants, from its memory: openat2(dirfd, path, how, size). A string may end right before memory that is not
 * there, so it is read page by page; what is not read stays NUL. */
static bool read_wish(const struct seccomp_notif *notif, struct wish *wish)
{
    const uint64_t *args = (const uint64_t *)notif->data.args;
    size_t first = PAGE - args[1] % PAGE < PATH_LONGEST ? PAGE - args[1] % PAGE : PATH_LONGEST;
    const struct iovec here[] = {{&wish->how, sizeof(wish->how)}, {wish->path, PATH_LONGEST}};
    const struct iovec there[] = {{(void *)(uintptr_t)args[2], sizeof(wish->how)},
                                  {(void *)(uintptr_t)args[1], first},
                                  {(void *)(uintptr_t)(args[1] + first), PATH_LONGEST - first}};

    memset(wish, 0, sizeof(*wish));
    return args[3] >= sizeof(wish->how) &&
           process_vm_readv((pid_t)notif->pid, here, 2, there, 3, 0) > (ssize_t)sizeof(wish->how);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t size = strlen(end);

    return length >= size && streq(text + length - size, end);
}

/* Answered for nearly all of what a service opens, without another system call. */
static bool may_be_meant(const struct wish *wish)
{
    return (wish->how.flags & ~(uint64_t)READING) == O_RDONLY && wish->how.mode == 0 &&
           strlen(wish->path) < PATH_LONGEST &&
           (ends_with(wish->path, "memory.stat") || ends_with(wish->path, "cpu.stat"));
}

/* The directory that the path begins from, as a path that leads us there, and where that is: its text is the kernel's, no
 * file system is asked for it. */
static bool find_ground(const struct seccomp_notif *notif, const struct wish *wish, char way[64], char *where,
                        size_t size)
{
    int fd = (int)notif->data.args[0];
    ssize_t length;

    if (wish->path[0] == '/') {
        snprintf(way, 64, "/proc/%u/root", notif->pid);
    } else if (fd == AT_FDCWD) {
        snprintf(way, 64, "/proc/%u/cwd", notif->pid);
    } else {
        snprintf(way, 64, "/proc/%u/fd/%d", notif->pid, fd);
    }
    length = readlink(way, where, size - 1);
    where[length < 0 ? 0 : length] = '\0';
    return length > 0;
}

static bool is_on_ground(const char *where, const char *path)
{
    char joined[PATH_LONGEST + PATH_LONGEST + 2];

    snprintf(joined, sizeof(joined), "%s/%s", streq(where, "/") ? "" : where, path + strspn(path, "/"));
    return starts_with(joined, STAT_GROUND) && strstr(joined, "/../") == NULL &&
           (ends_with(joined, "/memory.stat") || ends_with(joined, "/cpu.stat"));
}

/* The file as the caller sees it; -1 if it is not one of those, or cannot be opened: then the kernel tells the caller. */
static int open_statistics(const struct seccomp_notif *notif, const struct wish *wish)
{
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    CLEANUP_CLOSE int ground = -1;
    CLEANUP_CLOSE int fd = -1;
    char where[PATH_LONGEST];
    struct statfs system;
    struct stat status;
    char way[64];

    if (!find_ground(notif, wish, way, where, sizeof(where)) || !is_on_ground(where, wish->path)) {
        return -1;
    }
    ground = open(way, O_PATH | O_CLOEXEC);
    fd = ground < 0 ? -1 : (int)syscall(SYS_openat2, ground, wish->path + strspn(wish->path, "/"), &how, sizeof(how));
    if (fd < 0 || fstatfs(fd, &system) != 0 || fstat(fd, &status) != 0 ||
        (system.f_type != CGROUP_SUPER_MAGIC && system.f_type != CGROUP2_SUPER_MAGIC) ||
        (status.st_mode & S_IROTH) == 0) {
        return -1;
    }
    return take_fd(&fd);
}

/* A clean copy of what the caller wants to read; -1 if it shall open the file itself. */
static int filtered_copy(int listener, const struct seccomp_notif *notif, const struct wish *wish)
{
    CLEANUP_CLOSE int fd = open_statistics(notif, wish);
    size_t length = 0;
    size_t kept;
    ssize_t got;

    while (fd >= 0 && length < sizeof(content) && (got = read(fd, content + length, sizeof(content) - length)) > 0) {
        length += (size_t)got;
    }
    if (fd < 0 || length == 0 || length == sizeof(content)) {
        return -1;
    }
    kept = statistics_filter(content, length);
    /* Was it the caller that we looked at? Its number may belong to another one by now. */
    if (kept == length || ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &notif->id) != 0) {
        return -1;
    }
    return make_copy(content, kept);
}

/* False with ENOENT: it took a signal, and asks again. */
static bool answer(int listener, uint64_t id, int value, uint32_t flags)
{
    union response response = {.resp = {.id = id, .val = value, .flags = flags}};

    return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
}

/* ---- before 5.14: copies whose receiver does not know of them ---- */

static void remember_lost(struct stat_server *server, int fd, int copy)
{
    struct stat status;

    if (fstat(copy, &status) == 0) {
        server->lost[server->next] = (struct stat_lost){fd, status.st_ino};
        server->next = (server->next + 1) % STAT_MOST_LOST;
    }
}

/* One that the caller still has; NULL if there is none. Nobody but us knows the number, so it is free to be used anew as long
 * as our copy is there. */
static struct stat_lost *find_lost(struct stat_server *server, pid_t pid)
{
    for (size_t i = 0; i < STAT_MOST_LOST; i++) {
        struct stat_lost *lost = &server->lost[i];
        struct stat status;
        char way[64];

        if (lost->inode == 0) {
            continue;
        }
        snprintf(way, sizeof(way), "/proc/%d/fd/%d", (int)pid, lost->fd);
        if (stat(way, &status) == 0 && status.st_ino == lost->inode) {
            return lost;
        }
    }
    return NULL;
}

/* True if the caller has its answer, or is gone. */
static bool give(struct stat_server *server, const struct seccomp_notif *notif, int fd, bool close_on_exec)
{
    struct stat_lost *lost = server->at_once ? NULL : find_lost(server, (pid_t)notif->pid);
    struct seccomp_notif_addfd addfd = {
        .id = notif->id,
        .flags = server->at_once ? SECCOMP_ADDFD_FLAG_SEND
                 : lost != NULL  ? SECCOMP_ADDFD_FLAG_SETFD
                                 : 0,
        .srcfd = (uint32_t)fd,
        .newfd = lost != NULL ? (uint32_t)lost->fd : 0,
        .newfd_flags = close_on_exec ? O_CLOEXEC : 0,
    };
    int value = ioctl(server->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd);

    if (value >= 0 && lost != NULL) {
        lost->inode = 0;
    }
    if (value >= 0 && !server->at_once && !answer(server->listener, notif->id, value, 0)) {
        remember_lost(server, value, fd);
    }
    if (value < 0 && (errno == EACCES || errno == EPERM)) {
        server->refused = errno;
    }
    return value >= 0 || errno == ENOENT || errno == ESRCH;
}

bool stat_serve(struct stat_server *server)
{
    union request request;
    struct wish wish;
    int copy = -1;

    memset(&request, 0, sizeof(request)); /* the kernel insists */
    if (ioctl(server->listener, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) {
        return errno == ENOENT || errno == EINTR; /* the caller took a signal meanwhile */
    }
    if (read_wish(&request.notif, &wish) && may_be_meant(&wish)) {
        copy = filtered_copy(server->listener, &request.notif, &wish);
    }
    if (copy < 0 || !give(server, &request.notif, copy, (wish.how.flags & O_CLOEXEC) != 0)) {
        (void)answer(server->listener, request.notif.id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    }
    if (copy >= 0) {
        close(copy);
    }
    return true;
}
