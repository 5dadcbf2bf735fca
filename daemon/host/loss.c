/* SPDX-License-Identifier: Apache-2.0 */
#include "host/loss.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/util.h"
#include "host/mounts.h"

#define DEVICES "/sys/dev/block"
#define KERNEL_GROUP 1 /* udev's own messages are in another */

/* A message begins "ACTION@PATH". Of "add" and "remove" keep paths below /devices/; of those below /devices/virtual/ only
 * block/: each container comes with network interfaces, their queues, and a backing device for its mounts. */
#define WORD(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define COMPARE(word, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, word, then, otherwise)
#define DROP BPF_STMT(BPF_RET | BPF_K, 0)
#define KEEP BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)
#define JUDGE_PATH_LENGTH 12
#define JUDGE_PATH(at)                                                                                          \
    LOAD(at), COMPARE(WORD('/', 'd', 'e', 'v'), 0, 8), LOAD((at) + 4), COMPARE(WORD('i', 'c', 'e', 's'), 0, 6), \
        LOAD((at) + 8), COMPARE(WORD('/', 'v', 'i', 'r'), 0, 5), LOAD((at) + 12),                               \
        COMPARE(WORD('t', 'u', 'a', 'l'), 0, 3), LOAD((at) + 17), COMPARE(WORD('b', 'l', 'o', 'c'), 1, 0), DROP, KEEP

int loss_leave_out_others(int fd)
{
    static struct sock_filter instructions[] = {
        LOAD(0),       COMPARE(WORD('a', 'd', 'd', '@'), 0, JUDGE_PATH_LENGTH),
        JUDGE_PATH(4), COMPARE(WORD('r', 'e', 'm', 'o'), 0, JUDGE_PATH_LENGTH),
        JUDGE_PATH(7), DROP,
    };
    const struct sock_fprog program = {.len = ARRAY_SIZE(instructions), .filter = instructions};

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int loss_watch(struct error *err)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
    CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

    if (fd < 0 || loss_leave_out_others(fd) != 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        return error_system(err, errno, "listen to the kernel's device events");
    }
    return take_fd(&fd);
}

bool loss_parse(const char *message, size_t length, struct device_change *change)
{
    const char *action = NULL;
    const char *subsystem = NULL;
    const char *numbers[2] = {NULL, NULL};

    for (const char *line = message; line < message + length; line += strlen(line) + 1) {
        if (starts_with(line, "ACTION=")) {
            action = line + strlen("ACTION=");
        } else if (starts_with(line, "SUBSYSTEM=")) {
            subsystem = line + strlen("SUBSYSTEM=");
        } else if (starts_with(line, "MAJOR=")) {
            numbers[0] = line + strlen("MAJOR=");
        } else if (starts_with(line, "MINOR=")) {
            numbers[1] = line + strlen("MINOR=");
        }
    }
    if (action == NULL || subsystem == NULL || numbers[0] == NULL || numbers[1] == NULL || !streq(subsystem, "block") ||
        (!streq(action, "add") && !streq(action, "remove"))) {
        return false;
    }
    change->gone = streq(action, "remove");
    change->device = makedev((unsigned)strtoul(numbers[0], NULL, 10), (unsigned)strtoul(numbers[1], NULL, 10));
    return true;
}

bool loss_next(int fd, struct device_change *change)
{
    char message[8192];
    struct sockaddr_nl sender;
    socklen_t size = sizeof(sender);
    ssize_t length;

    /* ENOBUFS: something was lost; whoever asks looks at the mounts anyway, when the next one comes. */
    while ((length = recvfrom(fd, message, sizeof(message) - 1, 0, (struct sockaddr *)&sender, &size)) >= 0 ||
           errno == EINTR || errno == ENOBUFS) {
        if (length > 0 && sender.nl_pid == 0) { /* from the kernel */
            message[length] = '\0';
            if (loss_parse(message, (size_t)length, change)) {
                return true;
            }
        }
        size = sizeof(sender);
    }
    return false;
}

static bool is_cover(const struct mount_entry *entry)
{
    return streq(entry->type, "tmpfs") && streq(entry->source, LOSS_COVER);
}

bool loss_has_happened(const struct mount_entry *entry)
{
    char path[64];

    if (is_cover(entry)) {
        return true;
    }
    /* Major 0: the file system lies on no block device, or does not say on which. */
    snprintf(path, sizeof(path), DEVICES "/%u:%u", major(entry->device), minor(entry->device));
    return major(entry->device) != 0 && access(DEVICES, F_OK) == 0 && access(path, F_OK) != 0 && errno == ENOENT;
}

int loss_cover(struct host *host, const char *target, struct error *err)
{
    return mounts_mount(host, LOSS_COVER, target, "tmpfs", "ro,nosuid,nodev,noexec,size=4k,mode=0555", err);
}

int loss_clear(struct host *host, const char *target, struct error *err)
{
    struct mount_entry entry;
    bool covered = false; /* what lies under a cover is lost, even if its device's number is in use again */
    int there;

    while ((there = mounts_at(host, target, &entry, err)) == 1 && (covered || loss_has_happened(&entry))) {
        covered = is_cover(&entry);
        if (mounts_detach(host, target, err) != 0) {
            return -1;
        }
    }
    return there < 0 ? -1 : 0;
}
