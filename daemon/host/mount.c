/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts: a file system from a device (by path, UUID or label, waited for), a bind, a tmpfs, or any other type. What
 * counts is what the kernel shows at the target: the device's own number, the bound file's own inode, the type. And how the
 * mount spreads what is mounted below it; an entry that says nothing else is about the mount that is there.
 */
#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/util.h"
#include "host/device.h"
#include "host/host.h"
#include "host/label.h"
#include "host/loss.h"
#include "host/module.h"
#include "host/mount_spec.h"
#include "host/mounts.h"
#include "host/policy.h"
#include "host/propagation.h"
#include "host/window.h"

#define LONGEST_WAIT (60 * 60 * 1000)

bool mount_is_tag(const char *source)
{
    return starts_with(source, "UUID=") || starts_with(source, "LABEL=");
}

static void check(const struct reader *reader, struct mount_spec *spec)
{
    const char *why = NULL;

    if (spec->type != NULL && streq(spec->type, "bind")) {
        spec->form = FORM_BIND;
    } else if (spec->source != NULL && (spec->source[0] == '/' || mount_is_tag(spec->source))) {
        spec->form = FORM_DEVICE;
    } else if (spec->source == NULL && spec->type == NULL && spec->propagation != PROPAGATION_AS_IT_IS) {
        spec->form = FORM_PRESENT;
    } else {
        spec->form = FORM_VIRTUAL;
    }
    if (spec->form == FORM_VIRTUAL && spec->type == NULL) {
        reader_problem(reader, "add \"source\": \"/dev/block/…\" or \"type\": \"tmpfs\"",
                       "names neither source nor type");
    }
    if (spec->form == FORM_BIND && (spec->source == NULL || !path_is_normal(spec->source, &why))) {
        reader_problem(reader, "add \"source\": \"/data/…\", an absolute path", "a bind needs the path that it binds");
    }
    if (spec->form == FORM_DEVICE && !mount_is_tag(spec->source) && !path_is_normal(spec->source, &why)) {
        reader_problem(reader, "write a path such as \"/dev/block/mmcblk0p1\"", "the source %s", why);
    }
    if (spec->form == FORM_PRESENT && (spec->options != NULL || spec->label != NULL || spec->remount)) {
        reader_problem(reader, "add \"source\" or \"type\", or keep \"target\" and \"propagation\" alone",
                       "what is mounted there already gets a new propagation, but no \"options\" and no \"remount\"");
    }
    if (spec->wait > 0 && spec->form != FORM_DEVICE) {
        reader_problem(reader, "remove \"wait\"", "only a device can be waited for");
    }
    if (spec->options != NULL &&
        (mounts_has_option(spec->options, "remount") || mounts_has_option(spec->options, "bind") ||
         strpbrk(spec->options, " \t\n") != NULL)) {
        reader_problem(reader, "write file system options separated by commas; \"type\": \"bind\" makes a bind",
                       "\"options\" holds \"bind\", \"remount\" or blanks");
    }
    if (spec->label != NULL && strpbrk(spec->label, " \t\n\"") != NULL) {
        reader_problem(reader, "write a context such as \"u:object_r:edge_content_file:s0\"",
                       "\"label\" holds blanks or quotes");
    }
    if (spec->form == FORM_BIND && (spec->label != NULL || label_is_asked(spec->options))) {
        reader_problem(reader, "give the label to the mount of the file system that is bound",
                       "a bind has the SELinux labels of what it binds");
    }
}

static void parse_one(const struct reader *reader, struct host *host)
{
    static const struct field fields[] = {
        {"target", FIELD_PATH, .required = true, .offset = offsetof(struct mount_spec, target),
         .example = "\"/mnt/f2fs\""},
        {"source", FIELD_STRING, .offset = offsetof(struct mount_spec, source), .example = "\"/dev/block/mmcblk0p1\""},
        {"type", FIELD_STRING, .offset = offsetof(struct mount_spec, type), .example = "\"f2fs\""},
        {"options", FIELD_TEXT, .offset = offsetof(struct mount_spec, options), .example = "\"noatime\""},
        {"label", FIELD_STRING, .offset = offsetof(struct mount_spec, label),
         .example = "\"u:object_r:edge_content_file:s0\""},
        {"wait", FIELD_DURATION, .offset = offsetof(struct mount_spec, wait), .min = 0, .max = LONGEST_WAIT,
         .example = "\"30s\""},
        {"propagation", FIELD_CHOICE, .offset = offsetof(struct mount_spec, propagation), .choices = propagation_words},
        {"remount", FIELD_BOOLEAN, .offset = offsetof(struct mount_spec, remount), .example = "true"},
    };
    struct mount_spec spec = {.propagation = PROPAGATION_AS_IT_IS};
    struct mount_spec *kept;

    if (!reader_object(reader, fields, ARRAY_SIZE(fields), &spec)) {
        return;
    }
    check(reader, &spec);
    spec.module = xasprintf("module %s", spec.type == NULL ? "" : spec.type);
    kept = xcalloc(1, sizeof(*kept));
    *kept = spec;
    host_add(host, reader, &kind_mount, spec.target, spec.target, kept)->rank = RANK_MOUNT;
}

