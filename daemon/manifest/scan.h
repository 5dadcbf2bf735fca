/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest's grammar: JSON (RFC 8259) with // and block comments, nothing else. cJSON's own parser knows neither
 * comments nor places and lets much pass; so the tree is built here, of cJSON's nodes. Strict, and each node knows where
 * it and its key stand: `valueint` is the index of its place, the values being numbered in the order in which they begin.
 */
#ifndef EDGEINIT_MANIFEST_SCAN_H
#define EDGEINIT_MANIFEST_SCAN_H

#include <cJSON.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of one file. The largest manifest shipped has 12 KiB, 500 values and depth 5; 1024 services of 15 values each fit
 * as well. A hostile file stays cheap: at the limit, validating takes 20 MB and some tenths of a second. What compares each
 * item with each other one has a limit of its own (HOST_MOST). */
#define SCAN_LARGEST_TEXT (1024 * 1024)
#define SCAN_MOST_VALUES 16384
#define SCAN_DEEPEST 32

struct place {
    uint32_t source;   /* which file of the stack */
    uint32_t line;     /* of the value, from 1 */
    uint32_t column;   /* in characters, from 1 */
    uint32_t key_line; /* of its key; the value's own for array elements and the root */
    uint32_t key_column;
};

struct place_list {
    struct place *items; /* free() */
    size_t count;
    size_t capacity;
};

struct scan_error {
    uint32_t line;
    uint32_t column;
    const char *what;   /* static text */
    const char *remedy; /* static text, may be empty */
};

/* The tree of `text`, at whose end a 0 must stand (text[length]). Appends to `places`. NULL at the first mistake. */
cJSON *scan_text(const char *text, size_t length, uint32_t source, struct place_list *places, struct scan_error *error);

#endif
