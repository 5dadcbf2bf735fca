/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The orderly end of the board: all services stop, in reverse order, and nothing is left of them, containers neither; then what
 * edgeinit mounted is taken off (host/made.h), and the card may be pulled. Everything else stays as it is: directories, files,
 * cgroup hierarchies, rules. The next daemon, or "apply", brings all of it back.
 *
 * It needs no daemon, and does not rely on one: a daemon that runs is told to end; then its lock is taken, so that none comes
 * meanwhile; then what runs all the same (the daemon was killed, and its keepers went on) is taken over, as a daemon would,
 * and stopped. So it can be killed anywhere, and run again. Where OpenHarmony's init keeps the daemon, init is asked to stop
 * it, for it would start another one at once.
 */
#ifndef EDGEINIT_CONTROL_DOWN_H
#define EDGEINIT_CONTROL_DOWN_H

#include "host/made.h"
#include "supervise/node.h"

/* Take the board down. `services`: those of the manifest, for the order and the stop signals. They have `timeout` milliseconds
 * together (-1: as long as the manifest gives each), and are killed then. Hears of each mount as made_take_off() says. Returns
 * -1 if it could not be done at all; what stays mounted is in the result. */
int down_run(const struct node_paths *paths, const struct service_list *services, int64_t timeout,
             void (*tell)(void *data, const char *target, const struct error *err), void *data,
             struct made_result *result, struct error *err);

#endif
