/* SPDX-License-Identifier: Apache-2.0 */
/* The controllers of control groups: what this kernel has of them, and what each is good for. */
#ifndef EDGEINIT_HOST_CONTROLLER_H
#define EDGEINIT_HOST_CONTROLLER_H

#include <stddef.h>

struct host;

struct controller_facts {
    const char *name;
    const char *option; /* of the kernel's configuration */
    const char *cost;   /* what a node does without */
};

/* What is known of a controller; NULL if this version knows none of that name. */
const struct controller_facts *controller_facts(const char *name);

/* Every controller that is known, by number; NULL after the last. */
const struct controller_facts *controller_known(size_t n);

/* Is the controller in /proc/cgroups, and enabled? -1: not there, 0: disabled at boot, 1: usable. The list is read once;
 * a kernel's controllers never change. */
int controller_offered(struct host *host, const char *name);

#endif