static void parse(const struct reader *section, struct host *host)
{
    struct reader item;

    if (!reader_is_array(section, "[{\"target\": \"/mnt\", \"type\": \"tmpfs\"}]")) {
        return;
    }
    for (bool more = reader_first(section, &item); more; more = reader_next(&item)) {
        parse_one(&item, host);
    }
}

static void needs(const struct resource *resource, struct need_list *list)
{
    const struct mount_spec *spec = resource->spec;

    need_path(list, spec->target);
    need_name(list, spec->module);
    if (spec->source != NULL && spec->source[0] == '/') {
        need_path(list, spec->source);
    }
}

const char *mount_missing_option(const struct mount_spec *spec, const struct mount_entry *entry)
{
    static const char *const words[] = {"ro", "nosuid", "nodev", "noexec", "noatime", "nodiratime"};

    for (size_t i = 0; spec->options != NULL && i < ARRAY_SIZE(words); i++) {
        if (mounts_has_option(spec->options, words[i]) && !mounts_has_option(entry->options, words[i]) &&
            !mounts_has_option(entry->fs_options, words[i])) {
            return words[i];
        }
    }
    return NULL;
}

bool mount_is_read_only(const struct mount_spec *spec, const struct mount_entry *entry)
{
    bool wanted = spec->options != NULL && mounts_has_option(spec->options, "ro");

    return !wanted && spec->form != FORM_BIND && spec->form != FORM_PRESENT &&
           (mounts_has_option(entry->options, "ro") || mounts_has_option(entry->fs_options, "ro"));
}

static enum verdict occupied(struct resource *resource, const struct mount_entry *entry, const char *wanted)
{
    const struct mount_spec *spec = resource->spec;
    struct error err = {0};

    error_set(&err, ERROR_SYSTEM, EBUSY, "mount %s on %s: %s from %s is mounted there, not %s", wanted, spec->target,
              entry->type, entry->source, wanted);
    error_remedy(&err, "umount %s, or make the manifest say what is there", spec->target);
    return resource_impossible(resource, &err);
}

/* Something is mounted at the target: is it ours, with our options? */
static enum verdict compare(struct resource *resource, const struct mount_entry *entry, const struct stat *target)
{
    const struct mount_spec *spec = resource->spec;
    const char *option = mount_missing_option(spec, entry);
    struct error err = {0};
    struct stat source;

    if (loss_has_happened(entry)) {
        resource_detail(resource, "its device is gone");
        return VERDICT_DIFFERS;
    }
    if (spec->form == FORM_BIND) {
        if (stat(spec->source, &source) != 0 || target->st_dev != source.st_dev || target->st_ino != source.st_ino) {
            return occupied(resource, entry, spec->source);
        }
    } else if (spec->type != NULL && !streq(spec->type, "auto") && !streq(spec->type, entry->type)) {
        return occupied(resource, entry, spec->type);
    } else if (spec->form == FORM_DEVICE) {
        /* By number for a path; a file system with an anonymous number (btrfs) and a tag go by the mounted node. */
        bool same = !mount_is_tag(spec->source) && stat(spec->source, &source) == 0 && source.st_rdev == entry->device;

        if (!same && !device_matches(spec->source, entry->source, entry->type)) {
            return occupied(resource, entry, spec->source);
        }
    }
    if (label_check(spec->options, spec->label, entry, &err) != 0) {
        return resource_impossible(resource, &err);
    }
    if (mount_is_read_only(spec, entry)) {
        resource_detail(resource, "is read-only; the kernel does that after errors: read the kernel log");
        return VERDICT_DIFFERS;
    }
    if (option != NULL) {
        resource_detail(resource, "lacks option %s", option);
        return VERDICT_DIFFERS;
    }
    if (!propagation_is(entry, spec->propagation)) {
        resource_detail(resource, "is %s, wanted %s", propagation_of(entry), propagation_words[spec->propagation]);
        return VERDICT_DIFFERS;
    }
    return VERDICT_IN_PLACE;
}

int mount_unknown_type(const struct mount_spec *spec, const char *type, struct error *err)
{
    error_set(err, ERROR_UNSUPPORTED, 0, "mount %s on %s: this kernel does not know file system \"%s\"",
              spec->source == NULL ? type : spec->source, spec->target, type);
    return error_remedy(err,
                        "build the kernel with it (f2fs: CONFIG_F2FS_FS=y), or choose a type of /proc/filesystems");
}

/* What stands at the target, if it is of the wrong sort: a file takes the bind of a file, a directory all else. */
static int wrong_target(const struct mount_spec *spec, const struct stat *source, const struct stat *target,
                        struct error *err)
{
    bool file = spec->form == FORM_BIND && !S_ISDIR(source->st_mode);

    if (S_ISDIR(target->st_mode) == !file) {
        return 0;
    }
    error_system(err, file ? EISDIR : ENOTDIR, "mount %s on %s", spec->source == NULL ? spec->type : spec->source,
                 spec->target);
    return error_remedy(err, "a %s stands there, and a %s is to be mounted: move it away or choose another target",
                        file ? "directory" : "file", file ? "file" : "directory");
}

