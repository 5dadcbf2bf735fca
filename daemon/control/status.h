/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to "status": the board as it is now, and the services as the supervisor knows them. */
#ifndef EDGEINIT_CONTROL_STATUS_H
#define EDGEINIT_CONTROL_STATUS_H

#include "control/bringup.h"

/* Probes the board anew, which may take long: call it in a child of the daemon. Own the result. */
cJSON *status_make(const struct node_paths *paths, const struct bringup *bringup, int64_t started);

#endif
