/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who was killed for lack of memory. The kernel tells the victim's parent nothing but SIGKILL; its log names the victim by
 * pid, for a control group's limit and for the whole board alike.
 */
#ifndef EDGEINIT_HOST_MEMORY_H
#define EDGEINIT_HOST_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum memory_kill {
    MEMORY_NO_KILL, /* or nobody can tell: no /dev/kmsg, another pid namespace than the kernel's */
    MEMORY_GROUP,   /* its control group was at its limit */
    MEMORY_BOARD,   /* the board had no memory left */
};

/* Was this process, which started at `since` (clock_now() units), killed so? Reads the kernel's log. */
enum memory_kill memory_killed(pid_t pid, int64_t since);

/* The same of one record of /dev/kmsg. */
enum memory_kill memory_parse(const char *record, size_t length, pid_t pid, int64_t since);

#endif
