/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/format.h"

/* vsnprintf that shows where it cut. */
__attribute__((format(printf, 3, 0))) static void format_cut(char *buffer, size_t size, const char *format,
                                                             va_list arguments)
{
    int length = format_text(buffer, size, format, arguments);

    if (length >= (int)size) {
        memcpy(buffer + size - sizeof("..."), "...", sizeof("..."));
    }
}

__attribute__((format(printf, 4, 0))) static void fill(struct error *err, enum error_code code, int errnum,
                                                       const char *format, va_list arguments)
{
    err->code = code;
    err->errnum = errnum;
    err->remedy[0] = '\0';
    format_cut(err->what, sizeof(err->what), format, arguments);
}

int error_set(struct error *err, enum error_code code, int errnum, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fill(err, code, errnum, format, arguments);
    va_end(arguments);
    return -1;
}

int error_system(struct error *err, int errnum, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fill(err, ERROR_SYSTEM, errnum, format, arguments);
    va_end(arguments);
    return -1;
}

int error_wrap(struct error *err, const char *format, ...)
{
    char inner[sizeof(err->what)];
    va_list arguments;
    size_t used;

    memcpy(inner, err->what, sizeof(inner));
    va_start(arguments, format);
    format_cut(err->what, sizeof(err->what), format, arguments);
    va_end(arguments);
    used = strlen(err->what);
    if (inner[0] != '\0') {
        snprintf(err->what + used, sizeof(err->what) - used, ": %s", inner);
    }
    return -1;
}

int error_remedy(struct error *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    format_cut(err->remedy, sizeof(err->remedy), format, arguments);
    va_end(arguments);
    return -1;
}

const char *error_reason(const struct error *err, char *buffer, size_t size)
{
    if (err->errnum != 0) {
        snprintf(buffer, size, "%s: %s", err->what, strerror(err->errnum));
    } else {
        snprintf(buffer, size, "%s", err->what);
    }
    return buffer;
}

const char *error_text(const struct error *err, char *buffer, size_t size)
{
    size_t used;

    error_reason(err, buffer, size);
    used = strlen(buffer);
    if (err->remedy[0] != '\0' && used + 1 < size) {
        snprintf(buffer + used, size - used, "; %s", err->remedy);
    }
    return buffer;
}

void error_clear(struct error *err)
{
    err->code = ERROR_NONE;
    err->errnum = 0;
    err->what[0] = '\0';
    err->remedy[0] = '\0';
}
