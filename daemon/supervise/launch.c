/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <libcgroup.h>

#include "base/child.h"
#include "base/file.h"
#include "base/util.h"
#include "host/host.h"
#include "host/mounts.h"
#include "host/owner.h"
#include "supervise/limit.h"
#include "supervise/spec.h"

/* Strings that live as long as the packing takes. */
struct strings {
    char *items[SPEC_MOST_WORDS + SPEC_MOST_JOINS];
    size_t count;
};

static void strings_free(const struct strings *strings)
{
    for (size_t i = 0; i < strings->count; i++) {
        free(strings->items[i]);
    }
}
#define CLEANUP_STRINGS __attribute__((cleanup(strings_free)))

static const char *keep(struct strings *strings, char *string)
{
    strings->items[strings->count++] = string;
    return string;
}

static int too_many(const struct service_config *service, const char *what, size_t most, struct error *err)
{
    return error_set(err, ERROR_INPUT, 0, "service %s has more than %zu %s", service->name, most, what);
}

static int fill_words(const struct service_config *service, struct spec *spec, struct strings *strings,
                      struct error *err)
{
    size_t at = 0;

    if (service->command_count > SPEC_MOST_WORDS) {
        return too_many(service, "arguments", SPEC_MOST_WORDS, err);
    }
    for (size_t i = 0; i < service->command_count; i++) {
        spec->arguments[i] = service->command[i];
    }
    if (service->environment == NULL || cJSON_GetObjectItemCaseSensitive(service->environment, "PATH") == NULL) {
        spec->environment[at++] = "PATH=" CHILD_PATH;
    }
    if (service->watchdog > 0) {
        spec->environment[at++] = keep(strings, xasprintf("WATCHDOG_USEC=%lld", (long long)service->watchdog * 1000));
    }
    for (const cJSON *entry = service->environment == NULL ? NULL : service->environment->child; entry != NULL;
         entry = entry->next) {
        if (at >= SPEC_MOST_WORDS - 2) {
            return too_many(service, "variables", SPEC_MOST_WORDS - 4, err);
        }
        spec->environment[at++] = keep(strings, xasprintf("%s=%s", entry->string, entry->valuestring));
    }
    return 0;
}

static void fill_limits(const struct service_config *service, struct spec *spec)
{
    for (const cJSON *limit = service->rlimits == NULL ? NULL : service->rlimits->child;
         limit != NULL && spec->limit_count < SPEC_MOST_LIMITS; limit = limit->next) {
        spec->limits[spec->limit_count++] = (struct spec_limit){
            .resource = limit_number(limit->string),
            .value = cJSON_IsString(limit) ? UINT64_MAX : (uint64_t)limit->valuedouble,
        };
    }
}

static int fill_credentials(const struct service_config *service, struct spec *spec, struct error *err)
{
    const struct ownership wanted = {.owner = service->user, .group = service->group, .mode = -1};
    uid_t uid = geteuid();
    gid_t gid = (gid_t)-1;

    spec->has_user = service->user != NULL || service->group != NULL;
    if (!spec->has_user) {
        return 0;
    }
    uid = (uid_t)-1;
    if (owner_resolve(&wanted, &uid, &gid, err) != 0) {
        return error_wrap(err, "service %s", service->name);
    }
    spec->uid = uid == (uid_t)-1 ? geteuid() : uid;
    spec->gid = gid == (gid_t)-1 ? owner_primary_group(spec->uid) : gid;
    return 0;
}

/* "memory.limit_in_bytes" belongs to "memory". */
static char *controller_name(const char *file)
{
    return xstrndup(file, strcspn(file, "."));
}

static bool has_controller(const struct mount_entry *entry, const void *wanted)
{
    return streq(entry->type, "cgroup") && mounts_has_option(entry->fs_options, wanted);
}

static int fill_joins(const struct service_config *service, struct spec *spec, struct strings *strings,
                      struct error *err)
{
    struct host host = {0};
    size_t count = 0;
    int result = 0;

