/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One service at work: its machine decides, this carries out. It owns the link to the keeper, the timers, the checks, the
 * watch for a missing program and the sweep of its group; each tells the machine what happened, as an event, and the
 * machine's new state is noted before any of its actions is begun. A record of the keeper is compared with what was known,
 * so it does not matter how often the keeper says something, nor to which daemon.
 */
#ifndef EDGEINIT_SUPERVISE_RUNNING_H
#define EDGEINIT_SUPERVISE_RUNNING_H

#include "host/track.h"
#include "supervise/check.h"
#include "supervise/counsel.h"
#include "supervise/forward.h"
#include "supervise/link.h"
#include "supervise/machine.h"
#include "supervise/notes.h"
#include "supervise/service.h"
#include "supervise/waking.h"
#include "supervise/watch.h"

#define SERVICE_EXPLANATION 640 /* bytes, with the NUL */

struct supervisor;

struct service {
    struct supervisor *supervisor;
    const struct service_config *config;
    struct service_config *own_config; /* of a service that the manifest no longer names */
    struct machine_config policy;
    char *directory;
    struct notes notes;
    struct machine machine; /* as noted */
    unsigned turn;          /* counts its steps */
    struct link link;
    struct forward log;
    struct keeper_record record; /* the last one; all zero before the first */
    pid_t keeper;                /* if it is our child */
    bool known;                  /* a record has come through this link */
    bool started_keeper;         /* the last keeper was started by us, not found */
    bool adopting;               /* WIRE_ADOPT is on its way */
    bool again;                  /* the next record is the first of another keeper */
    bool described;              /* its spec is written, from this config */
    bool renew;                  /* the next instance needs a new keeper */
    bool retired;                /* stop it, and forget it */
    uint64_t asked;              /* the instance that this link's keeper was asked to start; its answers may be older */
    uint64_t sent;               /* the instance that some keeper was, or may have been, asked to start */
    uint64_t executed;           /* the instance that is known to execute its program */
    bool probed;                 /* the readiness probe of this instance has succeeded */
    struct loop_timer timer;     /* the machine's */
    struct loop_timer patience;  /* before the keeper is started again */
    int64_t looking_since;       /* we have taken it up, or have another keeper of it */
    struct loop_timer watchdog;
    struct check ready;
    struct check alive;
    int64_t unwell_since; /* its liveness checks fail since, and it was excused (excuse.h); 0: they do not */
    struct watch *program;
    struct loop_source sweep; /* pidfd of a process that is to end; fd -1: no sweep */
    struct loop_timer sweep_again;
    bool sweeping;  /* what is left of its group is being killed, or will be once the keeper is known */
    bool resources; /* are in place */
    bool lost_all;  /* and nothing of its group may be left when it has ended */
    bool excused;   /* its bad health was told of, with the excuse */
    bool prepared;  /* for the start that is being decided, and only while it is */
    bool asked_profile[QUESTIONS];

    char *lost;         /* the resource or service that it cannot do without: to be stopped (lose.c); NULL: none */
    char *blocker;      /* the resource that failed; NULL: none */
    uint64_t explained; /* the instance whose end was looked into */
    char *explanation;  /* of its failures, by doctor; NULL: none. Gone when it is ready for good */
    struct judgement *judgement; /* by its profile, of its last end or of its last preparation; NULL: none */
    struct waking *waking;       /* waits for what that says; NULL: nothing */
    uint64_t settled;            /* the instance whose profile was asked to settle */
    char detail[160];       /* what belongs to the cause: the condition that does not hold, the probe that failed */
    struct service **first; /* those that it comes after */
    struct service **later; /* those that come after it */
    size_t first_count;
    size_t later_count;
};

/* Make the service's directory, read its notes, find its keeper. `config` must outlive it. */
struct service *running_new(struct supervisor *supervisor, const struct service_config *config, struct error *err);
/* Let go; the keeper and the service live on. */
void running_free(struct service *service);
/* Remove what is left of a service that has ended, its keeper too; the notes about it only to forget it for good. */
void running_remove(struct service *service, bool forget);

/* The config changed in place; restart the service if it has to be started differently now. */
void running_configure(struct service *service, const struct service_config *config);

/* Something happened. `detail` (may be NULL) belongs to the cause. */
void running_event(struct service *service, enum machine_event event, enum service_cause cause, const char *detail);

/* After the daemon came back, or has another keeper: do again what the state asks for. */
void running_resume(struct service *service);

/* It is to start soon: what that takes is made now. */
void running_expect(struct service *service);

/* Does an instance run, as far as is known? */
bool running_is_up(const struct service *service);

/* Why it is in its state, as a sentence; "" if there is nothing to say. Returns buffer. */
const char *running_reason(const struct service *service, char *buffer, size_t size);

#endif
