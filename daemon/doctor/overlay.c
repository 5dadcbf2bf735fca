/* SPDX-License-Identifier: Apache-2.0 */
/*
 * overlay2 as docker uses it, tried on the file system of the data-root: two lower directories, an upper and a work
 * directory, in a scratch directory there; mounted in a mount namespace of the probe's own; then what an image's layers need:
 * a rename of what is below, a whiteout, an opaque directory (an extended attribute), types of directory entries.
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/util.h"
#include "doctor/probe.h"
#include "doctor/scratch.h"

enum { ROW_SCRATCH, ROW_MOUNT, ROW_RENAME, ROW_WHITEOUT, ROW_XATTR, ROW_D_TYPE };

#define OTHER_DISK \
    "put the data-root on a card with f2fs or ext4 that is not encrypted: mkfs.f2fs, \"mounts\", \"data-root\" in daemon.json"

static const struct probe_row rows[] = {
    [ROW_SCRATCH] = {"overlay.directory", NEED_DOCKER, "directories can be made in the data-root",
                     "dockerd does not start", "see data-root.writable and data-root.space"},
    [ROW_MOUNT] = {"overlay.mount", NEED_OVERLAY, "overlayfs can be mounted on the data-root's file system",
                   "overlay2 is not to be had: dockerd does not start, or falls back to vfs, which copies whole images",
                   OTHER_DISK},
    [ROW_RENAME] = {"overlay.rename", NEED_OVERLAY, "a file of a lower layer can be renamed",
                    "packages cannot be installed in containers", OTHER_DISK},
    [ROW_WHITEOUT] = {"overlay.whiteout", NEED_OVERLAY, "a file of a lower layer can be removed",
                      "files that an image removed come back", OTHER_DISK},
    [ROW_XATTR] = {"overlay.xattr", NEED_OVERLAY, "a directory can be replaced (trusted.overlay.opaque)",
                   "what was below a replaced directory shines through",
                   "build the kernel with the extended attributes of the file system (CONFIG_F2FS_FS_XATTR, "
                   "CONFIG_TMPFS_XATTR)"},
    [ROW_D_TYPE] = {"overlay.d_type", NEED_OVERLAY, "directory entries tell their type",
                    "docker refuses overlay2: \"d_type\"",
                    "format with d_type: mkfs.xfs -n ftype=1, mkfs.ext4 -O filetype"},
};

static bool make(const char *directory, const char *name, bool is_directory)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", directory, name);
    CLEANUP_CLOSE int fd = -1;

    if (is_directory) {
        return mkdir(path, 0755) == 0;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    return fd >= 0 && file_write_all(fd, "x", 1) == 0;
}

/* lower/{file,gone,tree/inside}, other, upper, work, merged */
static bool make_layers(const char *scratch)
{
    static const struct {
        const char *name;
        bool is_directory;
    } things[] = {{"lower", true},       {"other", true},       {"upper", true},
                  {"work", true},        {"merged", true},      {"lower/tree", true},
                  {"lower/file", false}, {"lower/gone", false}, {"lower/tree/inside", false}};

    for (size_t i = 0; i < ARRAY_SIZE(things); i++) {
        if (!make(scratch, things[i].name, things[i].is_directory)) {
            return false;
        }
    }
    return true;
}

static bool mount_overlay(const char *scratch)
{
    CLEANUP_FREE char *merged = xasprintf("%s/merged", scratch);
    CLEANUP_FREE char *options =
        xasprintf("lowerdir=%s/lower:%s/other,upperdir=%s/upper,workdir=%s/work", scratch, scratch, scratch, scratch);

    return mount("overlay", merged, "overlay", 0, options) == 0;
}

/* EACCES is not what a file system says to root: the policy does. What overlayfs does in the upper layer it does with the
 * rights of whoever mounted it, so with dockerd's a container would fare the same (docs/selinux.md, "two walls"). */
static bool is_policy(void)
{
    return errno == EACCES && access("/sys/fs/selinux/enforce", F_OK) == 0;
}

static void say_tried(struct answers *answers, unsigned row, bool good, const char *yes)
{
    if (good) {
        say(answers, row, ANSWER_YES, "%s", yes);
    } else if (is_policy()) {
        probe_say(answers,
                  &(struct said){
                      .row = row,
                      .answer = ANSWER_NO,
                      .remedy = "OpenHarmony's policy lets nobody rename a character device, which is how overlayfs "
                                "marks a removed file: change that one rule of the base (docs/selinux.md), use "
                                "\"storage-driver\": \"vfs\", or images whose files no container removes"},
                  "not so: %s: refused by SELinux", rows[row].title);
    } else {
        say(answers, row, ANSWER_NO, "not so: %s: %s", rows[row].title, strerror(errno));
    }
}

