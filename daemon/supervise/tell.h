/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service's step is worth saying: a line in the log, in which an end is told with its cause, how long the service lived
 * and when it is tried next; and a word to the supervisor's owner.
 */
#ifndef EDGEINIT_SUPERVISE_TELL_H
#define EDGEINIT_SUPERVISE_TELL_H

#include "supervise/running.h"

/* The service's machine stands where it is now, and stood at `before`; NULL: there is no step, it is how it was found. */
void tell_step(struct service *service, const struct machine *before);

#endif
