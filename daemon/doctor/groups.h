/* SPDX-License-Identifier: Apache-2.0 */
/* Where the hierarchies of control groups are, for those who look into them: one for each controller of the manifest. */
#ifndef EDGEINIT_DOCTOR_GROUPS_H
#define EDGEINIT_DOCTOR_GROUPS_H

#include "doctor/probe.h"

enum group_row {
    ROW_CONTROLLER_DOCKER,
    ROW_CONTROLLER_KUBEEDGE,
    ROW_CONTROLLER_OTHER,
    ROW_CPUSET_NAMES,
    ROW_MEMORY_STAT,
    ROW_MEMORY_STAT_CHILD,
    ROW_CPU_STAT,
    ROW_DEVICES_RULES,
    ROW_CGROUP_ROOT,
    GROUP_ROWS /* their number */
};

extern const struct probe_row group_rows[GROUP_ROWS];

/* Where the probe mounts what nobody has mounted: there wherever sysfs is, and nothing that we need is below it. */
#define GROUPS_GROUND "/sys/kernel"

/* A hierarchy as it is mounted, or was mounted for the probe. */
struct hierarchy {
    char path[PATH_MAX];
    bool by_us; /* seen by the probe alone */
};

/* What is in the hierarchies of cpuset, memory, cpu and devices. */
void groups_check_cpuset(struct answers *answers, const struct hierarchy *hierarchy);
void groups_check_memory(struct answers *answers, const struct hierarchy *hierarchy);
void groups_check_cpu(struct answers *answers, const struct hierarchy *hierarchy);
void groups_check_devices(struct answers *answers, const struct hierarchy *hierarchy);

#endif
