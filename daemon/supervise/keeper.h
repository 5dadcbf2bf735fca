/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real parent of one service. It starts the service when the daemon says so, reaps it and its orphans, moves its output
 * into the ring, hears its notify socket, and keeps the record (record.h) of it all. It outlives the daemon and everything
 * but WIRE_QUIT and SIGKILL: other signals are ignored. It decides nothing (order.h), never blocks, wakes up for nothing
 * but its work, and uses no heap: all it has is static.
 */
#ifndef EDGEINIT_SUPERVISE_KEEPER_H
#define EDGEINIT_SUPERVISE_KEEPER_H

#include <stdint.h>

#include "base/error.h"

/* Enter the service's directory and go on where the last keeper ended. daemon_fd: connected to a daemon already; -1: to
 * none. 1: there is a living keeper. */
int keeper_settle(const char *directory, uint64_t ring_size, int daemon_fd, struct error *err);

/* Until WIRE_QUIT. */
void keeper_run(void);

#endif
