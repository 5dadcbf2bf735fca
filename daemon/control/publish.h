/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the rest of the board can know of us without asking: OpenHarmony's system parameters (ohos/parameter.h)
 *
 *   edgeinit.ready                  "true" while all of the manifest is in place and every service ready, else "false"
 *   edgeinit.service.NAME.state     as in "edgeinit status"; "removed" when the manifest no longer names it
 *   edgeinit.service.NAME.cause
 *
 * and system events (ohos/event.h). They are set when something changes, and never otherwise: changes are collected, and a
 * process of its own sets those that differ from what was set last. There is one at a time, and PUBLISH_PAUSE at least from one
 * to the next, so a service that crashes in a loop costs no more than that; what changed and changed back costs nothing. The
 * daemon never waits for it but at its own end (PUBLISH_LAST). One that hangs is killed (PUBLISH_PATIENCE), failures are told
 * once, and tried again PUBLISH_TRIES times; after that with the next change only.
 *
 * A new daemon knows nothing of what was set: it sets everything anew. The names of services that were published are in the run
 * directory, so that those of a manifest that changed meanwhile are told of as removed. Where there are no parameters and no
 * events, nothing of all this is done.
 */
#ifndef EDGEINIT_CONTROL_PUBLISH_H
#define EDGEINIT_CONTROL_PUBLISH_H

#include "base/clock.h"
#include "base/loop.h"
#include "ohos/event.h"
#include "supervise/supervisor.h"

#define PUBLISH_PAUSE (1 * MICROSECONDS_PER_SECOND)
#define PUBLISH_PATIENCE 10 /* seconds, for one service */
#define PUBLISH_LAST 500    /* milliseconds that the daemon waits for it at its own end */
#define PUBLISH_TRIES 3
#define PUBLISH_MOST_EVENTS 32 /* that wait; more are dropped, and it is said how many */
#ifndef PUBLISH_SLOW_BOOT
#define PUBLISH_SLOW_BOOT (60 * INT64_C(1000)) /* milliseconds from the first daemon's start to "ready" */
#endif

/* What is to be set, and what was. The words are constants, compared as pointers; NULL: nothing yet. */
struct publication {
    char *name; /* of the service; NULL: edgeinit.ready itself, in `state` */
    const char *state;
    const char *cause;
    const char *told_state;
    const char *told_cause;
    const char *sent_state; /* by the process that runs */
    const char *sent_cause;
    uint64_t collected; /* the instance whose end was looked at */
    bool gone;          /* from the manifest */
};

struct publish {
    struct loop *loop;
    const char *run_dir;
    struct publication *items; /* the first one is edgeinit.ready */
    size_t count;
    struct event *events; /* that wait, oldest first */
    size_t event_count;
    size_t dropped;
    size_t sent_events; /* of them, by the process that runs */
    struct loop_timer timer;
    int64_t began;
    pid_t child;
    unsigned failures;
    bool parameters; /* there are some here */
    bool told;       /* that it does not work */
};

void publish_open(struct publish *publish, struct loop *loop, const char *run_dir);

/* All services, when there may be others now. */
void publish_services(struct publish *publish, const struct supervisor *supervisor);

/* This one changed. */
void publish_service(struct publish *publish, const struct service *service);

void publish_ready(struct publish *publish, bool ready);

/* A resource is no longer as it was. */
void publish_drift(struct publish *publish, const char *resource, const char *reason);

/* Everything became ready for the first time: milliseconds since the daemon began, and since the kernel did; and the service
 * that was the last. */
void publish_boot(struct publish *publish, int64_t took, int64_t boot, const char *last);

/* A child ended: was it ours? */
bool publish_reap(struct publish *publish, pid_t pid, int status);

/* Set what is not set yet, within PUBLISH_LAST, and let go. */
void publish_close(struct publish *publish);

#endif
