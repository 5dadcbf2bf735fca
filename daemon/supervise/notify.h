/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of sd_notify(3), a datagram of lines "KEY=VALUE". Pure: no system call, no heap. Understood are READY,
 * STOPPING, RELOADING, STATUS, MAINPID, EXTEND_TIMEOUT_USEC, WATCHDOG, WATCHDOG_USEC; all else is ignored. STATUS is cut to
 * whole UTF-8 characters, and control characters in it become spaces. Numbers out of range are ignored.
 */
#ifndef EDGEINIT_SUPERVISE_NOTIFY_H
#define EDGEINIT_SUPERVISE_NOTIFY_H

#include "supervise/record.h"

#define NOTIFY_LARGEST 4096 /* bytes of a datagram; a longer one is ignored whole, as systemd does */

/* Apply one datagram that came at `now`. Returns true if anything changed (a WATCHDOG=1 always does). */
bool notify_apply(struct notify_state *state, const char *datagram, size_t length, int64_t now);

#endif
