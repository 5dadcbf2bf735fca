/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/scan.h"

#include <ctype.h>
#include <stdbool.h>

#include "base/text.h"
#include "base/util.h"

struct scanner {
    char *at;
    char *end;
    uint32_t line;
    const char *counted; /* up to here on this line, `column` - 1 characters */
    uint32_t column;
    uint32_t source;
    struct place_list *places;
    struct scan_error *error;
};

/* Counted on from where the last count ended: a file may be one line. */
static uint32_t column_of(struct scanner *s)
{
    while (s->counted < s->at) {
        size_t plain = text_ascii(s->counted, (size_t)(s->at - s->counted));

        s->column += (uint32_t)plain;
        s->counted += plain;
        for (; s->counted < s->at && (unsigned char)*s->counted >= 0x80; s->counted++) {
            s->column += ((unsigned char)*s->counted & 0xc0) != 0x80; /* characters, not bytes */
        }
    }
    return s->column;
}

static int fail(struct scanner *s, const char *what, const char *remedy)
{
    *s->error = (struct scan_error){.line = s->line, .column = column_of(s), .what = what, .remedy = remedy};
    return -1;
}

static void newline(struct scanner *s)
{
    s->line++;
    s->counted = s->at + 1;
    s->column = 1;
}

/* Blank the byte at the cursor and step over it; what it was counts for the column. */
static void blank(struct scanner *s)
{
    char *byte = s->at++;

    column_of(s);
    *byte = ' ';
}

static int blank_comment(struct scanner *s)
{
    if (s->at + 1 < s->end && s->at[1] == '/') {
        size_t left = (size_t)(s->end - s->at);
        const char *end = memchr(s->at, '\n', left);
        size_t length = end == NULL ? left : (size_t)(end - s->at);

        memset(s->at, ' ', length);
        s->at += length;
        return 0;
    }
    if (s->at + 1 < s->end && s->at[1] == '*') {
        struct scanner start = *s;

        blank(s);
        blank(s);
        while (s->at + 1 < s->end) {
            if (s->at[0] == '*' && s->at[1] == '/') {
                blank(s);
                blank(s);
                return 0;
            }
            if (*s->at == '\n') {
                newline(s);
                s->at++;
            } else {
                blank(s);
            }
        }
        *s = start;
        return fail(s, "this comment has no end", "close it with */");
    }
    return fail(s, "a lone slash", "comments begin with // or /*");
}

static int skip_blanks(struct scanner *s)
{
    while (s->at < s->end) {
        if (*s->at == '/') {
            if (blank_comment(s) != 0) {
                return -1;
            }
            continue;
        }
        if (*s->at == '\n') {
            newline(s);
        } else if (*s->at != ' ' && *s->at != '\t' && *s->at != '\r') {
            return 0;
        }
        s->at++;
    }
    return 0;
}

/* Four hex digits at `at`, or -1. */
static int hex4(const char *at, const char *end)
{
    int value = 0;

    if (end - at < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        if (!isxdigit((unsigned char)at[i])) {
            return -1;
        }
        value = value * 16 + (isdigit((unsigned char)at[i]) ? at[i] - '0' : (tolower((unsigned char)at[i]) - 'a') + 10);
    }
    return value;
}

static int scan_unicode_escape(struct scanner *s)
{
    int code = hex4(s->at + 1, s->end);

    if (code < 0) {
        return fail(s, "\\u needs four hexadecimal digits", "write for example \\u00e9, or the character itself");
    }
    if (code == 0) {
        return fail(s, "a NUL character cannot be part of a value", "remove it");
    }
    if (code >= 0xdc00 && code <= 0xdfff) {
        return fail(s, "half of a surrogate pair", "write the character itself");
    }
    s->at += 5;
    if (code >= 0xd800 && code <= 0xdbff) {
        int low = s->end - s->at >= 6 && s->at[0] == '\\' && s->at[1] == 'u' ? hex4(s->at + 2, s->end) : -1;

        if (low < 0xdc00 || low > 0xdfff) {
            return fail(s, "half of a surrogate pair", "write the character itself");
        }
        s->at += 6;
    }
    return 0;
}

static int scan_string(struct scanner *s)
{
    struct scanner start = *s;

    for (s->at++; s->at < s->end;) {
        unsigned char c = (unsigned char)*s->at;

        if (c == '"') {
            s->at++;
            return 0;
        }
        if (c == '\n') {
            break;
        }
        if (c < 0x20) {
            return fail(s, "a control character inside a string", "write it as \\t, \\n or \\u00XX");
        }
        s->at++;
        if (c != '\\') {
            continue;
        }
        if (s->at < s->end && *s->at == 'u') {
            if (scan_unicode_escape(s) != 0) {
                return -1;
            }
        } else if (s->at < s->end && *s->at != '\0' && strchr("\"\\/bfnrt", *s->at) != NULL) {
            s->at++;
        } else {
            return fail(s, "an unknown escape", "write a backslash as \\\\");
        }
    }
    *s = start;
    return fail(s, "this string has no end", "close it with a double quote on the same line");
}

/* At least one digit. */
static int scan_digits(struct scanner *s)
{
    if (s->at == s->end || !isdigit((unsigned char)*s->at)) {
        return fail(s, "a number lacks a digit here", "write at least one digit");
    }
    while (s->at < s->end && isdigit((unsigned char)*s->at)) {
        s->at++;
    }
    return 0;
}

static int scan_number(struct scanner *s)
{
    if (*s->at == '-') {
        s->at++;
    }
    if (s->at + 1 < s->end && *s->at == '0' && isdigit((unsigned char)s->at[1])) {
        return fail(s, "a number must not begin with 0", "write octal modes as strings: \"0755\"");
    }
    if (scan_digits(s) != 0) {
        return -1;
    }
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (scan_digits(s) != 0) {
            return -1;
        }
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-')) {
            s->at++;
        }
        return scan_digits(s);
    }
    return 0;
}

