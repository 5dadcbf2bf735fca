/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups, version 1: a tmpfs on the root and one hierarchy per controller below it, as Docker and kubelet want
 * to find them. A hierarchy is a thing of the whole kernel, not of a mount point: one that is mounted elsewhere already
 * (OpenHarmony 3.2+ has cpuset, cpu, memory, freezer below /dev) is mounted a second time and shows the same groups, and
 * controllers that are mounted together elsewhere can only be mounted together here (EBUSY otherwise, cgroups(7)).
 */
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/util.h"
#include "host/cgroup.h"
#include "host/controller.h"
#include "host/directory.h"
#include "host/mounts.h"
#include "host/window.h"

#define HIERARCHIES_LARGEST (64 * 1024)
#define MOUNT_FLAGS "nodev,noexec,nosuid"

static void needs(const struct resource *resource, struct need_list *list)
{
    need_path(list, resource->path);
}

static enum verdict not_offered(struct resource *resource, int state)
{
    const struct cgroup_spec *spec = resource->spec;
    const struct controller_facts *facts = controller_facts(spec->name);
    const char *cost = facts == NULL ? "this version does not know what for" : facts->cost;
    struct error err = {0};

    if (spec->optional) {
        resource_detail(resource, "left out: this kernel has no controller \"%s\" (%s)", spec->name, cost);
        return VERDICT_LEFT_OUT;
    }
    error_set(&err, ERROR_UNSUPPORTED, 0, "mount controller %s on %s: %s", spec->name, spec->path,
              state == 0 ? "it is switched off on the kernel's command line" : "it is not in /proc/cgroups");
    if (state == 0) {
        error_remedy(&err, "remove cgroup_disable=%s from the kernel's command line (or add cgroup_enable=%s)",
                     spec->name, spec->name);
    } else if (facts == NULL) {
        error_remedy(&err, "correct the name, or write {\"name\": \"%s\", \"optional\": true}", spec->name);
    } else {
        error_remedy(&err, "build the kernel with %s, or write {\"name\": \"%s\", \"optional\": true}; without it: %s",
                     facts->option, spec->name, cost);
    }
    return resource_impossible(resource, &err);
}

static char *hierarchy_word(const struct cgroup_spec *spec)
{
    return spec->role == ROLE_NAMED ? xasprintf("name=%s", spec->name) : xstrdup(spec->name);
}

/* Kernels can mount cpuset with "noprefix" (Android's init does): then its files are "cpus" for everybody, for ever,
 * and container runtimes fail on them. */
static enum verdict check_prefix(struct resource *resource)
{
    const struct cgroup_spec *spec = resource->spec;
    CLEANUP_FREE char *with = NULL;
    CLEANUP_FREE char *without = NULL;
    struct error err = {0};

    if (!streq(spec->name, "cpuset")) {
        return VERDICT_IN_PLACE;
    }
    with = xasprintf("%s/cpuset.cpus", spec->path);
    without = xasprintf("%s/cpus", spec->path);
    if (access(with, F_OK) == 0 || access(without, F_OK) != 0) {
        return VERDICT_IN_PLACE;
    }
    error_set(&err, ERROR_UNSUPPORTED, 0, "use cpuset on %s: it was first mounted with \"noprefix\"", spec->path);
    error_remedy(&err,
                 "mount it elsewhere with \"-t cgroup -o cpuset\" instead of \"-t cpuset\" (see init's .cfg files)");
    return resource_impossible(resource, &err);
}

static int suggest_place(const char *path, struct error *err)
{
    return error_remedy(err, "list %s in \"directories\" with \"remount\": true, or choose another path", path);
}

static int make_place(const char *path, struct host *host, struct error *err)
{
    if (directory_make(host, path, false, err) == 0) {
        return 0;
    }
    return err->errnum == EROFS ? suggest_place(path, err) : -1;
}

/* Nothing is mounted yet: what would stop us? */
static enum verdict foresee(struct resource *resource, const struct host *host)
{
    const struct cgroup_spec *spec = resource->spec;
    struct error err = {0};
    uid_t uid;
    gid_t gid;

    if (owner_resolve(&spec->ownership, &uid, &gid, &err) != 0) {
        return resource_impossible(resource, &err);
    }
    if (window_is_needed(host, spec->path) && access(spec->path, F_OK) != 0) {
        error_system(&err, EROFS, "mkdir %s", spec->path);
        suggest_place(spec->path, &err);
        return resource_impossible(resource, &err);
    }
    return VERDICT_ABSENT;
}

