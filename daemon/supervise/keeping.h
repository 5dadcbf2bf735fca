/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What running.c and keeping.c have between them: one service's keeper is found, started, asked and heard here; what it
 * says becomes events of the service.
 */
#ifndef EDGEINIT_SUPERVISE_KEEPING_H
#define EDGEINIT_SUPERVISE_KEEPING_H

#include "supervise/running.h"

void keeping_open(struct service *service);

/* Find the keeper that an earlier daemon started. 0; 1: there is none. */
int keeping_find(struct service *service, struct error *err);

/* It is to start soon: see that there is a keeper by then. */
void keeping_expect(struct service *service);

/* Ask for the machine's instance, from a keeper that is started if there is none. */
int keeping_start_instance(struct service *service, struct error *err);

/* There is no keeper, but something runs, or is to: start one, which tells what is left. */
void keeping_replace(struct service *service);

/* To the keeper, if there is one. */
void keeping_send(struct service *service, const struct wire_message *message);

/* Is this what the last instance was started with? */
bool keeping_has_spec(const struct service *service, const struct text *packed);

/* CPU time that a process has used, in clock ticks; 0 if there is none. */
uint64_t process_cpu_ticks(pid_t pid);

/* running.c, for keeping.c */
void running_step(struct service *service, const struct machine_input *input);
void running_try_ready(struct service *service);
void running_feed_watchdog(struct service *service);

#endif
