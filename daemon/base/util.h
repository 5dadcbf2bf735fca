/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole dialect of this code base, on one page: scope-bound release of memory, files and directories, handing
 * ownership on, comparing strings, walking arrays. Nothing else may be added without need.
 */
#ifndef EDGEINIT_BASE_UTIL_H
#define EDGEINIT_BASE_UTIL_H

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static inline void cleanup_free_impl(void *pointer)
{
    free(*(void **)pointer);
}

/* Never retried on EINTR: Linux has released the descriptor by then, and another may carry its number (close(2)). */
static inline void cleanup_close_impl(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

static inline void cleanup_file_impl(FILE **file)
{
    if (*file != NULL) {
        fclose(*file);
    }
}

static inline void cleanup_dir_impl(DIR **dir)
{
    if (*dir != NULL) {
        closedir(*dir);
    }
}

#define CLEANUP_FREE __attribute__((cleanup(cleanup_free_impl)))
#define CLEANUP_CLOSE __attribute__((cleanup(cleanup_close_impl)))
#define CLEANUP_FILE __attribute__((cleanup(cleanup_file_impl)))
#define CLEANUP_DIR __attribute__((cleanup(cleanup_dir_impl)))

/* Hand a descriptor to the caller: the variable is left at -1, so its cleanup does nothing. */
static inline int take_fd(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}

/* The same for heap memory. */
static inline void *take_pointer(void *pointer)
{
    void *taken = *(void **)pointer;

    *(void **)pointer = NULL;
    return taken;
}

__attribute__((always_inline)) static inline bool streq(const char *a, const char *b)
{
    return a[0] == b[0] && strcmp(a, b) == 0; /* mostly they differ at once, and no call is needed to see that */
}

static inline bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Allocation that cannot fail: the program ends with a message instead. For the short-lived verbs and for start-up;
 * what runs for ever (supervise/) reserves what it needs before it needs it. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *pointer, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t length);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

#endif
