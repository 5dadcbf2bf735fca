/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths as text: absolute, no empty component, no "." and "..", no slash at the end, no control character. The manifest
 * accepts no others, so "is below" can be decided on the text, and a path never breaks a line of output.
 */
#ifndef EDGEINIT_BASE_PATH_H
#define EDGEINIT_BASE_PATH_H

#include <limits.h>
#include <stdbool.h>

#include "base/error.h"

/* Longest path that the manifest may name: leaves room for the name of a temporary beside it (PATH_MAX is 4096). */
#define PATH_LONGEST 1024

/* Is the path absolute and normal, as above? On false, *why says what is wrong with it. */
bool path_is_normal(const char *path, const char **why);

/* Is `path` strictly below `directory`? Everything but "/" is below "/". */
bool path_is_below(const char *path, const char *directory);

/* The directory part: "/etc/hosts" gives "/etc", "/etc" gives "/". */
void path_parent(const char *path, char parent[PATH_MAX]);

/* The same in place, for climbing to an ancestor that exists; false, and unchanged, at "/". */
bool path_up(char path[PATH_MAX]);

/* The last component, inside path. */
const char *path_name(const char *path);

/* Follow every symlink, also one whose last target does not exist yet (then the place where it would be made). Errors:
 * those of readlink(2), ELOOP after 40 links, ENAMETOOLONG. */
int path_follow(const char *path, char resolved[PATH_MAX], struct error *err);

#endif
