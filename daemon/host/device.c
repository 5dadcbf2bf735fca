/* SPDX-License-Identifier: Apache-2.0 */
#include "host/device.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/path.h"
#include "base/util.h"

static int not_there(const char *source, struct error *err)
{
    error_set(err, ERROR_TIMEOUT, ENODEV, "find device %s", source);
    return error_remedy(err,
                        "insert the card, or see with \"ls -l /dev/block\" and \"blkid\" what this board calls it");
}

/* Does the superblock of this node carry the tag? Whatever cannot be opened or read does not. Looking for one type of
 * file system alone spares reading the device in the hundred places where others keep theirs. */
static bool has_tag(const char *node, const char *type, const char *tag, const char *wanted)
{
    char *types[] = {(char *)type, NULL};
    blkid_probe probe = blkid_new_probe_from_filename(node);
    const char *value = NULL;
    bool found = false;

    if (probe == NULL) {
        return false;
    }
    blkid_probe_enable_superblocks(probe, 1);
    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_TYPE);
    if (type != NULL) {
        blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, types);
    }
    if (blkid_do_safeprobe(probe) == 0 && blkid_probe_lookup_value(probe, tag, &value, NULL) == 0) {
        found = streq(value, wanted);
    }
    blkid_free_probe(probe);
    return found;
}

static bool search(const char *directory, const char *type, const char *tag, const char *wanted, char node[PATH_MAX])
{
    CLEANUP_DIR DIR *dir = opendir(directory);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (entry->d_type != DT_BLK) {
            continue;
        }
        snprintf(node, PATH_MAX, "%s/%s", directory, entry->d_name);
        if (has_tag(node, type, tag, wanted)) {
            return true;
        }
    }
    return false;
}

/* "LABEL=card": tag "LABEL", and the value. NULL if it is a path. */
static const char *split_tag(const char *source, char tag[8])
{
    const char *value;

    if (!starts_with(source, "UUID=") && !starts_with(source, "LABEL=")) {
        return NULL;
    }
    value = strchr(source, '=') + 1;
    snprintf(tag, 8, "%.*s", (int)(value - source - 1), source);
    return value;
}

bool device_matches(const char *source, const char *node, const char *type)
{
    char tag[8];
    const char *wanted = split_tag(source, tag);

    if (wanted == NULL) {
        return streq(source, node);
    }
    /* The kernel's name of the type is not always blkid's (an ext3 mounted by ext4): then look without it. */
    return has_tag(node, type, tag, wanted) || has_tag(node, NULL, tag, wanted);
}

int device_find(const char *source, const char *type, char node[PATH_MAX], struct error *err)
{
    char tag[8];
    const char *wanted = split_tag(source, tag);
    struct stat status;

    if (wanted != NULL) {
        if ((type != NULL && search("/dev/block", type, tag, wanted, node)) ||
            search("/dev/block", NULL, tag, wanted, node) || search("/dev", NULL, tag, wanted, node)) {
            return 0;
        }
        return not_there(source, err);
    }
    if (stat(source, &status) != 0) {
        return errno == ENOENT || errno == ENOTDIR ? not_there(source, err)
                                                   : error_system(err, errno, "stat %s", source);
    }
    if (!S_ISBLK(status.st_mode)) {
        error_set(err, ERROR_INPUT, ENOTBLK, "mount %s", source);
        return error_remedy(err, "name a block device, or set \"type\": \"bind\" to bind a directory");
    }
    snprintf(node, PATH_MAX, "%s", source);
    return 0;
}

void device_type(const char *node, char type[64])
{
    blkid_probe probe = blkid_new_probe_from_filename(node);
    const char *value = NULL;

    type[0] = '\0';
    if (probe == NULL) {
        return;
    }
    blkid_probe_enable_superblocks(probe, 1);
    blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE);
    if (blkid_do_safeprobe(probe) == 0 && blkid_probe_lookup_value(probe, "TYPE", &value, NULL) == 0) {
        snprintf(type, 64, "%s", value);
    }
    blkid_free_probe(probe);
}

int device_watch(const char *source, struct error *err)
{
    /* IN_ATTRIB: ueventd makes the node first and sets its owner and label afterwards. */
    const uint32_t events = IN_CREATE | IN_MOVED_TO | IN_ATTRIB;
    CLEANUP_CLOSE int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    char directory[PATH_MAX];

    if (fd < 0) {
        return error_system(err, errno, "inotify_init1");
    }
    inotify_add_watch(fd, "/dev", events);
    inotify_add_watch(fd, "/dev/block", events);
    if (source[0] == '/') {
        path_parent(source, directory);
        while (inotify_add_watch(fd, directory, events) < 0 && path_up(directory)) {
        }
    }
    return take_fd(&fd);
}

void device_explain(const char *node, const char *type, struct error *err)
{
    char found[64];

    if (err->errnum == ENXIO || err->errnum == ENOMEDIUM) {
        err->code = ERROR_TIMEOUT; /* a slot without a card: worth waiting for */
        return;
    }
    if (err->errnum == EROFS || err->errnum == EACCES) {
        error_remedy(err,
                     "the device does not take writes: check the card's lock slider, or write \"options\": \"ro\"");
        return;
    }
    if (err->errnum != EINVAL && err->errnum != EUCLEAN) {
        return;
    }
    device_type(node, found);
    if (found[0] == '\0') {
        error_wrap(err, "%s holds no file system that can be recognised", node);
        error_remedy(err, "format it: mkfs.%s %s (this erases the card)", type == NULL ? "f2fs" : type, node);
    } else if (type != NULL && !streq(found, type)) {
        error_wrap(err, "%s holds %s, not %s", node, found, type);
        error_remedy(err, "set \"type\": \"%s\", or format the card: mkfs.%s %s (this erases it)", found, type, node);
    } else {
        error_remedy(err, "check the file system: fsck.%s %s; check \"options\"; read the kernel log", found, node);
    }
}
