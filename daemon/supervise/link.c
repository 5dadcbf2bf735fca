/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/log.h"
#include "base/path.h"
#include "base/util.h"

#define KEEPER_PROGRAM "edgeinit-keeper"
#define EXIT_CANNOT_PREPARE 125

void link_open(struct link *link, struct loop *loop, const struct link_calls *calls)
{
    *link = (struct link){.loop = loop, .source.fd = -1, .calls = *calls};
}

bool link_is_up(const struct link *link)
{
    return link->source.fd >= 0;
}

void link_close(struct link *link)
{
    int fd = link->source.fd;

    if (fd >= 0) {
        loop_remove(link->loop, &link->source);
        close(fd);
        link->source.fd = -1;
    }
}

/* One packet; false when there is no more, or the link is gone. */
static bool receive(struct link *link)
{
    char packet[sizeof(struct keeper_record)];
    struct keeper_record record;
    struct wire_header header = {0};
    ssize_t length = recv(link->source.fd, packet, sizeof(packet), MSG_DONTWAIT);

    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return false;
    }
    if (length <= 0) {
        link_close(link);
        link->calls.lost(link->calls.data);
        return false;
    }
    if ((size_t)length >= sizeof(header)) {
        memcpy(&header, packet, sizeof(header));
    }
    if (header.magic == KEEPER_MAGIC && header.type == WIRE_LOG) {
        link->calls.log(link->calls.data);
        return link_is_up(link);
    }
    if (record_read(packet, (size_t)length, &record)) {
        link->calls.record(link->calls.data, &record);
    }
    return link_is_up(link);
}

static void readable(void *data, uint32_t events)
{
    struct link *link = data;

    (void)events;
    /* What a keeper says in one breath is heard in one go, but one that never stops does not hold the loop. */
    for (int i = 0; i < 16 && receive(link); i++) {
    }
}

bool link_send(struct link *link, const struct wire_message *message)
{
    struct wire_message packet = *message;

    if (!link_is_up(link)) {
        return false;
    }
    packet.header.magic = KEEPER_MAGIC;
    packet.header.version = KEEPER_VERSION;
    if (send(link->source.fd, &packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(packet)) {
        return true;
    }
    link_close(link);
    return false;
}

static int say_hello(struct link *link, int fd, struct error *err)
{
    const struct wire_message hello = {.header.type = WIRE_HELLO};

    if (loop_add(link->loop, &link->source, fd, EPOLLIN, readable, link, err) != 0) {
        close(fd);
        return -1;
    }
    return link_send(link, &hello) ? 0 : 1;
}

int link_connect(struct link *link, const char *directory, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory) >= (int)sizeof(address.sun_path)) {
        error_set(err, ERROR_INPUT, ENAMETOOLONG, "connect to %s/socket", directory);
        return error_remedy(err, "choose a shorter --run-dir: a socket's path has at most 107 bytes");
    }
    if (fd < 0) {
        return error_system(err, errno, "socket");
    }
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        return errno == ENOENT || errno == ECONNREFUSED
                   ? 1
                   : error_system(err, errno, "connect to the keeper at %s", address.sun_path);
    }
    return say_hello(link, take_fd(&fd), err);
}

/* Beside our own executable. */
static void find_program(char path[PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

    own[length < 0 ? 0 : length] = '\0';
    path_up(own);
    snprintf(path, PATH_MAX, "%.*s/" KEEPER_PROGRAM, (int)(PATH_MAX - sizeof("/" KEEPER_PROGRAM)), own);
}

/* Without SELinux, or with a policy that does not know it, the keeper runs as all keepers do, and finds out what it may. */
static void ask_for_context(const char *context)
{
    CLEANUP_CLOSE int fd = context == NULL ? -1 : open("/proc/self/attr/exec", O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        (void)!write(fd, context, strlen(context));
    }
}

/* In the new process, which may still have our memory: nothing is changed but its own kernel state. Returns if it fails. */
static void become_keeper(const char *program, const char *const *arguments, const struct link_start *start,
                          int socket_fd)
{
    const char *const environment[] = {NULL};
    sigset_t none;

    setrlimit(RLIMIT_NOFILE, start->files);
    ask_for_context(start->context);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (socket_fd == KEEPER_DAEMON_FD) {
        fcntl(socket_fd, F_SETFD, 0);
    } else {
        dup2(socket_fd, KEEPER_DAEMON_FD); /* whatever had that number is close-on-exec, and not needed here */
    }
    execve(program, (char *const *)(uintptr_t)arguments, (char *const *)(uintptr_t)environment);
}

static int cannot_execute(const char *program, int errnum, struct error *err)
{
    error_system(err, errnum, "execute %s", program);
    return error_remedy(err, "put it beside edgeinit");
}

pid_t link_start(struct link *link, const struct link_start *start, struct error *err)
{
    char size[24];
    char program[PATH_MAX];
    const char *const arguments[] = {KEEPER_PROGRAM, start->directory, size, start->group, NULL};
    volatile int failed = 0; /* why it was not executed: written by the process of a vfork(2), which has our memory */
    int ends[2];
    pid_t pid;

    find_program(program);
    snprintf(size, sizeof(size), "%lld", (long long)start->ring_size);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        return error_system(err, errno, "make a socket pair");
    }
    if (start->prepare != NULL) {
        pid = fork();
    } else {
        pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): become_keeper() is made for it */
    }
    if (pid == 0) {
        if (start->prepare != NULL && start->prepare(start->data) != 0) {
            _exit(EXIT_CANNOT_PREPARE);
        }
        become_keeper(program, arguments, start, ends[1]); /* NOLINT(clang-analyzer-unix.Vfork): as above */
        failed = errno;                                    /* NOLINT(clang-analyzer-unix.Vfork) */
        if (start->prepare != NULL) {
            char text[1024];

            cannot_execute(program, failed, err);
            log_error("%s", error_text(err, text, sizeof(text)));
        }
        _exit(EXIT_CANNOT_PREPARE);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error_system(err, errno, "fork a keeper");
    }
    if (failed != 0) {
        close(ends[0]);
        return cannot_execute(program, failed, err);
    }
    if (say_hello(link, ends[0], err) != 0) {
        error_set(err, ERROR_SYSTEM, 0, "the keeper has ended at once");
        return error_remedy(err, "the lines before say why");
    }
    return pid;
}
