/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of one service in the manifest: tables of fields, and what no table can say (keys that exclude or need each
 * other). What concerns several services at once, their names and their order, is service.c's.
 *
 * Each function may meet a key twice, for a manifest with that mistake is read to its end: what it allocates is always
 * reachable from the service, and service_list_free() frees it.
 */
#ifndef EDGEINIT_SUPERVISE_SERVICE_KEYS_H
#define EDGEINIT_SUPERVISE_SERVICE_KEYS_H

#include "supervise/service.h"

#define SERVICE_LONGEST (24 * 60 * 60 * INT64_C(1000)) /* no duration of a service is longer than a day */

/* Read all keys into a service that has only its name; what is not said gets its default. */
void service_read(const struct reader *reader, struct service_config *service);

/* Single keys; `record` is the service. Ready, alive and conditions: service_checks.c. */
void service_read_ready(const struct reader *reader, void *record);
void service_read_alive(const struct reader *reader, void *record);
void service_read_conditions(const struct reader *reader, void *record);

/* A user or a group: a name, or a number in a string. Whether the board knows it is not asked here: a manifest is checked
 * on other machines too. */
void service_read_account(const struct reader *reader, const char *example, const char **account);

/* The child with this key; false if there is none. */
bool service_child(const struct reader *reader, const char *key, struct reader *child);

#endif
