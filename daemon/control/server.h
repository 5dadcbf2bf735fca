/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's side of the control socket. It trusts nobody: root, and the groups that the manifest names, only (the
 * socket's mode, and SO_PEERCRED again); of these groups one may ask "status" and nothing else. Few clients at a time, short requests that come in time. A long answer is given by
 * a process of its own, so that a client that does not read holds up nobody.
 */
#ifndef EDGEINIT_CONTROL_SERVER_H
#define EDGEINIT_CONTROL_SERVER_H

#include "base/clock.h"
#include "base/loop.h"
#include "control/protocol.h"
#include "control/request.h"

/* What the daemon knows and the server does not. */
struct server_calls {
    /* The answer to "status"; called in a child process. */
    cJSON *(*status)(void *data);
    /* Begin what is asked. -1: refused, `note` says why. Else `note` may say something to the person, and *ticket is given
     * back to is_done. */
    int (*begin)(void *data, const struct request *request, uint64_t *ticket, char *note, size_t size);
    /* Is it done? 1 yes, 0 not yet, -1 never, with the reason. */
    int (*is_done)(void *data, const struct request *request, uint64_t ticket, char *reason, size_t size);
    void *data;
};

/* Whom the manifest lets in besides root: groups, (gid_t)-1: nobody. */
struct server_guests {
    gid_t group;   /* may ask everything */
    gid_t readers; /* may ask "status" */
};

enum server_right { RIGHT_NONE, RIGHT_STATUS, RIGHT_ALL };

struct server_client {
    struct server *server;
    enum server_right right;
    struct loop_source source;
    struct loop_timer deadline;
    char input[CONTROL_LARGEST_REQUEST];
    size_t length;
    bool waiting; /* for what it asked to be done */
    struct request request;
    uint64_t ticket;
    char note[512];
};

struct server {
    struct loop *loop;
    struct server_calls calls;
    struct loop_source listener;
    struct server_guests guests;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct server_client *clients[CONTROL_MOST_CLIENTS]; /* NULL: free */
};

int server_open(struct server *server, struct loop *loop, const char *run_dir, const struct server_guests *guests,
                const struct server_calls *calls, struct error *err);

/* Other guests from now on. */
void server_set_guests(struct server *server, const struct server_guests *guests);

/* Something changed: answer the waiting clients that now can be. */
void server_look_again(struct server *server);

void server_close(struct server *server);

#endif
