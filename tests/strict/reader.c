/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, opening and parsing memory.stat and cpu.stat as edgecore does. */
#include "strict.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GROUND "/sys/fs/cgroup"

static struct {
    char mount[4096]; /* "" if there is none */
    const char *controller;
    const char *file;
} files[] = {{.controller = "memory", .file = "memory.stat"}, {.controller = "cpu", .file = "cpu.stat"}};
static_assert(sizeof(files) / sizeof(files[0]) == FILES, "memory.stat and cpu.stat");

static int ground = -1;

int open_as_runc(int directory, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};

    return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

/* The first in the list that has the controller. */
static void find_mount(size_t number)
{
    FILE *table = fopen("/proc/self/mountinfo", "re");
    char line[8192];

    while (table != NULL && files[number].mount[0] == '\0' && fgets(line, sizeof(line), table) != NULL) {
        char *rest = strstr(line, " - cgroup ");
        char *word;

        if (rest == NULL || sscanf(line, "%*d %*d %*s %*s %4095s", files[number].mount) != 1) {
            continue;
        }
        for (word = strtok(strrchr(rest, ' ') + 1, ",\n");
             word != NULL && strcmp(word, files[number].controller) != 0;) {
            word = strtok(NULL, ",\n");
        }
        if (word == NULL) {
            files[number].mount[0] = '\0';
        }
    }
    if (table != NULL) {
        fclose(table);
    }
}

static int open_statistics(size_t number, const char *group)
{
    const char *mount = files[number].mount;
    struct statfs system;
    char path[8192];
    int fd;

    if (strncmp(mount, GROUND "/", sizeof(GROUND)) == 0 && ground >= 0) {
        snprintf(path, sizeof(path), "%s%s/%s", mount + sizeof(GROUND), group, files[number].file);
        return open_as_runc(ground, path, O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    }
    snprintf(path, sizeof(path), "%s%s/%s", mount, group, files[number].file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && (fstatfs(fd, &system) != 0 || system.f_type != CGROUP_SUPER_MAGIC)) {
        close(fd);
        errno = EMEDIUMTYPE; /* "not a cgroup file" */
        return -1;
    }
    return fd;
}

/* strings.SplitN(line, " ", 3) must give two words, and strconv.ParseUint(second, 10, 64) take the second. */
static bool is_statistic(const char *line)
{
    const char *blank = strchr(line, ' ');
    const char *digits = blank == NULL ? "" : blank + 1;

    errno = 0;
    (void)strtoull(digits, NULL, 10);
    return *digits != '\0' && digits[strspn(digits, "0123456789")] == '\0' && errno == 0;
}

int64_t read_statistics(size_t number, const char *group, bool print)
{
    char text[65536];
    size_t length = 0;
    ssize_t got = 0;
    uint64_t sum = 0;
    int fd = open_statistics(number, group);
    char *next;

    while (fd >= 0 && (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0) {
        length += (size_t)got;
    }
    if (fd < 0 || got < 0) {
        printf("strict: %s%s/%s: %s\n", files[number].mount, group, files[number].file, strerror(errno));
        return -1;
    }
    /* The kernel's file cannot be written to either. */
    if (print && (write(fd, "x", 1) >= 0 || (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)) {
        printf("strict: the descriptor is not as asked for\n");
        close(fd);
        return -1;
    }
    close(fd);
    text[length] = '\0';
    for (char *line = text; *line != '\0'; line = next) {
        next = line + strcspn(line, "\n");
        next += *next == '\n' ? (*next = '\0', 1) : 0;
        if (!is_statistic(line)) {
            printf("strict: failed to parse %s%s/%s: \"%s\"\n", files[number].mount, group, files[number].file, line);
            return -1;
        }
        if (print) {
            puts(line);
        }
        sum += strtoull(strchr(line, ' ') + 1, NULL, 10);
    }
    return (int64_t)(sum & INT64_MAX);
}

void find_mounts(void)
{
    ground = open_as_runc(-1, GROUND, O_DIRECTORY | O_PATH, 0);
    for (size_t i = 0; i < FILES; i++) {
        find_mount(i);
    }
}

bool is_mounted(size_t number)
{
    return files[number].mount[0] != '\0';
}
