/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

#include <stdarg.h>

#include "base/format.h"

static void *checked(void *pointer)
{
    static const char message[] = "edgeinit: out of memory\n";

    if (pointer == NULL) {
        ssize_t ignored = write(STDERR_FILENO, message, sizeof(message) - 1);

        (void)ignored;
        _exit(EXIT_FAILURE);
    }
    return pointer;
}

void *xmalloc(size_t size)
{
    return checked(malloc(size == 0 ? 1 : size));
}

void *xcalloc(size_t count, size_t size)
{
    return checked(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size));
}

void *xrealloc(void *pointer, size_t size)
{
    return checked(realloc(pointer, size == 0 ? 1 : size));
}

char *xstrdup(const char *text)
{
    return checked(strdup(text));
}

char *xstrndup(const char *text, size_t length)
{
    return checked(strndup(text, length));
}

char *xasprintf(const char *format, ...)
{
    va_list arguments;
    char *text;

    va_start(arguments, format);
    text = xvasprintf(format, arguments);
    va_end(arguments);
    return text;
}

char *xvasprintf(const char *format, va_list arguments)
{
    char most[256];
    va_list copy;
    size_t size;
    char *text;

    va_copy(copy, arguments);
    size = (size_t)format_text(most, sizeof(most), format, copy) + 1;
    va_end(copy);
    text = xmalloc(size);
    if (size <= sizeof(most)) {
        return memcpy(text, most, size);
    }
    format_text(text, size, format, arguments);
    return text;
}
