/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the hierarchies: names of files, statistics that can be parsed, rules that can be written. */
#include <sys/stat.h>

#include "base/file.h"
#include "base/statistics.h"
#include "base/util.h"
#include "doctor/groups.h"
#include "doctor/scratch.h"
#include "host/host.h"
#include "host/mounts.h"

static char *path_in(const char *directory, const char *name)
{
    return xasprintf("%s/%s", directory, name);
}

/* A place that only the probe sees means nothing to anybody else. */
static const char *shown(const char *path)
{
    return starts_with(path, GROUPS_GROUND "/") ? path + strlen(GROUPS_GROUND "/") : path;
}

void groups_check_cpuset(struct answers *answers, const struct hierarchy *hierarchy)
{
    CLEANUP_FREE char *with = path_in(hierarchy->path, "cpuset.cpus");
    CLEANUP_FREE char *without = path_in(hierarchy->path, "cpus");

    if (access(with, F_OK) == 0) {
        say(answers, ROW_CPUSET_NAMES, ANSWER_YES, "cpuset's files have their prefix");
    } else if (access(without, F_OK) == 0) {
        say(answers, ROW_CPUSET_NAMES, ANSWER_NO, "cpuset's files have no prefix: %s", shown(without));
    } else {
        say(answers, ROW_CPUSET_NAMES, ANSWER_UNKNOWN, "there is neither %s nor %s", shown(with), shown(without));
    }
}

/* Returns false only if the file can be read and not be parsed. */
static bool check_statistics(struct answers *answers, unsigned row, const char *path, bool say_yes)
{
    CLEANUP_FREE char *text = NULL;
    struct error err = {0};
    size_t length = 0;
    char bad[64];

    if (file_read(path, STATISTICS_LARGEST, &text, &length, &err) != 0) {
        char reason[512];

        if (say_yes && err.errnum != ENOENT) {
            say(answers, row, ANSWER_UNKNOWN, "%s", error_reason(&err, reason, sizeof(reason)));
        }
        return true;
    }
    if (!statistics_are_clean(text, length, bad)) {
        say(answers, row, ANSWER_NO, "%s has a line that no container runtime parses: \"%s\"", shown(path), bad);
        return false;
    }
    if (say_yes) {
        say(answers, row, ANSWER_YES, "%s can be parsed", shown(path));
    }
    return true;
}

static bool is_memory(const struct mount_entry *entry, const void *seen)
{
    const struct mount_entry *before = seen;

    return streq(entry->type, "cgroup") && mounts_has_option(entry->fs_options, "memory") && entry->id != before->id &&
           streq(entry->root, "/");
}

/* The hierarchy may be mounted twice, and a filter may cover the file of one of them: kubelet reads the one with the shortest
 * path, cAdvisor the first. Both must be good. */
static void check_root_statistics(struct answers *answers, const struct hierarchy *hierarchy)
{
    CLEANUP_FREE char *path = path_in(hierarchy->path, "memory.stat");
    struct mount_entry first = {.id = -1};
    struct mount_entry second;
    struct host host = {0};

    if (mounts_find(&host, is_memory, &first, &first) && mounts_find(&host, is_memory, &first, &second) &&
        !streq(second.target, hierarchy->path)) {
        CLEANUP_FREE char *other = path_in(second.target, "memory.stat");

        if (!check_statistics(answers, ROW_MEMORY_STAT, other, false)) {
            host_free(&host);
            return;
        }
    }
    check_statistics(answers, ROW_MEMORY_STAT, path, true);
    host_free(&host);
}

/* The first group below, "" if there is none. */
static void find_child(const char *parent, char child[PATH_MAX])
{
    CLEANUP_DIR DIR *directory = opendir(parent);
    const struct dirent *entry;

    child[0] = '\0';
    while (directory != NULL && child[0] == '\0' && (entry = readdir(directory)) != NULL) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            snprintf(child, PATH_MAX, "%.2048s/%s", parent, entry->d_name);
        }
    }
}

void groups_check_memory(struct answers *answers, const struct hierarchy *hierarchy)
{
    CLEANUP_FREE char *path = NULL;
    char child[PATH_MAX];
    bool ours = false;

    check_root_statistics(answers, hierarchy);
    find_child(hierarchy->path, child);
    if (child[0] == '\0') {
        ours = scratch_make_group(hierarchy->path, child) == 0;
        if (!ours) {
            say(answers, ROW_MEMORY_STAT_CHILD, ANSWER_UNKNOWN, "mkdir %s: %s", child, strerror(errno));
            return;
        }
    }
    path = path_in(child, "memory.stat");
    check_statistics(answers, ROW_MEMORY_STAT_CHILD, path, true);
    if (ours) {
        rmdir(child);
    }
}

void groups_check_cpu(struct answers *answers, const struct hierarchy *hierarchy)
{
    CLEANUP_FREE char *path = path_in(hierarchy->path, "cpu.stat");

    check_statistics(answers, ROW_CPU_STAT, path, true);
}

/* What runc does for each container: deny all, allow /dev/null, and see whether the kernel took it. */
static bool try_rules(const char *group, char why[128])
{
    static const char rule[] = "c 1:3 rwm";
    CLEANUP_FREE char *deny = path_in(group, "devices.deny");
    CLEANUP_FREE char *allow = path_in(group, "devices.allow");
    CLEANUP_FREE char *list = path_in(group, "devices.list");
    CLEANUP_FREE char *text = NULL;
    struct error err = {0};
    size_t length = 0;

    if (file_put(deny, "a", &err) != 0 || file_put(allow, rule, &err) != 0 ||
        file_read(list, STATISTICS_LARGEST, &text, &length, &err) != 0) {
        error_reason(&err, why, 128);
        return false;
    }
    if (strncmp(text, rule, strlen(rule)) != 0) {
        snprintf(why, 128, "the kernel made \"%.*s\" of \"%s\"", (int)strcspn(text, "\n"), text, rule);
        return false;
    }
    return true;
}

void groups_check_devices(struct answers *answers, const struct hierarchy *hierarchy)
{
    char group[PATH_MAX];
    char why[128];

    if (scratch_make_group(hierarchy->path, group) != 0) {
        say(answers, ROW_DEVICES_RULES, probe_failed(errno), "mkdir %s: %s", group, strerror(errno));
        return;
    }
    if (try_rules(group, why)) {
        say(answers, ROW_DEVICES_RULES, ANSWER_YES, "rules of the device cgroup can be written");
    } else {
        say(answers, ROW_DEVICES_RULES, ANSWER_NO, "rules of the device cgroup cannot be written: %s", why);
    }
    rmdir(group);
}
