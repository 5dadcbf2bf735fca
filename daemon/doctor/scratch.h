/* SPDX-License-Identifier: Apache-2.0 */
/* Scratch directories of probes: made, removed with all that is in them, and swept when a probe was killed with its parent. */
#ifndef EDGEINIT_DOCTOR_SCRATCH_H
#define EDGEINIT_DOCTOR_SCRATCH_H

#include <limits.h>

/* Make the calling process's scratch directory in `parent`, and remove those that dead ones left there. -1 with errno. */
int scratch_make(const char *parent, char path[PATH_MAX]);

/* Remove a tree; on the way no mount point is crossed and no symlink followed. */
void scratch_remove(const char *path);

/* The same for groups of a cgroup hierarchy, whose files cannot and need not be removed. */
int scratch_make_group(const char *parent, char path[PATH_MAX]);

#endif
