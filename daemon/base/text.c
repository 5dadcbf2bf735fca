/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "base/format.h"
#include "base/util.h"

static void reserve(struct text *text, size_t more)
{
    size_t need = text->length + more + 1;

    if (need > text->capacity) {
        text->capacity = need < 64 ? 64 : need + need / 2;
        text->data = xrealloc(text->data, text->capacity);
    }
}

void text_append(struct text *text, const char *bytes, size_t length)
{
    reserve(text, length);
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
    text_append(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...)
{
    va_list arguments;
    size_t room;
    size_t length;

    reserve(text, 1);
    room = text->capacity - text->length;
    va_start(arguments, format);
    length = (size_t)format_text(text->data + text->length, room, format, arguments);
    va_end(arguments);
    if (length >= room) {
        reserve(text, length);
        va_start(arguments, format);
        format_text(text->data + text->length, length + 1, format, arguments);
        va_end(arguments);
    }
    text->length += length;
}

const char *text_string(const struct text *text)
{
    return text->data == NULL ? "" : text->data;
}

char *text_take(struct text *text)
{
    char *data = text->data == NULL ? xstrdup("") : text->data;

    *text = (struct text){0};
    return data;
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

/* Digits at the start of the string; false if there is none or the number overflows. */
static bool leading_number(const char *string, int64_t *number, const char **rest)
{
    char *end = NULL;

    if (!isdigit((unsigned char)string[0])) {
        return false;
    }
    errno = 0;
    *number = strtoll(string, &end, 10);
    *rest = end;
    return errno == 0;
}

struct unit {
    const char *name;
    int64_t factor;
};

static bool parse_with_units(const char *string, const struct unit *units, size_t count, int64_t *value)
{
    const char *rest = NULL;
    int64_t number = 0;

    if (!leading_number(string, &number, &rest)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (streq(rest, units[i].name)) {
            return !__builtin_mul_overflow(number, units[i].factor, value);
        }
    }
    return false;
}

bool text_parse_duration(const char *string, int64_t *milliseconds)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000},
    };

    return parse_with_units(string, units, ARRAY_SIZE(units), milliseconds);
}

bool text_parse_size(const char *string, int64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"K", INT64_C(1) << 10}, {"M", INT64_C(1) << 20}, {"G", INT64_C(1) << 30}, {"T", INT64_C(1) << 40},
    };

    return parse_with_units(string, units, ARRAY_SIZE(units), bytes);
}

bool text_parse_mode(const char *string, unsigned *mode)
{
    size_t length = strlen(string);
    unsigned value = 0;

    if (length < 3 || length > 5) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (string[i] < '0' || string[i] > '7') {
            return false;
        }
        value = value * 8 + (unsigned)(string[i] - '0');
    }
    *mode = value;
    return value <= 07777;
}

bool text_parse_integer(const char *string, int64_t *number)
{
    const char *rest = NULL;
    bool negative = string[0] == '-';

    if (!leading_number(string + negative, number, &rest) || *rest != '\0') {
        return false;
    }
    *number = negative ? -*number : *number;
    return true;
}

const char *text_show_duration(int64_t microseconds, char *buffer, size_t size)
{
    if (microseconds < 10000) {
        unsigned tenths = microseconds < 0 ? 0 : (unsigned)(microseconds + 50) / 100;

        format_print(buffer, size, "%u.%c ms", tenths / 10, (char)('0' + tenths % 10));
    } else if (microseconds < 1000000) {
        snprintf(buffer, size, "%" PRId64 " ms", microseconds / 1000);
    } else if (microseconds < 120 * INT64_C(1000000)) {
        snprintf(buffer, size, "%.1f s", (double)microseconds / 1e6);
    } else if (microseconds < 7200 * INT64_C(1000000)) {
        snprintf(buffer, size, "%" PRId64 " min", microseconds / 60000000);
    } else if (microseconds < 48 * 3600 * INT64_C(1000000)) {
        snprintf(buffer, size, "%" PRId64 " h", microseconds / (3600 * INT64_C(1000000)));
    } else {
        snprintf(buffer, size, "%" PRId64 " d", microseconds / (24 * 3600 * INT64_C(1000000)));
    }
    return buffer;
}

unsigned text_distance(const char *a, const char *b)
{
    enum { LONGEST = 32 };
    size_t length_a = strlen(a);
    size_t length_b = strlen(b);
    unsigned row[LONGEST];

    if (length_a >= LONGEST || length_b >= LONGEST) {
        return (unsigned)(length_a > length_b ? length_a : length_b);
    }
    for (size_t j = 0; j <= length_b; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= length_a; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= length_b; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            best = row[j] + 1 < best ? row[j] + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
        }
    }
    return row[length_b];
}

/* Length of the UTF-8 sequence that starts here, 0 if it is malformed or reaches past the end. */
static size_t utf8_sequence(const unsigned char *byte, size_t left)
{
    unsigned code;
    size_t length;

    if (byte[0] < 0x80) {
        return 1;
    }
    length = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
    if (byte[0] < 0xc2 || byte[0] > 0xf4 || left < length) {
        return 0;
    }
    code = byte[0] & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (byte[i] & 0x3fU);
    }
    if ((length == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) ||
        (length == 4 && (code < 0x10000 || code > 0x10ffff))) {
        return 0;
    }
    return length;
}

size_t text_ascii(const char *bytes, size_t length)
{
    size_t at = 0;
    uint64_t word;

    for (; length - at >= sizeof(word); at += sizeof(word)) {
        memcpy(&word, bytes + at, sizeof(word));
        if ((word & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    while (at < length && (unsigned char)bytes[at] < 0x80) {
        at++;
    }
    return at;
}

bool text_is_utf8(const char *bytes, size_t length, size_t *bad)
{
    for (size_t at = text_ascii(bytes, length); at < length; at += text_ascii(bytes + at, length - at)) {
        size_t step = utf8_sequence((const unsigned char *)bytes + at, length - at);

        if (step == 0) {
            *bad = at;
            return false;
        }
        at += step;
    }
    return true;
}
