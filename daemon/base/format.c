/* SPDX-License-Identifier: Apache-2.0 */
#include "base/format.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct sink {
    char *buffer;
    size_t size;
    size_t length; /* of the whole text, as far as it goes; what does not fit is only counted */
};

/* %[-0][width][.precision][l|ll|z](s|c|d|u|x|o|%), numbers without precision */
struct conversion {
    bool left;
    bool zeros;
    int width;
    int precision; /* -1: none */
    int longs;     /* 2: 64 bits, whichever way that was said */
    char letter;
};

static void put(struct sink *sink, const char *bytes, size_t length)
{
    if (sink->length < sink->size) {
        size_t room = sink->size - sink->length;

        memcpy(sink->buffer + sink->length, bytes, length < room ? length : room);
    }
    sink->length += length;
}

static void fill(struct sink *sink, char c, size_t count)
{
    if (sink->length < sink->size) {
        size_t room = sink->size - sink->length;

        memset(sink->buffer + sink->length, c, count < room ? count : room);
    }
    sink->length += count;
}

static void put_padded(struct sink *sink, const struct conversion *how, const char *bytes, size_t length)
{
    size_t padding = how->width > 0 && (size_t)how->width > length ? (size_t)how->width - length : 0;

    if (!how->left) {
        fill(sink, ' ', padding);
    }
    put(sink, bytes, length);
    if (how->left) {
        fill(sink, ' ', padding);
    }
}

static void put_number(struct sink *sink, const struct conversion *how, uint64_t value, bool negative)
{
    unsigned base = how->letter == 'x' ? 16 : how->letter == 'o' ? 8 : 10;
    char digits[24]; /* 22 octal digits and a sign */
    char *at = digits + sizeof(digits);
    size_t length;

    do {
        *--at = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    length = (size_t)(digits + sizeof(digits) - at) + negative;
    if (how->zeros && !how->left) {
        put(sink, "-", negative);
        fill(sink, '0', how->width > 0 && (size_t)how->width > length ? (size_t)how->width - length : 0);
        put(sink, at, length - negative);
        return;
    }
    if (negative) {
        *--at = '-';
    }
    put_padded(sink, how, at, length);
}

static int number_at(const char **at)
{
    int value = 0;

    for (; **at >= '0' && **at <= '9' && value < 10000; (*at)++) {
        value = value * 10 + (**at - '0');
    }
    return value;
}

/* False: not one of those above. `*at` is behind the '%', and then behind the letter; a '*' is left to the caller as -2. */
static bool read_conversion(const char **at, struct conversion *how)
{
    *how = (struct conversion){.precision = -1};
    for (; **at == '-' || **at == '0'; (*at)++) {
        how->left |= **at == '-';
        how->zeros |= **at == '0';
    }
    if (**at == '*') {
        how->width = -2;
        (*at)++;
    } else {
        how->width = number_at(at);
    }
    if (**at == '.') {
        (*at)++;
        if (**at == '*') {
            how->precision = -2;
            (*at)++;
        } else {
            how->precision = number_at(at);
        }
    }
    for (; **at == 'l' || **at == 'z'; (*at)++) {
        how->longs += **at == 'z' ? (sizeof(size_t) == 8) + 1 : 1;
    }
    how->letter = *(*at)++;
    switch (how->letter) {
        case 's':
        case 'c':
            return !how->zeros && how->longs == 0 && (how->letter == 's' || how->precision == -1);
        case 'd':
        case 'u':
        case 'x':
        case 'o':
        case '%':
            return how->precision == -1 && how->longs <= 2;
        default:
            return false;
    }
}

/* -1: the format holds what only libc knows. */
static int format_quickly(struct sink *sink, const char *format, va_list arguments)
{
    for (const char *at = format; *at != '\0';) {
        const char *plain = at;
        struct conversion how;
        const char *string;
        int64_t number;
        char c;

        while (*at != '\0' && *at != '%') { /* a few bytes: no call is worth it */
            at++;
        }
        put(sink, plain, (size_t)(at - plain));
        if (*at++ == '\0') {
            break;
        }
        if (*at == 's') { /* nearly every one */
            string = va_arg(arguments, const char *);
            string = string == NULL ? "(null)" : string;
            put(sink, string, strlen(string));
            at++;
            continue;
        }
        if (!read_conversion(&at, &how)) {
            return -1;
        }
        if (how.width == -2) {
            how.width = va_arg(arguments, int);
            how.left |= how.width < 0;
            how.width = how.width < 0 ? -how.width : how.width;
        }
        if (how.precision == -2) {
            how.precision = va_arg(arguments, int);
        }
        switch (how.letter) {
            case '%':
                put(sink, "%", 1);
                break;
            case 'c':
                c = (char)va_arg(arguments, int);
                put_padded(sink, &how, &c, 1);
                break;
            case 's':
                string = va_arg(arguments, const char *);
                string = string == NULL ? "(null)" : string;
                put_padded(sink, &how, string,
                           how.precision < 0 ? strlen(string) : strnlen(string, (size_t)how.precision));
                break;
            case 'd':
                number = how.longs == 0   ? va_arg(arguments, int)
                         : how.longs == 1 ? va_arg(arguments, long)
                                          : va_arg(arguments, long long);
                put_number(sink, &how, number < 0 ? -(uint64_t)number : (uint64_t)number, number < 0);
                break;
            default:
                put_number(sink, &how,
                           how.longs == 0   ? va_arg(arguments, unsigned)
                           : how.longs == 1 ? va_arg(arguments, unsigned long)
                                            : va_arg(arguments, unsigned long long),
                           false);
                break;
        }
    }
    if (sink->size > 0) {
        sink->buffer[sink->length < sink->size ? sink->length : sink->size - 1] = '\0';
    }
    return (int)sink->length;
}

int format_text(char *buffer, size_t size, const char *format, va_list arguments)
{
    struct sink sink = {.buffer = buffer, .size = size};
    va_list copy;
    int length;

    va_copy(copy, arguments);
    length = format_quickly(&sink, format, copy);
    va_end(copy);
    if (length < 0) {
        length = vsnprintf(buffer, size, format, arguments);
    }
    if (length < 0) {
        if (size > 0) {
            buffer[0] = '\0';
        }
        length = 0;
    }
    return length;
}

int format_print(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = format_text(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
