/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/util.h"

#define MOST_LINKS 40 /* the kernel's own limit, path_resolution(7) */

/* Who else uses the inode may have asked for more: IN_MASK_ADD. */
#define DIRECTORY_EVENTS (IN_CREATE | IN_DELETE | IN_MOVE | IN_ONLYDIR | IN_DONT_FOLLOW | IN_MASK_ADD)
#define FILE_EVENTS (IN_ATTRIB | IN_CLOSE_WRITE | IN_DONT_FOLLOW | IN_MASK_ADD)

struct watch_directory {
    int descriptor; /* of inotify: the same for the same inode, never given out twice */
    unsigned users;
    struct watch_directory *next;
};

/* One step on the way of a path. */
struct step {
    struct watch_directory *directory;
    char *name; /* that the path goes on with; NULL: the file at the end itself */
};

struct way {
    struct step *steps;
    size_t count;
};

struct watch {
    char *path;
    void (*changed)(void *data);
    void *data;
    struct way way;
    bool due; /* to be looked at anew, and `changed` called */
    struct watch *next;
};

static struct watch_directory *acquire(struct watcher *watcher, const char *path, uint32_t events)
{
    int descriptor = inotify_add_watch(watcher->source.fd, path, events);
    struct watch_directory *directory = watcher->directories;

    if (descriptor < 0) {
        return NULL;
    }
    while (directory != NULL && directory->descriptor != descriptor) {
        directory = directory->next;
    }
    if (directory == NULL) {
        directory = xcalloc(1, sizeof(*directory));
        *directory = (struct watch_directory){.descriptor = descriptor, .next = watcher->directories};
        watcher->directories = directory;
    }
    directory->users++;
    return directory;
}

static void release(struct watcher *watcher, struct watch_directory *directory)
{
    struct watch_directory **at = &watcher->directories;

    if (--directory->users > 0) {
        return;
    }
    while (*at != directory) {
        at = &(*at)->next;
    }
    *at = directory->next;
    inotify_rm_watch(watcher->source.fd, directory->descriptor); /* EINVAL: the inode went first */
    free(directory);
}

static void leave_way(struct watcher *watcher, struct way *way)
{
    for (size_t i = 0; i < way->count; i++) {
        release(watcher, way->steps[i].directory);
        free(way->steps[i].name);
    }
    free(way->steps);
    *way = (struct way){0};
}

/* Takes name. Returns 0, or an errno. */
static int add_step(struct watcher *watcher, struct way *way, const char *path, uint32_t events, char *name)
{
    struct watch_directory *directory = acquire(watcher, path, events);

    if (directory == NULL) {
        int errnum = errno;

        free(name);
        return errnum;
    }
    way->steps = xrealloc(way->steps, (way->count + 1) * sizeof(way->steps[0]));
    way->steps[way->count++] = (struct step){directory, name};
    return 0;
}

/* Put what the link at `at` says before the `rest` of the path, and go back to the directory that it is relative to.
 * False if that is no path that could be followed. */
static bool follow_link(char at[PATH_MAX], char rest[PATH_MAX])
{
    char link[PATH_MAX];
    char joined[PATH_MAX];
    ssize_t length = readlink(at, link, sizeof(link) - 1);

    if (length <= 0) {
        return false; /* replaced since we looked: an event is on its way */
    }
    link[length] = '\0';
    if (snprintf(joined, sizeof(joined), "%s/%s", link, rest) >= (int)sizeof(joined)) {
        return false;
    }
    memcpy(rest, joined, sizeof(joined));
    if (link[0] == '/') {
        snprintf(at, PATH_MAX, "/");
    } else {
        path_up(at);
    }
    return true;
}

/* Move the first component of `rest` into `name`; false if none is left. */
static bool next_component(char rest[PATH_MAX], char name[PATH_MAX])
{
    const char *start = rest + strspn(rest, "/");
    size_t length = strcspn(start, "/");

    snprintf(name, PATH_MAX, "%.*s", (int)length, start);
    memmove(rest, start + length, strlen(start + length) + 1);
    return length > 0;
}

static bool append_component(char at[PATH_MAX], const char *name)
{
    size_t length = streq(at, "/") ? 0 : strlen(at);

    return snprintf(at + length, PATH_MAX - length, "/%s", name) < (int)(PATH_MAX - length);
}

/* Follow the path as far as it exists. Each directory is watched before it is looked into, so that whatever happens after
 * the look is an event. Returns 0, or the errno with which the kernel refused a watch. */
static int find_way(struct watcher *watcher, const char *path, struct way *way)
{
    char at[PATH_MAX] = "/"; /* exists, and has no symlink in it */
    char rest[PATH_MAX];
    char name[PATH_MAX];
    int links = 0;
    int errnum = 0;

    snprintf(rest, sizeof(rest), "%s", path);
    while (next_component(rest, name)) {
        struct stat status;

        if (streq(name, ".")) {
            continue;
        }
        if (streq(name, "..")) { /* only a symlink says so */
            path_up(at);
            continue;
        }
        errnum = add_step(watcher, way, at, DIRECTORY_EVENTS, xstrdup(name));
        if (errnum != 0 || !append_component(at, name) || lstat(at, &status) != 0) {
            break;
        }
        if (S_ISLNK(status.st_mode)) {
            if (++links > MOST_LINKS || !follow_link(at, rest)) {
                break;
            }
        } else if (!S_ISDIR(status.st_mode)) {
            if (S_ISREG(status.st_mode)) {
                errnum = add_step(watcher, way, at, FILE_EVENTS, NULL);
            }
            break;
        }
    }
    /* Gone or replaced since the look before: the directory above is watched and tells. */
    return errnum == ENOENT || errnum == ENOTDIR || errnum == ELOOP ? 0 : errnum;
}

