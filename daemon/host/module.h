/* SPDX-License-Identifier: Apache-2.0 */
/* What other kinds ask about modules. */
#ifndef EDGEINIT_HOST_MODULE_H
#define EDGEINIT_HOST_MODULE_H

#include <stdbool.h>

/* Can this kernel mount the type, or could it after loading a module that is there (the kernel loads "fs-TYPE" itself
 * at mount(2) when modprobe exists)? */
bool module_knows_file_system(const char *type);

#endif
