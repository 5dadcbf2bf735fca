/* SPDX-License-Identifier: Apache-2.0 */
#include "host/track.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "base/text.h"
#include "base/util.h"
#include "host/host.h"
#include "host/mounts.h"

#define CGROUP_V1_MAGIC 0x27e0eb
#define LARGEST_LIST (1024 * 1024)

static bool is_mounted(const char *path)
{
    struct statfs status;

    return statfs(path, &status) == 0 && (unsigned long)status.f_type == CGROUP_V1_MAGIC;
}

static int mount_hierarchy(const char *path, struct error *err)
{
    if (is_mounted(path)) {
        return 0;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return error_system(err, errno, "make %s", path);
    }
    if (mount("edgeinit", path, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, "none,name=edgeinit") != 0) {
        error_system(err, errno, "mount the cgroup hierarchy name=edgeinit on %s", path);
        return error_remedy(err, "the kernel needs CONFIG_CGROUPS; without it stop scope \"group\" reaches the main "
                                 "process alone, and a service whose keeper was killed may not be found again");
    }
    return 0;
}

static bool is_freezer(const struct mount_entry *entry, const void *wanted)
{
    (void)wanted;
    return streq(entry->type, "cgroup") && mounts_has_option(entry->fs_options, "freezer");
}

void track_find_freezer(struct track *track)
{
    struct host host = {0};
    struct mount_entry entry;

    free(track->freezer);
    track->freezer = mounts_find(&host, is_freezer, NULL, &entry) ? xstrdup(entry.target) : NULL;
    mounts_forget(&host);
}

