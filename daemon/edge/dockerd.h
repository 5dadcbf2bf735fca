/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profile "dockerd": what is put right before each start, and what an end means. docs/docker.md says the same to users.
 *
 * prepare takes its steps in an order in which a later one can rely on the earlier: the configuration is read (a torn one is
 * mended first), refused if it opens an unguarded TCP port, the data-root's mount is looked for, what a dead dockerd has left
 * is removed (dockerd_leftovers.c), and what is good is kept for the day it is torn. It never removes what a living process
 * owns, never writes below the data-root but to move aside what a judgement found broken, and never starts or stops dockerd.
 *
 * judge is a table (dockerd_rules.c), one row a sentence that dockerd 18.03 to 24 is known to say as it dies.
 *
 * settle notes who wrote docker.pid, for the start after the next power cut.
 */
#ifndef EDGEINIT_EDGE_DOCKERD_H
#define EDGEINIT_EDGE_DOCKERD_H

#include "edge/docker_options.h"
#include "edge/profile.h"

/* Rows of the table of profiles. */
int dockerd_prepare(const struct profile_call *call, struct judgement *judgement, struct error *err);
void dockerd_judge(const struct profile_call *call, struct judgement *judgement);
void dockerd_settle(const struct profile_call *call);

/* By which TCP host this service, a dockerd, can be told what to do by anybody who reaches it; NULL: by none. For status, with
 * the manifest as it is now. free() it. */
char *dockerd_open_host(const cJSON *manifest, const struct service_config *service);

/* What the steps of prepare share. */
struct dockerd_start {
    const struct profile_call *call;
    char *text; /* of the configuration file as it is now; NULL: there is none */
    size_t length;
    cJSON *config; /* the same; NULL: none, or nothing that dockerd could read */
    struct docker_options options;
};

/* dockerd_config.c: the configuration file. Reads it into `start`; one that is torn (a power cut) is moved aside and made
 * anew of the last good copy, with what the manifest says over it. */
int dockerd_config_load(struct dockerd_start *start, struct error *err);
/* What dockerd would make of it: like Go's decoder it reads one value and ignores what follows. NULL: it would refuse it. */
cJSON *dockerd_config_parse(const char *text, size_t length);
/* What it says, with what the manifest says over it, and nothing changed; NULL: nothing. */
cJSON *dockerd_config_peek(const cJSON *manifest, const char *path);
/* Keep what is there as the last good copy. */
int dockerd_config_keep(const struct dockerd_start *start, struct error *err);

/* Parked with "insecure-tcp", unless the manifest allows it: then it is warned about. */
void dockerd_check_tcp(const struct dockerd_start *start, struct judgement *judgement);

/* dockerd_root.c. Parked with "data-root-missing" if what should be mounted for the data-root is not: a dockerd that starts on
 * the bare mount point has lost all images, and fills the wrong disk. That is what the manifest mounts for it; or, where the
 * manifest mounts nothing for it, what was mounted there at the last start, which is remembered. */
int dockerd_check_root(const struct dockerd_start *start, struct judgement *judgement, struct error *err);

/* dockerd_leftovers.c: files of a dockerd that is dead, each with its check that nobody living owns it. */
int dockerd_clear_leftovers(const struct dockerd_start *start, struct judgement *judgement, struct error *err);
int dockerd_remove_stale(const char *service, const char *path, const char *why, struct error *err);

/* dockerd_pid.c: docker.pid. Parked with "docker-running" if the dockerd lives that wrote it. */
int dockerd_clear_pid_file(const struct dockerd_start *start, struct judgement *judgement, struct error *err);

/* dockerd_databases.c: one below the data-root that the last judgement found broken, and that docker makes anew without loss of
 * a container or an image, is moved aside to NAME.broken.1; the networks' one not while containers run. */
bool dockerd_containers_run(void);
int dockerd_put_databases_aside(const struct dockerd_start *start, struct error *err);

/* Judgements that others go by, or that are come to in more than one way. */
#define DOCKERD_CODE_NETWORK_DATABASE "network-db-corrupt"
#define DOCKERD_NETWORK_DATABASE_WHAT "docker's database of networks is broken, as a power cut leaves it"
#define DOCKERD_NETWORK_DATABASE_REMEDY \
    "nothing: it is moved aside and made anew; networks made with \"docker network create\" must be made again"
#define DOCKERD_NETWORK_DATABASE_BUSY \
    "reboot the board, or end its containers: docker makes this database anew only while none runs; it is moved aside then"
#define DOCKERD_CODE_BUILD_CACHE "build-cache-corrupt"
#define DOCKERD_BUILD_CACHE_WHAT "a database of docker's build cache is broken, as a power cut leaves it"
#define DOCKERD_BUILD_CACHE_REMEDY \
    "nothing: the cache's databases are moved aside and made anew; containers and images are not concerned"

/* How the judge looks at the board; a test has its own eyes. */
struct dockerd_eyes {
    bool (*out_of_memory)(const char *name); /* has the kernel lately killed a process of this name for that? */
    bool (*containers_run)(void);
};

void dockerd_judge_with(const struct profile_call *call, const struct dockerd_eyes *eyes, struct judgement *judgement);

/* Wakes of a rule, by what they are about. */
enum dockerd_wake {
    DOCKERD_WAKE_NONE,
    DOCKERD_WAKE_CONFIG,  /* the configuration file changed */
    DOCKERD_WAKE_TLS,     /* a file of its certificates changed */
    DOCKERD_WAKE_NETWORK, /* an address or a route came */
    DOCKERD_WAKE_ROOT,    /* something is mounted for the data-root (again) */
};

struct dockerd_rule {
    const char *parts[2]; /* all stand in one line, in any case, */
    const char *any[4];   /* and one of these, if there are any */
    const char *code;     /* of the judgement */
    const char *finding;  /* doctor's, whose remedy is the better one if doctor finds it so; NULL: none */
    const char *what;     /* NULL: the message itself */
    const char *remedy;
    enum judgement_hold hold;
    enum dockerd_wake wake;
    int64_t again; /* seconds; JUDGEMENT_PARK: until it is tried again in any case; 0: never */
};

/* NULL after the last. The first that fits counts. */
const struct dockerd_rule *dockerd_rule_at(size_t n);
const struct dockerd_rule *dockerd_rule_of(const char *line);

#endif
