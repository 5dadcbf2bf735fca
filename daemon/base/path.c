/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/util.h"

bool path_is_normal(const char *path, const char **why)
{
    bool empty = false;
    bool control = false;
    bool dots = false;
    const char *at = path;

    *why = path[0] == '/' ? NULL : "is not absolute";
    while (*why == NULL && *at == '/') {
        const char *name = ++at;
        size_t length;

        for (; *at != '\0' && *at != '/'; at++) {
            control |= (unsigned char)*at < ' ' || *at == '\177';
        }
        length = (size_t)(at - name);
        empty |= length == 0 && *at == '/';
        dots |= (length == 1 && name[0] == '.') || (length == 2 && name[0] == '.' && name[1] == '.');
    }
    if (*why != NULL) {
        return false;
    }
    if (at - path > PATH_LONGEST) {
        *why = "is longer than 1024 bytes";
    } else if (at - path > 1 && at[-1] == '/') {
        *why = "ends in a slash";
    } else if (empty) {
        *why = "has an empty component";
    } else if (control) {
        *why = "has a control character";
    } else if (dots) {
        *why = "has a \".\" or \"..\" component";
    }
    return *why == NULL;
}

bool path_is_below(const char *path, const char *directory)
{
    if (directory[0] == '/' && directory[1] == '\0') {
        return path[0] == '/' && path[1] != '\0';
    }
    /* Asked for every pair of resources: most differ within a few bytes. */
    while (*directory != '\0' && *directory == *path) {
        directory++;
        path++;
    }
    return *directory == '\0' && *path == '/';
}

void path_parent(const char *path, char parent[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL || slash == path ? 1 : (size_t)(slash - path);

    length = length < PATH_MAX ? length : PATH_MAX - 1;
    memcpy(parent, slash == NULL ? "." : path, length);
    parent[length] = '\0';
}

bool path_up(char path[PATH_MAX])
{
    char child[PATH_MAX];

    if (streq(path, "/")) {
        return false;
    }
    memcpy(child, path, strlen(path) + 1);
    path_parent(child, path);
    return true;
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Does a link's target end in no name of its own? Only the kernel knows what directory that is. */
static bool is_nameless(const char *name)
{
    return name[0] == '\0' || streq(name, ".") || streq(name, "..");
}

int path_follow(const char *path, char resolved[PATH_MAX], struct error *err)
{
    enum { MOST_LINKS = 40 }; /* the kernel's own limit, path_resolution(7) */
    char current[PATH_MAX];

    snprintf(current, sizeof(current), "%s", path);
    for (int links = 0; links < MOST_LINKS; links++) {
        char parent[PATH_MAX];
        char real_parent[PATH_MAX];
        char link[PATH_MAX];
        ssize_t length;
        int printed;

        if (is_nameless(path_name(current))) {
            if (realpath(current, resolved) != NULL) {
                return 0;
            }
            snprintf(resolved, PATH_MAX, "%s", current);
            return errno == ENOENT ? 0 : error_system(err, errno, "follow %s", path);
        }
        path_parent(current, parent);
        if (realpath(parent, real_parent) == NULL) {
            if (errno != ENOENT) {
                return error_system(err, errno, "open %s", parent);
            }
            snprintf(resolved, PATH_MAX, "%s", current); /* nothing there to be a link */
            return 0;
        }
        printed = snprintf(resolved, PATH_MAX, "%s/%s", streq(real_parent, "/") ? "" : real_parent, path_name(current));
        if (printed >= PATH_MAX) {
            return error_system(err, ENAMETOOLONG, "follow %s", path);
        }
        length = readlink(resolved, link, sizeof(link) - 1);
        if (length < 0) {
            /* Nothing is there yet, or what is there is no link. */
            return errno == ENOENT || errno == EINVAL ? 0 : error_system(err, errno, "follow %s", path);
        }
        link[length] = '\0';
        printed = link[0] == '/' ? snprintf(current, sizeof(current), "%s", link)
                                 : snprintf(current, sizeof(current), "%s/%s", real_parent, link);
        if (printed >= PATH_MAX) {
            return error_system(err, ENAMETOOLONG, "follow %s", path);
        }
    }
    return error_system(err, ELOOP, "follow %s", path);
}
