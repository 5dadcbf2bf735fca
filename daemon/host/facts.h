/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the network and the mounts, for those who wait for them: the questions, each answered by the kernel when it
 * is asked, and the descriptors that tell when to ask again. Nothing is remembered here, and nothing is allocated for the
 * network: rtnetlink(7) is spoken directly, in a few kilobytes of stack, because the daemon asks for as long as the board
 * runs and libnl would fill caches for it.
 *
 * A question costs one or two system calls and a socket of its own, so that answers and notifications never mix. Open the
 * descriptor first and ask then: whatever changes after the question is told.
 */
#ifndef EDGEINIT_HOST_FACTS_H
#define EDGEINIT_HOST_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* "default", an address or a network: "10.0.0.1", "10.0.0.0/8", "2001:db8::/32". */
struct facts_destination {
    int family; /* AF_INET or AF_INET6; AF_UNSPEC: "default", by either */
    unsigned bits;
    unsigned char address[16];
};

/* Read a destination. On false, *why says what is wrong with it. */
bool facts_parse_destination(const char *text, struct facts_destination *destination, const char **why);

/* Would a packet of ours to this destination leave the board? Asks the kernel's own lookup, so policy rules and tables
 * count as they count for every packet: OpenHarmony keeps default routes in one table per network. A network stands for its
 * first host that is not ourselves, "default" for an address that is nobody's neighbour. */
bool facts_has_route(const struct facts_destination *destination);

enum facts_address {
    FACTS_ADDRESS,      /* it is up, and has a global address that is in use */
    FACTS_NO_INTERFACE, /* there is none of this name */
    FACTS_DOWN,         /* switched off, or without a carrier */
    FACTS_NO_ADDRESS,   /* no global one, or none that is past duplicate detection and preferred */
};

/* Has this interface a global IPv4 or IPv6 address? */
enum facts_address facts_interface(const char *name);

/* A number for each global address that is in use, and for each route by way of a gateway: the same for the same one. Link-local
 * addresses, and the routes that containers' interfaces bring, do not count. Their number, at most `most`. */
size_t facts_network_prints(uint64_t *prints, size_t most);

/* A socket that becomes readable when links, addresses, routes or rules change; not for the events of a wireless scan,
 * which come as changes of a link that changes nothing. Own it. */
int facts_watch_network(struct error *err);

/* The filter that facts_watch_network() puts on its socket: for tests, which cannot scan. */
int facts_leave_out_wireless(int fd);

/* Read all that waits at that socket away. What it says does not matter, nor that messages were lost (ENOBUFS): in every
 * case something changed. */
void facts_drain(int fd);

/* A descriptor that shows EPOLLPRI when the mount table of our namespace changes; it is never read. Own it. */
int facts_watch_mounts(struct error *err);

/* Is something mounted exactly at this path? */
bool facts_is_mounted(const char *path);

#endif
