/* SPDX-License-Identifier: Apache-2.0 */
/* Running a tool of the board's, for the probes that must see what dockerd will see. */
#ifndef EDGEINIT_DOCTOR_TOOL_H
#define EDGEINIT_DOCTOR_TOOL_H

#include <stddef.h>

/* Run a program with these arguments (argv[0] included, ended by NULL) and `path` as its PATH. The last line that it wrote
 * to stdout or stderr is copied to `said`. After `timeout` milliseconds (-1: never) it is killed. Returns its exit code; 128
 * plus the signal that ended it; -1 with errno if it could not be run, or was too slow (ETIMEDOUT). */
int tool_run(const char *program, const char *const argv[], const char *path, int timeout, char *said, size_t size);

#endif
