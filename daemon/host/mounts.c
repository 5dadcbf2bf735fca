/* SPDX-License-Identifier: Apache-2.0 */
#include "host/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/util.h"
#include "host/host.h"

#define TABLE_LARGEST (16 * 1024 * 1024)

struct mounts {
    struct mount_table table;
};

/* musl has statx(2) from 1.2.4 on, OpenHarmony 3.1's has not. */
#ifndef STATX_BASIC_STATS
#include <linux/stat.h>

static int statx(int directory, const char *path, int flags, unsigned mask, struct statx *status)
{
    return (int)syscall(SYS_statx, directory, path, flags, mask, status);
}
#endif

static const struct mount_table *get_table(struct host *host)
{
    struct error ignored = {0};
    char *text = NULL;
    size_t length = 0;

    if (host->mounts == NULL) {
        host->mounts = xcalloc(1, sizeof(*host->mounts));
        if (file_read("/proc/self/mountinfo", TABLE_LARGEST, &text, &length, &ignored) == 0) {
            mountinfo_parse(&host->mounts->table, text);
        }
    }
    return &host->mounts->table;
}

void mounts_forget(struct host *host)
{
    if (host->mounts != NULL) {
        mountinfo_free(&host->mounts->table);
        free(host->mounts);
        host->mounts = NULL;
    }
}

bool mounts_find(struct host *host, bool (*fits)(const struct mount_entry *entry, const void *wanted),
                 const void *wanted, struct mount_entry *entry)
{
    const struct mount_table *table = get_table(host);

    for (size_t i = 0; i < table->count; i++) {
        if (fits(&table->entries[i], wanted)) {
            *entry = table->entries[i];
            return true;
        }
    }
    return false;
}

bool mounts_find_last(struct host *host, bool (*fits)(const struct mount_entry *entry, const void *wanted),
                      const void *wanted, struct mount_entry *entry)
{
    const struct mount_table *table = get_table(host);

    for (size_t i = table->count; i-- > 0;) {
        if (fits(&table->entries[i], wanted)) {
            *entry = table->entries[i];
            return true;
        }
    }
    return false;
}

static bool has_id(const struct mount_entry *entry, const void *wanted)
{
    return entry->id == *(const int *)wanted;
}

/* Kernels before 5.8 tell the mount id only in fdinfo (since 3.15). */
static int mount_id_of(int fd)
{
    CLEANUP_FREE char *path = xasprintf("/proc/self/fdinfo/%d", fd);
    CLEANUP_FREE char *info = NULL;
    const char *line;
    struct error ignored = {0};
    size_t length;

    if (file_read(path, 4096, &info, &length, &ignored) != 0 || (line = strstr(info, "mnt_id:")) == NULL) {
        return -1;
    }
    return (int)strtol(line + strlen("mnt_id:"), NULL, 10);
}

