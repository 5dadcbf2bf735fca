/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a mount of the manifest asks for, shared by the two halves of the kind: mount.c reads and judges it (what counts is what the
 * kernel shows at the target), mount_make.c brings it about.
 */
#ifndef EDGEINIT_HOST_MOUNT_SPEC_H
#define EDGEINIT_HOST_MOUNT_SPEC_H

#include <sys/types.h>

#include "host/host.h"
#include "host/mountinfo.h"

enum mount_form { FORM_BIND, FORM_VIRTUAL, FORM_DEVICE, FORM_PRESENT };

struct mount_spec {
    const char *target;
    const char *source;
    const char *type; /* NULL: whatever the device holds */
    const char *options;
    const char *label; /* SELinux, of all its files */
    int64_t wait;
    int propagation; /* enum propagation */
    bool remount;
    enum mount_form form;
    struct {
        dev_t device;
        ino_t inode;
    } bound;           /* what the last probe saw at the source of a bind */
    bool target_there; /* the last probe saw that there is something to mount on, of the right sort */
    char *module;      /* the name of the resource that would load the type's module: "module f2fs" */
};

/* Is the source a UUID or a label? */
bool mount_is_tag(const char *source);

/* Options that the manifest gives and the mount does not have; NULL if none. Only those that mountinfo shows word for
 * word for every file system: a file system prints its own options as it likes ("size=1G" reads "size=1048576k"). */
const char *mount_missing_option(const struct mount_spec *spec, const struct mount_entry *entry);

/* Is it read-only, and not by the manifest? */
bool mount_is_read_only(const struct mount_spec *spec, const struct mount_entry *entry);

/* The error for a type that this kernel does not know; returns -1. */
int mount_unknown_type(const struct mount_spec *spec, const char *type, struct error *err);

/* The kind's prepare(), apply(), one_call() and refused(). */
int mount_prepare(struct resource *resource, struct host *host, struct error *err);
int mount_apply(struct resource *resource, struct host *host, struct error *err);
bool mount_one_call(struct resource *resource, struct host *host, struct mount_call *call);
int mount_refused(const struct resource *resource, int errnum, struct error *err);

#endif
