/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/reader.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

#include "base/path.h"
#include "base/util.h"

struct reader reader_root(struct manifest *manifest)
{
    return (struct reader){.manifest = manifest, .node = manifest->root, .index = -1};
}

static void add_path(const struct reader *reader, struct text *path)
{
    if (reader->parent != NULL) {
        add_path(reader->parent, path);
    }
    if (reader->index >= 0) {
        text_format(path, "[%d]", reader->index);
    } else if (reader->parent != NULL && reader->node->string != NULL) {
        text_format(path, "%s%s", path->length == 0 ? "" : ".", reader->node->string);
    }
}

__attribute__((format(printf, 5, 0))) static void note(const struct reader *reader, bool warning, bool key,
                                                       const char *remedy, const char *format, va_list arguments)
{
    struct place place = {0};
    CLEANUP_TEXT struct text path = {0};
    CLEANUP_FREE char *what = NULL;

    if (vasprintf(&what, format, arguments) < 0) {
        what = xstrdup(format);
    }
    add_path(reader, &path);
    place = reader->manifest->places.items[reader->node->valueint];
    if (key) {
        place.line = place.key_line;
        place.column = place.key_column;
    }
    manifest_problem(reader->manifest, warning, &place, text_string(&path), what, remedy);
}

void reader_problem(const struct reader *reader, const char *remedy, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    note(reader, false, false, remedy, format, arguments);
    va_end(arguments);
}

void reader_problem_key(const struct reader *reader, const char *remedy, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    note(reader, false, true, remedy, format, arguments);
    va_end(arguments);
}

void reader_warning(const struct reader *reader, const char *remedy, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    note(reader, true, false, remedy, format, arguments);
    va_end(arguments);
}

bool reader_is_exposed(const struct reader *reader)
{
    return reader->manifest->exposed[reader->manifest->places.items[reader->node->valueint].source];
}

const char *reader_nearest(const char *word, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    unsigned best = 3; /* two edits are a slip, three are another word */

    for (size_t i = 0; i < count; i++) {
        unsigned distance = text_distance(word, words[i]);

        if (distance < best && distance < strlen(words[i])) {
            best = distance;
            nearest = words[i];
        }
    }
    return nearest;
}

bool reader_first(const struct reader *reader, struct reader *child)
{
    *child = (struct reader){
        .manifest = reader->manifest,
        .node = reader->node->child,
        .parent = reader,
        .index = cJSON_IsArray(reader->node) ? 0 : -1,
    };
    return child->node != NULL;
}

bool reader_next(struct reader *child)
{
    child->node = child->node->next;
    child->index += child->index >= 0;
    return child->node != NULL;
}

const char *reader_key(const struct reader *child)
{
    return child->node->string;
}

static bool wrong_type(const struct reader *reader, const char *wanted, const char *example)
{
    CLEANUP_FREE char *remedy = example == NULL ? xstrdup("") : xasprintf("write for example %s", example);

    reader_problem(reader, remedy, "must be %s", wanted);
    return false;
}

bool reader_is_array(const struct reader *reader, const char *example)
{
    return cJSON_IsArray(reader->node) ? true : wrong_type(reader, "an array", example);
}

bool reader_is_object(const struct reader *reader, const char *example)
{
    return cJSON_IsObject(reader->node) ? true : wrong_type(reader, "an object", example);
}

static bool in_range(const struct reader *reader, const struct field *field, double value)
{
    bool limited = field->min != 0 || field->max != 0;
    const char *unit = field->type == FIELD_DURATION ? " ms" : field->type == FIELD_SIZE ? " bytes" : "";

    if (limited && (value < (double)field->min || value > (double)field->max)) {
        CLEANUP_FREE char *remedy =
            field->example == NULL ? xstrdup("") : xasprintf("write for example %s", field->example);

        reader_problem(reader, remedy, "must be between %" PRId64 " and %" PRId64 "%s", field->min, field->max, unit);
        return false;
    }
    return true;
}

