/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "stat_filter" of a service: the daemon's part. Before each start it looks at the statistics of the root group and of one
 * below it, memory.stat and cpu.stat, and at where their hierarchies are mounted, and writes the plan (stat_plan.h) that the
 * keeper carries out. It never keeps a service from its start: what is not possible is said, and the next worse way taken.
 *
 *   "never"   the default: nothing is looked at
 *   "auto"    where the kernel's files have lines that cannot be parsed
 *   "always"  also where they are good now
 */
#ifndef EDGEINIT_SUPERVISE_STAT_FILTER_H
#define EDGEINIT_SUPERVISE_STAT_FILTER_H

#include <limits.h>

#include "supervise/record.h"
#include "supervise/service.h"
#include "supervise/stat_plan.h"

/* The domain of such a service's keeper: it may look into the service's memory and change its mounts, which others need not
 * (sepolicy/common/system/edge_stat_keeper.te). */
#define STAT_KEEPER_CONTEXT "u:r:edge_stat_keeper:s0"

/* What is seen, and what follows. */
struct stat_choice {
    enum stat_filter_way way;
    char text[STAT_PLAN_LARGEST]; /* the plan */
    char file[PATH_MAX];          /* the first that cannot be parsed, and its line; "" if all can */
    char line[64];
    char reason[256]; /* why not the best way, and what to do; "": it is the best */
    char warning[256];
};

/* In the way in which this service would be started now. `directory` is the service's, in the run directory. */
void stat_filter_choose(const struct service_config *service, const char *directory, struct stat_choice *choice);

/* The same in one word, and what the last start taught: STAT_NONE also where the keeper found the plan impossible. Whoever
 * configures the service then keeps it from reading these files. */
enum stat_filter_way stat_filter_expect(const struct service_config *service, const char *directory);

/* Right before the keeper is asked for a start: the plan into the service's directory, or none. */
void stat_filter_prepare(const struct service_config *service, const char *directory);

/* Into the log: how the instance that has just been started lives, and what it costs. */
void stat_filter_tell(const struct service_config *service, const struct keeper_record *record);
/* That the kernel refused to give it a copy: it may end of it, and is started in the next worse way from now on. */
void stat_filter_tell_refused(const struct service_config *service, const struct keeper_record *record);

#endif
