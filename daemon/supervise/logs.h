/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `edgeinit logs` shows: the services' rings (ring.h), read without daemon and keeper, whether these live or not.
 *
 * A line is "TIME line", and "TIME NAME: line" when all services are shown, these merged by the monotonic clock. TIME is
 * 2026-11-22T08:00:00.123 in local time, or [    12.345] in seconds since the boot while the wall clock is not set (before
 * 2020). It is when the keeper read the line. A piece of a line longer than RING_LONGEST_LINE ends with " \", and the next
 * line goes on with it. Where lines were overwritten before they could be shown, "-- 123 lines lost here --" stands.
 * For a terminal, control characters other than tab and bytes that are no UTF-8 are shown as \x1b.
 *
 * Memory is one batch for each service, whatever their rings hold.
 */
#ifndef EDGEINIT_SUPERVISE_LOGS_H
#define EDGEINIT_SUPERVISE_LOGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/text.h"

/* Show the last `lines` lines (UINT64_MAX: all) of one service, or of all when `service` is NULL. With `follow`, go on with
 * what comes, also from services and rings that appear, until `out` cannot be written to any more. */
int logs_show(const char *run_dir, const char *service, uint64_t lines, bool follow, FILE *out, struct error *err);

/* The last lines of the ring in a service's directory, at most about `lines`, and none from before `since` (clock_now()
 * units). */
void logs_last(const char *directory, uint64_t lines, int64_t since, struct text *out);

/* One line as above, without its newline. */
void logs_print(FILE *out, bool terminal, const char *name, int64_t realtime, int64_t monotonic, const char *line,
                size_t length, bool cut);

#endif
