/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

#include "base/path.h"
#include "base/util.h"
#include "host/device.h"
#include "host/directory.h"
#include "host/label.h"
#include "host/loss.h"
#include "host/made.h"
#include "host/mount_spec.h"
#include "host/mounts.h"
#include "host/propagation.h"
#include "host/window.h"

#define LOSS_PAUSE 50000000 /* nanoseconds; of a worker */
#define LOSS_TRIES 40

/* The target must exist and be of the source's sort: a file is bound on a file, all else goes on a directory. */
static int make_target(const struct mount_spec *spec, struct host *host, struct error *err)
{
    struct stat status;
    char parent[PATH_MAX];
    int fd;

    if (stat(spec->target, &status) == 0) {
        return 0;
    }
    if (errno != ENOENT) {
        return error_system(err, errno, "stat %s", spec->target);
    }
    if (spec->form != FORM_BIND || stat(spec->source, &status) != 0 || S_ISDIR(status.st_mode)) {
        return directory_make(host, spec->target, spec->remount, err);
    }
    path_parent(spec->target, parent);
    if (directory_make(host, parent, spec->remount, err) != 0) {
        return -1;
    }
    fd = open(spec->target, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EROFS && spec->remount) {
        if (window_open(host, parent, err) != 0) {
            return -1;
        }
        fd = open(spec->target, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    }
    if (fd < 0) {
        return error_system(err, errno, "create %s", spec->target);
    }
    close(fd);
    return 0;
}

/* Why mount(2) refused a device, beyond its errno. */
static int explain_device(const struct mount_spec *spec, const char *node, const char *type, const char *wanted,
                          struct error *err)
{
    if (err->errnum == ENODEV) {
        return mount_unknown_type(spec, type, err);
    }
    if (!label_explain(wanted, err)) {
        device_explain(node, spec->type, err);
    }
    return -1;
}

static int mount_device(const struct mount_spec *spec, struct host *host, struct error *err)
{
    CLEANUP_FREE char *wanted = label_join(spec->options, spec->label);
    CLEANUP_FREE char *options = label_options(wanted);
    char node[PATH_MAX];
    char found[64];
    const char *type = spec->type;

    if (device_find(spec->source, spec->type, node, err) != 0) {
        return -1;
    }
    if (type == NULL || streq(type, "auto")) {
        device_type(node, found);
        if (found[0] == '\0') {
            error_set(err, ERROR_SYSTEM, 0, "%s holds no file system that can be recognised", node);
            return error_remedy(err, "format it: mkfs.f2fs %s (this erases the card)", node);
        }
        type = found;
    }
    return mounts_mount(host, node, spec->target, type, options, err) == 0
               ? 0
               : explain_device(spec, node, type, wanted, err);
}

static char *join_options(const char *first, const char *rest)
{
    return rest == NULL || rest[0] == '\0' ? xstrdup(first) : xasprintf("%s,%s", first, rest);
}

/* A bind with options of its own gets exactly those: keep the protection that the source's mount has (on OpenHarmony
 * /data is nosuid,nodev), unless the manifest takes it off by name. */
static char *bind_options(const char *first, const struct mount_spec *spec, struct host *host)
{
    static const char *const kept[][2] = {{"nosuid", "suid"}, {"nodev", "dev"}, {"noexec", "exec"}};
    struct text options = {0};
    struct mount_entry source;
    struct error ignored = {0};

    text_add(&options, first);
    if (spec->options == NULL || spec->options[0] == '\0') {
        return text_take(&options);
    }
    for (size_t i = 0; mounts_holding(host, spec->source, &source, &ignored) == 0 && i < ARRAY_SIZE(kept); i++) {
        if (mounts_has_option(source.options, kept[i][0]) && !mounts_has_option(spec->options, kept[i][1])) {
            text_format(&options, ",%s", kept[i][0]);
        }
    }
    text_format(&options, ",%s", spec->options);
    return text_take(&options);
}

static int explain_remount(struct error *err)
{
    if (err->errnum == EROFS || err->errnum == EACCES) {
        error_remedy(err,
                     "the device does not take writes: check the card's lock slider, and the kernel log for errors");
    }
    return -1;
}

int mount_prepare(struct resource *resource, struct host *host, struct error *err)
{
    const struct mount_spec *spec = resource->spec;

    return resource->verdict == VERDICT_DIFFERS || spec->form == FORM_PRESENT || spec->target_there
               ? 0
               : make_target(spec, host, err);
}

/* Something of ours is there: put right what is wrong with it, and that alone. */
static int change(const struct mount_spec *spec, struct host *host, struct error *err)
{
    CLEANUP_FREE char *options = NULL;
    struct mount_entry entry;
    int there = mounts_at(host, spec->target, &entry, err);

    if (there != 1) {
        return there < 0 ? -1 : error_set(err, ERROR_SYSTEM, 0, "nothing is mounted on %s any more", spec->target);
    }
    if (mount_is_read_only(spec, &entry) || mount_missing_option(spec, &entry) != NULL) {
        options = spec->form == FORM_BIND ? bind_options("remount,bind", spec, host)
                                          : join_options("remount,rw", spec->options);
        if (mounts_mount(host, NULL, spec->target, NULL, options, err) != 0) {
            return explain_remount(err);
        }
    }
    return 0;
}

static int create(const struct mount_spec *spec, struct host *host, struct error *err)
{
    CLEANUP_FREE char *wanted = NULL;
    CLEANUP_FREE char *options = NULL;
    int result;

    switch (spec->form) {
        case FORM_BIND:
            options = bind_options("bind", spec, host);
            result = mounts_mount(host, spec->source, spec->target, NULL, options, err);
            break;
        case FORM_DEVICE:
            result = mount_device(spec, host, err);
            break;
        case FORM_PRESENT:
            error_set(err, ERROR_SYSTEM, 0, "nothing is mounted on %s", spec->target);
            result = error_remedy(err, "add \"source\" or \"type\", or name the mount point that it lies on");
            break;
        default:
            wanted = label_join(spec->options, spec->label);
            options = label_options(wanted);
            result = mounts_mount(host, spec->source == NULL ? spec->type : spec->source, spec->target, spec->type,
                                  options, err);
            if (result != 0 && label_explain(wanted, err)) {
                return -1;
            }
            if (result != 0 && err->errnum == ENODEV) {
                return mount_unknown_type(spec, spec->type, err);
            }
            if (result != 0 && err->errnum == EINVAL) {
                return error_remedy(err,
                                    "check \"options\": %s does not take one of them, or not its value; the kernel "
                                    "log may say which",
                                    spec->type);
            }
            break;
    }
    return result;
}

/* The card was pulled out: what is mounted from it is taken off, and its place stays covered until it is back. */
static int replace_lost(const struct mount_spec *spec, struct host *host, struct error *err)
{
    struct error ignored = {0};
    int tries = LOSS_TRIES;

    if (loss_clear(host, spec->target, err) != 0) {
        return error_wrap(err, "take what is left of a device that is gone off %s", spec->target);
    }
    while (create(spec, host, err) != 0) {
        bool is_in_use = err->errnum == EEXIST || err->errnum == EBUSY;

        if (is_in_use && tries-- > 0) { /* the last process that used it has ended, and the kernel is still at it */
            nanosleep(&(struct timespec){.tv_nsec = LOSS_PAUSE}, NULL);
            continue;
        }
        if (is_in_use) {
            error_remedy(err, "processes still use the card that was pulled out: end them, then \"edgeinit reload\"");
        }
        loss_cover(host, spec->target, &ignored);
        return -1;
    }
    return 0;
}

static bool is_lost(const struct mount_spec *spec, struct host *host)
{
    struct mount_entry entry;
    struct error ignored = {0};

    return mounts_at(host, spec->target, &entry, &ignored) == 1 && loss_has_happened(&entry);
}

/* Killed between mount and propagation, the mount is there and spreads otherwise: the next run changes that. */
int mount_apply(struct resource *resource, struct host *host, struct error *err)
{
    const struct mount_spec *spec = resource->spec;
    bool fresh = resource->verdict != VERDICT_DIFFERS;
    bool lost = !fresh && is_lost(spec, host);
    int result;

    if (spec->form != FORM_PRESENT && (fresh || lost) &&
        made_note(host, spec->form == FORM_DEVICE, spec->target, err) != 0) {
        return -1;
    }
    if (fresh) {
        result = create(spec, host, err);
    } else {
        result = lost ? replace_lost(spec, host, err) : change(spec, host, err);
    }
    return result != 0 ? -1 : propagation_set(host, spec->target, spec->propagation, err);
}

/* Of a device that is named by its path, with a type: to find one by its tag, or a type, is to read from it. What fails here fails in
 * apply() as well, which says why. */
bool mount_one_call(struct resource *resource, struct host *host, struct mount_call *call)
{
    const struct mount_spec *spec = resource->spec;
    CLEANUP_FREE char *wanted = NULL;
    CLEANUP_FREE char *options = NULL;
    CLEANUP_TEXT struct text data = {0};
    struct error ignored = {0};
    char node[PATH_MAX];

    if (resource->verdict != VERDICT_ABSENT || spec->form != FORM_DEVICE || mount_is_tag(spec->source) ||
        spec->type == NULL || streq(spec->type, "auto") || spec->propagation != PROPAGATION_AS_IT_IS) {
        return false;
    }
    wanted = label_join(spec->options, spec->label);
    options = label_options(wanted);
    *call = (struct mount_call){.source = spec->source, .target = spec->target, .type = spec->type};
    mountinfo_split_options(options == NULL ? "" : options, &call->flags, &data);
    if ((call->flags & MS_BIND) != 0 || device_find(spec->source, spec->type, node, &ignored) != 0 ||
        made_note(host, true, spec->target, &ignored) != 0) {
        return false;
    }
    call->data = data.length == 0 ? NULL : text_take(&data);
    return true;
}

int mount_refused(const struct resource *resource, int errnum, struct error *err)
{
    const struct mount_spec *spec = resource->spec;
    CLEANUP_FREE char *wanted = label_join(spec->options, spec->label);
    CLEANUP_FREE char *options = label_options(wanted);

    mounts_refused(spec->source, spec->target, spec->type, options, errnum, err);
    return explain_device(spec, spec->source, spec->type, wanted, err);
}
