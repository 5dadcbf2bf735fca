/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who uses a mount: processes whose working directory, root, program, open files or mapped files lie on it, found through
 * /proc as fuser does, by the number of the mount (where the kernel tells it; else by the device). A few of them, as text for a
 * person. Looks only; for a process that may take its time.
 */
#ifndef EDGEINIT_HOST_HOLDER_H
#define EDGEINIT_HOST_HOLDER_H

#include <sys/types.h>

#include "base/text.h"

/* "pid 12 (sh): its working directory; pid 13 (cat): open file /mnt/f2fs/x". Returns the number of processes found. */
size_t holder_of_mount(int mount, struct text *out);

/* "pid 12 (sh): mounted in its namespace": processes in whose mount table the device still is, one for each such table. */
size_t holder_of_device(dev_t device, struct text *out);

#endif
