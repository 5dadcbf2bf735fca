/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest's words for the supervisor to come: restart policy, checks, conditions, stop scope. They are checked as
 * their types demand, so that a manifest written today is right tomorrow, and each is answered with a warning that this
 * version does not act on it. Each function reads one key of a service (manifest/reader.h, FIELD_READ) and keeps nothing.
 */
#ifndef EDGEINIT_SUPERVISE_LATER_H
#define EDGEINIT_SUPERVISE_LATER_H

#include "manifest/reader.h"

#define SERVICE_LONGEST (24 * 60 * 60 * INT64_C(1000)) /* no duration of a service is longer than a day */

void later_restart(const struct reader *reader, void *record);       /* max_delay, jitter, reset_after */
void later_policy(const struct reader *reader, void *record);        /* acted on: "always" */
void later_check(const struct reader *reader, void *record);         /* http, tcp, file, interval, timeout, failures */
void later_check_command(const struct reader *reader, void *record); /* command */
void later_alive(const struct reader *reader, void *record);
void later_scope(const struct reader *reader, void *record); /* acted on: "process" */
void later_conditions(const struct reader *reader, void *record);

#endif
