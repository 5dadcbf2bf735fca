/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process that stays for months gives back to the kernel when it comes to rest: pages that it needed once, for its
 * beginning or for a request. They are the kernel's at once, not when memory is short. Nothing is lost by it, and nothing has to
 * be fetched again: code is in the page cache, or on the disk that it came from. Whatever runs next finds its pages by minor
 * faults, some microseconds in all.
 */
#ifndef EDGEINIT_BASE_SPARE_H
#define EDGEINIT_BASE_SPARE_H

/* Pages of the heap in which nothing lives. */
void spare_heap(void);

/* Of the main thread's stack, what lies below the caller. */
void spare_stack(void);

/* The pages of the program and its libraries that nobody writes: they are mapped again where code goes on. */
void spare_code(void);

#endif
