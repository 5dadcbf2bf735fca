/* SPDX-License-Identifier: Apache-2.0 */
#include "host/made.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"
#include "host/holder.h"
#include "host/host.h"
#include "host/loss.h"
#include "host/mounts.h"

#define NOTES "mounts"
#define LARGEST_NOTES (4 * 1024 * 1024)
#define PAUSE 20000000 /* nanoseconds between two tries */

enum note_kind { NOTE_DEVICE = 'd', NOTE_OTHER = 'b', NOTE_IN_USE = 'x' };

struct note {
    enum note_kind kind;
    bool done;
    const char *target; /* NOTE_IN_USE: the device's node */
    char *own;          /* where that is; NULL: in the text */
};

struct notes {
    char *text; /* the targets point into it */
    struct note *items;
    size_t count;
};

struct made {
    struct notes notes; /* as they were when this process noted something for the first time */
    int fd;             /* of the file, to append to; -1: not open */
};

static void notes_free(struct notes *notes)
{
    for (size_t i = 0; i < notes->count; i++) {
        free(notes->items[i].own);
    }
    free(notes->text);
    free(notes->items);
}

static int append_note(const struct host *host, int *fd, enum note_kind kind, const char *target, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/" NOTES, host->run_dir);
    CLEANUP_FREE char *line = xasprintf("%c %s\n", (char)kind, target);

    if (*fd < 0) {
        *fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    }
    /* One write(2) to the end: workers do so at the same time. */
    if (*fd < 0 || file_write_all(*fd, line, strlen(line)) != 0) {
        return error_system(err, errno, "note the mount of %s in %s", target, path);
    }
    return 0;
}

