/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/util.h"
#include "control/protocol.h"

int control_address(const char *run_dir, struct sockaddr_un *address, struct error *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (snprintf(address->sun_path, sizeof(address->sun_path), "%s/" CONTROL_SOCKET, run_dir) >=
        (int)sizeof(address->sun_path)) {
        error_set(err, ERROR_INPUT, ENAMETOOLONG, "use %s/" CONTROL_SOCKET, run_dir);
        return error_remedy(err, "choose a shorter --run-dir: a socket's path has at most 107 bytes");
    }
    return 0;
}

static int no_daemon(const struct sockaddr_un *address, int errnum, struct error *err)
{
    if (errnum == EAGAIN) { /* what connect(2) says after SO_SNDTIMEO */
        error_set(err, ERROR_TIMEOUT, 0, "the daemon at %s has taken no connection in time", address->sun_path);
        return error_remedy(err, "many others ask it, or it is stopped or hangs");
    }
    if (errnum != ENOENT && errnum != ECONNREFUSED) {
        error_system(err, errnum, "connect to %s", address->sun_path);
        return errnum == EACCES
                   ? error_remedy(err, "only root may ask the daemon, and whom the manifest names in \"control\"")
                   : -1;
    }
    error_set(err, ERROR_NO_DAEMON, 0, "no edgeinit daemon answers at %s", address->sun_path);
    return error_remedy(err, "start it with \"edgeinit daemon\", or name its --run-dir");
}

/* Read one line, or until the other side closes. */
static int read_answer(int fd, int64_t deadline, struct text *answer, struct error *err)
{
    for (;;) {
        int64_t left = deadline < 0 ? -1 : (deadline - clock_now()) / MICROSECONDS_PER_MILLISECOND;
        struct pollfd watched = {.fd = fd, .events = POLLIN};
        char chunk[4096];
        ssize_t length;
        int ready = poll(&watched, 1, deadline < 0 ? -1 : (int)(left < 0 ? 0 : left));

        if (ready == 0) {
            error_set(err, ERROR_TIMEOUT, 0, "the daemon has not answered in time");
            return error_remedy(err, "\"edgeinit status\" says what it waits for");
        }
        length = ready < 0 ? -1 : read(fd, chunk, sizeof(chunk));
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0) {
            return error_system(err, errno, "read the daemon's answer");
        }
        if (length == 0) {
            return 0;
        }
        text_append(answer, chunk, (size_t)length);
        if (chunk[length - 1] == '\n') {
            return 0; /* one line; a copy of the socket elsewhere may keep it open */
        }
        if (answer->length > CONTROL_LARGEST_ANSWER) {
            return error_set(err, ERROR_SYSTEM, 0, "the daemon's answer is larger than 4 MiB");
        }
    }
}

/* A daemon whose queue of connections is full is waited for until the deadline, -1: for ever. */
static int connect_once(const struct sockaddr_un *address, int64_t deadline, struct error *err)
{
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int64_t left = deadline - clock_now();
    struct timeval limit = {0}; /* none */

    if (deadline >= 0) {
        left = left < 1 ? 1 : left;
        limit.tv_sec = (time_t)(left / MICROSECONDS_PER_SECOND);
        limit.tv_usec = (suseconds_t)(left % MICROSECONDS_PER_SECOND);
    }
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0) {
        return no_daemon(address, errno, err);
    }
    return take_fd(&fd);
}

int control_wait(const char *run_dir, int64_t patience, struct error *err)
{
    int64_t deadline = clock_now() + patience * MICROSECONDS_PER_MILLISECOND;
    struct sockaddr_un address;

    if (control_address(run_dir, &address, err) != 0) {
        return -1;
    }
    for (;;) {
        CLEANUP_CLOSE int watch = inotify_init1(IN_CLOEXEC);
        CLEANUP_CLOSE int fd = -1;
        char directory[PATH_MAX];
        struct pollfd watched = {.fd = watch, .events = POLLIN};
        int64_t left;

        /* The nearest directory that exists: whatever is made in it may lead to the socket. Watch first, then try. */
        snprintf(directory, sizeof(directory), "%s", run_dir);
        while (inotify_add_watch(watch, directory, IN_CREATE | IN_MOVED_TO) < 0 && path_up(directory)) {
        }
        fd = connect_once(&address, deadline, err);
        left = (deadline - clock_now()) / MICROSECONDS_PER_MILLISECOND;
        if (fd >= 0 || err->code != ERROR_NO_DAEMON || left <= 0) {
            return fd >= 0 ? 0 : -1;
        }
        poll(&watched, 1, left > INT_MAX ? INT_MAX : (int)left);
    }
}

cJSON *control_ask(const char *run_dir, const cJSON *request, int64_t patience, struct error *err)
{
    int64_t deadline = patience < 0 ? -1 : clock_now() + patience * MICROSECONDS_PER_MILLISECOND;
    CLEANUP_CLOSE int fd = -1;
    CLEANUP_TEXT struct text line = {0};
    CLEANUP_TEXT struct text answer = {0};
    struct sockaddr_un address;
    cJSON *parsed;

    if (control_address(run_dir, &address, err) != 0) {
        return NULL;
    }
    fd = connect_once(&address, deadline, err);
    if (fd < 0) {
        return NULL;
    }
    json_write_line(request, &line);
    text_add(&line, "\n");
    /* The daemon may have refused already: then its answer says why, and not this send. */
    if (send(fd, text_string(&line), line.length, MSG_NOSIGNAL) < 0 && errno != EPIPE) {
        error_system(err, errno, "ask the daemon");
        return NULL;
    }
    if (read_answer(fd, deadline, &answer, err) != 0) {
        return NULL;
    }
    parsed = json_parse(text_string(&answer), answer.length);
    if (!cJSON_IsObject(parsed)) {
        cJSON_Delete(parsed);
        error_set(err, ERROR_NO_DAEMON, 0, "the daemon went away before it answered");
        return NULL;
    }
    return parsed;
}
