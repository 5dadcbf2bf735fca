/* SPDX-License-Identifier: Apache-2.0 */
/* The file system below docker's data-root: writable, with room, without encryption, with devices and setuid programs. */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/util.h"
#include "doctor/probe.h"

#define SPACE_NEEDED (64LL << 20) /* dockerd starts, and a small image fits */
#define SPACE_WISHED (1LL << 30)  /* what keadm asks for */
#define INODES_WISHED 10000

enum { ROW_MOUNTED, ROW_WRITABLE, ROW_SPACE, ROW_ENCRYPTED, ROW_FLAGS };

static const struct probe_row rows[] = {
    [ROW_MOUNTED] = {"data-root.mounted", NEED_DOCKER, "the file system of the data-root is mounted",
                     "docker writes below an empty mount point, or not at all",
                     "run \"edgeinit apply\", and ask again"},
    [ROW_WRITABLE] =
        {"data-root.writable", NEED_DOCKER, "the data-root can be written to",
         "dockerd does not start: \"read-only file system\"",
         "take \"ro\" out of the mount's \"options\"; if the kernel made it read-only after an error: fsck, or "
         "another card"},
    [ROW_SPACE] = {"data-root.space", NEED_DOCKER, "the data-root has room for images",
                   "images cannot be pulled: \"no space left on device\"",
                   "docker system prune, a larger card, or another \"data-root\" in daemon.json"},
    [ROW_ENCRYPTED] =
        {"data-root.encrypted", NEED_OVERLAY, "the data-root is not encrypted, nor blind to case",
         "overlay2 is refused there: docker falls back to vfs, which copies whole images",
         "put the data-root on a card that is not encrypted (OpenHarmony 3.2+ encrypts what is in /data), with "
         "mkfs.f2fs without -O encrypt,casefold"},
    [ROW_FLAGS] =
        {"data-root.flags", NEED_OPTIONAL, "the data-root allows devices, setuid programs and execution",
         "device nodes and setuid programs in images do not work",
         "mount the file system of the data-root without nodev, nosuid and noexec (/data on OpenHarmony has them)"},
};

static void check_space(struct answers *answers, const char *path, const struct statvfs *status)
{
    long long left = (long long)status->f_bavail * (long long)status->f_frsize;
    bool has_inodes = status->f_files == 0 || status->f_favail >= INODES_WISHED; /* f2fs and btrfs may say 0 */

    if (left < SPACE_NEEDED) {
        say(answers, ROW_SPACE, ANSWER_NO, "%s has %lld MB left", path, left >> 20);
    } else if (left < SPACE_WISHED || !has_inodes) {
        say(answers, ROW_SPACE, ANSWER_WARNING, "%s has %lld MB and %llu inodes left", path, left >> 20,
            (unsigned long long)status->f_favail);
    } else {
        say(answers, ROW_SPACE, ANSWER_YES, "%s has %lld MB left", path, left >> 20);
    }
}

static void check_flags(struct answers *answers, const char *path, unsigned long flags)
{
    CLEANUP_TEXT struct text words = {0};

    text_add(&words, (flags & ST_NODEV) != 0 ? " nodev" : "");
    text_add(&words, (flags & ST_NOSUID) != 0 ? " nosuid" : "");
    text_add(&words, (flags & ST_NOEXEC) != 0 ? " noexec" : "");
    if ((flags & ST_NOEXEC) != 0) {
        probe_say(answers,
                  &(struct said){
                      .row = ROW_FLAGS, .answer = ANSWER_WARNING, .cost = "no program of an image can be executed"},
                  "%s is mounted with%s", path, text_string(&words));
    } else if (words.length > 0) {
        say(answers, ROW_FLAGS, ANSWER_WARNING, "%s is mounted with%s", path, text_string(&words));
    } else {
        say(answers, ROW_FLAGS, ANSWER_YES, "%s allows devices, setuid programs and execution", path);
    }
}

/* The directory itself, or the one that it will be made in and inherit from. */
static void check_encryption(struct answers *answers, const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long flags = 0;

    if (fd < 0) {
        say(answers, ROW_ENCRYPTED, ANSWER_UNKNOWN, "open %s: %s", path, strerror(errno));
    } else if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) {
        /* ENOTTY: a file system without such flags has neither. */
        say(answers, ROW_ENCRYPTED, errno == ENOTTY || errno == EOPNOTSUPP ? ANSWER_YES : ANSWER_UNKNOWN,
            "%s knows no encryption", path);
    } else if ((flags & FS_ENCRYPT_FL) != 0) {
        say(answers, ROW_ENCRYPTED, ANSWER_NO, "%s is encrypted", path);
    } else if ((flags & FS_CASEFOLD_FL) != 0) {
        say(answers, ROW_ENCRYPTED, ANSWER_NO, "%s is blind to case (casefold)", path);
    } else {
        say(answers, ROW_ENCRYPTED, ANSWER_YES, "%s is not encrypted", path);
    }
}

static void run(struct answers *answers, const struct board *board)
{
    char path[PATH_MAX];
    struct statvfs status;

    if (!board_locate(board, board->data_root, path)) {
        say(answers, ROW_MOUNTED, ANSWER_UNKNOWN, "%s is on %s, which is not mounted yet", board->data_root, path);
        return;
    }
    say(answers, ROW_MOUNTED, ANSWER_YES, "the data-root %s is looked at on %s", board->data_root, path);
    if (statvfs(path, &status) != 0) {
        say(answers, ROW_WRITABLE, ANSWER_NO, "%s: %s", path, strerror(errno));
        return;
    }
    if ((status.f_flag & ST_RDONLY) != 0) {
        say(answers, ROW_WRITABLE, ANSWER_NO, "%s is on a read-only file system", path);
    } else {
        say(answers, ROW_WRITABLE, ANSWER_YES, "%s is on a writable file system", path);
    }
    check_space(answers, path, &status);
    check_encryption(answers, path);
    check_flags(answers, path, status.f_flag);
}

const struct probe probe_storage = {.name = "data-root", .rows = rows, .count = ARRAY_SIZE(rows), .run = run};
