/* SPDX-License-Identifier: Apache-2.0 */
#include "host/holder.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/file.h"
#include "base/util.h"
#include "host/mountinfo.h"
#include "host/mounts.h"

#define MOST_TOLD 5
#define LARGEST_TABLE (16 * 1024 * 1024)
#define MOST_NAMESPACES 16

static bool is_number(const char *name)
{
    return name[0] != '\0' && name[strspn(name, "0123456789")] == '\0';
}

static void tell(const char *pid, const char *how, const char *what, size_t count, struct text *out)
{
    CLEANUP_FREE char *path = xasprintf("/proc/%s/comm", pid);
    CLEANUP_FREE char *name = NULL;
    struct error ignored = {0};
    size_t length = 0;

    if (count > MOST_TOLD) {
        return;
    }
    if (file_read(path, 64, &name, &length, &ignored) == 0) {
        name[strcspn(name, "\n")] = '\0';
    }
    text_format(out, "%spid %s (%s): %s%s%s", count > 1 ? "; " : "", pid, name == NULL ? "?" : name, how,
                what[0] == '\0' ? "" : " ", what);
}

/* Does one of the links in this directory of /proc lead there? `what`: where to. */
static bool has_link(const char *pid, const char *directory, int mount, char what[PATH_MAX])
{
    CLEANUP_FREE char *path = xasprintf("/proc/%s/%s", pid, directory);
    CLEANUP_DIR DIR *links = opendir(path);
    const struct dirent *entry;

    while (links != NULL && (entry = readdir(links)) != NULL) {
        CLEANUP_FREE char *link = xasprintf("%s/%s", path, entry->d_name);
        ssize_t length;

        if (entry->d_type == DT_LNK && mounts_number(link) == mount) {
            length = readlink(link, what, PATH_MAX - 1);
            what[length < 0 ? 0 : length] = '\0';
            return true;
        }
    }
    return false;
}

static const char *how_held(const char *pid, int mount, char what[PATH_MAX])
{
    static const char *const links[][2] = {
        {"cwd", "its working directory"}, {"root", "its root"}, {"exe", "its program"}};
    static const char *const directories[][2] = {{"fd", "open file"}, {"map_files", "mapped file"}};

    what[0] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
        CLEANUP_FREE char *path = xasprintf("/proc/%s/%s", pid, links[i][0]);

        if (mounts_number(path) == mount) {
            return links[i][1];
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
        if (has_link(pid, directories[i][0], mount, what)) {
            return directories[i][1];
        }
    }
    return NULL;
}

size_t holder_of_mount(int mount, struct text *out)
{
    CLEANUP_DIR DIR *processes = opendir("/proc");
    const struct dirent *entry;
    size_t count = 0;

    while (mount >= 0 && processes != NULL && (entry = readdir(processes)) != NULL) {
        char what[PATH_MAX];
        const char *how = is_number(entry->d_name) ? how_held(entry->d_name, mount, what) : NULL;

        if (how != NULL) {
            tell(entry->d_name, how, what, ++count, out);
        }
    }
    if (count > MOST_TOLD) {
        text_format(out, "; and %zu more", count - MOST_TOLD);
    }
    return count;
}

/* Where it is mounted in this process's table. */
static bool find_mount(const char *pid, dev_t device, char what[PATH_MAX])
{
    CLEANUP_FREE char *path = xasprintf("/proc/%s/mountinfo", pid);
    struct mount_table table = {0};
    struct error ignored = {0};
    char *text = NULL;
    size_t length = 0;
    bool found = false;

    if (file_read(path, LARGEST_TABLE, &text, &length, &ignored) != 0) {
        return false;
    }
    mountinfo_parse(&table, text);
    for (size_t i = 0; i < table.count && !found; i++) {
        found = table.entries[i].device == device;
        if (found) {
            snprintf(what, PATH_MAX, "%s", table.entries[i].target);
        }
    }
    mountinfo_free(&table);
    return found;
}

size_t holder_of_device(dev_t device, struct text *out)
{
    CLEANUP_DIR DIR *processes = opendir("/proc");
    const struct dirent *entry;
    ino_t seen[MOST_NAMESPACES];
    size_t seen_count = 0;
    size_t count = 0;

    while (processes != NULL && (entry = readdir(processes)) != NULL && seen_count < MOST_NAMESPACES) {
        CLEANUP_FREE char *path = xasprintf("/proc/%s/ns/mnt", entry->d_name);
        char what[PATH_MAX];
        struct stat status;
        bool known = false;

        if (!is_number(entry->d_name) || stat(path, &status) != 0) {
            continue;
        }
        for (size_t i = 0; i < seen_count; i++) {
            known |= seen[i] == status.st_ino;
        }
        if (known) {
            continue;
        }
        seen[seen_count++] = status.st_ino;
        if (find_mount(entry->d_name, device, what)) {
            tell(entry->d_name, "has it mounted on", what, ++count, out);
        }
    }
    return count;
}