/* Nothing is mounted yet: what would stop us? `target`: what stands there; NULL: nothing. */
static enum verdict foresee(struct resource *resource, const struct host *host, const struct stat *target)
{
    struct mount_spec *spec = resource->spec;
    struct error err = {0};
    struct stat status = {0};
    char node[PATH_MAX];
    char wait[32];

    if (spec->form == FORM_PRESENT) {
        error_set(&err, ERROR_SYSTEM, 0, "nothing is mounted on %s, whose propagation is wanted", spec->target);
        error_remedy(&err, "add \"source\" or \"type\", or name the mount point that it lies on");
        return resource_impossible(resource, &err);
    }
    if (spec->form == FORM_BIND) {
        if (stat(spec->source, &status) != 0) {
            error_system(&err, errno, "bind %s on %s: stat %s", spec->source, spec->target, spec->source);
            error_remedy(&err, "list %s in \"directories\", or create it", spec->source);
            return resource_impossible(resource, &err);
        }
    } else if (host->foresee && spec->type != NULL && !streq(spec->type, "auto") &&
               !module_knows_file_system(spec->type)) {
        mount_unknown_type(spec, spec->type, &err);
        return resource_impossible(resource, &err);
    }
    if (target != NULL && wrong_target(spec, &status, target, &err) != 0) {
        return resource_impossible(resource, &err);
    }
    spec->target_there = target != NULL;
    spec->bound.device = status.st_dev;
    spec->bound.inode = status.st_ino;
    if (target == NULL && !spec->remount && window_is_needed(host, spec->target)) {
        error_system(&err, EROFS, "mkdir %s", spec->target);
        return resource_impossible(resource, &err);
    }
    if (spec->form == FORM_DEVICE && !mount_is_tag(spec->source) &&
        device_find(spec->source, spec->type, node, &err) != 0) {
        if (err.code == ERROR_TIMEOUT && spec->wait > 0) {
            resource_detail(resource, "%s is not there yet; waits up to %s", spec->source,
                            text_show_duration(spec->wait * MICROSECONDS_PER_MILLISECOND, wait, sizeof(wait)));
            return VERDICT_ABSENT;
        }
        return resource_impossible(resource, &err);
    }
    return VERDICT_ABSENT;
}

static enum verdict probe(struct resource *resource, struct host *host)
{
    const struct mount_spec *spec = resource->spec;
    struct mount_entry entry;
    struct error err = {0};
    struct stat target;
    int there = mounts_look(host, spec->target, &entry, &target, &err);

    if (there < 0 && err.errnum != ENOENT) {
        return resource_impossible(resource, &err);
    }
    return there == 1 ? compare(resource, &entry, &target) : foresee(resource, host, there == 0 ? &target : NULL);
}

/* mount(2) said yes, and what it mounted is what the target shows. The flags among the options were in the call; how a file system
 * took what it knows alone, and how the mount spreads, only the table tells. */
static enum verdict confirm(struct resource *resource, struct host *host)
{
    const struct mount_spec *spec = resource->spec;
    struct statvfs system;
    struct stat target;
    struct stat source;
    bool labelled = (spec->label != NULL || label_is_asked(spec->options)) && label_is_used() &&
                    (label_is_asked(spec->options) || policy_is_loaded());
    bool good = resource->verdict == VERDICT_ABSENT && spec->propagation == PROPAGATION_AS_IT_IS && !labelled &&
                mounts_is_root(spec->target, &target);

    switch (spec->form) {
        case FORM_BIND:
            good = good && target.st_dev == spec->bound.device && target.st_ino == spec->bound.inode;
            break;
        case FORM_DEVICE: /* read-only: by the manifest, or by the kernel after an error; probe() tells which */
            good = good && stat(spec->source, &source) == 0 && S_ISBLK(source.st_mode) &&
                   source.st_rdev == target.st_dev && statvfs(spec->target, &system) == 0 &&
                   (system.f_flag & ST_RDONLY) == 0;
            break;
        case FORM_VIRTUAL:
            break;
        default:
            good = false;
            break;
    }
    return good ? VERDICT_IN_PLACE : probe(resource, host);
}

static bool slow(const struct resource *resource)
{
    const struct mount_spec *spec = resource->spec;

    return spec->form == FORM_DEVICE;
}

static int64_t wait_for(const struct resource *resource)
{
    const struct mount_spec *spec = resource->spec;

    return spec->wait;
}

static int watch(const struct resource *resource, struct error *err)
{
    const struct mount_spec *spec = resource->spec;

    return device_watch(spec->source, err);
}

static void free_spec(void *spec)
{
    free(((struct mount_spec *)spec)->module);
    free(spec);
}

const struct resource_kind kind_mount = {
    .name = "mount",
    .section = "mounts",
    .parse = parse,
    .needs = needs,
    .probe = probe,
    .confirm = confirm,
    .apply = mount_apply,
    .prepare = mount_prepare,
    .slow = slow,
    .one_call = mount_one_call,
    .refused = mount_refused,
    .wait = wait_for,
    .watch = watch,
    .free_spec = free_spec,
};
