/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/settle.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/child.h"
#include "base/file.h"
#include "base/util.h"
#include "supervise/become.h"

/* As much as an unprivileged process gets at once is 1 MiB; a quarter outlasts a keeper that is being replaced. */
#define PIPE_SIZE (256 * 1024)

#define OOM_LOWEST (-1000)
#define OOM_STEP 100
#define OOM_FILE "/proc/self/oom_score_adj"

static void close_inherited(int first)
{
    struct rlimit limit = {0};

#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) {
        return;
    }
#endif
    /* Linux before 5.9 */
    getrlimit(RLIMIT_NOFILE, &limit);
    for (rlim_t fd = (rlim_t)first; fd < limit.rlim_cur; fd++) {
        close((int)fd);
    }
}

static void set_name(const char *name)
{
    char title[16]; /* TASK_COMM_LEN */

    snprintf(title, sizeof(title), "keeper %s", name);
    prctl(PR_SET_NAME, title);
}

void settle_process(const char *name, int first)
{
    sigset_t blocked;

    close_inherited(first);
    child_reset_signals();
    for (const int *number = become_ignored; *number != 0; number++) {
        signal(*number, SIG_IGN);
    }
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
    setsid(); /* fails in a process that leads its group, which then is as good */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    set_name(name);
}

static bool set_oom_score(int score)
{
    CLEANUP_CLOSE int fd = open(OOM_FILE, O_WRONLY | O_CLOEXEC);
    char text[16];
    int length = snprintf(text, sizeof(text), "%d", score);

    return fd >= 0 && write(fd, text, (size_t)length) == length;
}

int settle_oom_score(void)
{
    CLEANUP_CLOSE int fd = open(OOM_FILE, O_RDONLY | O_CLOEXEC);
    char text[16] = "";
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    int before = got <= 0 ? 0 : (int)strtol(text, NULL, 10);
    int score = OOM_LOWEST;

    while (score < before && !set_oom_score(score)) {
        score += OOM_STEP;
    }
    return before;
}

int settle_lock(struct error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        return error_system(err, errno, "open lock");
    }
    /* Of the process, not of the descriptor: children do not hold it. Never closed, for that would give it up. */
    if (fcntl(fd, F_SETLK, &lock) == 0) {
        return 0;
    }
    return errno == EAGAIN || errno == EACCES ? 1 : error_system(err, errno, "lock lock");
}

int settle_group(const char *file, struct error *err)
{
    return file_put(file, "0", err);
}

int settle_signals(struct error *err)
{
    sigset_t children;
    int fd;

    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    fd = signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? error_system(err, errno, "signalfd") : fd;
}

int settle_pipe(struct error *err)
{
    struct stat status;
    int fd;

    if (mkfifo("pipe", 0600) != 0 && errno != EEXIST) {
        return error_system(err, errno, "create pipe");
    }
    fd = open("pipe", O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return error_system(err, errno, "open pipe");
    }
    if (fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode)) {
        error_set(err, ERROR_INPUT, 0, "the file pipe is no FIFO");
        error_remedy(err, "remove it");
        return -1;
    }
    fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
    return fd;
}

/* Connections of daemons that were killed stay in it until the keeper gets a processor; a full one keeps the next daemon out. */
#define QUEUE 128 /* what every kernel takes: net.core.somaxconn */

int settle_socket(const char *name, int type, mode_t mode, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    mode_t mask = umask(0777 & ~mode);
    int result;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", name);
    unlink(address.sun_path);
    result = fd >= 0 && (type != SOCK_DGRAM || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0) &&
                     bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
                     (type == SOCK_DGRAM || listen(fd, QUEUE) == 0) && rename(address.sun_path, name) == 0
                 ? fd
                 : error_system(err, errno, "create the socket %s", name);
    umask(mask);
    return result;
}

struct keeper_record *settle_record(struct keeper_record *found, struct error *err)
{
    /* A copy: what is in the file until it is read back and judged must not change. */
    int fd = open("record", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct keeper_record now = {.header = {KEEPER_MAGIC, KEEPER_VERSION, WIRE_RECORD}, .keeper_pid = getpid()};
    ssize_t got = fd < 0 ? -1 : pread(fd, found, sizeof(*found), 0);
    struct keeper_record read = {0};
    void *mapped;

    boot_id_read(now.boot_id);
    if (got < 0) {
        error_system(err, errno, "open record");
        return NULL;
    }
    if (!record_read(found, (size_t)got, &read) || !streq(read.boot_id, now.boot_id)) {
        memset(&read, 0, sizeof(read));
    }
    *found = read;
    read.header = now.header;
    read.keeper_pid = now.keeper_pid;
    memcpy(read.boot_id, now.boot_id, sizeof(now.boot_id));
    /* Written before it is mapped: a full tmpfs then says so, instead of killing us at a store. */
    if (pwrite(fd, &read, sizeof(read), 0) != sizeof(read) || ftruncate(fd, sizeof(read)) != 0) {
        error_system(err, errno, "write record");
        error_remedy(err, "see with df whether its file system is full");
        return NULL;
    }
    mapped = mmap(NULL, sizeof(read), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED) {
        error_system(err, errno, "map record");
        return NULL;
    }
    return mapped;
}
