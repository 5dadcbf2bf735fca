/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the manifest says about services: read and checked here, acted on elsewhere (machine.h decides, supervisor.h does,
 * the keeper holds). All times are milliseconds. Strings point into the manifest.
 */
#ifndef EDGEINIT_SUPERVISE_SERVICE_H
#define EDGEINIT_SUPERVISE_SERVICE_H

#include "manifest/reader.h"

#define SERVICE_MOST 1024       /* services in a manifest */
#define SERVICE_LONGEST_NAME 31 /* bytes */

/* One probe of readiness or liveness. */
enum check_kind {
    CHECK_NONE,
    CHECK_HTTP,    /* GET, any answer with status 200 to 299, or `accept` */
    CHECK_TCP,     /* a connection is accepted */
    CHECK_FILE,    /* the path exists */
    CHECK_COMMAND, /* it ends with exit code 0 */
    CHECK_KINDS    /* their number */
};

struct check_config {
    enum check_kind kind;
    const char *target;   /* as written: "unix:/var/run/docker.sock:/_ping", "http://127.0.0.1:10350/healthz",
                                 "127.0.0.1:10350", "[::1]:80", "/run/ready" */
    const char **targets; /* CHECK_HTTP of several, `target` being the first: all must be good, one after the other */
    size_t target_count;  /* 0: `target` alone */
    int64_t accept;       /* CHECK_HTTP: one more status that is good; 0: none */
    const char **command; /* CHECK_COMMAND: ended by NULL; command[0] is an absolute path */
    size_t command_count;
    int64_t interval; /* from the end of one probe to the next */
    int64_t timeout;  /* of one probe */
    int64_t failures; /* alive: so many in a row are one too many */
};

/* A fact that a service waits for before it is started. */
enum condition_kind {
    CONDITION_ROUTE,   /* "default", or an address or network with a route to it: "10.0.0.0/8", "2001:db8::1" */
    CONDITION_ADDRESS, /* an interface that has a global address: "wlan0" */
    CONDITION_CLOCK,   /* the wall clock is not before this day: "2024-01-01" (UTC) */
    CONDITION_FILE,    /* the path exists */
    CONDITION_MOUNT,   /* something is mounted exactly at the path */
    CONDITION_KINDS    /* their number */
};

struct condition_config {
    enum condition_kind kind;
    const char *value; /* as written */
    int64_t clock;     /* CONDITION_CLOCK: seconds since 1970 */
};

enum restart_policy { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };
enum stop_scope { SCOPE_PROCESS, SCOPE_GROUP };
enum stat_setting { STAT_NEVER, STAT_AUTO, STAT_ALWAYS, STAT_SETTINGS }; /* see stat_filter.h */
enum orphan_policy { ORPHAN_ADOPT, ORPHAN_STOP }; /* what becomes of a service whose keeper was killed */

/* What edgeinit knows of the programs that it was made for: edge/profile.h, whose table has the same names. */
enum service_profile { PROFILE_NONE, PROFILE_DOCKERD, PROFILE_EDGECORE, PROFILES };
extern const char *const service_profile_words[PROFILES + 1]; /* ended by NULL */

struct service_config {
    const char *name;
    const char **command; /* ended by NULL; command[0] is an absolute path */
    size_t command_count;
    const cJSON *environment; /* object of strings, or NULL */
    const cJSON *cgroup;      /* object of strings: "memory.limit_in_bytes": "512M"; or NULL */
    const cJSON *rlimits;     /* object of numbers and "unlimited": "nofile": 1048576; or NULL */
    const char *user;         /* NULL: as edgeinit */
    const char *group;        /* NULL: the user's, or as edgeinit */
    const char *directory;    /* working directory; NULL: "/" */
    const char *context;      /* SELinux context to execute in; NULL: as the policy says */
    int64_t nice;
    int64_t oom_score_adj;
    int profile;       /* enum service_profile */
    bool insecure_tcp; /* PROFILE_DOCKERD: it may listen on TCP without certificates */
    bool has_oom_score_adj;
    bool ready_notify;  /* says READY=1 on its notify socket (sd_notify(3)) */
    const char **after; /* services that must be ready first */
    size_t after_count;
    const char **needs; /* paths that it uses and its command line does not show */
    size_t need_count;
    struct condition_config *conditions;
    size_t condition_count;

    int64_t restart_delay; /* 0: at once */
    int64_t restart_max_delay;
    double restart_jitter; /* 0.2: up to a fifth longer or shorter */
    int64_t restart_reset_after;

    struct check_config ready; /* CHECK_NONE: none; both: both */
    int64_t start_timeout;     /* ready.timeout: until it must be ready; 0: for ever */
    struct check_config alive;
    int64_t watchdog; /* alive.watchdog: WATCHDOG=1 must come within; 0: none */

    int64_t stop_timeout; /* until SIGKILL */
    int64_t log_size;     /* bytes of its log ring */
    int stop_signal;
    int stop_scope;     /* enum stop_scope */
    int orphan;         /* enum orphan_policy */
    int restart_policy; /* enum restart_policy */
    int stat_filter;    /* enum stat_setting */
};

struct service_list {
    struct service_config *items; /* in an order in which `after` is satisfied */
    size_t count;
};

/* Read the "services" section; mistakes (unknown services in `after`, circles) become problems of the manifest. */
void service_parse(const struct reader *section, struct service_list *list);

/* Every path that the service uses: its `needs`, its directory, and what its command line shows, also inside an argument
 * ("unix:///var/run/docker.sock", "--config=/etc/x"). Calls `each` for one after another. */
void service_paths(const struct service_config *service, void (*each)(void *data, const char *path), void *data);

void service_list_free(struct service_list *list);

#endif