static void check_rename(struct answers *answers, const char *scratch)
{
    CLEANUP_FREE char *from = xasprintf("%s/merged/file", scratch);
    CLEANUP_FREE char *to = xasprintf("%s/merged/renamed", scratch);

    say_tried(answers, ROW_RENAME, rename(from, to) == 0 && access(from, F_OK) != 0 && access(to, F_OK) == 0,
              "overlay: a file of a lower layer can be renamed");
}

/* What is left of a removed file is a character device 0:0 in the upper layer. */
static void check_whiteout(struct answers *answers, const char *scratch)
{
    CLEANUP_FREE char *gone = xasprintf("%s/merged/gone", scratch);
    CLEANUP_FREE char *mark = xasprintf("%s/upper/gone", scratch);
    struct stat status;

    say_tried(answers, ROW_WHITEOUT,
              unlink(gone) == 0 && access(gone, F_OK) != 0 && lstat(mark, &status) == 0 && S_ISCHR(status.st_mode) &&
                  status.st_rdev == makedev(0, 0),
              "overlay: a file of a lower layer can be removed");
}

static void check_opaque(struct answers *answers, const char *scratch)
{
    CLEANUP_FREE char *inside = xasprintf("%s/merged/tree/inside", scratch);
    CLEANUP_FREE char *tree = xasprintf("%s/merged/tree", scratch);
    CLEANUP_FREE char *upper = xasprintf("%s/upper/tree", scratch);
    char value[8] = "";

    say_tried(answers, ROW_XATTR,
              unlink(inside) == 0 && rmdir(tree) == 0 && mkdir(tree, 0755) == 0 && access(inside, F_OK) != 0 &&
                  lgetxattr(upper, "trusted.overlay.opaque", value, sizeof(value)) > 0 && value[0] == 'y',
              "overlay: a directory can be replaced");
}

static void check_d_type(struct answers *answers, const char *scratch)
{
    CLEANUP_FREE char *lower = xasprintf("%s/lower", scratch);
    CLEANUP_DIR DIR *directory = opendir(lower);
    const struct dirent *entry;
    bool good = directory != NULL;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        good &= entry->d_type != DT_UNKNOWN;
    }
    errno = EOPNOTSUPP;
    say_tried(answers, ROW_D_TYPE, good, "overlay: directory entries tell their type");
}

static void say_no_mount(struct answers *answers, const char *path)
{
    int errnum = errno;
    const char *remedy = NULL;

    if (errnum == ENODEV) {
        remedy = "build the kernel with CONFIG_OVERLAY_FS=y";
    } else if (errnum == EPERM || errnum == EACCES) {
        remedy = "run it as root with CAP_SYS_ADMIN; under SELinux, look for \"avc: denied\" in the kernel log";
    }
    probe_say(answers, &(struct said){.row = ROW_MOUNT, .answer = probe_failed(errnum), .remedy = remedy},
              "overlayfs cannot be mounted on %s: %s", path,
              errnum == ENODEV ? "this kernel has none" : strerror(errnum));
}

static void try_overlay(struct answers *answers, const char *path, const char *scratch)
{
    CLEANUP_FREE char *merged = xasprintf("%s/merged", scratch);

    if (!make_layers(scratch)) {
        say(answers, ROW_SCRATCH, probe_failed(errno), "files cannot be made in %s: %s", path, strerror(errno));
        return;
    }
    say(answers, ROW_SCRATCH, ANSWER_YES, "directories and files can be made in %s", path);
    check_d_type(answers, scratch);
    if (!mount_overlay(scratch)) {
        say_no_mount(answers, path);
        return;
    }
    say(answers, ROW_MOUNT, ANSWER_YES, "overlayfs can be mounted on %s", path);
    check_rename(answers, scratch);
    check_whiteout(answers, scratch);
    check_opaque(answers, scratch);
    umount2(merged, MNT_DETACH);
}

static void run(struct answers *answers, const struct board *board)
{
    char path[PATH_MAX];
    char scratch[PATH_MAX];

    if (!board_locate(board, board->data_root, path)) {
        return; /* the probe of the data-root says so */
    }
    if (scratch_make(path, scratch) != 0) {
        say(answers, ROW_SCRATCH, probe_failed(errno), "mkdir %s: %s", scratch, strerror(errno));
        return;
    }
    try_overlay(answers, path, scratch);
    scratch_remove(scratch);
}

static void clean(const struct board *board, const char *scratch_name)
{
    char path[PATH_MAX];

    if (board_locate(board, board->data_root, path)) {
        CLEANUP_FREE char *scratch = xasprintf("%s/%s", path, scratch_name);

        scratch_remove(scratch);
    }
}

const struct probe probe_overlay = {.name = "overlay",
                                    .rows = rows,
                                    .count = ARRAY_SIZE(rows),
                                    .root = true,
                                    .mounts = true,
                                    .run = run,
                                    .clean = clean};
