/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time. Everything inside is CLOCK_MONOTONIC in microseconds: the board's wall clock starts in 1970 and jumps when the
 * network comes. Wall time appears only where a person reads it.
 */
#ifndef EDGEINIT_BASE_CLOCK_H
#define EDGEINIT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define MICROSECONDS_PER_MILLISECOND INT64_C(1000)
#define MICROSECONDS_PER_SECOND INT64_C(1000000)

/* Microseconds since an arbitrary start, never going back (clock_gettime(2), CLOCK_MONOTONIC). */
int64_t clock_now(void);

#endif
