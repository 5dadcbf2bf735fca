/* SPDX-License-Identifier: Apache-2.0 */
#include "fts.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void drop(FTSENT *entry)
{
    if (entry->directory != NULL) {
        closedir(entry->directory);
    }
    free(entry->fts_path);
    free(entry);
}

static FTSENT *make(FTSENT *parent, const char *name)
{
    FTSENT *entry = calloc(1, sizeof(*entry));
    const char *slash;

    if (entry == NULL) {
        return NULL;
    }
    if (parent->fts_level < 0) {
        entry->fts_path = strdup(name);
    } else if (asprintf(&entry->fts_path, "%s/%s", parent->fts_path, name) < 0) {
        entry->fts_path = NULL;
    }
    if (entry->fts_path == NULL) {
        free(entry);
        return NULL;
    }
    slash = strrchr(entry->fts_path, '/');
    entry->fts_parent = parent;
    entry->fts_accpath = entry->fts_path;
    entry->fts_name = slash != NULL && slash[1] != '\0' ? entry->fts_path + (slash - entry->fts_path) + 1 : entry->fts_path;
    entry->fts_namelen = (unsigned short)strlen(entry->fts_name);
    entry->fts_level = (short)(parent->fts_level + 1);
    entry->fts_statp = &entry->status;
    if (lstat(entry->fts_path, &entry->status) != 0) {
        entry->fts_info = FTS_NS;
        entry->fts_errno = errno;
    } else if (S_ISDIR(entry->status.st_mode)) {
        entry->fts_info = FTS_D;
    } else if (S_ISLNK(entry->status.st_mode)) {
        entry->fts_info = FTS_SL;
    } else {
        entry->fts_info = S_ISREG(entry->status.st_mode) ? FTS_F : FTS_DEFAULT;
    }
    return entry;
}

/* The next entry of a directory; NULL: there is none, errno 0, or it cannot be known. */
static FTSENT *descend(FTSENT *directory)
{
    const struct dirent *item;

    do {
        errno = 0;
        item = readdir(directory->directory);
    } while (item != NULL && (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0));
    return item == NULL ? NULL : make(directory, item->d_name);
}

FTS *fts_open(char *const *paths, int options, int (*compare)(const FTSENT **, const FTSENT **))
{
    FTS *walk = calloc(1, sizeof(*walk));
    size_t count = 0;

    if (walk == NULL || compare != NULL || (options & (FTS_LOGICAL | FTS_PHYSICAL)) == 0) {
        free(walk);
        errno = walk == NULL ? ENOMEM : EINVAL;
        return NULL;
    }
    while (paths[count] != NULL) {
        count++;
    }
    walk->top.fts_level = -1;
    walk->top.fts_name = (char *)"";
    walk->roots = calloc(count + 1, sizeof(char *));
    for (size_t i = 0; walk->roots != NULL && i < count; i++) {
        walk->roots[i] = strdup(paths[i]);
    }
    return walk;
}

FTSENT *fts_read(FTS *walk)
{
    FTSENT *last = walk->current;

    if (last != NULL && last->fts_info == FTS_D) {
        last->directory = opendir(last->fts_path);
        if (last->directory == NULL) {
            last->fts_info = FTS_DNR;
            last->fts_errno = errno;
            return last;
        }
    } else if (last != NULL) {
        walk->current = last->fts_parent->fts_level < 0 ? NULL : last->fts_parent;
        drop(last);
    }
    if (walk->current != NULL) {
        FTSENT *next = descend(walk->current);

        if (next == NULL && errno == 0) {
            walk->current->fts_info = FTS_DP;
        } else if (next == NULL) {
            walk->current->fts_info = FTS_ERR;
            walk->current->fts_errno = errno;
        } else {
            walk->current = next;
        }
    } else if (walk->roots != NULL && walk->roots[walk->next_root] != NULL) {
        walk->current = make(&walk->top, walk->roots[walk->next_root++]);
    } else {
        errno = 0;
    }
    walk->fts_path = walk->current == NULL ? NULL : walk->current->fts_path;
    return walk->current;
}

int fts_close(FTS *walk)
{
    while (walk->current != NULL) {
        FTSENT *entry = walk->current;

        walk->current = entry->fts_parent->fts_level < 0 ? NULL : entry->fts_parent;
        drop(entry);
    }
    for (size_t i = 0; walk->roots != NULL && walk->roots[i] != NULL; i++) {
        free(walk->roots[i]);
    }
    free(walk->roots);
    free(walk);
    return 0;
}
