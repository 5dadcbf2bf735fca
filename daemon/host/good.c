/* SPDX-License-Identifier: Apache-2.0 */
#include "host/good.h"

#include <limits.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "base/util.h"

static char *place(const char *state_dir, const char *path)
{
    return xasprintf("%s/good%s", state_dir, path);
}

char *good_read(const char *state_dir, const char *path, size_t *length)
{
    CLEANUP_FREE char *copy = place(state_dir, path);
    struct error ignored = {0};
    char *data = NULL;

    return file_read(copy, GOOD_LARGEST, &data, length, &ignored) == 0 ? data : NULL;
}

int good_keep(const char *state_dir, const char *path, const char *data, size_t length, struct error *err)
{
    static const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *copy = place(state_dir, path);
    size_t kept_length = 0;
    CLEANUP_FREE char *kept = good_read(state_dir, path, &kept_length);
    char parent[PATH_MAX];

    if (kept != NULL && kept_length == length && memcmp(kept, data, length) == 0) {
        return 0;
    }
    path_parent(copy, parent);
    if (file_make_parents(parent, err) != 0 || file_write(copy, data, length, &attributes, err) != 0) {
        return error_wrap(err, "keep a copy of %s", path);
    }
    return 0;
}

int good_put_aside(const char *path, const char *data, size_t length, struct error *err)
{
    CLEANUP_FREE char *aside = xasprintf("%s.broken", path);
    struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    struct stat status;

    if (stat(path, &status) == 0) {
        attributes =
            (struct file_attributes){.mode = status.st_mode & 07777, .uid = status.st_uid, .gid = status.st_gid};
    }
    return file_write(aside, data, length, &attributes, err);
}
