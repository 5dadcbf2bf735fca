/* SPDX-License-Identifier: Apache-2.0 */
#include "host/window.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"
#include "base/path.h"
#include "base/util.h"
#include "host/host.h"
#include "host/mounts.h"

#define NOTE_PREFIX "window."
#define NOTE_LARGEST (64 * 1024)

/* The windows that this process has open, one line each: "m FLAGS TARGET" (only the mount was read-only) or "s FLAGS
 * TARGET" (the file system was). FLAGS are those of mount(2) to keep, in hexadecimal. The note is the same text in the
 * run directory, in a file of this process's own. */
struct windows {
    struct text note;
};

/* The per-mount flags that a remount would otherwise drop (mount(2), MS_REMOUNT | MS_BIND). */
static unsigned long kept_flags(const char *options)
{
    static const struct {
        const char *word;
        unsigned long flag;
    } words[] = {
        {"nosuid", MS_NOSUID},   {"nodev", MS_NODEV},           {"noexec", MS_NOEXEC},
        {"noatime", MS_NOATIME}, {"nodiratime", MS_NODIRATIME}, {"relatime", MS_RELATIME},
    };
    unsigned long flags = 0;

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        flags |= mounts_has_option(options, words[i].word) ? words[i].flag : 0;
    }
    return flags;
}

static char *note_path(const struct host *host)
{
    return xasprintf("%s/" NOTE_PREFIX "%d", host->run_dir, (int)getpid());
}

static int write_note(struct host *host, struct error *err)
{
    CLEANUP_FREE char *path = note_path(host);
    struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};

    if (file_make_private(host->run_dir, err) != 0) {
        return -1;
    }
    return file_write(path, text_string(&host->windows->note), host->windows->note.length, &attributes, err);
}

int window_open(struct host *host, const char *path, struct error *err)
{
    struct mount_entry entry;
    char existing[PATH_MAX];
    unsigned long flags;
    bool file_system;

    snprintf(existing, sizeof(existing), "%s", path);
    while (mounts_holding(host, existing, &entry, err) != 0) {
        if (err->errnum != ENOENT || !path_up(existing)) {
            return -1;
        }
    }
    file_system = mounts_has_option(entry.fs_options, "ro");
    if (!file_system && !mounts_has_option(entry.options, "ro")) {
        return 0;
    }
    flags = kept_flags(entry.options);
    if (host->windows == NULL) {
        host->windows = xcalloc(1, sizeof(*host->windows));
    }
    text_format(&host->windows->note, "%c %lx %s\n", file_system ? 's' : 'm', flags, entry.target);
    if (write_note(host, err) != 0) {
        return -1;
    }
    if (mount(NULL, entry.target, NULL, MS_REMOUNT | (file_system ? 0 : MS_BIND) | flags, NULL) != 0) {
        error_system(err, errno, "remount %s read-write", entry.target);
        return error_remedy(err, "the image is verified or its file system is read-only by nature: add %s to the image",
                            path);
    }
    mounts_forget(host);
    return 0;
}

bool window_is_needed(const struct host *host, const char *path)
{
    char existing[PATH_MAX];
    struct statvfs status;

    if (!host->foresee) {
        return false;
    }
    path_parent(path, existing);
    while (statvfs(existing, &status) != 0) {
        if (errno != ENOENT || !path_up(existing)) {
            return false;
        }
    }
    return (status.f_flag & ST_RDONLY) != 0;
}

static int close_one(const char *line, struct error *err)
{
    char *rest = NULL;
    unsigned long flags = strtoul(line + 1, &rest, 16);
    const char *target = rest + 1;

    if ((line[0] != 's' && line[0] != 'm') || *rest != ' ') {
        return 0; /* not a line of ours */
    }
    if (line[0] == 's' && mount(NULL, target, NULL, MS_REMOUNT | MS_RDONLY | flags, NULL) == 0) {
        return 0;
    }
    /* A file open for writing keeps the file system writable (EBUSY); the mount can be closed all the same. */
    if (mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) != 0) {
        return error_system(err, errno, "remount %s read-only again", target);
    }
    return 0;
}

/* Close all windows of a note, which is cut into lines, and remove it. */
static int close_note(char *note, const char *path, struct error *err)
{
    int result = 0;
    char *rest = NULL;

    for (char *line = strtok_r(note, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (close_one(line, err) != 0) {
            result = -1;
        }
    }
    if (result == 0 && unlink(path) != 0 && errno != ENOENT) {
        return error_system(err, errno, "unlink %s", path);
    }
    return result;
}

int window_close_all(struct host *host, struct error *err)
{
    CLEANUP_FREE char *path = NULL;
    int result;

    if (host->windows == NULL) {
        return 0;
    }
    path = note_path(host);
    result = close_note(host->windows->note.data, path, err);
    window_free(host);
    mounts_forget(host);
    return result;
}

int window_recover(struct host *host, struct error *err)
{
    CLEANUP_DIR DIR *directory = opendir(host->run_dir);
    const struct dirent *entry;
    int result = 0;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        CLEANUP_FREE char *path = NULL;
        CLEANUP_FREE char *note = NULL;
        size_t length = 0;

        path = xasprintf("%s/%s", host->run_dir, entry->d_name);
        if (starts_with(entry->d_name, "." NOTE_PREFIX)) {
            unlink(path); /* not finished: its window was never opened */
            continue;
        }
        if (!starts_with(entry->d_name, NOTE_PREFIX)) {
            continue;
        }
        if (file_read(path, NOTE_LARGEST, &note, &length, err) != 0 || close_note(note, path, err) != 0) {
            result = -1;
        }
        mounts_forget(host);
    }
    return result;
}

void window_free(struct host *host)
{
    if (host->windows != NULL) {
        text_free(&host->windows->note);
        free(host->windows);
        host->windows = NULL;
    }
}