int track_open(struct track *track, const char *run_dir, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/track", run_dir);
    CLEANUP_FREE char *top = NULL;
    struct stat status;

    *track = (struct track){0};
    if (stat(run_dir, &status) != 0) {
        return error_system(err, errno, "look at %s", run_dir);
    }
    if (mount_hierarchy(path, err) != 0) {
        return -1;
    }
    top = xasprintf("%s/%llx-%llx", path, (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    if (mkdir(top, 0755) != 0 && errno != EEXIST) {
        return error_system(err, errno, "make the group %s", top);
    }
    track->top = take_pointer(&top);
    return 0;
}

/* NULL if the track is not usable. */
static char *group_of(const struct track *track, const char *name)
{
    return track->top == NULL ? NULL : xasprintf("%s/%s", track->top, name);
}

int track_make(const struct track *track, const char *name, char **file, struct error *err)
{
    CLEANUP_FREE char *group = group_of(track, name);

    *file = NULL;
    if (group == NULL) {
        return 0;
    }
    if (mkdir(group, 0755) != 0 && errno != EEXIST) {
        return error_system(err, errno, "make the group %s", group);
    }
    *file = xasprintf("%s/cgroup.procs", group);
    return 0;
}

/* The pids of a group, ended by 0; NULL if there is no such group. Own them. */
static pid_t *read_members(const char *group)
{
    CLEANUP_FREE char *file = xasprintf("%s/cgroup.procs", group);
    CLEANUP_FREE char *list = NULL;
    struct error ignored = {0};
    size_t length = 0;
    size_t count = 0;
    pid_t *pids;
    char *rest = NULL;

    if (file_read(file, LARGEST_LIST, &list, &length, &ignored) != 0) {
        return NULL;
    }
    pids = xcalloc(length / 2 + 2, sizeof(*pids)); /* a digit and a newline at least */
    for (char *word = strtok_r(list, "\n", &rest); word != NULL; word = strtok_r(NULL, "\n", &rest)) {
        int64_t number = 0;

        if (text_parse_integer(word, &number) && number > 0) {
            pids[count++] = (pid_t)number;
        }
    }
    return pids;
}

static pid_t *members_of(const struct track *track, const char *name)
{
    CLEANUP_FREE char *group = group_of(track, name);

    return group == NULL ? NULL : read_members(group);
}

bool track_has(const struct track *track, const char *name, pid_t pid)
{
    CLEANUP_FREE pid_t *pids = members_of(track, name);

    for (size_t i = 0; pids != NULL && pids[i] != 0; i++) {
        if (pids[i] == pid) {
            return true;
        }
    }
    return false;
}

bool track_is_empty(const struct track *track, const char *name, pid_t except)
{
    CLEANUP_FREE pid_t *pids = members_of(track, name);

    for (size_t i = 0; pids != NULL && pids[i] != 0; i++) {
        if (pids[i] != except) {
            return false;
        }
    }
    return true;
}

/* The group in the freezer that is for the members of this one; NULL without a freezer. */
static char *freezer_group_of(const struct track *track, const char *name)
{
    return track->freezer == NULL ? NULL
                                  : xasprintf("%s/edgeinit-%s-%s", track->freezer, strrchr(track->top, '/') + 1, name);
}

/* All of them into this group, which is frozen: from now on they cannot fork. */
static bool freeze(const char *group, const pid_t *pids, pid_t except)
{
    CLEANUP_FREE char *procs = NULL;
    CLEANUP_FREE char *state = NULL;
    struct error ignored = {0};

    if (group == NULL || (mkdir(group, 0755) != 0 && errno != EEXIST)) {
        return false;
    }
    procs = xasprintf("%s/cgroup.procs", group);
    state = xasprintf("%s/freezer.state", group);
    for (size_t i = 0; pids[i] != 0; i++) {
        char number[16];

        snprintf(number, sizeof(number), "%d", pids[i]);
        if (pids[i] != except) {
            file_put(procs, number, &ignored); /* gone meanwhile: well */
        }
    }
    return file_put(state, "FROZEN", &ignored) == 0;
}

static void thaw(const char *group)
{
    CLEANUP_FREE char *state = xasprintf("%s/freezer.state", group);
    struct error ignored = {0};

    file_put(state, "THAWED", &ignored);
}

size_t track_kill(const struct track *track, const char *name, pid_t except, int *left)
{
    CLEANUP_FREE pid_t *pids = members_of(track, name);
    CLEANUP_FREE char *group = NULL;
    bool frozen = false;
    size_t count = 0;

    *left = -1;
    if (pids == NULL) {
        return 0;
    }
    for (size_t i = 0; pids[i] != 0; i++) {
        count += pids[i] != except;
    }
    group = freezer_group_of(track, name);
    if (count > 0) {
        frozen = freeze(group, pids, except);
    }
    for (size_t i = 0; pids[i] != 0; i++) {
        CLEANUP_CLOSE int fd = pids[i] == except ? -1 : (int)syscall(SYS_pidfd_open, pids[i], 0);

        /* Seen in the group again after it was opened: the descriptor is that process and no later one of this number. */
        if (fd >= 0 && track_has(track, name, pids[i])) {
            syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
            if (*left < 0) {
                *left = take_fd(&fd);
            }
        }
    }
    if (frozen) {
        thaw(group);
    }
    if (count == 0 && group != NULL) {
        rmdir(group);
    }
    return count;
}

void track_remove(const struct track *track, const char *name)
{
    CLEANUP_FREE char *group = group_of(track, name);

    if (group != NULL) {
        rmdir(group);
    }
}

/* Groups of services that the manifest does not name any more. */
static void remove_leftovers(const struct track *track)
{
    CLEANUP_DIR DIR *directory = opendir(track->top);
    const struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.' && entry->d_type == DT_DIR) {
            track_remove(track, entry->d_name);
        }
    }
}

void track_unmake(struct track *track, const char *run_dir)
{
    CLEANUP_FREE char *path = xasprintf("%s/track", run_dir);

    if (track->top == NULL) {
        return;
    }
    remove_leftovers(track);
    if (rmdir(track->top) == 0) {
        umount2(path, MNT_DETACH);
        rmdir(path);
    }
    track_close(track);
}

void track_close(struct track *track)
{
    free(track->top);
    free(track->freezer);
    *track = (struct track){0};
}
