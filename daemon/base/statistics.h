/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statistics that container runtimes read from control groups, memory.stat and cpu.stat: text, one "name number" a
 * line. runc takes each line apart at its blanks, wants two words, the second a number of 64 bits, and gives the whole
 * group up at the first line that is not so (fscommon.ParseKeyValue). Kernels of OpenHarmony append lines like
 * "Anon:\t     123 kB". Here is the one judgement of what such a line is, for who looks (doctor, launch) and who filters
 * (the keeper). Pure; no heap.
 */
#ifndef EDGEINIT_BASE_STATISTICS_H
#define EDGEINIT_BASE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

#define STATISTICS_LARGEST (64 * 1024) /* bytes of such a file; the root's on a board are 2 to 3 KiB */

/* One line, without its newline. */
bool statistics_is_line(const char *line, size_t length);

/* Is every line one? If not, the first that is none is copied into `bad`, cut where that ends. */
bool statistics_are_clean(const char *text, size_t length, char bad[64]);

/* Take out what is no such line. In place; returns the new length, which is never more. */
size_t statistics_filter(char *text, size_t length);

/* The lines that are such, every number with 20 digits, zeros in front: while the names stay the same their text stays as
 * long, so it can be written over one that is being read. Returns the length; 0 if `size` is too small. */
size_t statistics_pad(const char *text, size_t length, char *out, size_t size);

#endif
