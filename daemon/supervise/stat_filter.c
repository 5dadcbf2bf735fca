/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/stat_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/log.h"
#include "base/statistics.h"
#include "base/util.h"
#include "host/host.h"
#include "host/mounts.h"
#include "host/policy.h"
#include "supervise/stat_words.h"

static const struct {
    const char *controller;
    const char *file;
} kinds[STAT_MOST_COVERS] = {{"memory", "memory.stat"}, {"cpu", "cpu.stat"}};

#define MOST_MOUNTS 16 /* of one controller */

/* The mounts of one controller: below /sys/fs/cgroup, where runc uses openat2(2), and elsewhere. */
struct places {
    const char *controller;
    struct mount_entry ground; /* target NULL: none */
    struct mount_entry others[MOST_MOUNTS];
    size_t count;
};

struct look {
    struct host host;
    struct stat_choice *choice;
    struct stat_plan plan;
    char *covers[STAT_MOST_COVERS];
    bool too_many;
};

/* A single file of a hierarchy that lies over another (somebody's own cure) looks like a mount of the hierarchy. */
static bool is_directory(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool collect(const struct mount_entry *entry, const void *wanted)
{
    struct places *places = *(struct places *const *)wanted;
    /* Version 2 has all controllers in one place. */
    bool unified = streq(entry->type, "cgroup2") && starts_with(STAT_GROUND, entry->target) &&
                   strlen(entry->target) == strlen(STAT_GROUND) - 1;

    if (unified || (streq(entry->type, "cgroup") && mounts_has_option(entry->fs_options, places->controller) &&
                    is_directory(entry->target))) {
        if (unified || starts_with(entry->target, STAT_GROUND)) {
            places->ground = *entry;
        } else if (places->count < MOST_MOUNTS) {
            places->others[places->count++] = *entry;
        }
    }
    return false;
}

static void find_places(struct look *look, const char *controller, struct places *places)
{
    struct places *const wanted = places;
    struct mount_entry ignored;

    *places = (struct places){.controller = controller};
    mounts_find(&look->host, collect, &wanted, &ignored);
}

/* 1: it can be parsed; 0: it cannot; -1: it cannot be read. */
static int read_statistics(struct stat_choice *choice, const char *path)
{
    CLEANUP_FREE char *text = NULL;
    struct error ignored = {0};
    size_t length = 0;
    char line[64];

    if (file_read(path, STATISTICS_LARGEST, &text, &length, &ignored) != 0) {
        return -1;
    }
    if (statistics_are_clean(text, length, line)) {
        return 1;
    }
    if (choice->file[0] == '\0') {
        snprintf(choice->file, sizeof(choice->file), "%s", path);
        memcpy(choice->line, line, sizeof(line));
    }
    return 0;
}

static bool is_child_unclean(struct stat_choice *choice, const char *target, const char *file)
{
    CLEANUP_DIR DIR *directory = opendir(target);
    const struct dirent *entry;
    int seen = -1;

    while (seen < 0 && directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
            CLEANUP_FREE char *path = xasprintf("%s/%s/%s", target, entry->d_name, file);

            seen = read_statistics(choice, path);
        }
    }
    return seen == 0;
}

/* The root group, and the first below it whose file can be read. */
static bool is_unclean(struct stat_choice *choice, const char *target, const char *file)
{
    CLEANUP_FREE char *root = xasprintf("%s/%s", target, file);

    return read_statistics(choice, root) == 0 || is_child_unclean(choice, target, file);
}

/* ---- the plan ---- */

static void add(struct look *look, enum stat_act_kind kind, const char *path)
{
    struct stat_plan *plan = &look->plan;

    for (size_t i = 0; i < plan->count; i++) {
        if (plan->acts[i].kind == kind && streq(plan->acts[i].path, path)) {
            return;
        }
    }
    if (plan->count == STAT_PLAN_MOST) {
        look->too_many = true;
        return;
    }
    plan->acts[plan->count++] = (struct stat_act){.kind = kind, .path = path};
}

static bool has_id(const struct mount_entry *entry, const void *wanted)
{
    return entry->id == *(const int *)wanted;
}

/* All of them, in whatever order they are: a new namespace lists them in another order than the old one, and runc takes the
 * first of the list, kubelet the one with the shortest path. */
