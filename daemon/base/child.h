/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process needs between fork(2) and exec: the signals as a program expects to find them, and a PATH where init gave
 * none. Only async-signal-safe calls, and no heap.
 */
#ifndef EDGEINIT_BASE_CHILD_H
#define EDGEINIT_BASE_CHILD_H

#include <sys/types.h>

/* Programs look for helpers (runc, iptables, uname, sh) along PATH; init gives us none. */
#define CHILD_PATH "/system/bin:/vendor/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Be killed when `parent` dies, whose child the caller is: its getpid() from before the fork. Ends at once if it is dead already:
 * PR_SET_PDEATHSIG tells of deaths to come alone (prctl(2)). */
void child_die_with(pid_t parent);

/* This one by default. */
void child_default_signal(long number);

/* Every signal by default and none blocked. */
void child_reset_signals(void);

#endif
