/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose number is it that stands in a pid file? Numbers are given again, after a reboot often the very same; so none is taken
 * for the program that wrote it before that is seen from what the process is.
 */
#ifndef EDGEINIT_EDGE_PROCESS_H
#define EDGEINIT_EDGE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The number in a pid file: 0 if it is not there, -1 if it holds anything else. */
pid_t process_read_pid(const char *path);

/* /proc/PID/NAME, with a NUL after it; NULL if it cannot be read. free() it. */
char *process_read(pid_t pid, const char *name, size_t *length);

/* Is it in a pid namespace below ours? Then it has another number there, which is the one that it would write. */
bool process_is_contained(pid_t pid);

/* Does it run a program of this name? A program that was replaced meanwhile counts. */
bool process_runs(pid_t pid, const char *name);

#endif