static void hide_others(struct look *look, const struct places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        const struct mount_entry *other = &places->others[i];
        struct mount_entry parent;

        if (mounts_find(&look->host, has_id, &other->parent, &parent)) {
            add(look, STAT_ACT_SLAVE, parent.target);
            if (streq(parent.target, "/")) {
                snprintf(
                    look->choice->warning, sizeof(look->choice->warning),
                    "what it mounts on / itself is seen by nobody else, because %s lies there; mount %s only below "
                    "/sys/fs/cgroup",
                    other->target, places->controller);
            }
        }
        add(look, STAT_ACT_SLAVE, other->target);
        add(look, STAT_ACT_HIDE, other->target);
    }
}

static int cannot(struct stat_choice *choice, const char *reason, const char *remedy)
{
    snprintf(choice->reason, sizeof(choice->reason), "%s; %s", reason, remedy);
    return -1;
}

/* -1: nothing can be done about it. */
static int plan_for(struct look *look, bool always, size_t kind)
{
    struct stat_choice *choice = look->choice;
    struct places places;
    const char *target;

    find_places(look, kinds[kind].controller, &places);
    target = places.ground.target != NULL ? places.ground.target : places.count > 0 ? places.others[0].target : NULL;
    if (target == NULL || (!is_unclean(choice, target, kinds[kind].file) && !always)) {
        return 0;
    }
    if (places.ground.target == NULL) {
        return cannot(choice, "its hierarchy is not mounted below /sys/fs/cgroup, where alone a copy is accepted",
                      "mount it there too (host.cgroups)");
    }
    hide_others(look, &places);
    look->covers[kind] = xasprintf("%s/%s", target, kinds[kind].file);
    if (access(look->covers[kind], F_OK) == 0) {
        add(look, STAT_ACT_SLAVE, target);
        add(look, STAT_ACT_COVER, look->covers[kind]);
    }
    look->plan.way = STAT_NOTIFY;
    return 0;
}

