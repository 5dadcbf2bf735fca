/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What edgeinit knows of the programs that it was made for. A service of the manifest names its profile ("profile":
 * "dockerd"); what that knows is used at these moments:
 *
 * prepare: before each start. Puts right what a power cut or an earlier run left behind (a stale docker.pid, a torn
 *          configuration), writes the program's configuration, or finds that a start makes no sense yet.
 * judge:   after an end that nobody asked for. Recognises the cause from exit status, last lines and facts.
 *
 * settle:  once it has become ready. Takes away what only the start needed (a secret), notes what only it can know.
 *
 * They run in a child of the daemon, which ends then: they may use heap, read the manifest, and block, but no longer than
 * PROFILE_PATIENCE; they are killed after that, and the service is then started, or judged, as if it had no profile. They
 * may be repeated, and killed at any instant. What they do is logged (log.h) by themselves; secrets are not.
 *
 * Adding a profile is adding a file and a row in profile.c.
 */
#ifndef EDGEINIT_EDGE_PROFILE_H
#define EDGEINIT_EDGE_PROFILE_H

#include "supervise/judgement.h"
#include "supervise/machine.h"
#include "supervise/node.h"

#define PROFILE_PATIENCE 10 /* seconds */

struct profile_call {
    const struct node *node; /* read afresh: host, services, edge; its plan is made, nothing is probed */
    const struct node_paths *paths;
    const struct service_config *service;
    const char *directory; /* of the service, in the run directory */
    /* judge only: */
    enum service_cause end; /* CAUSE_EXITED, CAUSE_SIGNALLED, CAUSE_START_TIMEOUT, CAUSE_LIVENESS… */
    int status;             /* wait status; -1: not known */
    int64_t lived;          /* milliseconds from its exec to its end; -1: not known */
    const char *log;        /* its last lines */
};

struct profile {
    const char *name; /* as in the manifest */
    bool reads_edge;  /* the section "edge" is part of its configuration: the service is restarted when that changes */
    /* -1: could not be prepared (err says why; it is started all the same, and the error logged). 0: go on; if the judgement
     * says PARK, it is not started: then it is as after judge(), with the same wakes. May be NULL. */
    int (*prepare)(const struct profile_call *call, struct judgement *judgement, struct error *err);
    /* Fill the judgement if the cause is known; else leave it alone. May be NULL. */
    void (*judge)(const struct profile_call *call, struct judgement *judgement);
    /* Nothing comes of it but what it does itself. May be NULL. */
    void (*settle)(const struct profile_call *call);
};

/* By its name, a word of service_profile_words; NULL: there is none, or it is "none". */
const struct profile *profile_find(const char *name);

#endif
