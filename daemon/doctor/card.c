/* SPDX-License-Identifier: Apache-2.0 */
/* The devices of the manifest's mounts: there, with the file system that is wanted, and without errors in the kernel log. */
#include <ctype.h>
#include <sys/klog.h>
#include <sys/mount.h>

#include "base/util.h"
#include "doctor/probe.h"
#include "host/device.h"
#include "host/host.h"
#include "host/module.h"
#include "host/mounts.h"

#define LOG_READ_ALL 3 /* syslog(2): SYSLOG_ACTION_READ_ALL */
#define LOG_SIZE 10    /* SYSLOG_ACTION_SIZE_BUFFER */
#define LOG_LARGEST (16 << 20)

enum { ROW_DEVICE, ROW_TYPE, ROW_READ_ONLY, ROW_LOG };

static const struct probe_row rows[] = {
    [ROW_DEVICE] =
        {"card.device", NEED_DOCKER, "the device of each mount is there", "what is below the mount waits for it",
         "insert the card, or see with \"ls -l /dev/block\" and \"blkid\" what this board calls it; LABEL= and UUID= "
         "do not depend on that"},
    [ROW_TYPE] = {"card.type", NEED_DOCKER, "it holds the file system that the manifest wants", "it cannot be mounted",
                  "set \"type\" in \"mounts\" to what it holds, or format the card (this erases it)"},
    [ROW_READ_ONLY] = {"card.read-only", NEED_DOCKER, "the kernel has not made it read-only",
                       "nothing can be written: dockerd stops working",
                       "umount, fsck, mount again; a card that does it twice is at its end"},
    [ROW_LOG] = {"card.log", NEED_DOCKER, "the kernel log has no errors of its file systems",
                 "data may be lost, or the card about to fail", "read the kernel log; fsck, or another card"},
};

static bool is_device(const struct board_mount *mount)
{
    return !streq(mount->type, "bind") && (starts_with(mount->source, "/dev/") || starts_with(mount->source, "UUID=") ||
                                           starts_with(mount->source, "LABEL="));
}

static void check_type(struct answers *answers, const struct board_mount *mount, const char *node)
{
    CLEANUP_FREE char *remedy = NULL;
    char type[64];

    device_type(node, type);
    if (type[0] == '\0') {
        remedy = xasprintf("mkfs.%s %s (this erases it)", mount->type[0] == '\0' ? "f2fs" : mount->type, node);
        probe_say(answers, &(struct said){.row = ROW_TYPE, .answer = ANSWER_NO, .remedy = remedy},
                  "%s holds no file system that is known", node);
    } else if (mount->type[0] != '\0' && !streq(mount->type, type)) {
        remedy =
            xasprintf("set \"type\": \"%s\" in \"mounts\", or mkfs.%s %s (this erases it)", type, mount->type, node);
        probe_say(answers, &(struct said){.row = ROW_TYPE, .answer = ANSWER_NO, .remedy = remedy},
                  "%s holds %s, and the manifest wants %s", node, type, mount->type);
    } else if (!module_knows_file_system(type)) {
        remedy = xasprintf(
            "build the kernel with %s, or format the card with what it has: mkfs.ext4 %s (this erases it)", type, node);
        probe_say(answers, &(struct said){.row = ROW_TYPE, .answer = ANSWER_NO, .remedy = remedy},
                  "%s holds %s, which this kernel does not have", node, type);
    } else {
        say(answers, ROW_TYPE, ANSWER_YES, "%s holds %s", node, type);
    }
}

/* Mounted writable, but its file system became read-only: the kernel does so after errors. */
static void check_read_only(struct answers *answers, struct host *host, const struct board_mount *mount)
{
    struct mount_entry entry;
    struct error ignored = {0};

    if (mounts_at(host, mount->target, &entry, &ignored) != 1 || mounts_has_option(mount->options, "ro")) {
        return;
    }
    if (mounts_has_option(entry.fs_options, "ro")) {
        say(answers, ROW_READ_ONLY, ANSWER_NO,
            "%s is read-only, against the manifest: the kernel found errors, or the card is "
            "write-protected",
            mount->target);
    } else {
        say(answers, ROW_READ_ONLY, ANSWER_YES, "%s is writable", mount->target);
    }
}

static bool is_bad_news(const char *line)
{
    static const char *const words[] = {"remounting filesystem read-only", "i/o error, dev mmcblk", "ext4-fs error",
                                        "f2fs-fs (mmcblk", "buffer i/o error on dev mmcblk"};
    static const char *const f2fs_error[] = {"error", "corrupt", "inconsistent", "stop checkpoint"};
    bool is_f2fs = strcasestr(line, words[3]) != NULL;

    for (size_t i = 0; i < ARRAY_SIZE(f2fs_error) && is_f2fs; i++) {
        if (strcasestr(line, f2fs_error[i]) != NULL) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (i != 3 && strcasestr(line, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static void check_log(struct answers *answers)
{
    int size = klogctl(LOG_SIZE, NULL, 0);
    CLEANUP_FREE char *log = size <= 0 || size > LOG_LARGEST ? NULL : xcalloc(1, (size_t)size + 1);
    int length = log == NULL ? -1 : klogctl(LOG_READ_ALL, log, size);
    char bad[128] = "";
    char *rest = NULL;

    if (length < 0) {
        probe_say(
            answers,
            &(struct said){
                .row = ROW_LOG, .answer = ANSWER_UNKNOWN, .cost = "", .remedy = "run it as root, with CAP_SYSLOG"},
            "the kernel log cannot be read: %s", strerror(errno));
        return;
    }
    for (const char *line = strtok_r(log, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (is_bad_news(line)) {
            const char *end = strchr(line, ']');

            snprintf(bad, sizeof(bad), "%s", end == NULL ? line : end + 1 + strspn(end + 1, " "));
        }
    }
    if (bad[0] != '\0') {
        say(answers, ROW_LOG, ANSWER_WARNING, "the kernel log says \"%s\"", bad);
    } else {
        say(answers, ROW_LOG, ANSWER_YES, "the kernel log has no errors of file systems");
    }
}

static void run(struct answers *answers, const struct board *board)
{
    struct host host = {0};
    struct board_mount mount;
    bool has_device = false;

    for (size_t i = 0; board_mount(board, i, &mount); i++) {
        struct error err = {0};
        char node[PATH_MAX];

        if (!is_device(&mount)) {
            continue;
        }
        has_device = true;
        if (device_find(mount.source, mount.type[0] == '\0' ? NULL : mount.type, node, &err) != 0) {
            probe_say(answers,
                      &(struct said){.row = ROW_DEVICE,
                                     .answer = err.errnum == EACCES ? ANSWER_UNKNOWN : ANSWER_NO,
                                     .remedy = err.remedy[0] == '\0' ? NULL : err.remedy},
                      "%s, for %s: %s", mount.source, mount.target, strerror(err.errnum));
            continue;
        }
        say(answers, ROW_DEVICE, ANSWER_YES, "%s, for %s, is %s", mount.source, mount.target, node);
        check_type(answers, &mount, node);
        check_read_only(answers, &host, &mount);
    }
    if (has_device) {
        check_log(answers);
    }
    host_free(&host);
}

const struct probe probe_card = {.name = "card", .rows = rows, .count = ARRAY_SIZE(rows), .root = true, .run = run};
