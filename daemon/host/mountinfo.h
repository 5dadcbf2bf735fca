/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's text of its mounts (proc_pid_mountinfo(5)) and the words of mount options. libmount can read both, but the
 * shared library brings libblkid, libselinux and pcre2 into every start of the program, a third of the time that an apply
 * with nothing to do may take (docs/architecture.md); the format is ABI and has not changed since 2.6.26.
 */
#ifndef EDGEINIT_HOST_MOUNTINFO_H
#define EDGEINIT_HOST_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"

/* One line of mountinfo; the texts belong to the table. */
struct mount_entry {
    int id;
    int parent;
    dev_t device;
    const char *root; /* of the mount within its file system */
    const char *target;
    const char *type;
    const char *source;      /* "" if the kernel gives none */
    const char *options;     /* of this mount: "rw,nosuid" */
    const char *propagation; /* the optional fields: "shared:1 master:2"; "" for a private mount */
    const char *fs_options;  /* of the file system: "rw,cpuset" */
};

struct mount_table {
    char *text; /* the fields point into it */
    struct mount_entry *entries;
    size_t count;
};

/* Take the text of mountinfo apart; it is cut into its fields, and owned by the table. Lines that are no mount are left
 * out. Release with mountinfo_free(). */
void mountinfo_parse(struct mount_table *table, char *text);
void mountinfo_free(struct mount_table *table);

/* Split options as in fstab into mount(2)'s flags and what is for the file system itself, which is added to `data`. Later
 * words win over earlier ones. */
void mountinfo_split_options(const char *options, unsigned long *flags, struct text *data);

/* Do the optional fields hold this one ("shared", "master", "unbindable")? */
bool mountinfo_has_tag(const char *propagation, const char *tag);

#endif
