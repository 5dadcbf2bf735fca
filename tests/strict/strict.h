/* SPDX-License-Identifier: Apache-2.0 */
/* What the modes of the strict reader share (strict.c says what it is), and the modes. libc only. */
#ifndef EDGEINIT_TESTS_STRICT_H
#define EDGEINIT_TESTS_STRICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILES 2 /* memory.stat and cpu.stat, in this order */

/* Once, before the rest of these: where the two are. */
void find_mounts(void);
bool is_mounted(size_t number);
/* The sum of all numbers; -1 with a word about it if the file is not as it must be. */
int64_t read_statistics(size_t number, const char *group, bool print);
/* openat2(2), from `directory`. */
int open_as_runc(int directory, const char *path, uint64_t flags, uint64_t resolve);

/* time.c: open, or read, and close the path; nanoseconds since some time. */
int act(const char *what, const char *path);
double now(void);

/* The modes: what stands after their names, ended by NULL. The result is the exit code. */
int mode_once(char **words);
int mode_watch(char **words);
int mode_storm(char **words);
int mode_time(char **words);
int mode_turns(char **words);
int mode_deny(char **words);

#endif
