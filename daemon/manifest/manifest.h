/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manifest: one or several files, later ones merged over earlier ones (RFC 7396), and everything that is wrong with
 * them. This room knows text, places and types; what a section means is known by the room that owns it and reads it
 * through manifest/reader.h.
 *
 * Mistakes are collected, not returned: a person wants all of them in one go. A mistake names file, line, column, the
 * path inside the document and what to write instead. The place of a value is kept as an index in cJSON's `valueint`,
 * which cJSON itself sets only for numbers and which nobody here reads as a number.
 */
#ifndef EDGEINIT_MANIFEST_MANIFEST_H
#define EDGEINIT_MANIFEST_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "manifest/scan.h"

/* A mistake or a warning, all texts owned. line 0: the file as a whole. */
struct problem {
    char *file;
    uint32_t line;
    uint32_t column;
    char *path;   /* "host.mounts[2].type", "" at the root */
    char *what;   /* "is not a duration" */
    char *remedy; /* "write for example \"30s\"", may be empty */
    bool warning; /* loose, but accepted */
};

struct manifest {
    cJSON *root;     /* merged; NULL when there is none */
    bool incomplete; /* a file could not be read or parsed: what the others say cannot be judged */
    char **files;
    bool *exposed; /* of each file: others than its owner may read it */
    size_t file_count;
    struct place_list places;
    struct problem *problems;
    size_t problem_count;
    size_t mistakes; /* problems that are no warnings */
};

/* Read the files in order into a zero-initialised manifest. Always leaves something for manifest_free(). A file that
 * others than its owner can write, or that belongs to neither root nor the caller, is refused: it decides what root
 * mounts. Returns -1 if there is any mistake. */
int manifest_load(struct manifest *manifest, const char *const *files, size_t count);

/* The same from one text in memory, for tests and fuzzing; `name` stands for the file's name. */
int manifest_load_text(struct manifest *manifest, const char *name, const char *text, size_t length);

void manifest_free(struct manifest *manifest);

/* Note a problem; `place` may be NULL. The texts are copied. */
void manifest_problem(struct manifest *manifest, bool warning, const struct place *place, const char *path,
                      const char *what, const char *remedy);

/* "FILE:LINE:COLUMN: path: what; remedy" for each, in the order of the files and lines, one line each. */
void manifest_describe(struct manifest *manifest, struct text *out);

#endif
