/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owner, group and mode of directories, files and hierarchies: the manifest's words ("root", "system", "1000") and how
 * they compare with what is there. Names are looked up in /etc/passwd and /etc/group alone, without the name service
 * switch: it may block, it pulls in libraries, and a board has nothing else.
 */
#ifndef EDGEINIT_HOST_OWNER_H
#define EDGEINIT_HOST_OWNER_H

#include <sys/stat.h>

#include "base/error.h"
#include "host/resource.h"

/* As the manifest gives them; NULL and -1: leave as it is. */
struct ownership {
    const char *owner;
    const char *group;
    int mode;
};

/* Owner and group as numbers, -1 where not given. A name that the board does not know is an error. */
int owner_resolve(const struct ownership *wanted, uid_t *uid, gid_t *gid, struct error *err);

/* Does the status fit? Sets the resource's detail where not. Unknown names make it impossible. */
enum verdict owner_probe(const struct ownership *wanted, const struct stat *status, struct resource *resource);

/* The group that /etc/passwd gives this user; the number of the user itself where that knows none. */
gid_t owner_primary_group(uid_t uid);

/* chmod and chown `path` as far as they are given. */
int owner_apply(const struct ownership *wanted, const char *path, struct error *err);

#endif
