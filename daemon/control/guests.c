/* SPDX-License-Identifier: Apache-2.0 */
#include "control/guests.h"

#include "base/log.h"
#include "host/owner.h"

/* A name that the board does not know is said, and means nobody. */
static gid_t group_of(const char *name, const char *key)
{
    const struct ownership wanted = {.group = name, .mode = -1};
    struct error err = {0};
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    char text[1024];

    if (name != NULL && owner_resolve(&wanted, &uid, &gid, &err) != 0) {
        log_warning("control.%s: %s; until then it means nobody", key, error_text(&err, text, sizeof(text)));
        return (gid_t)-1;
    }
    return gid;
}

struct server_guests guests_of(const struct node *node)
{
    return (struct server_guests){.group = group_of(node->control_group, "group"),
                                  .readers = group_of(node->control_readers, "readers")};
}
