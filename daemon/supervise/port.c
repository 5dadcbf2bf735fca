/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/port.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void port_accept(struct port *port, int listener)
{
    /* cppcheck-suppress nullPointer ; who it is, is not in the address */
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct ucred peer = {0};
    socklen_t length = sizeof(peer);

    if (fd < 0) {
        return;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || (peer.uid != 0 && peer.uid != geteuid())) {
        close(fd);
        return;
    }
    port_close(port);
    port->source->fd = fd;
}

void port_close(struct port *port)
{
    if (port->source->fd >= 0) {
        close(port->source->fd);
    }
    port->source->fd = -1;
    port->source->events = POLLIN;
    port->record_due = false;
    port->listening = false;
}

bool port_receive(struct port *port, struct wire_message *message)
{
    char packet[sizeof(*message)];
    ssize_t got = port->source->fd < 0 ? -1 : recv(port->source->fd, packet, sizeof(packet), MSG_DONTWAIT);

    if (got < 0 && errno == ECONNRESET) { /* it went before it had read all of ours; what it said before comes now */
        got = recv(port->source->fd, packet, sizeof(packet), MSG_DONTWAIT);
    }
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        port_close(port);
    }
    if (got <= 0) {
        return false;
    }
    if (!message_read(packet, (size_t)got, message)) {
        message->header.type = 0;
    }
    return true;
}

/* A daemon that is gone may have left messages that were not read yet: port_receive() finds their end, and hangs up. */
static bool send_packet(struct port *port, const void *packet, size_t length)
{
    return send(port->source->fd, packet, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 ||
           (errno != EAGAIN && errno != EINTR);
}

void port_send_due(struct port *port)
{
    static const struct wire_header log = {KEEPER_MAGIC, KEEPER_VERSION, WIRE_LOG};

    if (port->record_due && send_packet(port, port->record, sizeof(*port->record))) {
        port->record_due = false;
    }
    if (port->listening && *port->head > port->position && send_packet(port, &log, sizeof(log))) {
        port->listening = false;
    }
    port->source->events =
        port->record_due || (port->listening && *port->head > port->position) ? POLLIN | POLLOUT : POLLIN;
}

void port_send_record(struct port *port)
{
    port->record_due = port->source->fd >= 0;
    port_send_due(port);
}

void port_listen(struct port *port, uint64_t position)
{
    port->listening = true;
    port->position = position;
    port_send_due(port);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the kernel writes it */
bool datagram_receive(int fd, char *text, size_t size, size_t *length, pid_t *sender)
{
    /* Room for credentials, which come first, and nothing else: the kernel closes descriptors that somebody sent. */
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(struct ucred))];
    } control = {0};
    struct iovec part = {text, size};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof(control),
    };
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    struct ucred credentials = {0};

    if (got < 0) {
        return false;
    }
    if (message.msg_controllen >= CMSG_LEN(sizeof(credentials)) && control.header.cmsg_level == SOL_SOCKET &&
        control.header.cmsg_type == SCM_CREDENTIALS && (message.msg_flags & MSG_TRUNC) == 0) {
        memcpy(&credentials, CMSG_DATA(&control.header), sizeof(credentials));
    }
    *length = (size_t)got;
    *sender = credentials.pid;
    return true;
}
