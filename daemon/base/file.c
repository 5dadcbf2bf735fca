/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/format.h"
#include "base/path.h"
#include "base/util.h"

#define LABEL_NAME "security.selinux"
#define LABEL_LONGEST 4096 /* the kernel's own limit is a page */

int file_read_fd(int fd, const char *path, size_t limit, char **data, size_t *length, struct error *err)
{
    char small[8192]; /* nearly all files fit: one allocation, of the right size */
    CLEANUP_FREE char *large = NULL;
    char *buffer = small;
    size_t capacity = sizeof(small);
    size_t used = 0;

    /* Kernel files say their size is 0 or a page: read until the end, never by st_size. */
    for (;;) {
        ssize_t got;

        if (used == capacity) {
            capacity *= 2;
            large = xrealloc(large, capacity + 1);
            if (buffer == small) {
                memcpy(large, small, used);
            }
            buffer = large;
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
    if (buffer == small) {
        large = xmalloc(used + 1);
        memcpy(large, small, used);
    }
    large[used] = '\0';
    *data = take_pointer(&large);
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

void file_expect(const char *path, size_t length)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* as file_read() does */

    if (fd >= 0) {
        readahead(fd, 0, length);
    }
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

/* Give the new file the SELinux label of the one that it will replace: a new inode gets its directory's, and who may read
 * the old one might not read that. While it is empty, so that the content never lies under another label. setxattr rather
 * than /proc/self/attr/fscreate: it is the file's own, and no later file of ours gets it by mistake. */
static int keep_label(int fd, const char *path)
{
    CLEANUP_FREE char *wanted = NULL;
    CLEANUP_FREE char *label = NULL;
    ssize_t length;

    if (lgetxattr(path, LABEL_NAME, NULL, 0) <= 0) {
        return 0; /* nothing is replaced, or it has no label */
    }
    wanted = xmalloc(LABEL_LONGEST);
    label = xmalloc(LABEL_LONGEST);
    length = lgetxattr(path, LABEL_NAME, wanted, LABEL_LONGEST);
    if (length <= 0 ||
        (fgetxattr(fd, LABEL_NAME, label, LABEL_LONGEST) == length && memcmp(wanted, label, (size_t)length) == 0)) {
        return 0; /* the new one has the same */
    }
    /* EPERM is what an owner without rights gets where nobody enforces labels; a policy says EACCES. */
    return fsetxattr(fd, LABEL_NAME, wanted, (size_t)length, 0) == 0 || errno == EOPNOTSUPP || errno == EPERM ? 0 : -1;
}

static int fill_aside(int directory, const char *aside, const char *path, const char *data, size_t length,
                      const struct file_attributes *attributes, const char **failed)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    CLEANUP_CLOSE int fd = openat(directory, aside, flags, 0600);

    /* What a killed process left, or somebody planted in a directory that others can write, is never written into. */
    if (fd < 0 && errno == EEXIST && unlinkat(directory, aside, 0) == 0) {
        fd = openat(directory, aside, flags, 0600);
    }
    if (fd < 0) {
        return -1;
    }
    if (!attributes->fresh && keep_label(fd, path) != 0) {
        *failed = "keep the SELinux label of";
        return -1;
    }
    if (file_write_all(fd, data, length) != 0) {
        return -1;
    }
    if ((attributes->uid != (uid_t)-1 || attributes->gid != (gid_t)-1) &&
        fchown(fd, attributes->uid, attributes->gid) != 0) {
        return -1;
    }
    /* After chown, which clears set-id bits (chown(2)). */
    return fchmod(fd, attributes->mode) != 0 ? -1 : fsync(fd);
}

int file_write(const char *path, const char *data, size_t length, const struct file_attributes *attributes,
               struct error *err)
{
    char parent[PATH_MAX];
    char aside[NAME_MAX + 1];
    CLEANUP_CLOSE int directory = -1;
    const char *failed = "write";

    path_parent(path, parent);
    if (format_print(aside, sizeof(aside), ".%s.edgeinit-new", path_name(path)) >= (int)sizeof(aside)) {
        return error_system(err, ENAMETOOLONG, "write %s", path);
    }
    directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return error_system(err, errno, "open %s", parent);
    }
    if (fill_aside(directory, aside, path, data, length, attributes, &failed) != 0) {
        error_system(err, errno, "%s %s", failed, path);
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

int file_put_and_look(const char *path, const char *value, char *now, size_t size, struct error *err)
{
    const int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    CLEANUP_CLOSE int fd = size > 0 ? open(path, O_RDWR | flags) : -1;
    size_t length = strlen(value);
    ssize_t put;
    ssize_t got;

    if (fd < 0) {
        fd = open(path, O_WRONLY | flags);
    }
    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    put = write(fd, value, length);
    if (put != (ssize_t)length) {
        return error_system(err, put < 0 ? errno : EIO, "write \"%s\" to %s", value, path);
    }
    if (size > 0) {
        got = pread(fd, now, size, 0);
        now[got < 0 || got == (ssize_t)size ? 0 : got] = '\0';
    }
    return 0;
}

int file_put(const char *path, const char *value, struct error *err)
{
    return file_put_and_look(path, value, NULL, 0, err);
}

/* EEXIST is said of a dangling symlink and of a file, too. */
static int made_or_there(const char *directory, struct error *err)
{
    struct stat status;

    if (errno != EEXIST) {
        return error_system(err, errno, "mkdir %s", directory);
    }
    if (stat(directory, &status) != 0 || !S_ISDIR(status.st_mode)) {
        error_system(err, ENOTDIR, "mkdir %s", directory);
        return error_remedy(err, "a file or a symlink that leads nowhere stands there: move it away");
    }
    return 0;
}

int file_make_parents(const char *directory, struct error *err)
{
    char path[PATH_MAX];

    if (mkdir(directory, 0755) == 0) {
        return 0;
    }
    if (errno != ENOENT || streq(directory, "/")) {
        return made_or_there(directory, err);
    }
    path_parent(directory, path);
    if (file_make_parents(path, err) != 0) {
        return -1;
    }
    return mkdir(directory, 0755) == 0 ? 0 : made_or_there(directory, err);
}

int file_make_private(const char *directory, struct error *err)
{
    char parent[PATH_MAX];
    struct stat status;

    path_parent(directory, parent);
    if (file_make_parents(parent, err) != 0) {
        return -1;
    }
    if (mkdir(directory, 0711) == 0) {
        return 0;
    }
    if (errno != EEXIST || lstat(directory, &status) != 0) {
        return error_system(err, errno, "mkdir %s", directory);
    }
    if (!S_ISDIR(status.st_mode) || (status.st_uid != 0 && status.st_uid != geteuid())) {
        error_set(err, ERROR_INPUT, 0, "use %s: it is no directory of root's", directory);
        return error_remedy(err, "remove it, or name another directory");
    }
    if ((status.st_mode & 066) != 0 && chmod(directory, 0711) != 0) {
        return error_system(err, errno, "chmod %s", directory);
    }
    return 0;
}