static enum verdict probe_hierarchy(struct resource *resource, struct host *host)
{
    struct cgroup_spec *spec = resource->spec;
    CLEANUP_FREE char *word = NULL;
    struct mount_entry entry;
    struct error err = {0};
    struct stat status;
    enum verdict verdict;
    int state = spec->role == ROLE_NAMED ? 1 : controller_offered(host, spec->name);
    int there;

    spec->device = 0;
    if (state != 1) {
        return not_offered(resource, state);
    }
    there = mounts_look(host, spec->path, &entry, &status, &err);
    if (there < 0 && err.errnum != ENOENT) {
        return resource_impossible(resource, &err);
    }
    if (there != 1) {
        return foresee(resource, host);
    }
    word = hierarchy_word(spec);
    if (!streq(entry.type, "cgroup") || !mounts_has_option(entry.fs_options, word)) {
        error_set(&err, ERROR_SYSTEM, EBUSY, "mount %s on %s: %s (%s) is mounted there", word, spec->path, entry.type,
                  entry.fs_options);
        error_remedy(&err, "umount %s, or choose another \"root\" or \"path\"", spec->path);
        return resource_impossible(resource, &err);
    }
    spec->device = status.st_dev;
    verdict = check_prefix(resource);
    if (verdict != VERDICT_IN_PLACE) {
        return verdict;
    }
    return owner_probe(&spec->ownership, &status, resource);
}

/* Where a cgroup2 that lies over our tmpfs stays mounted while it is taken off there: a kill in between must not lose
 * the only place where it can be seen that the board has one. */
static char *refuge_of(const struct host *host)
{
    return xasprintf("%s/cgroup2", host->run_dir);
}

static bool is_cgroup2_at(const struct mount_entry *entry, const void *root)
{
    return streq(entry->type, "cgroup2") && streq(entry->target, root);
}

/* Is surely nothing mounted at `path`? */
static bool is_bare(struct host *host, const char *path)
{
    struct mount_entry entry;
    struct error err = {0};
    int there = mounts_at(host, path, &entry, &err);

    return there == 0 || (there < 0 && err.errnum == ENOENT);
}

/* Is a cgroup2 mounted on the root, under or over our tmpfs? */
static bool root_has_cgroup2(struct host *host, const char *root)
{
    CLEANUP_FREE char *refuge = refuge_of(host);
    struct mount_entry entry;

    /* Nothing at all is mounted at either place: seen without the mount table. */
    if (is_bare(host, root) && is_bare(host, refuge)) {
        return false;
    }
    return mounts_find(host, is_cgroup2_at, root, &entry) || mounts_find(host, is_cgroup2_at, refuge, &entry);
}

static bool is_mounted_as(struct host *host, const char *path, const char *type)
{
    struct mount_entry entry;
    struct error ignored = {0};

    return mounts_at(host, path, &entry, &ignored) == 1 && streq(entry.type, type);
}

static enum verdict probe_root(struct resource *resource, struct host *host)
{
    const struct cgroup_spec *spec = resource->spec;
    CLEANUP_FREE char *refuge = NULL;
    struct mount_entry entry;
    struct error err = {0};
    int there = mounts_at(host, spec->path, &entry, &err);

    if (there < 0 && err.errnum != ENOENT) {
        return resource_impossible(resource, &err);
    }
    if (there != 1) {
        return foresee(resource, host);
    }
    if (streq(entry.type, "cgroup2")) {
        resource_detail(resource, "cgroup2 is mounted there; it stays reachable at %s", spec->unified);
        return VERDICT_DIFFERS;
    }
    if (!streq(entry.type, "tmpfs")) {
        error_set(&err, ERROR_SYSTEM, EBUSY, "mount tmpfs on %s: %s is mounted there", spec->path, entry.type);
        error_remedy(&err, "umount %s, or choose another \"root\"", spec->path);
        return resource_impossible(resource, &err);
    }
    if (root_has_cgroup2(host, spec->path) && !is_mounted_as(host, spec->unified, "cgroup2")) {
        resource_detail(resource, "cgroup2 is not reachable at %s", spec->unified);
        return VERDICT_DIFFERS;
    }
    refuge = refuge_of(host);
    if (is_mounted_as(host, refuge, "cgroup2")) {
        resource_detail(resource, "cgroup2 is still mounted at %s", refuge);
        return VERDICT_DIFFERS;
    }
    return VERDICT_IN_PLACE;
}

