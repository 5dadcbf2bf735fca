/* SPDX-License-Identifier: Apache-2.0 */
/* What edgecore wants of the directories that it makes: shared mounts, and a file system that cAdvisor knows. */
#include <sys/stat.h>

#include "base/file.h"
#include "base/util.h"
#include "doctor/probe.h"
#include "host/host.h"
#include "host/mounts.h"

#define EDGED "/var/lib/edged"
#define MOUNTINFO_LARGEST (4 << 20)

enum { ROW_SHARED, ROW_PARTITION };

static const struct probe_row rows[] = {
    [ROW_SHARED] = {"kubeedge.shared", NEED_KUBEEDGE, "the mount that holds /var/lib/edged is shared",
                    "every pod with a volume fails: \"is not a shared or slave mount\"",
                    "mount --make-rshared / before dockerd and edgecore start"},
    [ROW_PARTITION] =
        {"kubeedge.partition", NEED_KUBEEDGE, "/var/lib/edged is on a file system that cAdvisor knows, or on docker's",
         "edgecore ends at once: \"could not find device … in cached partitions map\"",
         "bind a directory of docker's file system: {\"target\": \"/var/lib/edged\", \"source\": \"/mnt/f2fs/edged\", "
         "\"type\": \"bind\"}"},
};

/* The optional fields stand between the options and the dash: "shared:1 master:2". */
static bool is_shared(const char *mountinfo, int id)
{
    for (const char *line = mountinfo; *line != '\0'; line += *line == '\n') {
        size_t length = strcspn(line, "\n");

        if (strtol(line, NULL, 10) == id) {
            CLEANUP_FREE char *text = xstrndup(line, length);
            char *dash = strstr(text, " - ");

            if (dash != NULL) {
                *dash = '\0';
            }
            return strstr(text, " shared:") != NULL;
        }
        line += length;
    }
    return false;
}

static bool is_known(const char *type)
{
    static const char *const known[] = {"ext", "nfs", "btrfs", "overlay", "tmpfs", "xfs", "zfs"};

    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (starts_with(type, known[i])) {
            return true;
        }
    }
    return false;
}

static void check_partition(struct answers *answers, const struct board *board, const char *path,
                            const struct mount_entry *entry)
{
    char data_root[PATH_MAX];
    struct stat ours = {0};
    struct stat docker = {0};

    if (is_known(entry->type)) {
        say(answers, ROW_PARTITION, ANSWER_YES, "%s is on %s", path, entry->type);
    } else if (board_locate(board, board->data_root, data_root) && stat(path, &ours) == 0 &&
               stat(data_root, &docker) == 0 && ours.st_dev == docker.st_dev) {
        say(answers, ROW_PARTITION, ANSWER_YES, "%s is on %s, as docker's data-root is", path, entry->type);
    } else {
        say(answers, ROW_PARTITION, ANSWER_NO, "%s is on %s, which cAdvisor does not know", path, entry->type);
    }
}

static void run(struct answers *answers, const struct board *board)
{
    CLEANUP_FREE char *mountinfo = NULL;
    struct mount_entry entry;
    struct host host = {0};
    struct error err = {0};
    size_t length = 0;
    char path[PATH_MAX];

    if (!board->wants_kubeedge) {
        return;
    }
    if (!board_locate(board, EDGED, path)) {
        probe_say(
            answers,
            &(struct said){.row = ROW_PARTITION, .answer = ANSWER_UNKNOWN, .remedy = "run \"edgeinit apply\" first"},
            EDGED " is on %s, which is not mounted yet", path);
        return;
    }
    if (mounts_holding(&host, path, &entry, &err) == 0 &&
        file_read("/proc/self/mountinfo", MOUNTINFO_LARGEST, &mountinfo, &length, &err) == 0) {
        check_partition(answers, board, path, &entry);
        if (is_shared(mountinfo, entry.id)) {
            say(answers, ROW_SHARED, ANSWER_YES, "the mount on %s, which holds " EDGED ", is shared", entry.target);
        } else {
            say(answers, ROW_SHARED, ANSWER_NO, "the mount on %s, which holds " EDGED ", is not shared", entry.target);
        }
    }
    host_free(&host);
}

const struct probe probe_kubeedge = {.name = "kubeedge", .rows = rows, .count = ARRAY_SIZE(rows), .run = run};
