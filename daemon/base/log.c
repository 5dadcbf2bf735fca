/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/util.h"

/* Where stderr_sink writes: stderr, or a second opening of the same file that does not block. */
static int stderr_fd = STDERR_FILENO;
static int patience; /* milliseconds */
static unsigned long dropped;

void log_never_block(void)
{
    /* O_NONBLOCK on stderr itself would be shared with everybody who has it; opening it anew is not. Refused for
     * sockets, which then stay as they are. */
    int fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd >= 0) {
        stderr_fd = fd;
    }
}

void log_have_patience(int milliseconds)
{
    patience = milliseconds;
}

/* Lines were lost while nobody read; say so as soon as somebody does again. */
static void tell_dropped(void)
{
    char line[64];
    int length = snprintf(line, sizeof(line), "edgeinit: warning: %lu lines dropped here\n", dropped);

    if (dropped > 0 && write(stderr_fd, line, (size_t)length) == length) {
        dropped = 0;
    }
}

/* One writev per line, so that lines of several processes on one terminal do not mix. */
static void stderr_sink(enum log_level level, const char *tag, const char *line, size_t length)
{
    static const char *const marks[] = {
        [LOG_LEVEL_INFO] = ": ",
        [LOG_LEVEL_WARNING] = ": warning: ",
        [LOG_LEVEL_ERROR] = ": error: ",
    };
    struct iovec parts[] = {
        {.iov_base = (char *)tag, .iov_len = strlen(tag)},
        {.iov_base = (char *)marks[level], .iov_len = strlen(marks[level])},
        {.iov_base = (char *)line, .iov_len = length},
        {.iov_base = (char *)"\n", .iov_len = 1},
    };

    struct pollfd watched = {.fd = stderr_fd, .events = POLLOUT};

    tell_dropped();
    if (writev(stderr_fd, parts, ARRAY_SIZE(parts)) >= 0) {
        return;
    }
    if (errno != EAGAIN || patience == 0 || poll(&watched, 1, patience) <= 0 ||
        writev(stderr_fd, parts, ARRAY_SIZE(parts)) < 0) {
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
