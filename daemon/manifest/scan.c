/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/scan.h"

#include <ctype.h>
#include <float.h>
#include <stdbool.h>

#include "base/json.h"
#include "base/text.h"
#include "base/util.h"

struct scanner {
    const char *at; /* what is there is 0 at the end of the text */
    const char *end;
    uint32_t line;
    const char *line_start; /* as if this line had no bytes that continue a character: a column is a distance from it */
    uint32_t source;
    struct place_list *places;
    struct scan_error *error;
    cJSON *root;
    cJSON *open[SCAN_DEEPEST]; /* objects and arrays around the cursor */
    int depth;
    struct place key; /* of the value that comes next, if it is an object's */
    char *key_name;   /* owned until its value takes it */
};

static uint32_t column_of(const struct scanner *s)
{
    return (uint32_t)(s->at - s->line_start) + 1;
}

static int fail_at(const struct scanner *s, uint32_t line, uint32_t column, const char *what, const char *remedy)
{
    *s->error = (struct scan_error){.line = line, .column = column, .what = what, .remedy = remedy};
    return -1;
}

static int fail(const struct scanner *s, const char *what, const char *remedy)
{
    return fail_at(s, s->line, column_of(s), what, remedy);
}

/* Step over a byte of a text or a comment: columns count characters. */
static void step(struct scanner *s)
{
    if (*s->at == '\n') {
        s->line++;
        s->line_start = s->at + 1;
    } else if (((unsigned char)*s->at & 0xc0) == 0x80) {
        s->line_start++;
    }
    s->at++;
}

static int skip_comment(struct scanner *s)
{
    uint32_t line = s->line;
    uint32_t column = column_of(s);

    if (s->at[1] == '/') {
        const char *end = memchr(s->at, '\n', (size_t)(s->end - s->at));

        if (end != NULL) {
            s->at = end;
        }
        while (end == NULL && s->at < s->end) {
            step(s);
        }
        return 0;
    }
    if (s->at[1] == '*') {
        for (s->at += 2; s->at < s->end; step(s)) {
            if (s->at[0] == '*' && s->at[1] == '/') {
                s->at += 2;
                return 0;
            }
        }
        return fail_at(s, line, column, "this comment has no end", "close it with */");
    }
    return fail(s, "a lone slash", "comments begin with // or /*");
}

