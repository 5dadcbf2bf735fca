/* SPDX-License-Identifier: Apache-2.0 */
#include "host/controller.h"

#include <libcgroup.h>

#include "base/format.h"
#include "base/util.h"
#include "host/host.h"

#define MOST_CONTROLLERS 64 /* kernels have up to 16 */

/* What a controller is for: kernel option, and what is lost without it. */
static const struct controller_facts knowledge[] = {
    {"blkio", "CONFIG_BLK_CGROUP", "no limits and no statistics of disk traffic"},
    {"cpu", "CONFIG_CGROUP_SCHED", "no CPU shares and quotas; edgecore refuses to start"},
    {"cpuacct", "CONFIG_CGROUP_CPUACCT", "no CPU statistics; edgecore refuses to start"},
    {"cpuset", "CONFIG_CPUSETS", "no CPU pinning; edgecore refuses to start"},
    {"devices", "CONFIG_CGROUP_DEVICE", "dockerd refuses to start"},
    {"freezer", "CONFIG_CGROUP_FREEZER", "no \"docker pause\""},
    {"hugetlb", "CONFIG_CGROUP_HUGETLB", "no limits of huge pages"},
    {"memory", "CONFIG_MEMCG", "no memory limits; edgecore refuses to start"},
    {"net_cls", "CONFIG_CGROUP_NET_CLASSID", "no traffic classes"},
    {"net_prio", "CONFIG_CGROUP_NET_PRIO", "no traffic priorities"},
    {"perf_event", "CONFIG_CGROUP_PERF", "no profiling by group"},
    {"pids", "CONFIG_CGROUP_PIDS", "no limits of processes"},
    {"rdma", "CONFIG_CGROUP_RDMA", "no limits of RDMA"},
    {"schedtune", "CONFIG_SCHED_TUNE (Android kernels up to 4.19)", "no scheduler boosts"},
};

const struct controller_facts *controller_facts(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(knowledge); i++) {
        if (streq(knowledge[i].name, name)) {
            return &knowledge[i];
        }
    }
    return NULL;
}

const struct controller_facts *controller_known(size_t n)
{
    return n < ARRAY_SIZE(knowledge) ? &knowledge[n] : NULL;
}

/* The kernel's controllers, as /proc/cgroups lists them: read once, they never change. libcgroup's own records have room
 * for a path of 4 KiB in each name. */
struct controllers {
    size_t count;
    struct {
        char name[32];
        bool enabled;
    } items[MOST_CONTROLLERS];
};

static struct controllers *read_list(void)
{
    struct controllers *list = xcalloc(1, sizeof(*list));
    struct controller_data data;
    void *handle = NULL;

    /* The listing alone: it reads /proc/cgroups without cgroup_init() and its 400 kB of tables. */
    for (int result = cgroup_get_all_controller_begin(&handle, &data); result == 0 && list->count < MOST_CONTROLLERS;
         result = cgroup_get_all_controller_next(&handle, &data)) {
        format_print(list->items[list->count].name, sizeof(list->items[0].name), "%s", data.name);
        list->items[list->count++].enabled = data.enabled != 0;
    }
    cgroup_get_all_controller_end(&handle);
    return list;
}

int controller_offered(struct host *host, const char *name)
{
    if (host->controllers == NULL) {
        host->controllers = read_list();
    }
    for (size_t i = 0; i < host->controllers->count; i++) {
        if (streq(host->controllers->items[i].name, name)) {
            return host->controllers->items[i].enabled;
        }
    }
    return -1;
}
