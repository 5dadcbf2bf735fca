/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a service lives with a kernel whose memory.stat or cpu.stat no container runtime can parse (statistics.h). The daemon
 * looks at the board and decides (stat_filter.h); what it decided is this plan, the file `filter` of the service's directory,
 * which the keeper and the service's process carry out. No file: there is nothing to do. docs/stat-filter.md tells it all.
 *
 * The ways, each worse than the one before it:
 *
 *   STAT_CLEAN    the kernel's files are good, or nobody asked for a filter
 *   STAT_NOTIFY   the service's openat2(2) of these files stops in the kernel until the keeper has answered it (seccomp
 *                 user notification): with a clean copy as the descriptor. All groups, also those yet to come
 *   STAT_REFRESH  a clean copy of the root group's file lies over it in a mount namespace of the service, and the keeper
 *                 writes it anew every few seconds. The service starts and sees the node's numbers, none of its groups'
 *   STAT_NONE     nothing can be done here: the service must not look at these files
 *
 * The text is a word and a path in each line, done from above to below:
 *
 *   way notify
 *   slave /dev                                     what we do to the mounts of this one does not leave our namespace
 *   hide /dev/memcg                                take this mount off there: runc takes the first memory hierarchy that
 *                                                  it finds, and uses openat2 only below /sys/fs/cgroup
 *   cover /sys/fs/cgroup/memory/memory.stat        STAT_REFRESH: this file
 */
#ifndef EDGEINIT_SUPERVISE_STAT_PLAN_H
#define EDGEINIT_SUPERVISE_STAT_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#define STAT_PLAN_FILE "filter"
#define STAT_PLAN_LARGEST 4096 /* bytes of text */
#define STAT_PLAN_MOST 24      /* lines after the first */
#define STAT_MOST_COVERS 2

/* Everything that is meant lies below: the constant cgroupfsPrefix of runc, and nowhere else does it use openat2(2). */
#define STAT_GROUND "/sys/fs/cgroup/"

enum stat_filter_way {
    STAT_CLEAN,
    STAT_NOTIFY,
    STAT_REFRESH,
    STAT_NONE,
    STAT_WAYS /* their number */
};

/* What kept the keeper from the way that was planned. */
enum stat_step {
    STAT_STEP_NONE,
    STAT_STEP_PLAN,      /* the file `filter` is none */
    STAT_STEP_NAMESPACE, /* unshare(2) */
    STAT_STEP_MOUNTS,    /* making a mount a slave, taking one off */
    STAT_STEP_FILTER,    /* seccomp(2); a process that was killed by it ends here too */
    STAT_STEP_ANSWER,    /* the kernel cannot put a descriptor into the asking process (before 5.9) */
    STAT_STEP_HAND,      /* the listener did not reach the keeper */
    STAT_STEP_LOOK,      /* the keeper may not read the service's memory */
    STAT_STEP_GIVE,      /* the kernel refused to give the copy to the service, when it asked for it */
    STAT_STEP_COPY,      /* the copy could not be made */
    STAT_STEP_COVER,     /* nor put over the file */
    STAT_STEPS           /* their number */
};

enum stat_act_kind { STAT_ACT_SLAVE, STAT_ACT_HIDE, STAT_ACT_COVER, STAT_ACTS };

struct stat_act {
    enum stat_act_kind kind;
    const char *path;
};

struct stat_plan {
    enum stat_filter_way way;
    struct stat_act acts[STAT_PLAN_MOST];
    size_t count;
};

/* Take the text apart, in place: NULs are written into it, and the paths point there. False if it is no plan: then it is
 * one for nothing (STAT_CLEAN). `text` ends by NUL. */
bool stat_plan_parse(char *text, struct stat_plan *plan);

/* The text, ended by NUL. Returns its length; 0 if it does not fit, or a path cannot be written. */
size_t stat_plan_write(const struct stat_plan *plan, char *text, size_t size);

/* Does it need mounts of its own? */
bool stat_plan_has_namespace(const struct stat_plan *plan);

/* "notify"; "unknown" beyond the enum. */
const char *stat_way_name(int way);

#endif
