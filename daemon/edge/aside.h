/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a file aside that a program cannot live with: renamed, never deleted, and named in the log. The youngest is
 * PATH.WORD.1; there are at most three, then the oldest gives way.
 */
#ifndef EDGEINIT_EDGE_ASIDE_H
#define EDGEINIT_EDGE_ASIDE_H

#include "base/error.h"

/* `to`: the path before ".WORD.1", in the same file system; NULL: the file's own. No error if the file is not there. */
int aside_move(const char *path, const char *to, const char *word, struct error *err);

#endif
