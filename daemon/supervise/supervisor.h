/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service loop: starts services in order, restarts each after its delay whenever it ends, passes its output on line
 * by line, stops all of them. A service starts once the resources it needs are in place and the services that it comes
 * after are ready. Everything happens in callbacks of the event loop; nothing here blocks. (Keepers, checks, conditions
 * and restart policies replace this loop; they get their own files.)
 */
#ifndef EDGEINIT_SUPERVISE_SUPERVISOR_H
#define EDGEINIT_SUPERVISE_SUPERVISOR_H

#include "base/loop.h"
#include "supervise/service.h"

enum service_state {
    SERVICE_WAITING,  /* for resources, or for a service that it comes after */
    SERVICE_BLOCKED,  /* a resource that it needs failed */
    SERVICE_STARTING, /* runs, has not said READY=1 yet */
    SERVICE_READY,
    SERVICE_DELAYED, /* ended; starts again when the delay is over */
    SERVICE_STOPPING,
    SERVICE_STOPPED,
    SERVICE_STATES /* their number */
};

#define SERVICE_LONGEST_LINE 2048

struct supervisor;

struct service {
    struct supervisor *supervisor;
    const struct service_config *config;
    enum service_state state;
    bool released; /* its resources are in place */
    pid_t pid;     /* 0: none */
    int64_t since; /* clock_now() of the last change of state */
    unsigned restarts;
    char cause[256]; /* why it is in this state; may be empty */
    int log_write;   /* kept open, so that the pipe outlives each instance */
    struct loop_source log;
    struct loop_source notify;
    char *notify_path; /* NULL: it does not notify */
    struct loop_timer timer;
    char line[SERVICE_LONGEST_LINE];
    size_t line_length;
};

struct supervisor {
    struct loop *loop;
    struct service *services;
    size_t count;
    bool stopping;
    void (*changed)(void *data, const struct service *service); /* may be NULL */
    void (*stopped)(void *data);                                /* all have stopped, after supervisor_stop() */
    void *data;
};

const char *service_state_name(enum service_state state);

/* Prepare pipes and notify sockets (in run_dir). The list must outlive the supervisor. */
int supervisor_open(struct supervisor *supervisor, struct loop *loop, const struct service_list *list,
                    const char *run_dir, struct error *err);

/* The resources that this service needs are in place: it may start. */
void supervisor_release(struct supervisor *supervisor, size_t index);
/* They are not, and why. */
void supervisor_block(struct supervisor *supervisor, size_t index, const char *cause);

/* A child ended. Returns false if it is no service. */
bool supervisor_reap(struct supervisor *supervisor, pid_t pid, int status);

/* Stop everything, in reverse order, each only when those that come after it have ended; then call `stopped`. */
void supervisor_stop(struct supervisor *supervisor);

void supervisor_close(struct supervisor *supervisor);

#endif
