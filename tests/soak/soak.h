/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that kills the daemon again and again, and the services that it watches meanwhile. What the services do is
 * noted in one page of shared memory (a file) before they do it, so the killer knows exactly what has to come out: which
 * lines stand in the rings, how often they ended, and how.
 */
#ifndef EDGEINIT_TESTS_SOAK_H
#define EDGEINIT_TESTS_SOAK_H

#include <stdbool.h>
#include <stdint.h>

/* The services' numbered lines are "NAME NUMBER", without a hole over all of their instances. */
struct soak_page {
    _Atomic uint64_t steady_lines; /* written so far */
    _Atomic uint64_t crasher_lines;
    _Atomic uint64_t steady_starts;
    _Atomic uint64_t crasher_starts;
    _Atomic uint64_t ends;  /* of the crasher: counted up just before it ends, as `plan` says */
    _Atomic uint64_t seen;  /* ends that the killer has checked; the crasher does not end again before that */
    _Atomic uint32_t quiet; /* neither writes nor ends any more */
    _Atomic int32_t plan;   /* the wait status of the next or the last end */
};

/* Map the page, which is made if it is not there. */
struct soak_page *soak_page_open(const char *path);

/* The services: they never return. */
_Noreturn void soak_steady(struct soak_page *page);
_Noreturn void soak_crasher(struct soak_page *page);

#endif
