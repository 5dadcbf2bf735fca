/* SPDX-License-Identifier: Apache-2.0 */
#include "host/propagation.h"

#include <errno.h>
#include <sys/mount.h>

#include "base/util.h"

const char *const propagation_words[] = {
    [PROPAGATION_SHARED] = "shared",   [PROPAGATION_SLAVE] = "slave",   [PROPAGATION_PRIVATE] = "private",
    [PROPAGATION_RSHARED] = "rshared", [PROPAGATION_RSLAVE] = "rslave", [PROPAGATION_RPRIVATE] = "rprivate",
    [PROPAGATION_AS_IT_IS] = NULL,
};

static const unsigned long flags[] = {
    [PROPAGATION_SHARED] = MS_SHARED,
    [PROPAGATION_SLAVE] = MS_SLAVE,
    [PROPAGATION_PRIVATE] = MS_PRIVATE,
    [PROPAGATION_RSHARED] = MS_SHARED | MS_REC,
    [PROPAGATION_RSLAVE] = MS_SLAVE | MS_REC,
    [PROPAGATION_RPRIVATE] = MS_PRIVATE | MS_REC,
    [PROPAGATION_AS_IT_IS] = 0,
};

const char *propagation_of(const struct mount_entry *entry)
{
    return mountinfo_has_tag(entry->propagation, "shared")   ? "shared"
           : mountinfo_has_tag(entry->propagation, "master") ? "slave"
                                                             : "private";
}

bool propagation_is(const struct mount_entry *entry, enum propagation wanted)
{
    const char *now = propagation_of(entry);

    switch (wanted) {
        case PROPAGATION_SHARED:
        case PROPAGATION_RSHARED:
            return streq(now, "shared");
        case PROPAGATION_SLAVE:
        case PROPAGATION_RSLAVE:
            return !streq(now, "shared");
        case PROPAGATION_PRIVATE:
        case PROPAGATION_RPRIVATE:
            return streq(now, "private");
        default:
            return true;
    }
}

int propagation_set(struct host *host, const char *target, enum propagation wanted, struct error *err)
{
    if (wanted == PROPAGATION_AS_IT_IS) {
        return 0;
    }
    /* A call of its own: the kernel takes no other flag beside these (mount(2)). */
    if (mount(NULL, target, NULL, flags[wanted], NULL) != 0) {
        return error_system(err, errno, "make the mount on %s %s", target, propagation_words[wanted]);
    }
    mounts_forget(host);
    return 0;
}
