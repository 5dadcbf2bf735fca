/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/util.h"

int file_read_fd(int fd, const char *path, size_t limit, char **data, size_t *length, struct error *err)
{
    CLEANUP_FREE char *buffer = NULL;
    size_t capacity = 4096;
    size_t used = 0;

    /* Kernel files say their size is 0 or a page: read until the end, never by st_size. */
    buffer = xrealloc(NULL, capacity + 1);
    for (;;) {
        ssize_t got;

        if (used == capacity) {
            capacity *= 2;
            buffer = xrealloc(buffer, capacity + 1);
        }
        got = read(fd, buffer + used, capacity - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_system(err, errno, "read %s", path);
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
        if (used > limit) {
            return error_system(err, EFBIG, "read %s: more than %zu bytes", path, limit);
        }
    }
    buffer[used] = '\0';
    *data = take_pointer(&buffer);
    *length = used;
    return 0;
}

int file_read(const char *path, size_t limit, char **data, size_t *length, struct error *err)
{
    /* O_NONBLOCK: a FIFO put where a file should be must not hang us. */
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;

    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    if (fstat(fd, &status) != 0) {
        return error_system(err, errno, "stat %s", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_system(err, S_ISDIR(status.st_mode) ? EISDIR : EINVAL, "read %s: not a regular file", path);
    }
    return file_read_fd(fd, path, limit, data, length, err);
}

int file_write_all(int fd, const char *data, size_t length)
{
    while (length > 0) {
        ssize_t put = write(fd, data, length);

        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return -1;
        }
        data += put;
        length -= (size_t)put;
    }
    return 0;
}

static int fill_aside(int directory, const char *aside, const char *data, size_t length,
                      const struct file_attributes *attributes)
{
    /* No O_EXCL: what a killed process left aside is ours to write over. O_NOFOLLOW: nobody else's. */
    CLEANUP_CLOSE int fd = openat(directory, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0 || file_write_all(fd, data, length) != 0 || fchmod(fd, attributes->mode) != 0) {
        return -1;
    }
    if ((attributes->uid != (uid_t)-1 || attributes->gid != (gid_t)-1) &&
        fchown(fd, attributes->uid, attributes->gid) != 0) {
        return -1;
    }
    return fsync(fd);
}

int file_write(const char *path, const char *data, size_t length, const struct file_attributes *attributes,
               struct error *err)
{
    char parent[PATH_MAX];
    char aside[NAME_MAX + 1];
    CLEANUP_CLOSE int directory = -1;

    path_parent(path, parent);
    if (snprintf(aside, sizeof(aside), ".%s.edgeinit-new", path_name(path)) >= (int)sizeof(aside)) {
        return error_system(err, ENAMETOOLONG, "write %s", path);
    }
    directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return error_system(err, errno, "open %s", parent);
    }
    if (fill_aside(directory, aside, data, length, attributes) != 0) {
        error_system(err, errno, "write %s", path);
        unlinkat(directory, aside, 0);
        return -1;
    }
    if (renameat(directory, aside, directory, path_name(path)) != 0) {
        error_system(err, errno, "rename %s/%s to %s", parent, aside, path);
        unlinkat(directory, aside, 0);
        return -1;
    }
    if (fsync(directory) != 0) {
        return error_system(err, errno, "fsync %s", parent);
    }
    return 0;
}

int file_put(const char *path, const char *value, struct error *err)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    size_t length = strlen(value);
    ssize_t put;

    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    put = write(fd, value, length);
    if (put != (ssize_t)length) {
        return error_system(err, put < 0 ? errno : EIO, "write \"%s\" to %s", value, path);
    }
    return 0;
}

int file_make_parents(const char *directory, struct error *err)
{
    char path[PATH_MAX];

    if (mkdir(directory, 0755) == 0 || errno == EEXIST) {
        return 0;
    }
    if (errno != ENOENT || streq(directory, "/")) {
        return error_system(err, errno, "mkdir %s", directory);
    }
    path_parent(directory, path);
    if (file_make_parents(path, err) != 0) {
        return -1;
    }
    if (mkdir(directory, 0755) != 0 && errno != EEXIST) {
        return error_system(err, errno, "mkdir %s", directory);
    }
    return 0;
}