/* The id of the mount that path leads to, and whether path is its root: 1, 0, or -1 if only the table can tell. */
static int identify(const char *path, int *id, int *is_root, struct stat *root, struct error *err)
{
    CLEANUP_CLOSE int fd = -1;
    struct statx status = {0};
    int result = statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_MNT_ID, &status);

    if (result == 0) {
        *root = (struct stat){
            .st_dev = makedev(status.stx_dev_major, status.stx_dev_minor),
            .st_ino = status.stx_ino,
            .st_mode = status.stx_mode,
            .st_uid = status.stx_uid,
            .st_gid = status.stx_gid,
        };
    } else if (errno == ENOSYS) { /* before 4.11 */
        result = stat(path, root);
    }
    if (result != 0) {
        return error_system(err, errno, "stat %s", path);
    }
    *is_root = -1;
    if ((status.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0) {
        *is_root = (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    }
    /* No mount has the number 0; qemu's user mode emulation passes the mask on, and not the number. */
    if ((status.stx_mask & STATX_MNT_ID) != 0 && status.stx_mnt_id != 0) {
        *id = (int)status.stx_mnt_id;
        return 0;
    }
    fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    *id = mount_id_of(fd);
    return 0;
}

bool mounts_is_root(const char *path, struct stat *root)
{
    struct error ignored = {0};
    int id = -1;
    int is_root = 0;

    return identify(path, &id, &is_root, root, &ignored) == 0 && is_root == 1;
}

int mounts_number(const char *path)
{
    struct error ignored = {0};
    int id = -1;
    int is_root = 0;
    struct stat root;

    return identify(path, &id, &is_root, &root, &ignored) != 0 ? -1 : id;
}

static int entry_of(struct host *host, int id, const char *path, struct mount_entry *entry, struct error *err)
{
    if (!mounts_find(host, has_id, &id, entry)) {
        mounts_forget(host); /* mounted by somebody else since we read the table */
        if (!mounts_find(host, has_id, &id, entry)) {
            return error_set(err, ERROR_SYSTEM, ENOENT, "find mount %d of %s in /proc/self/mountinfo", id, path);
        }
    }
    return 0;
}

int mounts_holding(struct host *host, const char *path, struct mount_entry *entry, struct error *err)
{
    struct stat root;
    int id = -1;
    int is_root = 0;

    return identify(path, &id, &is_root, &root, err) != 0 ? -1 : entry_of(host, id, path, entry, err);
}

int mounts_at(struct host *host, const char *path, struct mount_entry *entry, struct error *err)
{
    struct stat root;

    return mounts_look(host, path, entry, &root, err);
}

int mounts_look(struct host *host, const char *path, struct mount_entry *entry, struct stat *root, struct error *err)
{
    char real[PATH_MAX];
    int id = -1;
    int is_root = 0;

    if (identify(path, &id, &is_root, root, err) != 0) {
        return -1;
    }
    if (is_root == 0) {
        return 0; /* the common answer, without reading the table */
    }
    if (entry_of(host, id, path, entry, err) != 0) {
        return -1;
    }
    if (is_root < 0) {
        is_root = realpath(path, real) != NULL && streq(real, entry->target);
    }
    return is_root;
}

int mounts_refused(const char *source, const char *target, const char *type, const char *options, int errnum,
                   struct error *err)
{
    return error_system(err, errnum, "mount %s on %s (type %s, options %s)", source == NULL ? "none" : source, target,
                        type == NULL ? "none" : type, options == NULL || options[0] == '\0' ? "none" : options);
}

int mounts_mount(struct host *host, const char *source, const char *target, const char *type, const char *options,
                 struct error *err)
{
    CLEANUP_TEXT struct text data = {0};
    unsigned long flags = 0;
    int errnum = 0;

    /* The manifest says it all, so the call itself is ours: no fstab, no helper, no silent read-only mount of a device
     * that takes no writes, no new mount API whose EPERM under SELinux or seccomp would be taken for an answer. A bind
     * takes no other flags until it is mounted (mount(2), MS_BIND). */
    mountinfo_split_options(options == NULL ? "" : options, &flags, &data);
    if (mount(source, target, type, flags, data.length == 0 ? NULL : text_string(&data)) != 0) {
        errnum = errno;
    } else if ((flags & MS_BIND) != 0 && (flags & MS_REMOUNT) == 0 &&
               (flags & ~(unsigned long)(MS_BIND | MS_REC)) != 0 &&
               mount(NULL, target, NULL, flags | MS_REMOUNT, NULL) != 0) {
        errnum = errno;
        umount2(target, MNT_DETACH);
    }
    mounts_forget(host);
    return errnum == 0 ? 0 : mounts_refused(source, target, type, options, errnum, err);
}

int mounts_detach(struct host *host, const char *target, struct error *err)
{
    if (umount2(target, MNT_DETACH) != 0) {
        return error_system(err, errno, "umount %s", target);
    }
    mounts_forget(host);
    return 0;
}

int mounts_unmount(struct host *host, const char *target, struct error *err)
{
    if (umount2(target, UMOUNT_NOFOLLOW) != 0) {
        return error_system(err, errno, "umount %s", target);
    }
    mounts_forget(host);
    return 0;
}

bool mounts_has_option(const char *options, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = options == NULL ? "" : options; *at != '\0'; at += *at == ',') {
        if (*at == *word && strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0')) {
            return true;
        }
        while (*at != ',' && *at != '\0') {
            at++;
        }
    }
    return false;
}
