/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remount windows: a read-only mount made writable for as long as it takes to create what the manifest allows to be
 * created there, and closed again. A window that is open is written down in the run directory before it opens, so
 * whoever comes after a kill finds it and closes it; a reboot makes the root read-only again by itself.
 */
#ifndef EDGEINIT_HOST_WINDOW_H
#define EDGEINIT_HOST_WINDOW_H

#include <stdbool.h>

#include "base/error.h"

struct host;

/* Make the mount that holds `path` writable, if it is not; a path that does not exist yet counts for its nearest
 * ancestor that does. No effect if a window is open there. */
int window_open(struct host *host, const char *path, struct error *err);

/* Does the nearest ancestor of `path` that exists lie on a read-only mount? Looks only for a host that foresees. */
bool window_is_needed(const struct host *host, const char *path);

/* Close every window that this process has open. */
int window_close_all(struct host *host, struct error *err);

/* Close those that killed processes left open. Only for the one that holds the lock of apply, before it opens any. */
int window_recover(struct host *host, struct error *err);

void window_free(struct host *host);

#endif
