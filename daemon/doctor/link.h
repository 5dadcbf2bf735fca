/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces and policy rules of the calling process's network namespace, by rtnetlink(7) alone: boards have no ip(8). */
#ifndef EDGEINIT_DOCTOR_LINK_H
#define EDGEINIT_DOCTOR_LINK_H

#include <stdbool.h>

/* All return 0, or the errno that the kernel answers: EOPNOTSUPP for a kind of interface that it does not have. */

int link_add_bridge(const char *name);
int link_add_veth(const char *name, const char *peer);
/* Make the interface a port of the bridge. */
int link_join(const char *name, const char *bridge);

/* "ip rule add|del priority N lookup main" for IPv4. */
int link_rule(bool add, unsigned priority);

#endif
