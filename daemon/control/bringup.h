/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying the manifest while the services are supervised: a worker process applies, and tells of each resource as it is
 * settled; the services that need nothing any more are released one by one, those whose resources failed are blocked. The
 * worker may be killed at any instant, and started again.
 */
#ifndef EDGEINIT_CONTROL_BRINGUP_H
#define EDGEINIT_CONTROL_BRINGUP_H

#include "control/recording.h"
#include "supervise/node.h"
#include "supervise/supervisor.h"

/* What is kept of a resource once it is settled. */
struct outcome {
    enum plan_state state;
    uint32_t blocker;
};

struct drift;

struct bringup {
    struct loop *loop;
    struct supervisor *supervisor;
    struct recording *recording;
    const char *run_dir;
    struct loop_source journal; /* the worker's pipe; fd -1: it has ended */
    struct text heard;          /* what came by it, and is no whole record yet */
    pid_t worker;               /* 0: none */
    int turn;                   /* the end of a pipe that it waits for; else -1 */
    int64_t began;              /* since then, clock_now() */
    struct outcome *outcomes;
    size_t outcome_count;
    char **names;     /* of the resources */
    char **mounts;    /* [resource]: where it is mounted; NULL: it is no mount */
    bool **needed_by; /* [service][resource]: it must be in place, and what that stands on */
    bool *no_place;   /* [resource]: modules, rules, SELinux: all services wait until it is settled, well or badly */
    bool *settled;    /* [service]: released or blocked */
    size_t service_count;
    struct drift *drift; /* NULL: nobody looks for lost devices */
};

void bringup_open(struct bringup *bringup, struct loop *loop, struct supervisor *supervisor,
                  struct recording *recording, const char *run_dir);

/* Apply this node; later, if services have to stop first because a device that they need is gone (drift.h). What is still needed of its plan is copied: the plan and the host may be freed afterwards. A worker that
 * still runs is ended first. */
int bringup_start(struct bringup *bringup, const struct node *node, struct error *err);

/* The same in two steps, for the first daemon of a boot, where nothing has to be ended: the worker is there, and changes nothing
 * before it may proceed. The node is that of both. */
int bringup_begin(struct bringup *bringup, const struct node *node, struct error *err);
void bringup_proceed(struct bringup *bringup, const struct node *node);

bool bringup_is_running(const struct bringup *bringup);

/* A child ended: was it the worker? */
bool bringup_reap(struct bringup *bringup, pid_t pid, int status);

/* End the worker, close the remount windows that it left open, forget everything. */
void bringup_close(struct bringup *bringup);

#endif
