/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELinux labels as mount options: context= (one label for all files), defcontext= (for files that have none), fscontext=,
 * rootcontext=. The kernel takes them once, when the file system is first mounted: another label needs an umount. A value
 * that holds a comma stands in double quotes, which the kernel takes off and shows again. Without SELinux every file
 * system refuses them (EINVAL), so they are left out there: a manifest with labels serves a kernel without as well.
 */
#ifndef EDGEINIT_HOST_LABEL_H
#define EDGEINIT_HOST_LABEL_H

#include <stdbool.h>

#include "base/error.h"
#include "host/mountinfo.h"

/* Does this kernel run SELinux? (selinuxfs is registered by SELinux itself, whether it is mounted or not.) */
bool label_is_used(void);

/* Is one of the options a label? */
bool label_is_asked(const char *options);

/* The options for mount(2): without labels where nobody uses them. NULL stays NULL; free() it. */
char *label_options(const char *options);

/* What of the labels in `options` a mount whose file system shows `shown` does not have: "context=u:object_r:…"; NULL if it
 * has all. free() it. */
char *label_missing(const char *options, const char *shown);

/* What is mounted there already: has it the labels asked for? -1: no, and it cannot get them. */
int label_check(const char *options, const struct mount_entry *entry, struct error *err);

/* A mount with these options failed: if a label can be the reason, say so in the remedy, and return true. */
bool label_explain(const char *options, struct error *err);

#endif
