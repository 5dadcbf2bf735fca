/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the manifest says about services: read and checked here, acted on by supervisor.c. All keys of the manifest are
 * checked; those that this version does not act on yet are accepted with a warning that says so.
 */
#ifndef EDGEINIT_SUPERVISE_SERVICE_H
#define EDGEINIT_SUPERVISE_SERVICE_H

#include "manifest/reader.h"

/* Strings point into the manifest. */
struct service_config {
    const char *name;
    const char **command; /* ended by NULL; command[0] is an absolute path */
    size_t command_count;
    const cJSON *environment; /* object of strings, or NULL */
    const cJSON *cgroup;      /* object of strings: "memory.limit_in_bytes": "512M"; or NULL */
    const cJSON *rlimits;     /* object of numbers: "nofile": 1048576; or NULL */
    const char **after;       /* services that must be ready first */
    size_t after_count;
    const char **needs; /* paths that it uses and its command line does not show */
    size_t need_count;
    int64_t restart_delay; /* milliseconds */
    bool ready_notify;     /* says READY=1 on its notify socket (sd_notify(3)) */
    int stop_signal;
    int64_t stop_timeout; /* milliseconds until SIGKILL */
    int64_t oom_score_adj;
    bool has_oom_score_adj;
};

struct service_list {
    struct service_config *items; /* in an order in which `after` is satisfied */
    size_t count;
};

/* Read the "services" section; mistakes (unknown services in `after`, circles) become problems of the manifest. */
void service_parse(const struct reader *section, struct service_list *list);

/* Every path that the service uses: its `needs`, and what its command line shows, also inside an argument
 * ("unix:///var/run/docker.sock", "--config=/etc/x"). Calls `each` for one after another. */
void service_paths(const struct service_config *service, void (*each)(void *data, const char *path), void *data);

/* The number of an rlimit by its name ("nofile"), -1 if there is none. */
int service_rlimit(const char *name);

void service_list_free(struct service_list *list);

#endif
