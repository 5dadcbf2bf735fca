/* SPDX-License-Identifier: Apache-2.0 */
/* Resource limits by name, as the manifest and the messages have them: RLIMIT_NOFILE is "nofile" (setrlimit(2)). */
#ifndef EDGEINIT_SUPERVISE_LIMIT_H
#define EDGEINIT_SUPERVISE_LIMIT_H

#include <stddef.h>

/* -1: there is none of this name. */
int limit_number(const char *name);

/* NULL: no limit that has a name has this number. */
const char *limit_name(int number);

/* All names; returns how many. */
size_t limit_names(const char *const **all);

#endif
