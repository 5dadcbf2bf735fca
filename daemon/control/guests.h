/* SPDX-License-Identifier: Apache-2.0 */
/* The groups that the manifest lets in at the control socket, as the board knows them. */
#ifndef EDGEINIT_CONTROL_GUESTS_H
#define EDGEINIT_CONTROL_GUESTS_H

#include "control/server.h"
#include "supervise/node.h"

/* Who may use the control socket besides root. A name that the board does not know is logged, and lets nobody in. */
struct server_guests guests_of(const struct node *node);

#endif
