/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending what is left of a service's group (stop scope "group"): everybody in it but the keeper is killed, again and again,
 * until the group is empty; event-driven, by the end of one of those that were killed. While it goes on the service is held
 * (CAUSE_REMAINS).
 */
#ifndef EDGEINIT_SUPERVISE_SWEEP_H
#define EDGEINIT_SUPERVISE_SWEEP_H

#include "supervise/running.h"

/* No effect while one goes on. */
void sweep_begin(struct service *service);

/* Nothing is left: it may start, and whoever waits for its end may go on. */
void sweep_done(struct service *service);

/* Stop looking; what was killed stays killed. */
void sweep_end(struct service *service);

/* The keeper is known now (or known to be gone): a sweep that waited for that goes on. */
void sweep_know_keeper(struct service *service);

#endif
