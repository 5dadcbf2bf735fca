/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How to start a service, as the daemon tells the keeper: resolved to numbers and plain strings, so that the keeper needs
 * no manifest, no names of users and no library. Packed into a file of the service's directory. Two equal specs pack to
 * the same bytes: a reload compares these to see whether a service must be restarted.
 */
#ifndef EDGEINIT_SUPERVISE_SPEC_H
#define EDGEINIT_SUPERVISE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define SPEC_MOST_WORDS 512 /* arguments, and variables */
#define SPEC_MOST_LIMITS 16
#define SPEC_MOST_JOINS 16
#define SPEC_LARGEST (256 * 1024) /* bytes, packed */

struct spec_limit {
    int32_t resource; /* RLIMIT_… */
    uint64_t value;   /* soft and hard; UINT64_MAX: unlimited */
};

struct spec {
    const char *arguments[SPEC_MOST_WORDS + 1];   /* ended by NULL; the first is the program's path */
    const char *environment[SPEC_MOST_WORDS + 2]; /* "NAME=VALUE", ended by NULL; leaves room for NOTIFY_SOCKET */
    const char *joins[SPEC_MOST_JOINS + 1];       /* cgroup.procs files to write "0" to, ended by NULL */
    struct spec_limit limits[SPEC_MOST_LIMITS];
    size_t limit_count;
    const char *directory; /* never NULL */
    const char *context;   /* SELinux, for /proc/self/attr/exec; NULL: none */
    bool notify;           /* the keeper adds NOTIFY_SOCKET to the environment, unless it is there */
    bool has_user;         /* set uid, gid and no supplementary groups but `gid` */
    uint32_t uid;
    uint32_t gid;
    int32_t nice;
    bool has_oom_score_adj; /* if not: as the keeper was started with */
    int32_t oom_score_adj;
    uint32_t
        stat_filter; /* enum stat_setting: here so that another setting is another start; the rest is in stat_plan.h */
};

/* Into bytes; returns false (and adds nothing) if it is larger than SPEC_LARGEST. */
bool spec_pack(const struct spec *spec, struct text *out);

/* From bytes, which the strings then point into. False if they are no spec. No heap. */
bool spec_unpack(const void *data, size_t length, struct spec *spec);

#endif
