/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The controllers of the manifest: does the kernel have each, and can it be mounted? What is mounted already is looked at where
 * it is. What is not is mounted in the probe's own mount namespace; a hierarchy that came to be by that ends with it.
 */
#include "doctor/groups.h"

#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "base/util.h"
#include "host/controller.h"
#include "host/host.h"
#include "host/mounts.h"

#define GROUPS_LARGEST (64 * 1024)

#define BY_CONTROLLER "see the table of controllers"

const struct probe_row group_rows[GROUP_ROWS] = {
    [ROW_CONTROLLER_DOCKER] = {"cgroup.*", NEED_DOCKER, "the controller can be used: devices", BY_CONTROLLER,
                               BY_CONTROLLER},
    [ROW_CONTROLLER_KUBEEDGE] = {"cgroup.*", NEED_KUBEEDGE, "the controller can be used: cpu, cpuacct, cpuset, memory",
                                 BY_CONTROLLER, BY_CONTROLLER},
    [ROW_CONTROLLER_OTHER] = {"cgroup.*", NEED_EDGEINIT, "the controller can be used: any other", BY_CONTROLLER,
                              BY_CONTROLLER},
    [ROW_CPUSET_NAMES] =
        {"cgroup.cpuset.names", NEED_DOCKER, "cpuset's files have their prefix (cpuset.cpus, not cpus)",
         "no container starts: \"cpuset.cpus: no such file or directory\"",
         "somebody mounted it first with \"noprefix\" (\"-t cpuset\", Android's way): mount it with \"-t cgroup "
         "-o cpuset\" there, and reboot"},
    [ROW_MEMORY_STAT] =
        {"cgroup.memory.stat", NEED_KUBEEDGE, "memory.stat of the root group can be parsed",
         "edgecore ends at once: \"unable to find data in memory cache\"",
         "give its service \"stat_filter\": \"auto\", or build the kernel without CONFIG_HYPERHOLD_DEBUG, or set "
         "edged.enableMetrics: false in edgecore.yaml (no statistics then)"},
    [ROW_MEMORY_STAT_CHILD] = {"cgroup.memory.stat.child", NEED_OPTIONAL, "memory.stat of other groups can be parsed",
                               "edgecore has no statistics of pods and containers, \"docker stats\" fails",
                               "give its service \"stat_filter\": \"auto\", or build the kernel without "
                               "CONFIG_HYPERHOLD_DEBUG; pods run all the same"},
    [ROW_CPU_STAT] = {"cgroup.cpu.stat", NEED_KUBEEDGE, "cpu.stat of the root group can be parsed",
                      "edgecore ends at once: \"unable to find data in memory cache\"",
                      "give its service \"stat_filter\": \"auto\", or set edged.enableMetrics: false in edgecore.yaml"},
    [ROW_DEVICES_RULES] =
        {"cgroup.devices.rules", NEED_DOCKER, "rules of the device cgroup can be written",
         "no container starts: \"failed to write … to devices.deny\"",
         "run edgeinit as root in the first user namespace; see what devices.list of the root group allows"},
    [ROW_CGROUP_ROOT] = {"cgroup.root", NEED_DOCKER, "there is no cgroup2 where docker looks for cgroup v1",
                         "docker takes cgroup2 and finds no controllers there",
                         "run \"edgeinit apply\": it mounts a tmpfs over it, and keeps cgroup2 reachable below"},
};

static unsigned row_of(const char *controller)
{
    static const char *const kubeedge[] = {"cpu", "cpuacct", "cpuset", "memory"};

    for (size_t i = 0; i < ARRAY_SIZE(kubeedge); i++) {
        if (streq(kubeedge[i], controller)) {
            return ROW_CONTROLLER_KUBEEDGE;
        }
    }
    return streq(controller, "devices") ? ROW_CONTROLLER_DOCKER : ROW_CONTROLLER_OTHER;
}

