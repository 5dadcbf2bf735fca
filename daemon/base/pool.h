/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for many small things that are made together and go together: the trees of a manifest. While the pool is open, it is taken
 * from the kernel in large pieces and handed out one thing after the other: a fraction of what malloc(3) costs. (The pages of a
 * piece are not asked for beforehand, MAP_POPULATE: each costs as much as its fault, and the last ones are never touched.) A piece goes back to the kernel when the last thing in it was
 * freed, so it may live as long as it likes, after the pool was closed as well.
 *
 * One pool a process, for one thread. With AddressSanitizer it hands out nothing, so that every thing has its own red zones.
 */
#ifndef EDGEINIT_BASE_POOL_H
#define EDGEINIT_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>

void pool_open(void);
void pool_close(void);

/* NULL: the pool is closed, or has no room for it. */
void *pool_allocate(size_t size);

/* False: it is not of the pool. */
bool pool_free(void *pointer);

#endif
