/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/ask.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/util.h"

#define ASK_MOST 8
#define REQUEST_LARGEST (TARGET_LONGEST + 128)

static void end(struct ask *ask, enum ask_outcome outcome)
{
    close(ask->fd);
    ask->fd = -1;
    ask->outcome = outcome;
}

static void begin(struct ask *ask)
{
    struct target target;
    const char *why = NULL;

    *ask = (struct ask){.target = ask->target, .outcome = ASK_IMPOSSIBLE, .fd = -1};
    if (!target_parse(CHECK_HTTP, ask->target, &target, &why)) {
        return;
    }
    ask->fd = socket(target.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ask->fd < 0) {
        return;
    }
    if (connect(ask->fd, (struct sockaddr *)&target.address, target.length) == 0 || errno == EINPROGRESS) {
        ask->outcome = ASK_OPEN;
    } else {
        /* EAGAIN: the queue of a UNIX socket is full, so somebody listens, and does not accept. */
        ask->connected = errno == EAGAIN;
        end(ask, errno == EAGAIN ? ASK_OPEN : ASK_IMPOSSIBLE);
    }
}

static void send_request(struct ask *ask)
{
    char request[REQUEST_LARGEST];
    struct target target;
    const char *why = NULL;
    size_t length;
    ssize_t sent;

    target_parse(CHECK_HTTP, ask->target, &target, &why);
    length = (size_t)snprintf(request, sizeof(request),
                              "GET %s HTTP/1.0\r\nHost: localhost\r\nUser-Agent: edgeinit\r\nConnection: close\r\n\r\n",
                              target.request);
    sent = send(ask->fd, request + ask->sent, length - ask->sent, MSG_NOSIGNAL);
    if (sent < 0) {
        if (errno != EAGAIN && errno != EINTR) {
            end(ask, ask->connected ? ASK_CLOSED : ASK_IMPOSSIBLE);
        }
        return;
    }
    ask->connected = true;
    ask->sent += (size_t)sent;
    if (ask->sent == length) {
        ask->sent = SIZE_MAX;
    }
}

/* HTTP/1.0 and "Connection: close": the answer ends where the connection does. */
static void receive_answer(struct ask *ask)
{
    char bytes[4096];
    ssize_t length = recv(ask->fd, bytes, sizeof(bytes), 0);
    const char *body;

    if (length < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (length > 0) {
        text_append(&ask->answer, bytes, (size_t)length);
        if (ask->answer.length < ASK_LARGEST) {
            return;
        }
    }
    ask->status = http_status(text_string(&ask->answer), ask->answer.length);
    body = strstr(text_string(&ask->answer), "\r\n\r\n");
    if (ask->status > 0 && body != NULL) {
        text_add(&ask->body, body + strlen("\r\n\r\n"));
    }
    end(ask, ask->status > 0 ? ASK_ANSWERED : ASK_CLOSED);
}

void ask_all(struct ask *asks, size_t count, int patience)
{
    int64_t deadline = clock_now() + patience * MICROSECONDS_PER_MILLISECOND;
    struct pollfd polls[ASK_MOST];

    count = count < ASK_MOST ? count : ASK_MOST;
    for (size_t i = 0; i < count; i++) {
        begin(&asks[i]);
    }
    for (;;) {
        int64_t left = (deadline - clock_now() + MICROSECONDS_PER_MILLISECOND - 1) / MICROSECONDS_PER_MILLISECOND;
        size_t open = 0;

        for (size_t i = 0; i < count; i++) {
            polls[i] = (struct pollfd){.fd = asks[i].fd, .events = asks[i].sent == SIZE_MAX ? POLLIN : POLLOUT};
            open += asks[i].fd >= 0 ? 1 : 0;
        }
        if (open == 0 || left <= 0 || (poll(polls, count, (int)left) < 0 && errno != EINTR)) {
            break;
        }
        for (size_t i = 0; i < count; i++) {
            if (asks[i].fd >= 0 && polls[i].revents != 0) {
                (asks[i].sent == SIZE_MAX ? receive_answer : send_request)(&asks[i]);
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (asks[i].fd >= 0) {
            end(&asks[i], ASK_OPEN);
        }
    }
}

void ask_free(struct ask *ask)
{
    text_free(&ask->body);
    text_free(&ask->answer);
}
