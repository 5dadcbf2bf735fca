/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed reading of a manifest: an object is described by a table of fields, and the table is all there is to its
 * parser: which keys exist, their types, ranges, choices and defaults. Unknown keys, wrong types and values out of
 * range become problems of the manifest, each with what to write instead; reading goes on, so all of them are found.
 *
 * A reader is a view of one node, chained to its parents on the stack so that a problem can name its path. Strings that
 * are read point into the manifest's tree and live as long as it does.
 */
#ifndef EDGEINIT_MANIFEST_READER_H
#define EDGEINIT_MANIFEST_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "manifest/manifest.h"

struct reader {
    struct manifest *manifest;
    cJSON *node;
    const struct reader *parent;
    int index; /* in an array; -1 under a key */
};

enum field_type {
    FIELD_BOOLEAN,  /* bool */
    FIELD_INTEGER,  /* int64_t, within min..max */
    FIELD_NUMBER,   /* double, within min..max */
    FIELD_STRING,   /* const char *, not empty */
    FIELD_TEXT,     /* const char *, may be empty */
    FIELD_PATH,     /* const char *, absolute and normal (base/path.h) */
    FIELD_DURATION, /* int64_t milliseconds, within min..max (milliseconds) */
    FIELD_SIZE,     /* int64_t bytes, within min..max */
    FIELD_MODE,     /* int, octal string */
    FIELD_CHOICE,   /* int, index into choices */
    FIELD_READ,     /* whatever `read` makes of it */
    FIELD_TYPES     /* their number */
};

struct field {
    const char *key;
    enum field_type type;
    bool required;
    size_t offset; /* of the destination in the record; FIELD_READ gets the record itself */
    int64_t min;
    int64_t max;                /* 0 with min 0: no limits */
    const char *const *choices; /* FIELD_CHOICE: ended by NULL */
    void (*read)(const struct reader *reader, void *record);
    const char *example; /* JSON text of a good value, for messages */
};

/* The whole document. */
struct reader reader_root(struct manifest *manifest);

/* Read an object by its table into `record`, whose defaults the caller has set. Returns false if there was a problem
 * in it. */
bool reader_object(const struct reader *reader, const struct field *fields, size_t count, void *record);

/* Read a single value as the field says. */
bool reader_value(const struct reader *reader, const struct field *field, void *record);

/* Read an array of strings of this type (FIELD_STRING, FIELD_TEXT, FIELD_PATH) into *items, which grows and is ended by
 * NULL; free() it. The example is that of one element. */
void reader_strings(const struct reader *reader, enum field_type type, const char *example, const char ***items,
                    size_t *count);

/* Walk the children of an array or object: for (bool more = reader_first(&r, &c); more; more = reader_next(&c)). */
bool reader_first(const struct reader *reader, struct reader *child);
bool reader_next(struct reader *child);
/* The key of a child of an object. */
const char *reader_key(const struct reader *child);

/* Is the node what is wanted? If not, that is noted as a problem, with the example. */
bool reader_is_array(const struct reader *reader, const char *example);
bool reader_is_object(const struct reader *reader, const char *example);

/* Note a problem with this node (reader_problem_key: with its key). The remedy may be "". */
void reader_problem(const struct reader *reader, const char *remedy, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));
void reader_problem_key(const struct reader *reader, const char *remedy, const char *format, ...)
    __attribute__((cold, format(printf, 3, 4)));
/* Accepted, but worth saying. */
void reader_warning(const struct reader *reader, const char *remedy, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* May others than its owner read the file that this node stands in? For secrets. */
bool reader_is_exposed(const struct reader *reader);

/* Among `count` words, the nearest to `word` if it is near enough to be a slip; else NULL. */
const char *reader_nearest(const char *word, const char *const *words, size_t count);

#endif
