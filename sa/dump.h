/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "hidumper -s 126318 -a ..." gets to read: the words after -a in, text into a descriptor out. It asks the daemon by its
 * control socket, as "edgeinit status" does, with the same code, so the bytes are the same.
 *
 * Nothing here takes longer than DUMP_PATIENCE, whatever the daemon or the reader does, or holds more than the largest answer
 * of the daemon. What goes wrong is text too, with what to do about it: the reader sees nothing else of this process. C, and
 * without anything of OpenHarmony, so that it is tried where there is none (tests/openharmony/sa.t).
 */
#ifndef EDGEINIT_SA_DUMP_H
#define EDGEINIT_SA_DUMP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define DUMP_PATIENCE 8000 /* ms, for all of it; hidumper gives up after 30 s */

/* Answer `count` words, none meaning "status". The descriptor stays the caller's. 0: whoever reads has all of it, be it an
 * answer or a complaint; -1: they have not, for they went away or did not read in time. */
int dump_answer(int fd, const char *run_dir, const char *const *words, size_t count);

/* "error: REASON", without asking anybody. The same results. */
int dump_refuse(int fd, const char *reason);

#ifdef __cplusplus
}
#endif

#endif
