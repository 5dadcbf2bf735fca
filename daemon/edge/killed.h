/* SPDX-License-Identifier: Apache-2.0 */
/* Who was killed by the kernel because memory was short: it says so in its log, and nowhere else that a parent could see. */
#ifndef EDGEINIT_EDGE_KILLED_H
#define EDGEINIT_EDGE_KILLED_H

#include <stdbool.h>

/* Was a process of this name (as in /proc/PID/comm) killed for memory in the last seconds? False as well if nobody lets us read
 * the kernel's log. */
bool killed_for_memory(const char *name);

#endif
