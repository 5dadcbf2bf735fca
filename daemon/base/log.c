/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/util.h"

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
    ssize_t ignored = writev(STDERR_FILENO, parts, ARRAY_SIZE(parts));

    (void)ignored; /* nowhere to complain to */
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
