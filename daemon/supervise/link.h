/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's end of a keeper: finds the keeper of a service, or starts one, and talks to it. Nothing here knows policy.
 *
 * A keeper that runs is found by connecting to its socket. A new one is started with the other end of a socket pair, so it
 * is connected from its first instruction on. Either way its first record is the sign that it works; a link that ends
 * before or after that is told by `lost`.
 */
#ifndef EDGEINIT_SUPERVISE_LINK_H
#define EDGEINIT_SUPERVISE_LINK_H

#include <sys/resource.h>
#include <sys/types.h>

#include "base/loop.h"
#include "supervise/record.h"

struct link_calls {
    void (*record)(void *data, const struct keeper_record *record); /* something changed */
    void (*log)(void *data);                                        /* the ring has something new */
    void (*lost)(void *data);                                       /* the keeper is gone, or hung up; fd is closed */
    void *data;
};

struct link {
    struct loop *loop;
    struct loop_source source; /* fd -1: no keeper */
    struct link_calls calls;
};

void link_open(struct link *link, struct loop *loop, const struct link_calls *calls);

/* Connect to the keeper of this directory, and ask for its record. 0; 1 if there is no keeper; -1 on other errors. */
int link_connect(struct link *link, const char *directory, struct error *err);

struct link_start {
    const char *directory;
    int64_t ring_size;
    const char *group;          /* the cgroup.procs file that the keeper writes itself into; NULL: none */
    const struct rlimit *files; /* RLIMIT_NOFILE for it and its service */
    const char *context;        /* SELinux, where the loaded policy knows it; NULL: what the policy says */
    int (*prepare)(
        void *data); /* runs in the new process before it becomes the keeper; when it returns other than 0 that
                                   ends, and the link is lost. NULL: nothing to prepare, then the process is made by
                                   vfork(2), which does not copy what a daemon of many services has mapped */
    void *data;
};

/* Start a keeper. Returns its pid (our child). */
pid_t link_start(struct link *link, const struct link_start *start, struct error *err);

bool link_is_up(const struct link *link);

/* Send a message. A keeper that does not read is as good as lost: the link is closed, and `lost` is NOT called: the answer
 * is false. */
bool link_send(struct link *link, const struct wire_message *message);

void link_close(struct link *link);

#endif
