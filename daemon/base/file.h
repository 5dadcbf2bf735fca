/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: read whole with a bound, written whole or not at all. A file that exists is never seen half written, whatever
 * happens to the process or the power: the new content goes aside into the same directory, is fsynced, renamed over the
 * old, and the directory is fsynced (fsync(2), rename(2)).
 */
#ifndef EDGEINIT_BASE_FILE_H
#define EDGEINIT_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* Read a file of at most `limit` bytes. *data is NUL-terminated, free() it. A longer file is an error (EFBIG). The path
 * must be a regular file, or a kernel file that says it is one. */
int file_read(const char *path, size_t limit, char **data, size_t *length, struct error *err);

/* The same from an open descriptor; `path` is for messages. */
int file_read_fd(int fd, const char *path, size_t limit, char **data, size_t *length, struct error *err);

/* It will be read: the kernel is told to fetch its first `length` bytes from the disk, and nobody waits for that. */
void file_expect(const char *path, size_t length);

struct file_attributes {
    mode_t mode;
    uid_t uid; /* (uid_t)-1: leave as created */
    gid_t gid;
    bool fresh; /* nothing is there to be replaced, so there is no label to be kept */
};

/* Write a regular file whole or not at all, see above. The new file has the SELinux label of the old one. `path` must not be a symlink (follow it first: path_follow). The
 * temporary is ".NAME.edgeinit-new" in the same directory: one that a killed process left is replaced. */
int file_write(const char *path, const char *data, size_t length, const struct file_attributes *attributes,
               struct error *err);

/* One write(2) of the whole value to an existing file, as kernel files want it. */
int file_put(const char *path, const char *value, struct error *err);

/* The same, and what the file holds then, up to `size` bytes with the NUL; "" if it cannot be told. */
int file_put_and_look(const char *path, const char *value, char *now, size_t size, struct error *err);

/* mkdir -p: make the directory and its missing parents, mode 0755 before umask. No error if it is there. */
int file_make_parents(const char *directory, struct error *err);

/* A directory that nobody else may list or open (whoever can open a directory can lock it), mode 0711, with its parents:
 * others pass through to what lets them in by its own mode. One that is there must belong to root or the caller; a looser
 * mode is tightened. */
int file_make_private(const char *directory, struct error *err);

/* Write all bytes to a descriptor, going on after short writes and EINTR. Returns -1 with errno. */
int file_write_all(int fd, const char *data, size_t length);

#endif
