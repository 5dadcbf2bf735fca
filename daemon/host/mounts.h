/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mount table and the act of mounting. The table is the kernel's (/proc/self/mountinfo), read when first asked and
 * again after anything was mounted. "What is mounted at this path" is answered by the path itself: statx(2) tells the id
 * of the mount that it leads to (5.8; /proc/self/fdinfo before), so symlinks and stacked mounts need no guessing.
 */
#ifndef EDGEINIT_HOST_MOUNTS_H
#define EDGEINIT_HOST_MOUNTS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "host/mountinfo.h"

struct host;

/* What is mounted exactly at `path`, the topmost if several are. 1 and the entry; 0 if the path exists and is no mount
 * point; -1 if it cannot be reached (err: ENOENT, ENOTDIR, …). */
int mounts_at(struct host *host, const char *path, struct mount_entry *entry, struct error *err);

/* mounts_at(), and what the path shows, which the same system call tells: device, inode, mode and owner alone. */
int mounts_look(struct host *host, const char *path, struct mount_entry *entry, struct stat *root, struct error *err);

/* Is something mounted exactly at `path`, as far as the path itself tells (5.8)? What it shows as above. False as well if it
 * cannot be told. Reads no table. */
bool mounts_is_root(const char *path, struct stat *root);

/* The mount that `path`, which must exist, lives on. */
int mounts_holding(struct host *host, const char *path, struct mount_entry *entry, struct error *err);

/* The number of the mount that `path` leads to, also through a link of /proc; -1: it cannot be told. */
int mounts_number(const char *path);

/* The first mount, in the kernel's order (oldest first), for which `fits` says yes. */
bool mounts_find(struct host *host, bool (*fits)(const struct mount_entry *entry, const void *wanted),
                 const void *wanted, struct mount_entry *entry);

/* The last one, which is the youngest. */
bool mounts_find_last(struct host *host, bool (*fits)(const struct mount_entry *entry, const void *wanted),
                      const void *wanted, struct mount_entry *entry);

/* mount(2) with options as in fstab ("noatime,size=16M"), "bind" and "remount" among them. type NULL with
 * bind and remount. The table is forgotten afterwards. */
int mounts_mount(struct host *host, const char *source, const char *target, const char *type, const char *options,
                 struct error *err);

/* The error of mount(2) with these arguments and that errno; returns -1. */
int mounts_refused(const char *source, const char *target, const char *type, const char *options, int errnum,
                   struct error *err);

/* Take the topmost mount off `target`, at once even if it is in use (MNT_DETACH). */
int mounts_detach(struct host *host, const char *target, struct error *err);

/* The same, if nothing uses it (EBUSY). */
int mounts_unmount(struct host *host, const char *target, struct error *err);

void mounts_forget(struct host *host);

/* Is `word` one of the comma-separated words? */
bool mounts_has_option(const char *options, const char *word);

#endif
