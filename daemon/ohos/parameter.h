/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenHarmony's system parameters, which init keeps: names and texts that every process can read and wait for, in the shared
 * memory of init and on no flash (unless they begin with "persist."). In a tree libbegetutil sets them
 * (EDGEINIT_WITH_BEGETUTIL; SetParameter() is in its public header from 3.2 on). Elsewhere the board's own
 * "param set NAME VALUE" does, whose exit code is 0 whatever happens: it says "success" or "fail!" on stdout.
 *
 * What init takes is the same in all releases (CheckParamName() and CheckParamValue() of startup_init), and is checked here
 * as well: a name of 1 to 95 bytes out of letters, digits, ".", "_", "-", "@" and ":", no dot at either end nor two of them
 * together; a value of at most 95 bytes without a newline.
 */
#ifndef EDGEINIT_OHOS_PARAMETER_H
#define EDGEINIT_OHOS_PARAMETER_H

#include <stdbool.h>

#include "base/error.h"

#define PARAMETER_SIZE 96 /* of a name, and of a value, with its NUL */
#define PARAMETER_PROGRAM "/system/bin/param"

/* Are there parameters here at all? */
bool parameter_is_possible(void);

bool parameter_is_valid(const char *name, const char *value);

/* Set it. Blocks for as long as init, or "param", likes: for a process that does nothing else. */
int parameter_set(const char *name, const char *value, struct error *err);

#endif
