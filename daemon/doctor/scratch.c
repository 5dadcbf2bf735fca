/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/scratch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/util.h"
#include "doctor/probe.h"

static void remove_below(int parent, const char *name, dev_t device)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    CLEANUP_DIR DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;
    struct stat status;

    if (directory == NULL || fstat(fd, &status) != 0 || status.st_dev != device) {
        if (directory == NULL && fd >= 0) {
            close(fd);
        }
        return;
    }
    while ((entry = readdir(directory)) != NULL) {
        if (streq(entry->d_name, ".") || streq(entry->d_name, "..")) {
            continue;
        }
        if (unlinkat(fd, entry->d_name, 0) != 0 && errno == EISDIR) {
            remove_below(fd, entry->d_name, device);
        }
    }
    unlinkat(parent, name, AT_REMOVEDIR);
}

void scratch_remove(const char *path)
{
    struct stat status;

    if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        remove_below(AT_FDCWD, path, status.st_dev);
    }
}

/* Its maker holds a lock on it as long as it lives; its pid may be that of a stranger meanwhile, or mean nothing here. */
static bool is_abandoned(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* What is ours and stale in this directory. Group files refuse to be unlinked, and rmdir takes the group. */
static void sweep(const char *parent, bool are_groups)
{
    CLEANUP_DIR DIR *directory = opendir(parent);
    const struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (probe_is_stale(entry->d_name)) {
            CLEANUP_FREE char *path = xasprintf("%s/%s", parent, entry->d_name);

            if (!is_abandoned(path)) {
                continue;
            }
            if (are_groups) {
                rmdir(path);
            } else {
                scratch_remove(path);
            }
        }
    }
}

static int make(const char *parent, bool is_group, char path[PATH_MAX])
{
    char name[64];
    int fd;

    sweep(parent, is_group);
    probe_scratch(name, getpid());
    snprintf(path, PATH_MAX, "%s/%s", parent, name);
    if (mkdir(path, 0700) != 0) {
        return -1;
    }
    /* Held until the process ends. */
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        flock(fd, LOCK_EX | LOCK_NB);
    }
    return 0;
}

int scratch_make(const char *parent, char path[PATH_MAX])
{
    return make(parent, false, path);
}

int scratch_make_group(const char *parent, char path[PATH_MAX])
{
    return make(parent, true, path);
}
