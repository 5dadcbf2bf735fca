/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.stat as runc reads it: openat2 below a descriptor of /sys/fs/cgroup, and each line exactly "name number". Where the
 * first memory mount of mountinfo is elsewhere, or there is no openat2: openat, and the file must be a cgroup's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "edgecore.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_TYPE 0x27e0eb

/* The first mount of the memory controller. */
static bool find_mount(char path[512])
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    char line[4096];
    bool found = false;

    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
        const char *type = strstr(line, " - cgroup ");
        const char *memory = type == NULL ? NULL : strstr(type, "memory");

        found = memory != NULL && sscanf(line, "%*d %*d %*s %*s %511s", path) == 1;
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

static int open_strictly(const char *mount, const char *group, char *why, size_t size)
{
    struct open_how how = {.flags = O_RDONLY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    char path[1024];
    struct statfs info;
    int fd = -1;

    snprintf(path, sizeof(path), "%s%s/memory.stat", mount, group);
    if (strncmp(path, CGROUP_ROOT "/", strlen(CGROUP_ROOT "/")) == 0) {
        int root = open(CGROUP_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);

        fd = (int)syscall(SYS_openat2, root, path + strlen(CGROUP_ROOT "/"), &how, sizeof(how));
        close(root);
        if (fd >= 0 || errno != ENOSYS) {
            snprintf(why, size, "open %s: %s", path, errno == ENOENT ? "no such file or directory" : strerror(errno));
            return fd;
        }
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && (fstatfs(fd, &info) != 0 || info.f_type != CGROUP_TYPE)) {
        close(fd);
        fd = -1;
        snprintf(why, size, "open %s: not a cgroup file", path);
    } else if (fd < 0) {
        snprintf(why, size, "open %s: %s", path, strerror(errno));
    }
    return fd;
}

/* "name number", one space, nothing else: strings.Fields would take more, but its second must be a number and its last. */
static bool is_strict(char *line, const char **name, unsigned long long *value)
{
    char *space = strpbrk(line, " \t");
    char *number = space == NULL ? NULL : space + strspn(space, " \t");
    char *end = NULL;

    if (number == NULL || number[0] < '0' || number[0] > '9') {
        return false;
    }
    *value = strtoull(number, &end, 10);
    if (end[strspn(end, " \t")] != '\0') {
        return false;
    }
    *space = '\0';
    *name = line;
    return true;
}

bool stat_read(const char *group, const char *wanted, unsigned long long *value, char *why, size_t size)
{
    char mount[512];
    FILE *file;
    char line[512];
    bool good = true;
    int fd;

    if (!find_mount(mount)) {
        snprintf(why, size, "mountpoint for memory not found");
        return false;
    }
    fd = open_strictly(mount, group, why, size);
    file = fd < 0 ? NULL : fdopen(fd, "r");
    while (file != NULL && good && fgets(line, sizeof(line), file) != NULL) {
        char copy[512];
        const char *name = "";
        unsigned long long number = 0;

        line[strcspn(line, "\n")] = '\0';
        snprintf(copy, sizeof(copy), "%s", line);
        good = is_strict(line, &name, &number);
        if (!good) {
            for (char *tab = strchr(copy, '\t'); tab != NULL; tab = strchr(copy, '\t')) {
                memmove(tab + 2, tab + 1, strlen(tab + 1) + 1);
                memcpy(tab, "\\t", 2);
            }
            snprintf(why, size, "failed to parse memory.stat (\"%s\") - line \"%s\" is not in key value format", copy,
                     copy);
        } else if (strcmp(name, wanted) == 0) {
            *value = number;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return file != NULL && good;
}

void stat_check_root(void)
{
    unsigned long long value = 0;
    char why[1280] = "";
    char mount[512];

    if (find_mount(mount) && !stat_read("", "rss", &value, why, sizeof(why))) {
        say('W', "container.go:586", "Failed to update stats for container \"/\": %s, continuing to push stats", why);
        say('E', "edged.go:788", "Failed to initialNode unable to find data in memory cache");
        refuse('E', "edged.go:300", "initialize module error: unable to find data in memory cache");
    }
}

void stat_keep_house(void)
{
    static const char *const groups[] = {"/kubepods", "/kubepods/burstable", "/kubepods/besteffort"};

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        unsigned long long value = 0;
        char why[1280] = "";

        if (!stat_read(groups[i], "rss", &value, why, sizeof(why))) {
            say('W', "container.go:586", "Failed to update stats for container \"%s\": %s, continuing to push stats",
                groups[i], why);
        }
    }
}