    for (const cJSON *file = service->cgroup == NULL ? NULL : service->cgroup->child; file != NULL && result == 0;
         file = file->next) {
        CLEANUP_FREE char *controller = controller_name(file->string);
        CLEANUP_FREE char *path = NULL;
        struct mount_entry entry;
        bool known = false;

        if (!mounts_find(&host, has_controller, controller, &entry)) {
            error_set(err, ERROR_UNSUPPORTED, 0, "service %s: controller %s is mounted nowhere", service->name,
                      controller);
            result = error_remedy(err, "name it in host.cgroups.controllers, or take %s out of the service's cgroup",
                                  file->string);
            break;
        }
        path = xasprintf("%s/edgeinit-%s/cgroup.procs", entry.target, service->name);
        for (size_t i = 0; i < count; i++) {
            known |= streq(spec->joins[i], path);
        }
        if (!known && count == SPEC_MOST_JOINS) {
            result = too_many(service, "controllers", SPEC_MOST_JOINS, err);
        } else if (!known) {
            spec->joins[count++] = keep(strings, take_pointer(&path));
        }
    }
    mounts_forget(&host);
    return result;
}

int launch_spec(const struct service_config *service, struct text *out, struct error *err)
{
    CLEANUP_STRINGS struct strings strings = {0};
    CLEANUP_FREE struct spec *spec = xcalloc(1, sizeof(*spec));

    spec->directory = service->directory == NULL ? "/" : service->directory;
    spec->context = service->context;
    spec->nice = (int32_t)service->nice;
    spec->has_oom_score_adj = service->has_oom_score_adj;
    spec->oom_score_adj = (int32_t)service->oom_score_adj;
    spec->notify = service->ready_notify || service->watchdog > 0;
    spec->stat_filter = (uint32_t)service->stat_filter;
    fill_limits(service, spec);
    if (fill_words(service, spec, &strings, err) != 0 || fill_credentials(service, spec, err) != 0 ||
        fill_joins(service, spec, &strings, err) != 0) {
        return -1;
    }
    return spec_pack(spec, out) ? 0 : too_many(service, "bytes in its command and environment", SPEC_LARGEST, err);
}

bool launch_depends_on_board(const struct service_config *service)
{
    return service->user != NULL || service->group != NULL || service->cgroup != NULL;
}

int launch_write_spec(const char *directory, const struct text *packed, bool *changed, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/spec", directory);
    CLEANUP_FREE char *aside = xasprintf("%s/spec.new", directory);
    CLEANUP_FREE char *present = NULL;
    CLEANUP_CLOSE int fd = -1;
    struct error ignored = {0};
    size_t length = 0;

    if (changed != NULL) {
        *changed = false;
    }
    if (file_read(path, SPEC_LARGEST, &present, &length, &ignored) == 0) {
        if (length == packed->length && memcmp(present, packed->data, length) == 0) {
            return 0;
        }
        if (changed != NULL) {
            *changed = true;
        }
    }
    /* Whole or not at all, as file_write() does; without its fsync, for this does not outlive the boot. */
    fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || file_write_all(fd, packed->data, packed->length) != 0 || rename(aside, path) != 0) {
        return error_system(err, errno, "write %s", path);
    }
    return 0;
}

bool launch_has_cgroups(const struct service_config *service)
{
    return service->cgroup != NULL && service->cgroup->child != NULL;
}

/* A group of its own in each controller that the configuration names, directly below the root: a child of a cpuset group
 * without cpus could not run at all. cgroup_init() costs hundreds of kilobytes, which exec gives back. */
int launch_make_cgroups(const struct service_config *service, struct error *err)
{
    CLEANUP_FREE char *name = xasprintf("edgeinit-%s", service->name);
    struct cgroup *group;
    int result = cgroup_init();

    group = result == 0 ? cgroup_new_cgroup(name) : NULL;
    for (const cJSON *file = service->cgroup->child; group != NULL && file != NULL; file = file->next) {
        CLEANUP_FREE char *wanted = controller_name(file->string);
        struct cgroup_controller *controller = cgroup_get_controller(group, wanted);

        controller = controller == NULL ? cgroup_add_controller(group, wanted) : controller;
        if (controller == NULL || cgroup_add_value_string(controller, file->string, file->valuestring) != 0) {
            result = ECGINVAL;
        }
    }
    if (result == 0 && group != NULL) {
        result = cgroup_create_cgroup(group, 0);
    }
    if (result != 0) {
        error_set(err, ERROR_SYSTEM, 0, "set up cgroup %s: %s", name,
                  result == ECGOTHER ? strerror(cgroup_get_last_errno()) : cgroup_strerror(result));
        error_remedy(err, "see that the manifest mounts its controllers, and that its values are what they accept");
    }
    cgroup_free(&group);
    return result == 0 ? 0 : -1;
}
