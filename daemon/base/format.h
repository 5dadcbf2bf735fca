/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vsnprintf(3) for the few conversions that nearly every text here is made of, in a tenth of the time: libc's takes one to
 * two thousand instructions for a "%s %s", and a bring-up writes hundreds of such. Whatever else stands in the format is
 * left to libc, so the answer is always vsnprintf's.
 */
#ifndef EDGEINIT_BASE_FORMAT_H
#define EDGEINIT_BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Like vsnprintf(3), but never -1: what libc cannot print is an empty text. */
int format_text(char *buffer, size_t size, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));

/* The same for snprintf(3). */
int format_print(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
