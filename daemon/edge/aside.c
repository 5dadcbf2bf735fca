/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/aside.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/util.h"

#define MOST 3

static char *name_of(const char *path, const char *word, unsigned number)
{
    return xasprintf("%s.%s.%u", path, word, number);
}

int aside_move(const char *path, const char *to, const char *word, struct error *err)
{
    CLEANUP_FREE char *first = name_of(to == NULL ? path : to, word, 1);

    if (access(path, F_OK) != 0) {
        return 0;
    }
    for (unsigned number = MOST - 1; number >= 1; number--) {
        CLEANUP_FREE char *from = name_of(to == NULL ? path : to, word, number);
        CLEANUP_FREE char *next = name_of(to == NULL ? path : to, word, number + 1);

        if (rename(from, next) != 0 && errno != ENOENT) {
            return error_system(err, errno, "rename %s to %s", from, next);
        }
    }
    if (rename(path, first) != 0) {
        return error_system(err, errno, "rename %s to %s", path, first);
    }
    log_warning("%s put aside as %s", path, first);
    return 0;
}
