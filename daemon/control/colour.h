/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Colour in what people read: the names of the few that are used, the codes that a terminal wants for them, and the line
 * with a mark in front that plans and status have in common. Every function takes whether colour is wanted at all.
 */
#ifndef EDGEINIT_CONTROL_COLOUR_H
#define EDGEINIT_CONTROL_COLOUR_H

#include <stdbool.h>

#include "base/text.h"

enum colour { COLOUR_NONE, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_RED, COLOUR_DIM, COLOURS };

/* Colour on a terminal, and never with NO_COLOR (no-color.org) or TERM=dumb. */
bool colour_is_wanted(int fd);

void colour_add(struct text *out, bool colour, enum colour code, const char *string);

/* "! mount /mnt/f2fs          the rest", with a newline: the names of several lines stand below one another. */
void colour_add_line(struct text *out, bool colour, enum colour code, char mark, const char *name, const char *rest);

#endif
