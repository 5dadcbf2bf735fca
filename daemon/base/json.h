/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cJSON and what it lacks: merge patches and YAML output. cJSON itself is used freely for building and walking trees;
 * its parser is fed with files that are allowed to be wrong; the manifest has one of its own (manifest/scan.h).
 */
#ifndef EDGEINIT_BASE_JSON_H
#define EDGEINIT_BASE_JSON_H

#include <cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Make cJSON end the program when memory is gone, as the rest does. Call once, before any other use. */
void json_setup(void);

/* Parse a whole text: nothing may follow the value. NULL if it is not JSON. Own the result: cJSON_Delete(). */
cJSON *json_parse(const char *data, size_t length);

/* RFC 7396: merge `patch` into `target` and return the result; both are consumed. Nodes keep their identity (and so
 * their places) where they are moved. A null at the top gives NULL. */
cJSON *json_merge(cJSON *target, cJSON *patch);

/* Would json_merge() leave `target` as it is? */
bool json_is_merged(const cJSON *target, const cJSON *patch);

/* Text of a tree, indented by two spaces, with a newline at the end: the form that people edit. */
void json_write(const cJSON *node, struct text *out);

/* The same on one line, without the newline. */
void json_write_line(const cJSON *node, struct text *out);

/* YAML 1.2 in block style. Strings are quoted wherever YAML could take them for anything else. */
void json_write_yaml(const cJSON *node, struct text *out);

static inline void cleanup_json_impl(cJSON **node)
{
    cJSON_Delete(*node);
}
#define CLEANUP_JSON __attribute__((cleanup(cleanup_json_impl)))

#endif