static int read_notes(const struct host *host, struct notes *notes, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/" NOTES, host->run_dir);
    size_t length = 0;
    char *rest = NULL;

    if (file_read(path, LARGEST_NOTES, &notes->text, &length, err) != 0) {
        return err->errnum == ENOENT ? 0 : -1;
    }
    for (char *line = strtok_r(notes->text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if ((line[0] == NOTE_DEVICE || line[0] == NOTE_OTHER || line[0] == NOTE_IN_USE) &&
            starts_with(line + 1, " /")) {
            notes->items = xrealloc(notes->items, (notes->count + 1) * sizeof(*notes->items));
            notes->items[notes->count++] = (struct note){.kind = (enum note_kind)line[0], .target = line + 2};
        }
    }
    return 0;
}

int made_note(struct host *host, bool device, const char *target, struct error *err)
{
    if (host->made == NULL) {
        host->made = xcalloc(1, sizeof(*host->made));
        host->made->fd = -1;
        if (read_notes(host, &host->made->notes, err) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; i < host->made->notes.count; i++) {
        if (streq(host->made->notes.items[i].target, target)) {
            return 0;
        }
    }
    return append_note(host, &host->made->fd, device ? NOTE_DEVICE : NOTE_OTHER, target, err);
}

void made_free(struct host *host)
{
    if (host->made != NULL) {
        notes_free(&host->made->notes);
        cleanup_close_impl(&host->made->fd);
        free(host->made);
        host->made = NULL;
    }
}

/* Those that stay, in their order; without any, no file. */
static int write_notes(const struct host *host, const struct notes *notes, struct error *err)
{
    const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *path = xasprintf("%s/" NOTES, host->run_dir);
    CLEANUP_TEXT struct text text = {0};

    for (size_t i = 0; i < notes->count; i++) {
        if (!notes->items[i].done) {
            text_format(&text, "%c %s\n", (char)notes->items[i].kind, notes->items[i].target);
        }
    }
    if (text.length > 0) {
        return file_write(path, text_string(&text), text.length, &attributes, err);
    }
    return unlink(path) == 0 || errno == ENOENT ? 0 : error_system(err, errno, "unlink %s", path);
}

/* Taking one off. */

static bool is_below(const struct mount_entry *entry, const void *wanted)
{
    const char *above = wanted;
    size_t length = strlen(above);

    return strncmp(entry->target, above, length) == 0 && entry->target[length] == '/';
}

/* What is mounted below it, the youngest first: what stands on another comes before it. -1: one of them is in use. */
static int clear_below(struct host *host, const char *target, char busy[PATH_MAX], struct error *err)
{
    struct mount_entry entry;

    mounts_forget(host);
    while (mounts_find_last(host, is_below, target, &entry)) {
        snprintf(busy, PATH_MAX, "%s", entry.target);
        if (mounts_unmount(host, busy, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int try_once(struct host *host, const char *target, char busy[PATH_MAX], struct error *err)
{
    struct mount_entry entry;
    bool lost;

    do {
        if (clear_below(host, target, busy, err) != 0) {
            return -1;
        }
        snprintf(busy, PATH_MAX, "%s", target);
        if (mounts_unmount(host, target, err) != 0) {
            return -1;
        }
        /* Under a cover lies what it covers, also ours. */
        lost = mounts_at(host, target, &entry, err) == 1 && loss_has_happened(&entry);
    } while (lost);
    return 0;
}

static int say_who(const char *busy, struct error *err)
{
    CLEANUP_TEXT struct text who = {0};

    if (err->errnum != EBUSY) {
        return -1;
    }
    if (holder_of_mount(mounts_number(busy), &who) == 0) {
        return error_remedy(err,
                            "no process holds it: look for a swap file, a loop device (losetup -a) or an NFS export "
                            "on it, then run \"edgeinit down\" again");
    }
    error_set(err, ERROR_SYSTEM, EBUSY, "umount %s: held by %s", busy, text_string(&who));
    return error_remedy(err, "end that, then run \"edgeinit down\" again");
}

/* Processes that were killed may still be on their way out. */
static int take_off(struct host *host, const char *target, int64_t deadline, struct error *err)
{
    char busy[PATH_MAX];

    while (try_once(host, target, busy, err) != 0) {
        if (err->errnum != EBUSY || clock_now() >= deadline) {
            return say_who(busy, err);
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
    }
    return 0;
}

static bool is_node_of(const char *node, dev_t device)
{
    struct stat status;

    return node[0] == '/' && stat(node, &status) == 0 && S_ISBLK(status.st_mode) && status.st_rdev == device;
}

/* A block device that is mounted, or claimed otherwise, cannot be opened exclusively (open(2)). */
static int check_device(const char *node, int64_t deadline, struct error *err)
{
    CLEANUP_TEXT struct text who = {0};
    struct stat status;
    int fd;

    if (stat(node, &status) != 0) {
        return 0; /* it is gone */
    }
    while ((fd = open(node, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK)) < 0 && errno == EBUSY &&
           clock_now() < deadline) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE}, NULL);
    }
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (errno != EBUSY) {
        return 0; /* no longer readable: nothing that we could say of it */
    }
    error_set(err, ERROR_SYSTEM, EBUSY, "free %s", node);
    if (holder_of_device(status.st_rdev, &who) == 0) {
        return error_remedy(err, "it is not mounted any more, but used by a loop device, device mapper or swap");
    }
    error_set(err, ERROR_SYSTEM, EBUSY, "free %s: %s", node, text_string(&who));
    return error_remedy(err, "unmount it there, or end that process");
}

/* 1: it is off; 0: it was not there; -1: it stays. A device's note becomes one that it is in use, until it was looked at. */
static int take_off_noted(struct host *host, struct note *note, int64_t deadline, struct error *err)
{
    CLEANUP_FREE char *target = NULL; /* as the mount table has it: there may be a symlink on the way */
    CLEANUP_CLOSE int fd = -1;
    struct mount_entry entry;
    struct error ignored = {0};

    if (mounts_at(host, note->target, &entry, &ignored) != 1) {
        note->done = true;
        return 0;
    }
    target = xstrdup(entry.target);
    if (note->kind == NOTE_DEVICE && is_node_of(entry.source, entry.device)) {
        note->own = xstrdup(entry.source);
    }
    /* Before the deed: whoever goes on after a kill looks at the device as well. */
    if ((note->own != NULL && append_note(host, &fd, NOTE_IN_USE, note->own, err) != 0) ||
        take_off(host, target, deadline, err) != 0) {
        return -1;
    }
    if (note->own != NULL) {
        note->kind = NOTE_IN_USE;
        note->target = note->own;
    } else {
        note->done = true;
    }
    return 1;
}

static bool comes_again(const struct notes *notes, size_t index)
{
    for (size_t i = index + 1; i < notes->count; i++) {
        if (streq(notes->items[i].target, notes->items[index].target)) {
            return true;
        }
    }
    return false;
}

int made_take_off(struct host *host, int64_t patience,
                  void (*tell)(void *data, const char *target, const struct error *err), void *data,
                  struct made_result *result, struct error *err)
{
    struct notes notes = {0};
    int64_t deadline = clock_now() + patience;
    int code = read_notes(host, &notes, err);

    *result = (struct made_result){0};
    for (size_t i = notes.count; i-- > 0 && code == 0;) {
        struct note *note = &notes.items[i];
        const char *target = note->target;
        struct error failure = {0};
        int outcome;

        if (note->kind == NOTE_IN_USE || comes_again(&notes, i)) {
            note->done =
                note->kind != NOTE_IN_USE; /* mounted twice, one after the other; the later one was looked at */
            continue;
        }
        outcome = take_off_noted(host, note, deadline, &failure);
        result->taken += outcome > 0;
        result->held += outcome < 0;
        if (outcome != 0) {
            tell(data, target, outcome > 0 ? NULL : &failure);
        }
    }
    /* Last of all: what services left of it elsewhere is off by now. */
    for (size_t i = 0; i < notes.count && code == 0; i++) {
        struct error failure = {0};

        if (notes.items[i].kind == NOTE_IN_USE) {
            notes.items[i].done = check_device(notes.items[i].target, deadline, &failure) == 0;
            result->held += !notes.items[i].done;
            if (!notes.items[i].done) {
                tell(data, notes.items[i].target, &failure);
            }
        }
    }
    if (code == 0 && notes.count > 0) {
        error_clear(err);
        code = write_notes(host, &notes, err);
    }
    notes_free(&notes);
    return code;
}
