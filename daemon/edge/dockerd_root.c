/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "base/util.h"
#include "edge/dockerd.h"
#include "host/facts.h"
#include "host/mounts.h"

static bool is_at_or_above(const char *directory, const char *path)
{
    return streq(directory, path) || path_is_below(path, directory);
}

/* The outermost mount of the manifest for this path that is not mounted; *any: the manifest has one for it. */
static const char *find_missing(const struct host *host, const char *path, bool *any)
{
    const char *missing = NULL;

    for (size_t i = 0; i < host->count; i++) {
        const struct resource *resource = &host->resources[i];

        if (resource->kind == &kind_mount && is_at_or_above(resource->path, path)) {
            *any = true;
            if (!facts_is_mounted(resource->path) && (missing == NULL || path_is_below(missing, resource->path))) {
                missing = resource->path;
            }
        }
    }
    return missing;
}

static void park(const struct dockerd_start *start, const char *mount, const char *remedy, struct judgement *judgement)
{
    *judgement = (struct judgement){.hold = JUDGEMENT_PARK};
    judgement_wake(judgement, WAKE_MOUNT, mount);
    snprintf(judgement->code, sizeof(judgement->code), "data-root-missing");
    snprintf(judgement->what, sizeof(judgement->what),
             "nothing is mounted at %.64s, where the data-root %.64s is to be", mount, start->options.data_root);
    snprintf(judgement->remedy, sizeof(judgement->remedy), "%s", remedy);
}

/* Where the file system begins that holds the data-root, or will. dockerd binds its data-root on itself, which is no mount that
 * could be missing; so what counts is another device. */
static int find_mount(const char *data_root, char mount[PATH_MAX], struct error *err)
{
    char parent[PATH_MAX];
    struct stat status;
    struct stat above;

    snprintf(mount, PATH_MAX, "%s", data_root);
    while (stat(mount, &status) != 0) {
        if ((errno != ENOENT && errno != ENOTDIR) || !path_up(mount)) {
            return error_system(err, errno, "stat %s", mount);
        }
    }
    for (path_parent(mount, parent); !streq(mount, "/"); path_parent(mount, parent)) {
        if (stat(parent, &above) != 0) {
            return error_system(err, errno, "stat %s", parent);
        }
        if (above.st_dev != status.st_dev) {
            break;
        }
        snprintf(mount, PATH_MAX, "%s", parent);
    }
    /* A subvolume of btrfs is another device too, and no mount. */
    if (!facts_is_mounted(mount)) {
        snprintf(mount, PATH_MAX, "/");
    }
    return 0;
}

/* The note of the last start: "DATA-ROOT\nMOUNT\n". On flash, so written only when something else is true. */
static int remember(const char *note, const char *before, const char *data_root, const char *mount, struct error *err)
{
    static const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *now = xasprintf("%s\n%s\n", data_root, mount);
    char parent[PATH_MAX];

    if (before != NULL && streq(before, now)) {
        return 0;
    }
    path_parent(note, parent);
    return file_make_parents(parent, err) != 0 ? -1 : file_write(note, now, strlen(now), &attributes, err);
}

/* Is `before` about this data-root, and what it was mounted on gone? */
static bool is_gone(const char *before, const char *data_root, char mount[PATH_MAX])
{
    size_t length = strlen(data_root);

    if (before == NULL || strncmp(before, data_root, length) != 0 || before[length] != '\n') {
        return false;
    }
    snprintf(mount, PATH_MAX, "%.*s", (int)strcspn(before + length + 1, "\n"), before + length + 1);
    return mount[0] == '/' && !streq(mount, "/") && !facts_is_mounted(mount);
}

int dockerd_check_root(const struct dockerd_start *start, struct judgement *judgement, struct error *err)
{
    const struct profile_call *call = start->call;
    CLEANUP_FREE char *note = xasprintf("%s/dockerd/data-root", call->paths->state_dir);
    CLEANUP_FREE char *before = NULL;
    struct error ignored = {0};
    char root[PATH_MAX];
    char mount[PATH_MAX];
    const char *missing;
    bool any = false;
    size_t length = 0;

    if (start->options.data_root[0] != '/' || path_follow(start->options.data_root, root, err) != 0) {
        return start->options.data_root[0] != '/' ? 0 : -1;
    }
    missing = find_missing(&call->node->host, root, &any);
    if (missing != NULL) {
        park(start, missing,
             "put the card back, then \"edgeinit apply\"; or see \"edgeinit status\" for why it is not mounted",
             judgement);
        return 0;
    }
    if (any) {
        return 0;
    }
    file_read(note, 2 * PATH_MAX, &before, &length, &ignored);
    if (is_gone(before, root, mount)) {
        CLEANUP_FREE char *remedy =
            xasprintf("mount it, as it was at the last start; if it is meant to be without, remove %s", note);

        park(start, mount, remedy, judgement);
        return 0;
    }
    return find_mount(root, mount, err) != 0 ? -1 : remember(note, before, root, mount, err);
}
