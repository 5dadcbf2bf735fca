/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text: a growing buffer, and the small languages that people write in a manifest (durations, sizes, octal modes).
 * Parsers accept the whole string or nothing; they never guess.
 */
#ifndef EDGEINIT_BASE_TEXT_H
#define EDGEINIT_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing, always NUL-terminated text. Zero-initialise; release with text_free(). data is NULL until the first byte. */
struct text {
    char *data;
    size_t length;
    size_t capacity;
};

void text_append(struct text *text, const char *bytes, size_t length);
void text_add(struct text *text, const char *string);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The content, "" while empty; owned by the text. */
const char *text_string(const struct text *text);
/* Hand the content over (never NULL; free() it) and leave the text empty. */
char *text_take(struct text *text);
void text_free(struct text *text);
#define CLEANUP_TEXT __attribute__((cleanup(text_free)))

/* "200ms", "30s", "5m", "2h", "1d": an integer and one unit. Milliseconds; false if malformed or above ~292 years. */
bool text_parse_duration(const char *string, int64_t *milliseconds);

/* "512", "64K", "1G", "2T": an integer with an optional binary unit. Bytes; false if malformed or too large. */
bool text_parse_size(const char *string, int64_t *bytes);

/* "0755" or "755": octal, at most 07777. */
bool text_parse_mode(const char *string, unsigned *mode);

/* A whole decimal number, nothing around it. */
bool text_parse_integer(const char *string, int64_t *number);

/* "3.2 ms", "1.5 s", "2 min": short and for people. Returns buffer. */
const char *text_show_duration(int64_t microseconds, char *buffer, size_t size);

/* Number of single-character edits between two short words (Levenshtein), for "did you mean". Above 31 characters
 * the answer is the longer length. */
unsigned text_distance(const char *a, const char *b);

/* How many bytes at the start are ASCII. */
size_t text_ascii(const char *bytes, size_t length);

/* Is this valid UTF-8 (RFC 3629: no surrogates, no overlong forms)? *bad is the offset of the first bad byte. */
bool text_is_utf8(const char *bytes, size_t length, size_t *bad);

#endif
