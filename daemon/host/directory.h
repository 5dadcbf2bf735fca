/* SPDX-License-Identifier: Apache-2.0 */
/* What other kinds want of directories: making one, through a remount window if the manifest allows it. */
#ifndef EDGEINIT_HOST_DIRECTORY_H
#define EDGEINIT_HOST_DIRECTORY_H

#include <stdbool.h>

#include "base/error.h"

struct host;

/* mkdir -p with mode 0755. On a read-only file system and with `remount`, a window is opened first (host/window.h). */
int directory_make(struct host *host, const char *path, bool remount, struct error *err);

#endif
