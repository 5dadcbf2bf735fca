/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that a text must hold, among others: what a file's "lines" mean. "${hostname}" in a line is the board's own name,
 * which a manifest for many boards cannot know; nothing else is replaced.
 */
#ifndef EDGEINIT_HOST_LINES_H
#define EDGEINIT_HOST_LINES_H

#include "base/json.h"

/* Append `current` and, in their order, those lines of the list (strings) that it does not hold. */
void lines_complete(const cJSON *list, const char *current, struct text *out);

#endif