static enum verdict probe(struct resource *resource, struct host *host)
{
    const struct cgroup_spec *spec = resource->spec;

    return spec->role == ROLE_ROOT ? probe_root(resource, host) : probe_hierarchy(resource, host);
}

/* Where there was no root before, there is no hierarchy either: nothing can be mounted on a directory that is made now. */
static bool begin(struct resource *resource, struct host *host)
{
    const struct cgroup_spec *spec = resource->spec;
    struct error ignored = {0};
    uid_t uid;
    gid_t gid;

    return spec->role != ROLE_ROOT && (spec->role == ROLE_NAMED || controller_offered(host, spec->name) == 1) &&
           owner_resolve(&spec->ownership, &uid, &gid, &ignored) == 0 && mkdir(spec->path, 0755) == 0;
}

/* Is what the path shows what mount(2) said it mounted: a hierarchy, or a tmpfs on a root where nothing was? Or the hierarchy that
 * was there already, and got another owner? */
static bool is_as_applied(const struct resource *resource, const struct stat *status)
{
    const struct cgroup_spec *spec = resource->spec;

    return spec->role == ROLE_ROOT ? resource->verdict == VERDICT_ABSENT && spec->bare
                                   : resource->verdict == VERDICT_ABSENT ||
                                         (resource->verdict == VERDICT_DIFFERS && spec->device == status->st_dev);
}

static enum verdict confirm(struct resource *resource, struct host *host)
{
    const struct cgroup_spec *spec = resource->spec;
    enum verdict verdict = VERDICT_IN_PLACE;
    struct stat status;

    if (!mounts_is_root(spec->path, &status) || !is_as_applied(resource, &status)) {
        return probe(resource, host);
    }
    if (spec->role != ROLE_ROOT) {
        verdict = check_prefix(resource);
    }
    return verdict == VERDICT_IN_PLACE ? owner_probe(&spec->ownership, &status, resource) : verdict;
}

static bool is_tmpfs_at(const struct mount_entry *entry, const void *root)
{
    return streq(entry->type, "tmpfs") && streq(entry->target, root);
}

/* tmpfs with a cgroup2 over it: somebody (OpenHarmony's netsysnative, at each of its starts) mounted it again. */
static int uncover(const struct cgroup_spec *spec, struct host *host, struct error *err)
{
    CLEANUP_FREE char *refuge = refuge_of(host);
    struct mount_entry entry;

    if (!is_mounted_as(host, spec->path, "cgroup2") || !mounts_find(host, is_tmpfs_at, spec->path, &entry)) {
        return 0;
    }
    if (!is_mounted_as(host, refuge, "cgroup2") &&
        (file_make_parents(refuge, err) != 0 ||
         mounts_mount(host, "cgroup2", refuge, "cgroup2", MOUNT_FLAGS, err) != 0)) {
        return -1;
    }
    return mounts_detach(host, spec->path, err);
}

/* The refuge is given up once cgroup2 is where it belongs. */
static int leave_refuge(struct host *host, struct error *err)
{
    CLEANUP_FREE char *refuge = refuge_of(host);

    if (!is_mounted_as(host, refuge, "cgroup2")) {
        return 0;
    }
    if (mounts_detach(host, refuge, err) != 0) {
        return -1;
    }
    return rmdir(refuge) != 0 && errno != ENOENT ? error_system(err, errno, "rmdir %s", refuge) : 0;
}

static int mount_root(const struct cgroup_spec *spec, struct host *host, struct error *err)
{
    CLEANUP_FREE char *options = spec->size == 0 ? xstrdup(MOUNT_FLAGS ",mode=755")
                                                 : xasprintf(MOUNT_FLAGS ",mode=755,size=%lld", (long long)spec->size);

    return mounts_mount(host, "tmpfs", spec->path, "tmpfs", options, err);
}

