/* SPDX-License-Identifier: Apache-2.0 */
/* Probes by a socket: a connection that is accepted, and an HTTP answer over it. */
#include <errno.h>

#include "base/util.h"
#include "supervise/probe.h"
#include "supervise/target.h"

#define REQUEST_LARGEST (TARGET_LONGEST + 128)

static void on_socket(void *data, uint32_t events);

void probe_close_source(struct check *check)
{
    int fd = check->source.fd;

    loop_remove(check->loop, &check->source);
    check->source.fd = -1;
    if (fd >= 0) {
        close(fd);
    }
}

/* Nobody listens at a port of the range from which the kernel takes ports for connections: then a connection to it may be
 * given that very port, and meets itself (TCP's simultaneous open). */
static bool is_own_end(int fd)
{
    struct sockaddr_storage here = {0};
    struct sockaddr_storage there = {0};
    socklen_t here_length = sizeof(here);
    socklen_t there_length = sizeof(there);

    return getsockname(fd, (struct sockaddr *)&here, &here_length) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_length) == 0 && here.ss_family != AF_UNIX &&
           here_length == there_length && memcmp(&here, &there, here_length) == 0;
}

static void cannot_connect(struct check *check, int errnum)
{
    if (errnum == EAGAIN) {
        probe_bad(check, "it does not accept connections: its queue is full");
    } else {
        probe_bad(check, "cannot connect: %s", strerror(errnum));
    }
}

void probe_socket(struct check *check)
{
    CLEANUP_CLOSE int fd = -1;
    struct target target;
    struct error err = {0};
    const char *why = NULL;

    if (!target_parse(check->config->kind, check_target(check), &target, &why)) {
        probe_bad(check, "%s %s", check_target(check), why);
        return;
    }
    fd = socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || (connect(fd, (struct sockaddr *)&target.address, target.length) != 0 && errno != EINPROGRESS)) {
        cannot_connect(check, errno);
        return;
    }
    if (loop_add(check->loop, &check->source, fd, EPOLLOUT, on_socket, check, &err) != 0) {
        probe_bad(check, "%s: %s", err.what, strerror(err.errnum));
        return;
    }
    take_fd(&fd);
}

/* Did the connect succeed? If not, the outcome has been reported. */
static bool finish_connect(struct check *check)
{
    int errnum = 0;
    socklen_t length = sizeof(errnum);

    if (getsockopt(check->source.fd, SOL_SOCKET, SO_ERROR, &errnum, &length) != 0) {
        errnum = errno;
    }
    if (errnum == 0 && is_own_end(check->source.fd)) {
        errnum = ECONNREFUSED;
    }
    if (errnum != 0) {
        cannot_connect(check, errnum);
        return false;
    }
    check->connected = true;
    return true;
}

/* From readiness to write to readiness to read, on the same socket. */
static void wait_for_answer(struct check *check)
{
    int fd = check->source.fd;
    struct error err = {0};

    loop_remove(check->loop, &check->source);
    if (loop_add(check->loop, &check->source, fd, EPOLLIN, on_socket, check, &err) != 0) {
        close(fd);
        probe_bad(check, "%s: %s", err.what, strerror(err.errnum));
    }
}

static void send_request(struct check *check)
{
    char request[REQUEST_LARGEST];
    struct target target;
    const char *why = NULL;
    size_t length;
    ssize_t sent;

    target_parse(check->config->kind, check_target(check), &target, &why);
    length = (size_t)snprintf(request, sizeof(request),
                              "GET %s HTTP/1.0\r\nHost: localhost\r\nUser-Agent: edgeinit\r\nConnection: close\r\n\r\n",
                              target.request);
    sent = send(check->source.fd, request + check->sent, length - check->sent, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        probe_bad(check, "cannot send: %s", strerror(errno));
        return;
    }
    check->sent += sent < 0 ? 0 : (size_t)sent;
    if (check->sent == length) {
        wait_for_answer(check);
    }
}

/* The status decides; the rest of the answer, however long, is not waited for. */
static void receive_answer(struct check *check)
{
    ssize_t length =
        recv(check->source.fd, check->answer + check->answer_length, sizeof(check->answer) - check->answer_length, 0);
    int status;

    if (length < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            probe_bad(check, "no answer: %s", strerror(errno));
        }
        return;
    }
    check->answer_length += (size_t)length;
    status = http_status(check->answer, check->answer_length);
    if ((status >= 200 && status <= 299) || (status > 0 && status == check->config->accept)) {
        probe_good(check);
    } else if (status > 0) {
        probe_bad(check, "it answers with status %d", status);
    } else if (status < 0 || check->answer_length == sizeof(check->answer)) {
        probe_bad(check, "its answer is no HTTP");
    } else if (length == 0) {
        probe_bad(check, "it closed the connection without an answer");
    }
}

static void on_socket(void *data, uint32_t events)
{
    struct check *check = data;

    if (!check->connected && !finish_connect(check)) {
        return;
    }
    if (check->config->kind == CHECK_TCP) {
        probe_good(check);
    } else if ((events & EPOLLOUT) != 0 || check->sent == 0) {
        send_request(check);
    } else {
        receive_answer(check);
    }
}