static void retry(void *data)
{
    watch_again(data);
}

/* The new way is found before the old one is left, so that directories on both stay watched without a gap. */
static int look_again(struct watcher *watcher, struct watch *watch)
{
    struct way old = watch->way;
    int errnum;

    watch->way = (struct way){0};
    errnum = find_way(watcher, watch->path, &watch->way);
    leave_way(watcher, &old);
    return errnum;
}

/* Look at all that are due, and tell their owners, who may add and remove watches, these included. */
static void run_due(struct watcher *watcher)
{
    struct watch *watch = watcher->watches;

    while (watch != NULL) {
        if (!watch->due) {
            watch = watch->next;
            continue;
        }
        watch->due = false;
        if (look_again(watcher, watch) != 0) {
            loop_timer_set(watcher->loop, &watcher->retry, clock_now() + WATCH_RETRY, retry, watcher);
        }
        watch->changed(watch->data);
        watch = watcher->watches;
    }
}

static bool concerns(const struct watch *watch, const struct inotify_event *event)
{
    if (event->wd < 0) {
        return true; /* IN_Q_OVERFLOW: events were lost */
    }
    for (size_t i = 0; i < watch->way.count; i++) {
        const struct step *step = &watch->way.steps[i];

        /* Without a name it is about the inode itself: a file's events, IN_UNMOUNT, IN_IGNORED. */
        if (step->directory->descriptor == event->wd &&
            (event->len == 0 || step->name == NULL || streq(step->name, event->name))) {
            return true;
        }
    }
    return false;
}

static void on_events(void *data, uint32_t events)
{
    struct watcher *watcher = data;
    char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t length;

    (void)events;
    while ((length = read(watcher->source.fd, buffer, sizeof(buffer))) > 0) {
        const struct inotify_event *event;

        for (ssize_t offset = 0; offset < length; offset += (ssize_t)(sizeof(*event) + event->len)) {
            event = (const struct inotify_event *)(buffer + offset);
            for (struct watch *watch = watcher->watches; watch != NULL; watch = watch->next) {
                watch->due |= concerns(watch, event);
            }
        }
    }
    run_due(watcher);
}

void watcher_open(struct watcher *watcher, struct loop *loop)
{
    *watcher = (struct watcher){.loop = loop, .source = {.fd = -1}};
}

static int open_source(struct watcher *watcher, struct error *err)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

    if (fd < 0) {
        error_system(err, errno, "inotify_init1");
        return err->errnum == EMFILE ? error_remedy(err, "raise fs.inotify.max_user_instances") : -1;
    }
    if (loop_add(watcher->loop, &watcher->source, fd, EPOLLIN, on_events, watcher, err) != 0) {
        close(fd);
        return -1;
    }
    return 0;
}

static void close_source(struct watcher *watcher)
{
    int fd = watcher->source.fd;

    loop_timer_clear(watcher->loop, &watcher->retry);
    loop_remove(watcher->loop, &watcher->source);
    if (fd >= 0) {
        close(fd);
    }
}

void watcher_close(struct watcher *watcher)
{
    while (watcher->watches != NULL) {
        watch_remove(watcher, watcher->watches);
    }
}

struct watch *watch_add(struct watcher *watcher, const char *path, void (*changed)(void *data), void *data,
                        struct error *err)
{
    struct watch *watch;
    int errnum;

    if (watcher->watches == NULL && open_source(watcher, err) != 0) {
        return NULL;
    }
    watch = xcalloc(1, sizeof(*watch));
    *watch = (struct watch){.path = xstrdup(path), .changed = changed, .data = data, .next = watcher->watches};
    watcher->watches = watch;
    errnum = look_again(watcher, watch);
    if (errnum != 0) {
        error_system(err, errnum, "watch for %s", path);
        if (errnum == ENOSPC) {
            error_remedy(err, "raise fs.inotify.max_user_watches");
        }
        watch_remove(watcher, watch);
        return NULL;
    }
    return watch;
}

void watch_remove(struct watcher *watcher, struct watch *watch)
{
    struct watch **at = &watcher->watches;

    if (watch == NULL) {
        return;
    }
    while (*at != watch) {
        at = &(*at)->next;
    }
    *at = watch->next;
    leave_way(watcher, &watch->way);
    free(watch->path);
    free(watch);
    if (watcher->watches == NULL) {
        close_source(watcher);
    }
}

void watch_again(struct watcher *watcher)
{
    for (struct watch *watch = watcher->watches; watch != NULL; watch = watch->next) {
        watch->due = true;
    }
    run_due(watcher);
}
