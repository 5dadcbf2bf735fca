/* SPDX-License-Identifier: Apache-2.0 */
/* What a cgroup resource asks for, between cgroup_section.c, which reads it, and cgroup.c, which makes it so. */
#ifndef EDGEINIT_HOST_CGROUP_H
#define EDGEINIT_HOST_CGROUP_H

#include "host/host.h"
#include "host/owner.h"

enum cgroup_role { ROLE_ROOT, ROLE_CONTROLLER, ROLE_NAMED };

struct cgroup_spec {
    enum cgroup_role role;
    const char *name; /* controller or name=; NULL for the root */
    char *path;
    char *unified; /* root only: where a cgroup2 that the root hides stays reachable */
    struct ownership ownership;
    int64_t size; /* root only: of the tmpfs, bytes; 0 for the kernel's default */
    bool optional;
    dev_t device; /* of the hierarchy that probe() found there last; 0: of none */
    bool bare;    /* root only: set by apply() that found nothing at all mounted there before it mounted the tmpfs */
};

/* Read the "cgroups" section into resources: the root, each hierarchy at each of its places, the descriptor. */
void cgroup_parse(const struct reader *section, struct host *host);

#endif
