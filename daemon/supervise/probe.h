/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single probes, between check.c, which decides when one is made and what its outcome means, and the kinds, which make it.
 * A kind's start function returns at once; the outcome comes by probe_good() or probe_bad(), exactly once, from within the
 * start function or from the loop. Whoever reports it must not touch the check afterwards: it may be gone.
 */
#ifndef EDGEINIT_SUPERVISE_PROBE_H
#define EDGEINIT_SUPERVISE_PROBE_H

#include "supervise/check.h"

void probe_good(struct check *check);
/* The reason in words. */
void probe_bad(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Close what the probe in flight has open, without an outcome. */
void probe_close_source(struct check *check);

/* CHECK_TCP, and CHECK_HTTP, which goes on after the connect. */
void probe_socket(struct check *check);
void probe_command(struct check *check);

/* Kill the command and all it started; it stays known until it is reaped. No effect without one. */
void probe_kill_command(struct check *check);
/* Let check_reap() forget the command. */
void probe_forget_command(struct check *check);

#endif
