/* SPDX-License-Identifier: Apache-2.0 */
/* What edgecore wants of the directories that it makes: shared mounts, and a file system that cAdvisor knows. */
#include <sys/stat.h>

#include "base/util.h"
#include "doctor/probe.h"
#include "host/host.h"
#include "host/mounts.h"

#define EDGED "/var/lib/edged"

enum { ROW_SHARED, ROW_PARTITION };

static const struct probe_row rows[] = {
    [ROW_SHARED] =
        {"kubeedge.shared", NEED_KUBEEDGE, "the mount that holds /var/lib/edged is shared",
         "every pod with a volume fails: \"is not a shared or slave mount\"",
         "{\"target\": \"/\", \"propagation\": \"rshared\"} among \"mounts\", so that it is so before dockerd and edgecore start"},
    [ROW_PARTITION] =
        {"kubeedge.partition", NEED_KUBEEDGE, "/var/lib/edged is on a file system that cAdvisor knows, or on docker's",
         "edgecore ends at once: \"could not find device … in cached partitions map\"",
         "bind a directory of docker's file system: {\"target\": \"/var/lib/edged\", \"source\": \"/mnt/f2fs/edged\", "
         "\"type\": \"bind\"}"},
};

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
    struct mount_entry entry;
    struct host host = {0};
    struct error err = {0};
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
    if (mounts_holding(&host, path, &entry, &err) == 0) {
        check_partition(answers, board, path, &entry);
        if (mountinfo_has_tag(entry.propagation, "shared")) {
            say(answers, ROW_SHARED, ANSWER_YES, "the mount on %s, which holds " EDGED ", is shared", entry.target);
        } else {
            say(answers, ROW_SHARED, ANSWER_NO, "the mount on %s, which holds " EDGED ", is not shared", entry.target);
        }
    }
    host_free(&host);
}

const struct probe probe_kubeedge = {.name = "kubeedge", .rows = rows, .count = ARRAY_SIZE(rows), .run = run};