static int scan_word(struct scanner *s)
{
    static const char *const words[] = {"true", "false", "null"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        size_t length = strlen(words[i]);

        if ((size_t)(s->end - s->at) >= length && memcmp(s->at, words[i], length) == 0) {
            s->at += length;
            if (s->at < s->end && (isalnum((unsigned char)*s->at) || *s->at == '_')) {
                break;
            }
            return 0;
        }
    }
    return fail(s, "not a JSON value", "strings stand in double quotes; the only words are true, false and null");
}

static void add_place(struct scanner *s, const struct place *key)
{
    struct place_list *list = s->places;
    struct place place = {.source = s->source, .line = s->line, .column = column_of(s)};

    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 256 : list->capacity * 2;
        list->items = xrealloc(list->items, list->capacity * sizeof(list->items[0]));
    }
    place.key_line = key == NULL ? place.line : key->key_line;
    place.key_column = key == NULL ? place.column : key->key_column;
    list->items[list->count++] = place;
}

/* A key with its colon; the cursor ends up before the value. */
static int scan_key(struct scanner *s, struct place *key)
{
    if (s->at == s->end || *s->at != '"') {
        return fail(s, "expected a key", "keys stand in double quotes");
    }
    key->key_line = s->line;
    key->key_column = column_of(s);
    if (scan_string(s) != 0 || skip_blanks(s) != 0) {
        return -1;
    }
    if (s->at == s->end || *s->at != ':') {
        return fail(s, "expected a colon after the key", "write \"key\": value");
    }
    s->at++;
    return skip_blanks(s);
}

/* One value that is not an object or array. */
static int scan_scalar(struct scanner *s)
{
    if (*s->at == '"') {
        return scan_string(s);
    }
    return *s->at == '-' || isdigit((unsigned char)*s->at) ? scan_number(s) : scan_word(s);
}

/* After a value: close what ends here, and stop before the next value. *depth is 0 when the root is complete. */
static int scan_after_value(struct scanner *s, const char *stack, int *depth, struct place *key, bool *has_key)
{
    while (*depth > 0) {
        char open = stack[*depth - 1];

        if (skip_blanks(s) != 0) {
            return -1;
        }
        if (s->at == s->end) {
            return fail(s, open == '{' ? "the text ends inside an object" : "the text ends inside an array",
                        open == '{' ? "close it with }" : "close it with ]");
        }
        if (*s->at == ',') {
            s->at++;
            if (skip_blanks(s) != 0) {
                return -1;
            }
            *has_key = open == '{';
            if (s->at < s->end && *s->at == (open == '{' ? '}' : ']')) {
                return fail(s, "a comma stands before this, and nothing follows it", "remove the comma");
            }
            return open == '{' ? scan_key(s, key) : 0;
        }
        if (*s->at != (open == '{' ? '}' : ']')) {
            return fail(s, open == '{' ? "expected , or }" : "expected , or ]",
                        "put a comma before this, or a quote or bracket where it is missing");
        }
        s->at++;
        (*depth)--;
    }
    return 0;
}

static int scan_values(struct scanner *s)
{
    char stack[SCAN_DEEPEST];
    size_t first = s->places->count;
    int depth = 0;
    struct place key = {0};
    bool has_key = false;

    do {
        char c;

        if (s->at == s->end) {
            return fail(s, "the text ends where a value should stand", "write the value and close what is open");
        }
        if (s->places->count - first == SCAN_MOST_VALUES) {
            return fail(s, "more than 16384 values", "no manifest needs that; spread it over several files");
        }
        c = *s->at;
        if (strchr(",:]}", c) != NULL && c != '\0') {
            return fail(s, "a value is missing before this", "write the value");
        }
        add_place(s, has_key ? &key : NULL);
        if (c == '{' || c == '[') {
            if (depth == SCAN_DEEPEST) {
                return fail(s, "nested deeper than 32 levels", "no manifest needs that; take brackets out");
            }
            stack[depth++] = c;
            s->at++;
            if (skip_blanks(s) != 0) {
                return -1;
            }
            has_key = c == '{';
            if (s->at < s->end && *s->at != (c == '{' ? '}' : ']')) {
                if (has_key && scan_key(s, &key) != 0) {
                    return -1;
                }
                continue;
            }
        } else if (scan_scalar(s) != 0) {
            return -1;
        }
        if (scan_after_value(s, stack, &depth, &key, &has_key) != 0) {
            return -1;
        }
    } while (depth > 0);
    return 0;
}

int scan_text(char *text, size_t length, uint32_t source, struct place_list *places, struct scan_error *error)
{
    struct scanner s = {
        .at = text,
        .end = text + length,
        .line = 1,
        .counted = text,
        .column = 1,
        .source = source,
        .places = places,
        .error = error,
    };
    size_t bad = 0;

    if (!text_is_utf8(text, length, &bad)) {
        for (; s.at < text + bad; s.at++) {
            if (*s.at == '\n') {
                newline(&s);
            }
        }
        return fail(&s, "not UTF-8 from here on", "save the file as UTF-8");
    }
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        return fail(&s, "the file begins with a byte order mark", "save it as UTF-8 without one");
    }
    if (skip_blanks(&s) != 0) {
        return -1;
    }
    if (s.at == s.end) {
        return fail(&s, "the file is empty", "the least manifest is {\"version\": 1}");
    }
    if (scan_values(&s) != 0 || skip_blanks(&s) != 0) {
        return -1;
    }
    return s.at == s.end ? 0 : fail(&s, "something follows the end of the document", "remove it");
}
