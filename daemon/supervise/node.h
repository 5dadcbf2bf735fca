/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything a manifest says, read and checked: the host's resources, their plan, and the services. The top level of
 * the manifest is known here and nowhere else.
 */
#ifndef EDGEINIT_SUPERVISE_NODE_H
#define EDGEINIT_SUPERVISE_NODE_H

#include "edge/section.h"
#include "plan/plan.h"
#include "supervise/service.h"

#define NODE_TIMELINE_BOOTS 5 /* unless the manifest says another number */

struct node {
    struct manifest manifest;
    struct host host;
    struct plan plan;
    struct service_list services;
    struct edge_config edge;
    int64_t timeline_boots;      /* so many are kept for "edgeinit timeline" */
    const char *control_group;   /* its members may use the control socket too: a name or a number; NULL: root alone */
    const char *control_readers; /* its members may ask it for "status" */
};

/* Where things are; the texts are not copied. */
struct node_paths {
    const char *const *manifests;
    size_t manifest_count;
    const char *run_dir;
    const char *state_dir;
};

/* Load into a zero-initialised node. On -1 the manifest's problems say why; node_free() in either case. */
int node_load(struct node *node, const struct node_paths *paths);

/* Read a manifest that is loaded already (manifest_load_text). */
int node_read(struct node *node);

void node_free(struct node *node);

/* Make a node of the services of a good one, zero-initialised before: what stays when `node` is freed. It lies together, so the
 * pages of all the rest become free, and not every second of them. */
void node_keep_services(struct node *kept, const struct node *node);

/* Does this resource have to be in place before the service can start? Yes, if it is at, above or below a path that the
 * service uses. */
bool node_service_needs(const struct service_config *service, const struct plan_entry *entry);

#endif