/* What is known of it, for a "no". */
static void say_missing(struct answers *answers, const struct board_controller *controller, const char *what,
                        const char *remedy)
{
    const struct controller_facts *facts = controller_facts(controller->name);

    probe_say(answers,
              &(struct said){.row = row_of(controller->name),
                             .subject = controller->name,
                             .answer = controller->required ? ANSWER_NO : ANSWER_WARNING,
                             .cost = facts == NULL ? "unknown to this version" : facts->cost,
                             .remedy = remedy},
              "controller %s: %s", controller->name, what);
}

/* Does the kernel have it? False: that is said. */
static bool check_offer(struct answers *answers, struct host *host, const struct board_controller *controller)
{
    const struct controller_facts *facts = controller_facts(controller->name);
    int offered = controller_offered(host, controller->name);
    CLEANUP_FREE char *remedy = NULL;
    const char *otherwise;

    if (offered == 1) {
        return true;
    }
    otherwise = controller->required ? "or call it \"optional\" in the manifest" : "or take it out of the manifest";
    remedy = offered == 0    ? xasprintf("take cgroup_disable=%s out of the boot arguments", controller->name)
             : facts == NULL ? xasprintf("correct the name, %s", otherwise)
                             : xasprintf("build the kernel with %s, %s", facts->option, otherwise);
    say_missing(answers, controller, offered == 0 ? "it is switched off at boot" : "this kernel does not have it",
                remedy);
    return false;
}

/* The controllers that share its hierarchy, itself included: "cpu,cpuacct"; "" if it is in none yet. */
static void find_company(const char *groups, const char *name, char company[128])
{
    company[0] = '\0';
    for (const char *line = groups; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
        const char *words;
        char list[128];

        line += *line == '\n';
        words = strchr(line, ':');
        if (words == NULL) {
            return;
        }
        snprintf(list, sizeof(list), "%.*s", (int)strcspn(words + 1, ":\n"), words + 1);
        if (mounts_has_option(list, name)) {
            memcpy(company, list, sizeof(list));
            return;
        }
    }
}

static bool is_hierarchy_of(const struct mount_entry *entry, const void *name)
{
    return streq(entry->type, "cgroup") && mounts_has_option(entry->fs_options, name);
}

