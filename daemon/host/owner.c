/* SPDX-License-Identifier: Apache-2.0 */
#include "host/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>

#include "base/util.h"

/* The last name found, for the many resources of one owner. What is not found is looked up again. */
struct memo {
    char name[32];
    unsigned id;
};

static void remember(struct memo *memo, const char *name, unsigned id)
{
    if (strlen(name) < sizeof(memo->name)) {
        snprintf(memo->name, sizeof(memo->name), "%s", name);
        memo->id = id;
    }
}

static int user_by_name(const char *name, uid_t *uid)
{
    static struct memo last;
    CLEANUP_FILE FILE *passwd = NULL;
    const struct passwd *entry = NULL;

    if (streq(last.name, name)) {
        *uid = last.id;
        return 0;
    }
    passwd = fopen("/etc/passwd", "re");
    while (passwd != NULL && (entry = fgetpwent(passwd)) != NULL) {
        if (streq(entry->pw_name, name)) {
            *uid = entry->pw_uid;
            remember(&last, name, *uid);
            return 0;
        }
    }
    return -1;
}

gid_t owner_primary_group(uid_t uid)
{
    CLEANUP_FILE FILE *passwd = fopen("/etc/passwd", "re");
    const struct passwd *entry = NULL;

    while (passwd != NULL && (entry = fgetpwent(passwd)) != NULL) {
        if (entry->pw_uid == uid) {
            return entry->pw_gid;
        }
    }
    return (gid_t)uid;
}

static int group_by_name(const char *name, gid_t *gid)
{
    static struct memo last;
    CLEANUP_FILE FILE *group = NULL;
    const struct group *entry = NULL;

    if (streq(last.name, name)) {
        *gid = last.id;
        return 0;
    }
    group = fopen("/etc/group", "re");
    while (group != NULL && (entry = fgetgrent(group)) != NULL) {
        if (streq(entry->gr_name, name)) {
            *gid = entry->gr_gid;
            remember(&last, name, *gid);
            return 0;
        }
    }
    return -1;
}

/* (uid_t)-1 means "leave it" to chown(2), so it is no user. */
static bool is_id(int64_t number)
{
    return number >= 0 && number < (int64_t)UINT32_MAX;
}

int owner_resolve(const struct ownership *wanted, uid_t *uid, gid_t *gid, struct error *err)
{
    int64_t number = 0;

    *uid = (uid_t)-1;
    *gid = (gid_t)-1;
    if (wanted->owner != NULL) {
        if (text_parse_integer(wanted->owner, &number) && is_id(number)) {
            *uid = (uid_t)number;
        } else if (streq(wanted->owner, "root")) {
            *uid = 0;
        } else if (user_by_name(wanted->owner, uid) != 0) {
            error_set(err, ERROR_INPUT, 0, "no user \"%s\" in /etc/passwd", wanted->owner);
            return error_remedy(err, "write a user of this image, or its number");
        }
    }
    if (wanted->group != NULL) {
        if (text_parse_integer(wanted->group, &number) && is_id(number)) {
            *gid = (gid_t)number;
        } else if (streq(wanted->group, "root")) {
            *gid = 0;
        } else if (group_by_name(wanted->group, gid) != 0) {
            error_set(err, ERROR_INPUT, 0, "no group \"%s\" in /etc/group", wanted->group);
            return error_remedy(err, "write a group of this image, or its number");
        }
    }
    return 0;
}

enum verdict owner_probe(const struct ownership *wanted, const struct stat *status, struct resource *resource)
{
    struct error err = {0};
    uid_t uid;
    gid_t gid;

    if (owner_resolve(wanted, &uid, &gid, &err) != 0) {
        return resource_impossible(resource, &err);
    }
    if (wanted->mode >= 0 && (status->st_mode & 07777) != (mode_t)wanted->mode) {
        resource_detail(resource, "mode %04o, wanted %04o", status->st_mode & 07777, wanted->mode);
        return VERDICT_DIFFERS;
    }
    if ((uid != (uid_t)-1 && status->st_uid != uid) || (gid != (gid_t)-1 && status->st_gid != gid)) {
        resource_detail(resource, "belongs to %u:%u, wanted %s:%s", status->st_uid, status->st_gid,
                        wanted->owner == NULL ? "*" : wanted->owner, wanted->group == NULL ? "*" : wanted->group);
        return VERDICT_DIFFERS;
    }
    return VERDICT_IN_PLACE;
}

int owner_apply(const struct ownership *wanted, const char *path, struct error *err)
{
    uid_t uid;
    gid_t gid;

    if (owner_resolve(wanted, &uid, &gid, err) != 0) {
        return -1;
    }
    if ((uid != (uid_t)-1 || gid != (gid_t)-1) && chown(path, uid, gid) != 0) {
        return error_system(err, errno, "chown %s", path);
    }
    /* After chown, which clears set-id bits (chown(2)). */
    if (wanted->mode >= 0 && chmod(path, (mode_t)wanted->mode) != 0) {
        return error_system(err, errno, "chmod %s", path);
    }
    return 0;
}
