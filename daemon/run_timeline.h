/* SPDX-License-Identifier: Apache-2.0 */
/* The verb timeline: from the command line to the room below. */
#ifndef EDGEINIT_RUN_TIMELINE_H
#define EDGEINIT_RUN_TIMELINE_H

#include "command.h"

int run_timeline(struct command *command);

#endif