static bool read_number(const struct reader *reader, const struct field *field, void *destination)
{
    double value = reader->node->valuedouble;

    if (!cJSON_IsNumber(reader->node)) {
        return wrong_type(reader, field->type == FIELD_INTEGER ? "a whole number" : "a number", field->example);
    }
    if (field->type == FIELD_INTEGER && (value != floor(value) || fabs(value) > 9007199254740992.0)) {
        return wrong_type(reader, "a whole number", field->example);
    }
    if (!in_range(reader, field, value)) {
        return false;
    }
    if (field->type == FIELD_INTEGER) {
        *(int64_t *)destination = (int64_t)value;
    } else {
        *(double *)destination = value;
    }
    return true;
}

static bool read_choice(const struct reader *reader, const struct field *field, void *destination)
{
    const char *string = cJSON_GetStringValue(reader->node);
    CLEANUP_TEXT struct text remedy = {0};
    const char *nearest;
    size_t count = 0;

    for (; field->choices[count] != NULL; count++) {
        if (string != NULL && streq(string, field->choices[count])) {
            *(int *)destination = (int)count;
            return true;
        }
    }
    for (count = 0; field->choices[count] != NULL; count++) {
        text_format(&remedy, "%s\"%s\"", count == 0 ? "write " : " or ", field->choices[count]);
    }
    if (string == NULL) {
        reader_problem(reader, text_string(&remedy), "must be one of these words");
        return false;
    }
    nearest = reader_nearest(string, field->choices, count);
    if (nearest != NULL) {
        text_free(&remedy);
        text_format(&remedy, "did you mean \"%s\"?", nearest);
    }
    reader_problem(reader, text_string(&remedy), "\"%s\" is not possible here", string);
    return false;
}

static bool read_path(const struct reader *reader, void *destination)
{
    const char *why = NULL;

    if (!path_is_normal(reader->node->valuestring, &why)) {
        reader_problem(reader, "write an absolute path such as \"/data/var\"", "\"%s\" %s", reader->node->valuestring,
                       why);
        return false;
    }
    *(const char **)destination = reader->node->valuestring;
    return true;
}

/* Types that are written as strings; the node is known to be one. */
static bool read_string(const struct reader *reader, const struct field *field, void *destination)
{
    const char *string = reader->node->valuestring;
    unsigned mode = 0;

    switch (field->type) {
        case FIELD_STRING:
            if (string[0] == '\0') {
                return wrong_type(reader, "a string that is not empty", field->example);
            }
            *(const char **)destination = string;
            return true;
        case FIELD_TEXT:
            *(const char **)destination = string;
            return true;
        case FIELD_PATH:
            return read_path(reader, destination);
        case FIELD_DURATION:
            if (!text_parse_duration(string, destination)) {
                return wrong_type(reader, "a duration: a whole number with ms, s, m, h or d", field->example);
            }
            return in_range(reader, field, (double)*(int64_t *)destination);
        case FIELD_SIZE:
            if (!text_parse_size(string, destination)) {
                return wrong_type(reader, "a size: a whole number, alone or with K, M, G or T", field->example);
            }
            return in_range(reader, field, (double)*(int64_t *)destination);
        case FIELD_MODE:
        default:
            if (!text_parse_mode(string, &mode)) {
                return wrong_type(reader, "an octal mode", field->example);
            }
            *(int *)destination = (int)mode;
            return true;
    }
}

