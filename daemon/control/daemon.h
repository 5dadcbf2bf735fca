/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon: applies the manifest, runs the services, answers at the control socket, stops everything on SIGTERM. The
 * process that stays holds little: applying is done by a worker that ends, and so is answering "status", which probes
 * the board anew each time, for what was in place at boot may not be so any more.
 */
#ifndef EDGEINIT_CONTROL_DAEMON_H
#define EDGEINIT_CONTROL_DAEMON_H

#include "supervise/node.h"

/* Run until stopped. Takes over `node`, loaded from `paths`, which began at `started` (clock_now()). Returns 0 after an
 * orderly stop. */
int daemon_run(struct node *node, const struct node_paths *paths, int64_t started, struct error *err);

#endif
