/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

#define LONGEST_LINE 4400 /* with its tag: RING_LONGEST_LINE is 4000 */
#define MOST_KEPT 32768   /* bytes: several times what a bring-up has to say */

/* Where stderr_sink writes: stderr, or a second opening of the same file that does not block. */
static int stderr_fd = STDERR_FILENO;
static int patience; /* milliseconds */
static unsigned long dropped;
/* The end of a line for which there was no room, which comes before all else, or two lines would be one; and for who keeps
 * them, the lines after it. */
static char rest[MOST_KEPT];
static size_t rest_length;
static bool held; /* until the next log_flush() */
static void (*tell_full)(void *data);
static void *tell_data;
static pid_t owner; /* of all this: a child does not tell of its parent's */

void log_never_block(void)
{
    /* O_NONBLOCK on stderr itself would be shared with everybody who has it; opening it anew is not. Refused for
     * sockets, which then stay as they are. */
    int fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0) {
        stderr_fd = fd;
    }
}

/* A write that blocks has the terminal for itself until it is done (drivers/tty/tty_io.c, tty_write_lock()); of one that
 * does not, what there is room for may end in the middle of a line, and another process goes on from there. */
void log_have_patience(int milliseconds)
{
    patience = milliseconds;
    stderr_fd = STDERR_FILENO;
}

void log_keep(void (*full)(void *data), void *data)
{
    tell_full = full;
    tell_data = data;
    owner = getpid();
}

void log_hold(void)
{
    held = tell_full != NULL;
}

int log_fd(void)
{
    return stderr_fd;
}

static void wake_up(int signal)
{
    (void)signal;
}

/* Wakes a write that blocks again and again, for the first signal may come before it does; 0: no longer. */
static void set_alarm(int milliseconds)
{
    struct sigaction action = {.sa_handler = wake_up};
    struct itimerval timer = {
        .it_value = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000},
        .it_interval = {.tv_usec = milliseconds == 0 ? 0 : 10000},
    };

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* After a write that was refused: is there time for another one? */
static bool wait_for_room(int64_t deadline)
{
    struct pollfd watched = {.fd = stderr_fd, .events = POLLOUT};

    if (patience == 0 || (errno != EINTR && errno != EAGAIN) || clock_now() >= deadline) {
        return false;
    }
    if (errno == EAGAIN) {
        poll(&watched, 1, 10); /* it does not block: somebody else who has it has seen to that */
    }
    return true;
}

/* How much of it there was room for. */
static size_t write_some(const char *data, size_t length)
{
    int64_t deadline = clock_now() + patience * MICROSECONDS_PER_MILLISECOND;
    size_t done = 0;

    if (patience > 0) {
        set_alarm(patience);
    }
    while (done < length) {
        ssize_t written = write(stderr_fd, data + done, length - done);

        if (written > 0) {
            done += (size_t)written;
        } else if (written == 0 || !wait_for_room(deadline)) {
            break;
        }
    }
    if (patience > 0) {
        set_alarm(0);
    }
    return done;
}

/* All of it, or its beginning, and then its rest before anything else; or nothing. */
static bool write_line(const char *data, size_t length)
{
    size_t done = rest_length > 0 || held ? 0 : write_some(data, length);
    bool is_taken = done > 0 || (tell_full != NULL && length <= sizeof(rest) - rest_length);

    if (is_taken) {
        memcpy(rest + rest_length, data + done, length - done);
        rest_length += length - done;
    }
    if (rest_length > 0 && tell_full != NULL && !held) {
        tell_full(tell_data);
    }
    return is_taken;
}

/* One write per line, so that lines of several processes on one terminal do not mix. */
static void write_rest(void)
{
    size_t done = 0;
    size_t end = 0;

    while (done == end && done < rest_length) {
        const char *newline = memchr(rest + done, '\n', rest_length - done);

        end = newline == NULL ? rest_length : (size_t)(newline + 1 - rest);
        done += write_some(rest + done, end - done);
    }
    rest_length -= done;
    memmove(rest, rest + done, rest_length);
}

/* Lines were lost while nobody read; say so as soon as somebody does again. */
static void tell_dropped(void)
{
    char line[64];
    int length = snprintf(line, sizeof(line), "edgeinit: warning: %lu lines dropped here\n", dropped);

    if (dropped > 0 && rest_length == 0 && write_line(line, (size_t)length)) {
        dropped = 0;
    }
}

static bool catch_up(void)
{
    write_rest();
    tell_dropped();
    return rest_length == 0;
}

bool log_flush(void)
{
    held = false;
    if (!catch_up() && tell_full != NULL) {
        tell_full(tell_data);
    }
    return rest_length == 0;
}

static void stderr_sink(enum log_level level, const char *tag, const char *line, size_t length)
{
    static const char *const marks[] = {
        [LOG_LEVEL_INFO] = ": ",
        [LOG_LEVEL_WARNING] = ": warning: ",
        [LOG_LEVEL_ERROR] = ": error: ",
    };
    char text[LONGEST_LINE];
    int head = snprintf(text, sizeof(text) / 2, "%s%s", tag, marks[level]);
    size_t start = head < (int)sizeof(text) / 2 ? (size_t)head : sizeof(text) / 2 - 1;
    size_t fits = length < sizeof(text) - start - 1 ? length : sizeof(text) - start - 1;

    memcpy(text + start, line, fits);
    text[start + fits] = '\n';
    if (owner != getpid()) {
        owner = getpid();
        tell_full = NULL;
        rest_length = 0;
        dropped = 0;
        held = false;
    }
    if (!held || rest_length + sizeof(text) > sizeof(rest)) {
        catch_up();
    }
    if ((rest_length > 0 && (dropped > 0 || tell_full == NULL)) || !write_line(text, start + fits + 1)) {
        dropped++;
    }
}

static log_sink *current_sink = stderr_sink;

void log_set_sink(log_sink *sink)
{
    current_sink = sink == NULL ? stderr_sink : sink;
}

__attribute__((format(printf, 2, 0))) static void log_format(enum log_level level, const char *format,
                                                             va_list arguments)
{
    char line[1024];
    int length = vsnprintf(line, sizeof(line), format, arguments);

    if (length >= (int)sizeof(line)) {
        length = sizeof(line) - 1;
    }
    if (length > 0) {
        current_sink(level, "edgeinit", line, (size_t)length);
    }
}

void log_info(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_format(LOG_LEVEL_INFO, format, arguments);
    va_end(arguments);
}

void log_warning(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_format(LOG_LEVEL_WARNING, format, arguments);
    va_end(arguments);
}

void log_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_format(LOG_LEVEL_ERROR, format, arguments);
    va_end(arguments);
}

void log_line(const char *tag, const char *line, size_t length)
{
    current_sink(LOG_LEVEL_INFO, tag, line, length);
}
