/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELinux labels as mount options: context= (one label for all files), defcontext= (for files that have none), fscontext=,
 * rootcontext=. The kernel takes them once, when the file system is first mounted: another label needs an umount. A value
 * that holds a comma stands in double quotes, which the kernel takes off and shows again. Without SELinux every file
 * system refuses them (EINVAL), so they are left out there: a manifest with labels serves a kernel without as well.
 *
 * "label" of a mount names the label alone, and asks for it wherever it means something: not without SELinux, not before a
 * policy is loaded (the kernel then refuses every label), not where the loaded policy does not know it, for then the image
 * was made without ours and nothing on it would look for the label either. It becomes context=, or defcontext= where the
 * policy does not let us put a label in place of what the files have (OpenHarmony before 6.0).
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

/* "options" and "label" of a mount, as one text: with the option that the label means here, or without. NULL if there is
 * nothing; free() it. */
char *label_join(const char *options, const char *label);

/* Has a mount whose file system shows `shown` this label, in either way? */
bool label_is_there(const char *label, const char *shown);

/* What of the labels in `options` a mount whose file system shows `shown` does not have: "context=u:object_r:…"; NULL if it
 * has all. free() it. */
char *label_missing(const char *options, const char *shown);

/* What is mounted there already: has it the labels asked for, in "options" and in "label" (each may be NULL)? -1: no, and
 * it cannot get them. */
int label_check(const char *options, const char *label, const struct mount_entry *entry, struct error *err);

/* A mount with these options failed: if a label can be the reason, say so in the remedy, and return true. */
bool label_explain(const char *options, struct error *err);

#endif