static bool can_notify(void)
{
    const uint32_t action = SECCOMP_RET_USER_NOTIF;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* What the loaded policy says, asked so that nothing is tried in vain: OpenHarmony 5.0 and 5.1 let nobody look into another
 * one's memory. Who is not told tries it. */
static bool may_look(const struct service_config *service)
{
    char domain[POLICY_LONGEST] = "";
    char label[POLICY_LONGEST];
    ssize_t length = getxattr(service->command[0], "security.selinux", label, sizeof(label) - 1);

    label[length < 0 ? 0 : length] = '\0';
    if (!policy_is_enforcing()) {
        return true;
    }
    if (service->context != NULL) {
        snprintf(domain, sizeof(domain), "%s", service->context);
    } else if (length <= 0 || !policy_context_after(STAT_KEEPER_CONTEXT, label, domain)) {
        return true;
    }
    return policy_allows(STAT_KEEPER_CONTEXT, domain, "process", "ptrace") != 0;
}

static bool read_record(const char *directory, struct keeper_record *record)
{
    CLEANUP_FREE char *path = xasprintf("%s/record", directory);
    CLEANUP_FREE char *data = NULL;
    struct error ignored = {0};
    size_t length = 0;

    return file_read(path, sizeof(*record) + 4096, &data, &length, &ignored) == 0 && record_read(data, length, record);
}

static void choose_way(struct look *look, const struct service_config *service, const struct keeper_record *record)
{
    struct stat_choice *choice = look->choice;

    if (syscall(SYS_openat2, -1, NULL, NULL, 0) != 0 && errno == ENOSYS) {
        look->plan.way = STAT_NONE;
        cannot(choice, "the kernel has no openat2(2), so copies are refused", "use Linux 5.9 or later");
    } else if (look->too_many) {
        look->plan.way = STAT_NONE;
        cannot(choice, "controllers are mounted in too many places", "mount them only below /sys/fs/cgroup");
    } else if (!can_notify()) {
        look->plan.way = STAT_REFRESH;
        cannot(choice, stat_reasons[STAT_STEP_FILTER].text, stat_reasons[STAT_STEP_FILTER].remedy);
    } else if (!may_look(service)) {
        look->plan.way = STAT_REFRESH;
        cannot(choice, stat_reasons[STAT_STEP_LOOK].text, stat_reasons[STAT_STEP_LOOK].remedy);
    } else if (record->filter_refused != 0) {
        look->plan.way = STAT_REFRESH;
        cannot(choice, stat_reasons[STAT_STEP_GIVE].text, stat_reasons[STAT_STEP_GIVE].remedy);
    }
}

void stat_filter_choose(const struct service_config *service, const char *directory, struct stat_choice *choice)
{
    struct look look = {.choice = choice};
    struct keeper_record record = {0};
    bool always = service->stat_filter == STAT_ALWAYS;
    bool possible = true;

    memset(choice, 0, sizeof(*choice));
    if (service->stat_filter == STAT_NEVER) {
        return;
    }
    read_record(directory, &record);
    for (size_t i = 0; i < STAT_MOST_COVERS; i++) {
        possible &= plan_for(&look, always, i) == 0;
    }
    if (!possible) {
        look.plan.way = STAT_NONE;
    } else if (look.plan.way != STAT_CLEAN) {
        choose_way(&look, service, &record);
    }
    choice->way = look.plan.way;
    if (choice->way == STAT_NONE) {
        look.plan.count = 0;
    }
    if (stat_plan_write(&look.plan, choice->text, sizeof(choice->text)) == 0) {
        choice->way = STAT_NONE;
        snprintf(choice->text, sizeof(choice->text), "way %s\n", stat_way_name(STAT_NONE));
        cannot(choice, "the paths of its hierarchies are too long", "mount them only below /sys/fs/cgroup");
    }
    for (size_t i = 0; i < STAT_MOST_COVERS; i++) {
        free(look.covers[i]);
    }
    host_free(&look.host);
}

enum stat_filter_way stat_filter_expect(const struct service_config *service, const char *directory)
{
    CLEANUP_FREE struct stat_choice *choice = xcalloc(1, sizeof(*choice));
    struct keeper_record record = {0};

    stat_filter_choose(service, directory, choice);
    if (choice->way != STAT_CLEAN && read_record(directory, &record) && record.filter == STAT_NONE &&
        record.filter_step != STAT_STEP_NONE) {
        return STAT_NONE;
    }
    return choice->way;
}

static int write_plan(const char *directory, const char *path, const char *text)
{
    CLEANUP_FREE char *aside = xasprintf("%s/" STAT_PLAN_FILE ".new", directory);
    CLEANUP_CLOSE int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    return fd >= 0 && file_write_all(fd, text, strlen(text)) == 0 && rename(aside, path) == 0 ? 0 : -1;
}

void stat_filter_prepare(const struct service_config *service, const char *directory)
{
    CLEANUP_FREE char *path = xasprintf("%s/" STAT_PLAN_FILE, directory);
    CLEANUP_FREE struct stat_choice *choice = NULL;

    if (service->stat_filter == STAT_NEVER) {
        unlink(path);
        return;
    }
    choice = xcalloc(1, sizeof(*choice));
    stat_filter_choose(service, directory, choice);
    if (choice->file[0] != '\0') {
        log_info("%s: %s has a line that no container runtime parses: \"%s\"", service->name, choice->file,
                 choice->line);
    }
    if (choice->reason[0] != '\0') {
        log_warning("%s: %s", service->name, choice->reason);
    }
    if (choice->warning[0] != '\0') {
        log_warning("%s: %s", service->name, choice->warning);
    }
    if (choice->way == STAT_CLEAN) {
        unlink(path);
    } else if (write_plan(directory, path, choice->text) != 0) {
        log_error(
            "%s: write %s: %s; it may end of statistics that it cannot parse; see with df whether its file system is "
            "full",
            service->name, path, strerror(errno));
    }
}

void stat_filter_tell(const struct service_config *service, const struct keeper_record *record)
{
    const struct stat_reason *reason = &stat_reasons[record->filter_step];

    if (record->filter == STAT_CLEAN) {
        return;
    }
    if (record->filter_step != STAT_STEP_NONE) {
        log_warning("%s: %s (%s); %s", service->name, reason->text,
                    record->filter_error == 0 ? "who tried was killed" : strerror(record->filter_error),
                    reason->remedy);
    }
    if (record->filter == STAT_NOTIFY) {
        log_info("%s: %s", service->name, stat_way_costs[record->filter]);
    } else {
        log_warning("%s: %s", service->name, stat_way_costs[record->filter]);
    }
}

void stat_filter_tell_refused(const struct service_config *service, const struct keeper_record *record)
{
    const struct stat_reason *reason = &stat_reasons[STAT_STEP_GIVE];

    log_warning("%s: %s (%s); %s; until the next boot it is started in another way", service->name, reason->text,
                strerror(record->filter_refused), reason->remedy);
}
