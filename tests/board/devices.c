/* SPDX-License-Identifier: Apache-2.0 */
/* Device nodes, as OpenHarmony's ueventd makes them: block devices in /dev/block, all else under the kernel's name. */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct device {
    const char *name;
    const char *major;
    const char *minor;
    const char *mode;
    bool block;
    bool gone;
};

static void node_path(const struct device *device, char *path, size_t size)
{
    snprintf(path, size, "/dev/%s%s", device->block ? "block/" : "", device->name);
}

static void make_node(const struct device *device)
{
    char path[256];
    mode_t mode = device->mode == NULL ? 0600 : (mode_t)strtoul(device->mode, NULL, 8);

    if (device->name == NULL || device->major == NULL || device->minor == NULL) {
        return;
    }
    node_path(device, path, sizeof(path));
    if (device->gone) {
        unlink(path);
        return;
    }
    for (char *slash = strchr(path + 5, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) == 0) {
            label_set(path);
        }
        *slash = '/';
    }
    if (mknod(path, (device->block ? S_IFBLK : S_IFCHR) | mode,
              makedev((unsigned)strtoul(device->major, NULL, 10), (unsigned)strtoul(device->minor, NULL, 10))) != 0 &&
        errno != EEXIST) {
        say("%s: %s", path, strerror(errno));
    }
    label_set(path);
}

/* One line or one string of a uevent. */
static void take(struct device *device, const char *line)
{
    static const struct {
        const char *key;
        size_t offset;
    } keys[] = {{"DEVNAME=", offsetof(struct device, name)},
                {"MAJOR=", offsetof(struct device, major)},
                {"MINOR=", offsetof(struct device, minor)},
                {"DEVMODE=", offsetof(struct device, mode)}};

    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        if (strncmp(line, keys[i].key, strlen(keys[i].key)) == 0) {
            *(const char **)((char *)device + keys[i].offset) = line + strlen(keys[i].key);
        }
    }
    device->block |= strcmp(line, "SUBSYSTEM=block") == 0;
    device->gone |= strcmp(line, "ACTION=remove") == 0;
}

static void cold_below(const char *directory, bool block)
{
    DIR *entries = opendir(directory);

    for (struct dirent *entry; entries != NULL && (entry = readdir(entries)) != NULL;) {
        struct device device = {.block = block};
        char path[300];
        char text[1024];
        char *rest = text;
        ssize_t length;
        int fd;

        snprintf(path, sizeof(path), "%s/%s/uevent", directory, entry->d_name);
        fd = entry->d_name[0] == '.' ? -1 : open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        length = read(fd, text, sizeof(text) - 1);
        close(fd);
        text[length < 0 ? 0 : length] = '\0';
        for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
            take(&device, line);
        }
        make_node(&device);
    }
    if (entries != NULL) {
        closedir(entries);
    }
}

void devices_cold(void)
{
    cold_below("/sys/dev/char", false);
    cold_below("/sys/dev/block", true);
}

int devices_open(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
    int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){1 << 20}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        say("uevents: %s", strerror(errno));
    }
    return fd;
}

void devices_changed(int fd)
{
    char text[8192];

    for (ssize_t length; (length = recv(fd, text, sizeof(text) - 1, 0)) > 0;) {
        struct device device = {0};

        text[length] = '\0';
        for (char *line = text; line < text + length; line += strlen(line) + 1) {
            take(&device, line);
        }
        make_node(&device);
    }
}