static int mount_for_us(const char *name, const char *company, struct hierarchy *hierarchy)
{
    static bool has_ground;

    if (!has_ground &&
        mount("edgeinit-doctor", GROUPS_GROUND, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700") != 0) {
        return -1;
    }
    has_ground = true;
    snprintf(hierarchy->path, sizeof(hierarchy->path), GROUPS_GROUND "/%s", name);
    hierarchy->by_us = true;
    return mkdir(hierarchy->path, 0700) != 0
               ? -1
               : mount("edgeinit-doctor", hierarchy->path, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                       company[0] == '\0' ? name : company);
}

/* Where it is mounted, or was mounted just now. False: that is said. */
static bool check_place(struct answers *answers, struct host *host, const struct board_controller *controller,
                        const char *groups, struct hierarchy *hierarchy)
{
    struct said said = {.row = row_of(controller->name), .subject = controller->name, .answer = ANSWER_YES};
    struct mount_entry entry;
    char company[128];
    char with[160] = "";

    find_company(groups, controller->name, company);
    if (company[0] != '\0' && !streq(company, controller->name)) {
        snprintf(with, sizeof(with), ", together with others (%s)", company);
    }
    if (mounts_find(host, is_hierarchy_of, controller->name, &entry)) {
        *hierarchy = (struct hierarchy){.by_us = false};
        snprintf(hierarchy->path, sizeof(hierarchy->path), "%s", entry.target);
        probe_say(answers, &said, "controller %s: mounted on %s%s", controller->name, hierarchy->path, with);
        return true;
    }
    if (mount_for_us(controller->name, company, hierarchy) == 0) {
        probe_say(answers, &said, "controller %s: can be mounted%s", controller->name, with);
        return true;
    }
    if (probe_failed(errno) == ANSWER_UNKNOWN) {
        said.answer = ANSWER_UNKNOWN;
        said.cost = "";
        said.remedy = "run it as root, in the first cgroup namespace, with CAP_SYS_ADMIN";
        probe_say(answers, &said, "controller %s: we may not mount it", controller->name);
    } else if (errno == EBUSY) {
        say_missing(answers, controller, "cannot be mounted: cgroup2 has handed it out to groups",
                    "boot with cgroup_no_v1= left out and without a cgroup2 that uses it (systemd: "
                    "systemd.unified_cgroup_hierarchy=0)");
    } else {
        say_missing(answers, controller, strerror(errno), "see what the kernel log says about it");
    }
    return false;
}

static char *read_groups(void)
{
    struct error ignored = {0};
    char *groups = NULL;
    size_t length = 0;

    return file_read("/proc/self/cgroup", GROUPS_LARGEST, &groups, &length, &ignored) == 0 ? groups : xstrdup("");
}

static void check_root(struct answers *answers, const struct board *board)
{
    const char *root = board_cgroup_root(board);
    struct statfs status;

    if (statfs(root, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC) {
        say(answers, ROW_CGROUP_ROOT, ANSWER_WARNING, "cgroup2 is mounted on %s", root);
    } else {
        say(answers, ROW_CGROUP_ROOT, ANSWER_YES, "no cgroup2 is mounted on %s", root);
    }
}

static void run(struct answers *answers, const struct board *board)
{
    static const struct {
        const char *controller;
        void (*check)(struct answers *answers, const struct hierarchy *hierarchy);
    } checks[] = {
        {"cpuset", groups_check_cpuset},
        {"memory", groups_check_memory},
        {"cpu", groups_check_cpu},
        {"devices", groups_check_devices},
    };
    CLEANUP_FREE char *groups = read_groups();
    CLEANUP_FREE struct hierarchy *hierarchy = xcalloc(1, sizeof(*hierarchy));
    struct board_controller controller;
    struct host host = {0};

    check_root(answers, board);
    for (size_t i = 0; board_controller(board, i, &controller); i++) {
        if (!check_offer(answers, &host, &controller) || !check_place(answers, &host, &controller, groups, hierarchy)) {
            continue;
        }
        for (size_t j = 0; j < ARRAY_SIZE(checks); j++) {
            if (streq(checks[j].controller, controller.name)) {
                checks[j].check(answers, hierarchy);
            }
        }
    }
    host_free(&host);
}

/* Only what the kernel has: what is mounted depends on bring-up, which is still to come. */
static void quick(struct answers *answers, const struct board *board)
{
    struct board_controller controller;
    struct host host = {0};

    for (size_t i = 0; board_controller(board, i, &controller); i++) {
        check_offer(answers, &host, &controller);
    }
    host_free(&host);
}

/* A group that was made for memory or devices. In a hierarchy that only the probe had mounted there is none left: the kernel
 * keeps a group's hierarchy, and the next run sweeps it. */
static void clean(const struct board *board, const char *scratch_name)
{
    static const char *const controllers[] = {"memory", "devices"};
    struct mount_entry entry;
    struct host host = {0};

    (void)board;
    for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
        if (mounts_find(&host, is_hierarchy_of, controllers[i], &entry)) {
            CLEANUP_FREE char *path = xasprintf("%s/%s", entry.target, scratch_name);

            rmdir(path);
        }
    }
    host_free(&host);
}

static void describe(void (*print)(const char *text))
{
    const struct controller_facts *facts;

    print("\n| controller | for | kernel option | without it |\n|---|---|---|---|\n");
    for (size_t i = 0; (facts = controller_known(i)) != NULL; i++) {
        CLEANUP_FREE char *line =
            xasprintf("| `%s` | %s | %s | %s |\n", facts->name, doctor_needs[group_rows[row_of(facts->name)].need].word,
                      facts->option, facts->cost);

        print(line);
    }
}

const struct probe probe_groups = {.name = "cgroup",
                                   .rows = group_rows,
                                   .count = GROUP_ROWS,
                                   .root = true,
                                   .mounts = true,
                                   .run = run,
                                   .quick = quick,
                                   .quick_count = ROW_CPUSET_NAMES,
                                   .clean = clean,
                                   .describe = describe};
