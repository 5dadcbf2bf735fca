/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which edgecore this is: its configuration differs from version to version. Found in this order:
 *
 *   the manifest says it;
 *   remembered: the state directory keeps it by the program's inode, size and time of change;
 *   its build information, which Go 1.18 and later leave in the program ("…/pkg/version.gitVersion=v1.18.0");
 *   the names of its configuration's keys, which are in the program too: not the version, but all that matters of it. For
 *   1.12 to 1.15, which were built with an older Go and do not know --version;
 *   "edgecore --version", up to 1.11.
 *
 * The program is read once (100 MB: some seconds from a card), and executed only if that did not tell.
 */
#ifndef EDGEINIT_EDGE_EDGECORE_VERSION_H
#define EDGEINIT_EDGE_EDGECORE_VERSION_H

#include <stdbool.h>

#include "base/error.h"

struct edgecore_version {
    unsigned minor; /* of 1.x */
    char exact[40]; /* "v1.18.0" as it calls itself; "" if only the row of configurations is known */
};

/* From "KubeEdge v1.9.1", "v1.12.0-beta.0", "1.9". False: there is none in it. */
bool edgecore_version_parse(const char *text, struct edgecore_version *version);

/* `wanted`: what the manifest says, or NULL. `path`: PATH for running it. `directory`: of the state, where it is remembered;
 * NULL: nowhere. Takes up to 8 seconds. ERROR_TIMEOUT: it is worth trying again. */
int edgecore_version_find(const char *program, const char *wanted, const char *path, const char *directory,
                          struct edgecore_version *version, struct error *err);

#endif
