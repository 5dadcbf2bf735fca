/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's two sockets as packets: the connection of one daemon, and datagrams of the service. Nothing here blocks: what
 * a daemon that does not read cannot be given stays due, and is given as it is when there is room. A daemon has to be root
 * or our own user.
 */
#ifndef EDGEINIT_SUPERVISE_PORT_H
#define EDGEINIT_SUPERVISE_PORT_H

#include <poll.h>

#include "supervise/record.h"

struct port {
    struct pollfd *source;              /* fd is -1 while there is no daemon */
    const struct keeper_record *record; /* what it is told */
    const uint64_t *head;               /* of the ring */
    bool record_due;                    /* it has not got the record as it is now */
    bool listening;                     /* it wants to hear when the head is beyond this position */
    uint64_t position;
};

/* Let the next one in, who takes the place of the one before. */
void port_accept(struct port *port, int listener);
void port_close(struct port *port);

/* The next message: false if there is none (any more). One that is not understood is passed over. */
bool port_receive(struct port *port, struct wire_message *message);

/* The record has changed, or is asked for. */
void port_send_record(struct port *port);
void port_listen(struct port *port, uint64_t position);

/* Send what is due, as far as there is room; and ask poll(2) for room if that is not all. */
void port_send_due(struct port *port);

/* One datagram, of at most `size` bytes, and who sent it (0: not known, or it was longer). False if there is none. */
bool datagram_receive(int fd, char *text, size_t size, size_t *length, pid_t *sender);

#endif
