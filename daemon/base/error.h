/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error value for the whole program.
 *
 * A function that can fail takes a `struct error *` last and returns 0 or -1. It fills the value where the facts are:
 * what was tried ("mount /dev/block/mmcblk0p1 on /mnt/f2fs"), the errno, and what the reader can do about it. A caller
 * adds its own context in front with error_wrap(). Nothing here allocates, so an error can be made when memory is
 * gone; text that does not fit is cut and ends in "...". Library code never prints: whoever owns the terminal or the
 * log prints an error once, with error_text().
 */
#ifndef EDGEINIT_BASE_ERROR_H
#define EDGEINIT_BASE_ERROR_H

#include <stddef.h>

/* Where an error belongs; decides the exit code and how it is counted, never the text. */
enum error_code {
    ERROR_NONE,
    ERROR_SYSTEM,      /* a system call failed: errnum says how */
    ERROR_INPUT,       /* the manifest, an option or a file is wrong */
    ERROR_UNSUPPORTED, /* this kernel or this build cannot do it */
    ERROR_TIMEOUT,     /* what was waited for did not come */
    ERROR_NO_DAEMON,   /* nobody answers at the control socket */
};

struct error {
    enum error_code code;
    int errnum;       /* errno of the failed call, 0 if none */
    char what[512];   /* context: outermost first, without the errno text */
    char remedy[384]; /* what to do about it; may be empty */
};

/* Set the error; returns -1 so that a caller can `return error_set(...)`. errnum 0 means no errno belongs to it. */
int error_set(struct error *err, enum error_code code, int errnum, const char *format, ...)
    __attribute__((cold, format(printf, 4, 5)));

/* ERROR_SYSTEM with the errno given; returns -1. */
int error_system(struct error *err, int errnum, const char *format, ...) __attribute__((cold, format(printf, 3, 4)));

/* Put context in front: "context: what". Returns -1. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((cold, format(printf, 2, 3)));

/* Replace the remedy; returns -1. */
int error_remedy(struct error *err, const char *format, ...) __attribute__((cold, format(printf, 2, 3)));

/* The reason alone: "what: errno text", without the remedy. Returns buffer. */
const char *error_reason(const struct error *err, char *buffer, size_t size);

/* The whole line for a person: "what: errno text; remedy". Returns buffer. */
const char *error_text(const struct error *err, char *buffer, size_t size);

void error_clear(struct error *err);

#endif