bool reader_value(const struct reader *reader, const struct field *field, void *record)
{
    static const char *const wanted[FIELD_TYPES] = {
        [FIELD_STRING] = "a string",
        [FIELD_TEXT] = "a string",
        [FIELD_PATH] = "a path",
        [FIELD_DURATION] = "a duration in a string",
        [FIELD_SIZE] = "a size in a string",
        [FIELD_MODE] = "an octal mode in a string",
    };
    void *destination = (char *)record + field->offset;
    size_t before = reader->manifest->mistakes;

    switch (field->type) {
        case FIELD_READ:
            field->read(reader, record);
            return reader->manifest->mistakes == before;
        case FIELD_BOOLEAN:
            if (!cJSON_IsBool(reader->node)) {
                return wrong_type(reader, "true or false", field->example);
            }
            *(bool *)destination = cJSON_IsTrue(reader->node) != 0;
            return true;
        case FIELD_INTEGER:
        case FIELD_NUMBER:
            return read_number(reader, field, destination);
        case FIELD_CHOICE:
            return read_choice(reader, field, destination);
        default:
            return cJSON_IsString(reader->node) ? read_string(reader, field, destination)
                                                : wrong_type(reader, wanted[field->type], field->example);
    }
}

void reader_strings(const struct reader *reader, enum field_type type, const char *example, const char ***items,
                    size_t *count)
{
    struct field field = {NULL, type, .example = example};
    CLEANUP_FREE char *whole = xasprintf("[%s]", example);
    struct reader item;

    assert(type == FIELD_STRING || type == FIELD_TEXT || type == FIELD_PATH);
    if (!reader_is_array(reader, whole)) {
        return;
    }
    for (bool more = reader_first(reader, &item); more; more = reader_next(&item)) {
        const char *string = NULL;

        if (reader_value(&item, &field, &string)) {
            *items = xrealloc(*items, (*count + 2) * sizeof(**items));
            (*items)[(*count)++] = string;
            (*items)[*count] = NULL;
        }
    }
}

static void unknown_key(const struct reader *child, const struct field *fields, size_t count)
{
    CLEANUP_FREE const char **keys = xcalloc(count, sizeof(*keys));
    CLEANUP_TEXT struct text remedy = {0};
    const char *nearest;

    for (size_t i = 0; i < count; i++) {
        keys[i] = fields[i].key;
    }
    nearest = reader_nearest(reader_key(child), keys, count);
    if (nearest != NULL) {
        text_format(&remedy, "did you mean \"%s\"?", nearest);
    } else {
        for (size_t i = 0; i < count; i++) {
            text_format(&remedy, "%s%s", i == 0 ? "known here: " : ", ", keys[i]);
        }
    }
    reader_problem_key(child, text_string(&remedy), "unknown key");
}

/* The example is made of the keys that must be there, or else of the first one. */
static bool not_an_object(const struct reader *reader, const struct field *fields, size_t count)
{
    CLEANUP_TEXT struct text example = {0};

    for (size_t i = 0; i <= count && (i < count || example.length == 0); i++) {
        const struct field *field = &fields[i < count ? i : 0];

        if (field->required || i == count) {
            text_format(&example, "%s\"%s\": %s", example.length == 0 ? "{" : ", ", field->key,
                        field->example == NULL ? "…" : field->example);
        }
    }
    text_add(&example, "}");
    return reader_is_object(reader, text_string(&example));
}

bool reader_object(const struct reader *reader, const struct field *fields, size_t count, void *record)
{
    size_t before = reader->manifest->mistakes;
    uint64_t seen = 0;
    struct reader child;

    if (!cJSON_IsObject(reader->node)) {
        return not_an_object(reader, fields, count);
    }
    for (bool more = reader_first(reader, &child); more; more = reader_next(&child)) {
        size_t i = 0;

        while (i < count && !streq(fields[i].key, reader_key(&child))) {
            i++;
        }
        if (i == count) {
            unknown_key(&child, fields, count);
        } else {
            seen |= UINT64_C(1) << i;
            reader_value(&child, &fields[i], record);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (fields[i].required && (seen & UINT64_C(1) << i) == 0) {
            CLEANUP_FREE char *remedy = fields[i].example == NULL
                                            ? xasprintf("add \"%s\"", fields[i].key)
                                            : xasprintf("add for example \"%s\": %s", fields[i].key, fields[i].example);

            reader_problem(reader, remedy, "\"%s\" is missing", fields[i].key);
        }
    }
    return reader->manifest->mistakes == before;
}
