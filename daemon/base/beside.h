/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One system call made by a process of its own, for it may hang: a mount(2) that waits for a broken device can neither be interrupted
 * nor be outlived by a thread. Such a process is a third of the price of a fork(2): it shares our memory instead of getting a copy of
 * all page tables, after which both would copy each page again that they write.
 *
 * That is safe for all that it does is to make four system calls, with arguments that are ready and without libc, whose wrappers
 * would write to our errno. It takes no lock, allocates nothing, and no signal handler of ours runs in it. But who shares memory
 * shares its end: the out-of-memory killer ends both, and before 5.16 a signal that dumps core does as well.
 */
#ifndef EDGEINIT_BASE_BESIDE_H
#define EDGEINIT_BASE_BESIDE_H

#include <stdbool.h>
#include <sys/types.h>

/* A call, for the time that its process lives: what it points to must live as long. */
struct beside;

/* Can it be done here? Where nobody wrote down how this processor makes a system call, a fork(2) does as well. */
bool beside_is_possible(void);

/* Start a process that closes its copy of the descriptor `unwanted`, makes the call `number` with these five arguments and exits with
 * its errno, 0 if it succeeded. It dies with us, and is waited for as any child. NULL: there is none, errno says why. */
struct beside *beside_start(long number, const long arguments[5], int unwanted, pid_t *pid);

/* The process has been waited for. (One that never ends keeps its call for ever.) */
void beside_free(struct beside *beside);

#endif
