/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All services together. The state machine of each (machine.h) is fed with what its keeper, its checks and the people say,
 * and what it decides is carried out (running.h); here is what goes beyond one service: who may start (resources,
 * conditions, the services that it comes after), stopping everything in order, taking over what runs already, a manifest
 * that changed.
 *
 * The daemon may be killed between any two instructions: what it must know again is in the services' notes and with their
 * keepers, and supervisor_open() goes on from there. Everything happens in callbacks of the event loop; nothing blocks.
 */
#ifndef EDGEINIT_SUPERVISE_SUPERVISOR_H
#define EDGEINIT_SUPERVISE_SUPERVISOR_H

#include <sys/resource.h>

#include "supervise/condition.h"
#include "supervise/running.h"

struct supervisor {
    struct loop *loop;
    const char *run_dir;
    struct rlimit files; /* RLIMIT_NOFILE as it was given to us */
    struct track track;
    struct watcher watcher;
    struct conditions conditions;
    struct service *
        *services; /* in an order in which `after` is satisfied; those that the manifest no longer names, and
                                  that still run, come last */
    size_t count;
    struct loop_source mounts; /* fd -1: no program is missing */
    struct loop_timer tidy;    /* removes retired services, outside of their own callbacks */
    bool ending;
    bool ended;
    struct counsel_calls counsel;                         /* who knows the profiles */
    void (*changed)(void *data, struct service *service); /* may be NULL; service NULL: not about one */
    void (*stopped)(void *data);                          /* all have stopped, after supervisor_end() */
    void *data;
};

/* Take over what an earlier daemon left in run_dir, which must outlive the supervisor, as the list must. Nothing is started
 * before it is released. */
int supervisor_open(struct supervisor *supervisor, struct loop *loop, const struct service_list *list,
                    const char *run_dir, struct error *err);

/* By name; NULL: there is none. */
struct service *supervisor_find(const struct supervisor *supervisor, const char *name);

/* The resources that this service needs are in place: it may start. */
void supervisor_release(struct supervisor *supervisor, struct service *service);
/* Is that all that it waits for? */
bool supervisor_waits_for_resources(const struct service *service);
/* Those that do are to start soon: what a start takes is made meanwhile. */
void supervisor_expect(struct supervisor *supervisor);
/* They are not, and why: the resource that failed. */
void supervisor_block(struct supervisor *supervisor, struct service *service, const char *resource);

/* A resource that this service needs is lost (its card was pulled out): stop it, after those that come after it, which are
 * stopped too, and end what is left of its group. Not before supervisor_reload() or _block() holds them; they start again when released. */
void supervisor_lose(struct supervisor *supervisor, struct service *service, const char *resource);
/* Is any of those still up? */
bool supervisor_is_losing(const struct supervisor *supervisor);

/* The manifest was read anew: services that are started differently now are restarted, new ones wait to be released,
 * those that it does not name any more are stopped. The old list may be freed afterwards. All wait for supervisor_release()
 * again, which does not touch those that run. */
void supervisor_reload(struct supervisor *supervisor, const struct service_list *list);

/* What this service's profile reads besides the service's own part of the manifest has changed: start it anew. */
void supervisor_renew(struct service *service);

/* A child ended: was it one of ours (a keeper, the command of a check)? */
bool supervisor_reap(struct supervisor *supervisor, pid_t pid, int status);

/* Stop everything, in reverse order, each only when those that come after it have ended; then call `stopped`. */
void supervisor_end(struct supervisor *supervisor);

/* The same, and nothing is left of any of them, whatever its scope: the containers that a dockerd leaves end, too. */
void supervisor_end_all(struct supervisor *supervisor);

/* Let go of everything; the keepers and their services live on, except after an orderly end. */
void supervisor_close(struct supervisor *supervisor);

/* For running.c: this service may now start, or not any more; look at those that come after it. */
void supervisor_gate(struct supervisor *supervisor, struct service *service);
void supervisor_look(struct supervisor *supervisor, struct service *service);
/* For supervisor.c, whenever a service has changed. */
void supervisor_lose_next(struct supervisor *supervisor);
/* And: a program is missing, and may come with a mount. */
void supervisor_watch_mounts(struct supervisor *supervisor);

#endif
