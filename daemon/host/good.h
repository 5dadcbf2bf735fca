/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last good copy of a file that others write too, and that a power cut can tear: kept in the state directory, at
 * STATE_DIR/good/PATH. Who knows that a file is good keeps it (edge/dockerd_config.c does, before each start of dockerd);
 * who finds it torn begins with the copy instead of with nothing, so what a person added to it is not lost with it.
 */
#ifndef EDGEINIT_HOST_GOOD_H
#define EDGEINIT_HOST_GOOD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define GOOD_LARGEST (4 * 1024 * 1024)

/* Keep this content, unless it is what is kept: the state directory is flash. Mode 0600. */
int good_keep(const char *state_dir, const char *path, const char *data, size_t length, struct error *err);

/* The copy, ended by a NUL; NULL if there is none that can be read. free() it. */
char *good_read(const char *state_dir, const char *path, size_t *length);

/* Put what was found at `path` aside as PATH.broken, over an older one. The file itself stays. */
int good_put_aside(const char *path, const char *data, size_t length, struct error *err);

#endif
