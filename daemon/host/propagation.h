/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a mount spreads what is mounted below it later (mount_namespaces(7)). Containers see a pod's volumes only if the mount
 * that holds /var/lib/edged is shared; the kernel starts with private mounts, and what makes them shared elsewhere, systemd,
 * is not there on OpenHarmony.
 *
 * What is asked for recursively is carried out recursively, and judged by the mount itself alone: docker makes mounts of
 * its own private below ours, and that is no drift. What is mounted on a shared mount is shared from the start.
 */
#ifndef EDGEINIT_HOST_PROPAGATION_H
#define EDGEINIT_HOST_PROPAGATION_H

#include "host/mounts.h"

enum propagation {
    PROPAGATION_SHARED,
    PROPAGATION_SLAVE,
    PROPAGATION_PRIVATE,
    PROPAGATION_RSHARED, /* and every mount below it at that moment */
    PROPAGATION_RSLAVE,
    PROPAGATION_RPRIVATE,
    PROPAGATION_AS_IT_IS /* nothing is asked for */
};

/* As in mount(8), ended by NULL. */
extern const char *const propagation_words[];

/* "shared", "slave" or "private". */
const char *propagation_of(const struct mount_entry *entry);

/* A slave without a master is private, so a private mount is as good as "slave". */
bool propagation_is(const struct mount_entry *entry, enum propagation wanted);

/* On `target`, a mount point. */
int propagation_set(struct host *host, const char *target, enum propagation wanted, struct error *err);

#endif
