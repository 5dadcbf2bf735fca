/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: in which order the resources come, and what each of them would take. The order is derived from needs, never
 * written: a resource comes after everything at or above the paths it names. Among those that do not need each other
 * the kind's rank decides, then the manifest's order, so that the plan of one manifest is always the same. Making a plan
 * changes nothing.
 */
#ifndef EDGEINIT_PLAN_PLAN_H
#define EDGEINIT_PLAN_PLAN_H

#include "host/host.h"

enum plan_action {
    ACTION_NONE,       /* '=' in place */
    ACTION_CREATE,     /* '+' */
    ACTION_CHANGE,     /* '~' */
    ACTION_IMPOSSIBLE, /* '!' */
    ACTIONS            /* their number */
};

/* How far apply has come with a resource (plan/apply.h). */
enum plan_state {
    STATE_PENDING,
    STATE_RUNNING, /* in a worker */
    STATE_WAITING, /* for what is not there yet */
    STATE_IN_PLACE,
    STATE_APPLIED,
    STATE_FAILED,
    STATE_BLOCKED, /* something that it needs failed */
    STATES         /* their number */
};

/* What applying it took: microseconds, and two moments (clock_now()). */
struct plan_times {
    int64_t began; /* 0: it was never tried */
    int64_t ended;
    int64_t waited;
    int64_t probed;
    int64_t applied; /* with what had to be prepared for it */
    int64_t user;    /* CPU time; incomplete unless plan.measure */
    int64_t system;
};

struct plan_entry {
    struct resource *resource;
    size_t *needs; /* indices of entries */
    size_t need_count;
    bool in_worker; /* apply may block: it is slow itself, or it stands on something slow */
    bool urgent;    /* something slow stands on it, or it is that: the sooner it begins, the more is done meanwhile */
    enum plan_action action;
    enum plan_state state;
    size_t blocker;  /* STATE_BLOCKED and blocked plans: the entry that failed; else the entry itself */
    int64_t elapsed; /* microseconds that apply took, waiting included */
    struct plan_times times;
};

struct plan {
    struct host *host;
    struct plan_entry *entries; /* one for each resource, at the same index */
    size_t *order;              /* indices of entries */
    size_t count;
    bool measure;              /* apply asks for the CPU time of each entry, which costs two system calls */
    void (*begin)(void *data); /* apply calls it, with apply_report's data, before it changes anything; may be NULL */
    int64_t worker_user;       /* of all workers together */
    int64_t worker_system;
};

/* Derive needs and order. A cycle is an error that names it. Release with plan_free() in either case. */
int plan_make(struct plan *plan, struct host *host, struct error *err);

/* Probe everything, in order, and set each entry's action. What cannot be seen yet, because something under it is still
 * to be made, counts as to be created. */
void plan_probe(struct plan *plan);

/* Does the plan hold this resource at, above or below `path`? For services, which need what they name. */
bool plan_touches(const struct plan_entry *entry, const char *path);

void plan_free(struct plan *plan);

#endif
