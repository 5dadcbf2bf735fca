/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of the control socket. It trusts nobody: root only (the socket's mode, and SO_PEERCRED again), few
 * clients at a time, short requests that come in time. A long answer is given by a process of its own, so that a client
 * that does not read holds up nobody.
 */
#ifndef EDGEINIT_CONTROL_SERVER_H
#define EDGEINIT_CONTROL_SERVER_H

#include "base/clock.h"
#include "base/loop.h"
#include "control/protocol.h"

/* What the daemon knows and the server does not. */
struct server_calls {
    /* The answer to "status"; called in a child process. */
    cJSON *(*status)(void *data);
    /* Is the service (NULL: all) ready? 1 yes, 0 not yet, -1 never, with the reason. */
    int (*is_ready)(void *data, const char *service, char *reason, size_t size);
    void *data;
};

struct server_client {
    struct server *server;
    struct loop_source source;
    struct loop_timer deadline;
    char request[CONTROL_LARGEST_REQUEST];
    size_t length;
    bool waiting;     /* for readiness */
    char service[32]; /* "" for all */
};

struct server {
    struct loop *loop;
    struct server_calls calls;
    struct loop_source listener;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct server_client *clients[CONTROL_MOST_CLIENTS]; /* NULL: free */
};

int server_open(struct server *server, struct loop *loop, const char *run_dir, const struct server_calls *calls,
                struct error *err);

/* Something changed: answer the waiting clients that now can be. */
void server_look_again(struct server *server);

void server_close(struct server *server);

#endif