static int skip_blanks(struct scanner *s)
{
    for (;;) {
        const char *at = s->at;

        while (*at == ' ') {
            at++;
        }
        s->at = at;
        switch (*at) {
            case '\n':
                step(s);
                break;
            case '\t':
            case '\r':
                s->at++;
                break;
            case '/':
                if (skip_comment(s) != 0) {
                    return -1;
                }
                break;
            default:
                return 0;
        }
    }
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

/* A copy for the tree of what stands between two quotes and is known to be right. */
static char *copy_string(const char *text, size_t length, bool plain)
{
    CLEANUP_JSON cJSON *parsed = NULL;
    char *copy;

    if (!plain) {
        parsed = json_parse(text - 1, length + 2);
        return parsed == NULL ? NULL : take_pointer(&parsed->valuestring);
    }
    copy = cJSON_malloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

static int scan_escape(struct scanner *s)
{
    s->at++;
    if (*s->at == 'u') {
        return scan_unicode_escape(s);
    }
    if (s->at == s->end || *s->at == '\0' || strchr("\"\\/bfnrt", *s->at) == NULL) {
        return fail(s, "an unknown escape", "write a backslash as \\\\");
    }
    s->at++;
    return 0;
}

/* Owned by the tree, or by who gets it. NULL: it is wrong. */
static char *scan_string(struct scanner *s)
{
    uint32_t column = column_of(s);
    const char *first = ++s->at;
    bool plain = true;

    for (;;) {
        const char *at = s->at;
        signed char c;

        while ((c = (signed char)*at) >= ' ' && c != '"' && c != '\\') {
            at++;
        }
        s->at = at;
        if (c == '"') {
            break;
        }
        if (c == '\n' || s->at == s->end) {
            fail_at(s, s->line, column, "this string has no end", "close it with a double quote on the same line");
            return NULL;
        }
        if (c == '\\') {
            plain = false;
            if (scan_escape(s) != 0) {
                return NULL;
            }
        } else if (c >= 0) {
            fail(s, "a control character inside a string", "write it as \\t, \\n or \\u00XX");
            return NULL;
        } else {
            step(s);
        }
    }
    s->at++;
    return copy_string(first, (size_t)(s->at - 1 - first), plain);
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

/* Up to 15 digits are exact in a double, and so is the power of ten that they are divided by: one operation, rounded right.
 * strtod(3), which is right for all others too, is as much code as a third of this file, run for the first time at each boot. */
static double number_value(const char *start, const char *end)
{
    const char *at = start + (*start == '-');
    double digits = 0;
    double power = 0; /* of ten; until the point is found there is none */

    for (; at < end && (isdigit((unsigned char)*at) || *at == '.'); at++) {
        digits = *at == '.' ? digits : digits * 10 + (*at - '0');
        power = *at == '.' ? 1 : power * 10;
    }
    if (at < end || end - start > 15 || FLT_EVAL_METHOD != 0) {
        return strtod(start, NULL);
    }
    digits = power > 0 ? digits / power : digits;
    return *start == '-' ? -digits : digits;
}

static int scan_word(struct scanner *s, cJSON *node)
{
    static const struct {
        const char *word;
        int type;
    } words[] = {{"true", cJSON_True}, {"false", cJSON_False}, {"null", cJSON_NULL}};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        size_t length = strlen(words[i].word);

        if ((size_t)(s->end - s->at) >= length && memcmp(s->at, words[i].word, length) == 0) {
            s->at += length;
            if (s->at < s->end && (isalnum((unsigned char)*s->at) || *s->at == '_')) {
                break;
            }
            node->type = words[i].type;
            return 0;
        }
    }
    return fail(s, "not a JSON value", "strings stand in double quotes; the only words are true, false and null");
}

static void add_place(struct scanner *s)
{
    struct place_list *list = s->places;
    struct place place = {.source = s->source, .line = s->line, .column = column_of(s)};

    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 1024 : list->capacity * 2;
        list->items = xrealloc(list->items, list->capacity * sizeof(list->items[0]));
    }
    place.key_line = s->key_name == NULL ? place.line : s->key.key_line;
    place.key_column = s->key_name == NULL ? place.column : s->key.key_column;
    list->items[list->count++] = place;
}

/* A value begins at the cursor: a node of the tree, as cJSON has it, that knows its place. */
static cJSON *add_node(struct scanner *s)
{
    cJSON *node = cJSON_malloc(sizeof(*node));
    cJSON *parent = s->depth == 0 ? NULL : s->open[s->depth - 1];

    add_place(s);
    *node = (cJSON){.valueint = (int)(s->places->count - 1), .string = take_pointer(&s->key_name)};
    if (parent == NULL) {
        s->root = node;
    } else if (parent->child == NULL) {
        parent->child = node;
        node->prev = node; /* the first one's is the last one */
    } else {
        node->prev = parent->child->prev;
        node->prev->next = node;
        parent->child->prev = node;
    }
    return node;
}

/* A key with its colon; the cursor ends up before the value. */
static int scan_key(struct scanner *s)
{
    if (*s->at != '"') {
        return fail(s, "expected a key", "keys stand in double quotes");
    }
    s->key.key_line = s->line;
    s->key.key_column = column_of(s);
    s->key_name = scan_string(s);
    if (s->key_name == NULL || skip_blanks(s) != 0) {
        return -1;
    }
    if (*s->at != ':') {
        return fail(s, "expected a colon after the key", "write \"key\": value");
    }
    s->at++;
    return skip_blanks(s);
}

/* One value that is not an object or array. */
static int scan_scalar(struct scanner *s, cJSON *node)
{
    const char *start = s->at;

    if (*start == '"') {
        node->type = cJSON_String;
        node->valuestring = scan_string(s);
        return node->valuestring == NULL ? -1 : 0;
    }
    if (*start != '-' && !isdigit((unsigned char)*start)) {
        return scan_word(s, node);
    }
    if (scan_number(s) != 0) {
        return -1;
    }
    node->type = cJSON_Number;
    node->valuedouble = number_value(start, s->at);
    return 0;
}

/* After a value: close what ends here, and stop before the next value. The depth is 0 when the root is complete. */
static int scan_after_value(struct scanner *s)
{
    while (s->depth > 0) {
        bool object = cJSON_IsObject(s->open[s->depth - 1]) != 0;
        char close = object ? '}' : ']';

        if (skip_blanks(s) != 0) {
            return -1;
        }
        if (s->at == s->end) {
            return fail(s, object ? "the text ends inside an object" : "the text ends inside an array",
                        object ? "close it with }" : "close it with ]");
        }
        if (*s->at == ',') {
            s->at++;
            if (skip_blanks(s) != 0) {
                return -1;
            }
            if (*s->at == close) {
                return fail(s, "a comma stands before this, and nothing follows it", "remove the comma");
            }
            return object ? scan_key(s) : 0;
        }
        if (*s->at != close) {
            return fail(s, object ? "expected , or }" : "expected , or ]",
                        "put a comma before this, or a quote or bracket where it is missing");
        }
        s->at++;
        s->depth--;
    }
    return 0;
}

static int scan_values(struct scanner *s)
{
    size_t first = s->places->count;

    do {
        char c = *s->at;
        cJSON *node;

        if (s->at == s->end) {
            return fail(s, "the text ends where a value should stand", "write the value and close what is open");
        }
        if (s->places->count - first == SCAN_MOST_VALUES) {
            return fail(s, "more than 16384 values", "no manifest needs that; spread it over several files");
        }
        if (c == ',' || c == ':' || c == ']' || c == '}') {
            return fail(s, "a value is missing before this", "write the value");
        }
        if (c == '{' || c == '[') {
            if (s->depth == SCAN_DEEPEST) {
                return fail(s, "nested deeper than 32 levels", "no manifest needs that; take brackets out");
            }
            node = add_node(s);
            node->type = c == '{' ? cJSON_Object : cJSON_Array;
            s->open[s->depth++] = node;
            s->at++;
            if (skip_blanks(s) != 0) {
                return -1;
            }
            if (s->at < s->end && *s->at != (c == '{' ? '}' : ']')) {
                if (c == '{' && scan_key(s) != 0) {
                    return -1;
                }
                continue;
            }
        } else if (scan_scalar(s, add_node(s)) != 0) {
            return -1;
        }
        if (scan_after_value(s) != 0) {
            return -1;
        }
    } while (s->depth > 0);
    return 0;
}

static int scan_document(struct scanner *s)
{
    const char *text = s->at;
    size_t length = (size_t)(s->end - text);
    size_t bad = 0;

    if (!text_is_utf8(text, length, &bad)) {
        while (s->at < text + bad) {
            step(s);
        }
        return fail(s, "not UTF-8 from here on", "save the file as UTF-8");
    }
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        return fail(s, "the file begins with a byte order mark", "save it as UTF-8 without one");
    }
    if (skip_blanks(s) != 0) {
        return -1;
    }
    if (s->at == s->end) {
        return fail(s, "the file is empty", "the least manifest is {\"version\": 1}");
    }
    if (scan_values(s) != 0 || skip_blanks(s) != 0) {
        return -1;
    }
    return s->at == s->end ? 0 : fail(s, "something follows the end of the document", "remove it");
}

cJSON *scan_text(const char *text, size_t length, uint32_t source, struct place_list *places, struct scan_error *error)
{
    struct scanner s = {
        .at = text,
        .end = text + length,
        .line = 1,
        .line_start = text,
        .source = source,
        .places = places,
        .error = error,
    };

    if (scan_document(&s) == 0) {
        return s.root;
    }
    cJSON_free(s.key_name);
    cJSON_Delete(s.root);
    return NULL;
}
