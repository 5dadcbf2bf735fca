/* SPDX-License-Identifier: Apache-2.0 */
/* From the supervisor's services and the manifest to edge/node_line.h: what status says of the node. */
#ifndef EDGEINIT_CONTROL_ABOUT_NODE_H
#define EDGEINIT_CONTROL_ABOUT_NODE_H

#include "supervise/node.h"
#include "supervise/supervisor.h"

/* Blocks up to a second: call it in a child of the daemon. `node` is the manifest as it is now. NULL if this board is to be
 * no node: there is no "edge" section, or no service that is edgecore. Own the result. */
cJSON *about_node(const struct node *node, const struct supervisor *supervisor);

#endif
