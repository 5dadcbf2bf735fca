/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service whose liveness checks fail because one that it comes after is not well must not be restarted for it: edgecore's
 * pods cannot be asked for while docker hangs, and would come back no sooner. So a verdict counts only if each service of its
 * `after` is ready and, where it has liveness checks, was found well since this one's failures began. To know that soon its
 * checks are hurried, and the verdict is made anew.
 */
#ifndef EDGEINIT_SUPERVISE_EXCUSE_H
#define EDGEINIT_SUPERVISE_EXCUSE_H

#include "supervise/running.h"

/* The service that may be the culprit of this verdict of `service->alive`, which has just been given; NULL: none, it counts. */
const struct service *excuse_find(struct service *service);

#endif