static int apply_root(struct cgroup_spec *spec, struct host *host, struct error *err)
{
    CLEANUP_FREE char *refuge = refuge_of(host);
    bool cgroup2;

    spec->bare = is_bare(host, spec->path) && is_bare(host, refuge);
    if (spec->bare) { /* a fresh board */
        return make_place(spec->path, host, err) != 0 ? -1 : mount_root(spec, host, err);
    }
    cgroup2 = root_has_cgroup2(host, spec->path);
    if (make_place(spec->path, host, err) != 0 || uncover(spec, host, err) != 0) {
        return -1;
    }
    if (!is_mounted_as(host, spec->path, "tmpfs") && mount_root(spec, host, err) != 0) {
        return -1;
    }
    /* There is one cgroup2 hierarchy: mounting it anew shows the one that the tmpfs hides. */
    if (cgroup2 && !is_mounted_as(host, spec->unified, "cgroup2")) {
        if (directory_make(host, spec->unified, false, err) != 0) {
            return -1;
        }
        if (mounts_mount(host, "cgroup2", spec->unified, "cgroup2", MOUNT_FLAGS, err) != 0) {
            return -1;
        }
    }
    return leave_refuge(host, err);
}

/* The words of the hierarchy that has this word together with others, as a line of /proc/self/cgroup has them ("4:cpu,cpuacct:/");
 * NULL if there is none. */
static char *find_joint(const char *word)
{
    CLEANUP_FREE char *text = NULL;
    struct error ignored = {0};
    size_t length = 0;
    char *rest = NULL;

    if (file_read("/proc/self/cgroup", HIERARCHIES_LARGEST, &text, &length, &ignored) != 0) {
        return NULL;
    }
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *words = strchr(line, ':');
        char *end = words == NULL ? NULL : strchr(++words, ':');

        if (end != NULL) {
            *end = '\0';
            if (mounts_has_option(words, word) && !streq(words, word)) {
                return xstrdup(words);
            }
        }
    }
    return NULL;
}

static int mount_words(const struct cgroup_spec *spec, const char *words, struct host *host, struct error *err)
{
    CLEANUP_FREE char *options = xasprintf(MOUNT_FLAGS ",%s%s", starts_with(words, "name=") ? "none," : "", words);

    return mounts_mount(host, "cgroup", spec->path, "cgroup", options, err);
}

/* Alone first: what is joined with others elsewhere, or not for this namespace to make, is refused, and only then is it worth to
 * ask how it is mounted. */
static int mount_hierarchy(const struct cgroup_spec *spec, struct host *host, struct error *err)
{
    CLEANUP_FREE char *word = hierarchy_word(spec);
    CLEANUP_FREE char *joint = NULL;

    if (mount_words(spec, word, host, err) == 0) {
        return 0;
    }
    joint = err->errnum == EBUSY || err->errnum == EPERM ? find_joint(word) : NULL;
    if (joint == NULL) {
        return -1;
    }
    error_clear(err);
    return mount_words(spec, joint, host, err);
}

static int apply_hierarchy(struct resource *resource, struct host *host, struct error *err)
{
    const struct cgroup_spec *spec = resource->spec;

    if (resource->verdict == VERDICT_DIFFERS) {
        return owner_apply(&spec->ownership, spec->path, err);
    }
    if (!resource->begun && make_place(spec->path, host, err) != 0) {
        return -1;
    }
    if (mount_hierarchy(spec, host, err) != 0) {
        if (err->errnum == EPERM) {
            error_remedy(err,
                         "run edgeinit as root with CAP_SYS_ADMIN; and inside a container a new hierarchy cannot be "
                         "made at all: only the kernel's first cgroup namespace may");
        } else if (err->errnum == EBUSY) {
            error_remedy(err,
                         "%s is in use elsewhere, by cgroup2 (see cgroup.subtree_control) or together with other "
                         "controllers: see /proc/cgroups and \"grep cgroup /proc/mounts\"",
                         spec->name);
        }
        return -1;
    }
    return owner_apply(&spec->ownership, spec->path, err);
}

static int apply(struct resource *resource, struct host *host, struct error *err)
{
    struct cgroup_spec *spec = resource->spec;

    return spec->role == ROLE_ROOT ? apply_root(spec, host, err) : apply_hierarchy(resource, host, err);
}

static void free_spec(void *data)
{
    struct cgroup_spec *spec = data;

    free(spec->path);
    free(spec->unified);
    free(spec);
}

const struct resource_kind kind_cgroup = {
    .name = "cgroup",
    .section = "cgroups",
    .parse = cgroup_parse,
    .needs = needs,
    .probe = probe,
    .begin = begin,
    .confirm = confirm,
    .apply = apply,
    .free_spec = free_spec,
};
