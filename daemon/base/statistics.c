/* SPDX-License-Identifier: Apache-2.0 */
#include "base/statistics.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MOST_DIGITS 20 /* of 18446744073709551615 */

static bool is_number(const char *digits, size_t length)
{
    uint64_t value = 0;

    for (size_t i = 0; i < length; i++) {
        uint64_t digit = (uint64_t)(digits[i] - '0');

        if (digits[i] < '0' || digits[i] > '9' || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = 10 * value + digit;
    }
    return length > 0;
}

bool statistics_is_line(const char *line, size_t length)
{
    const char *blank = memchr(line, ' ', length);

    return blank != NULL && blank != line && is_number(blank + 1, (size_t)(line + length - blank - 1));
}

/* The length of the line that begins here, without its newline. */
static size_t line_length(const char *line, const char *end)
{
    const char *newline = memchr(line, '\n', (size_t)(end - line));

    return (size_t)((newline == NULL ? end : newline) - line);
}

/* Where the next line begins. */
static const char *after(const char *line, size_t length, const char *end)
{
    return line + length < end ? line + length + 1 : end;
}

bool statistics_are_clean(const char *text, size_t length, char bad[64])
{
    const char *end = text + length;
    size_t size;

    for (const char *line = text; line < end; line = after(line, size, end)) {
        size = line_length(line, end);
        if (!statistics_is_line(line, size)) {
            snprintf(bad, 64, "%.*s", (int)(size < 63 ? size : 63), line);
            return false;
        }
    }
    return true;
}

size_t statistics_filter(char *text, size_t length)
{
    const char *end = text + length;
    char *to = text;
    size_t size;

    for (const char *line = text; line < end; line = after(line, size, end)) {
        size = line_length(line, end);
        if (statistics_is_line(line, size)) {
            size_t whole = (size_t)(after(line, size, end) - line);

            memmove(to, line, whole);
            to += whole;
        }
    }
    return (size_t)(to - text);
}

size_t statistics_pad(const char *text, size_t length, char *out, size_t size)
{
    const char *end = text + length;
    size_t used = 0;
    size_t line_size;

    for (const char *line = text; line < end; line = after(line, line_size, end)) {
        size_t name;
        size_t digits;

        line_size = line_length(line, end);
        if (!statistics_is_line(line, line_size)) {
            continue;
        }
        name = (size_t)((const char *)memchr(line, ' ', line_size) + 1 - line);
        digits = line_size - name < MOST_DIGITS ? line_size - name : MOST_DIGITS;
        if (size - used < name + MOST_DIGITS + 1) {
            return 0;
        }
        memcpy(out + used, line, name);
        memset(out + used + name, '0', MOST_DIGITS);
        /* More digits than that are zeros in front. */
        memcpy(out + used + name + MOST_DIGITS - digits, line + line_size - digits, digits);
        used += name + MOST_DIGITS;
        out[used++] = '\n';
    }
    return used;
}
