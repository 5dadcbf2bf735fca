/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "edgecore.h"

__attribute__((format(printf, 3, 0))) static void say_list(char level, const char *place, const char *format,
                                                           va_list list)
{
    char line[4096];
    struct timeval now;
    struct tm local;
    int length;

    gettimeofday(&now, NULL);
    localtime_r(&now.tv_sec, &local);
    length =
        snprintf(line, sizeof(line), "%c%02d%02d %02d:%02d:%02d.%06ld %7d %s] ", level, local.tm_mon + 1, local.tm_mday,
                 local.tm_hour, local.tm_min, local.tm_sec, (long)now.tv_usec, (int)getpid(), place);
    length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, list);
    length = length < (int)sizeof(line) - 1 ? length : (int)sizeof(line) - 2;
    line[length] = '\n';
    if (write(STDERR_FILENO, line, (size_t)length + 1) < 0) {
        _exit(1);
    }
}

void say(char level, const char *place, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say_list(level, place, format, list);
    va_end(list);
}

void refuse(char level, const char *place, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say_list(level, place, format, list);
    va_end(list);
    exit(1);
}
