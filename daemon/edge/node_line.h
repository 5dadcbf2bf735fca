/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the board is as a node of the cloud, in one line that a person understands: since when it is Ready, or what it waits
 * for and what to do. Found out at the moment of the question, by a child that ends: from edgecore's state, whether it has
 * certificates, whether it is connected to the cloud, the pods that it runs, and the node's Ready condition, which edgecore
 * asks the cloud for.
 *
 * edgecore's answer about the node may be an old copy while the cloud is away, and comes late or never while the link is
 * cut; so it counts only with a connection, and there is a deadline for all of it (NODE_PATIENCE).
 */
#ifndef EDGEINIT_EDGE_NODE_LINE_H
#define EDGEINIT_EDGE_NODE_LINE_H

#include "edge/profile.h"

#define NODE_PATIENCE 900 /* milliseconds */

enum node_state {
    NODE_READY,
    NODE_NOT_READY,  /* the cloud says so */
    NODE_OFFLINE,    /* joined; runs its pods without the cloud */
    NODE_JOINING,    /* edgecore runs and has no certificates yet */
    NODE_NOT_JOINED, /* edgecore does not run, and has no certificates */
    NODE_DOWN,       /* edgecore does not run */
    NODE_STATES      /* their number */
};

extern const char *const node_state_words[NODE_STATES];

/* What is known beside the network: from the supervisor and the manifest. */
struct node_view {
    const struct edge_config *edge;
    const char *name; /* the node's */
    enum service_state service;
    const char *service_name;
    const char *reason;                /* of the service's state, in words; may be "" */
    const struct judgement *judgement; /* of edgecore's last end or preparation; NULL: none */
};

/* What was found. */
struct node_facts {
    bool joined;         /* it has a certificate */
    bool connected;      /* edgecore has a connection to the cloud's port */
    int pods;            /* that run; -1: not known */
    bool runtime_fails;  /* edgecore cannot list them: docker or containerd does not answer it */
    int ready;           /* the Ready condition: 1, 0; -1: not known */
    int64_t since;       /* of that condition, seconds since 1970; 0: not known */
    char complaint[128]; /* the condition's message, if it is not True */
};

/* Look. Blocks for NODE_PATIENCE at most. */
void node_facts_find(const struct node_view *view, struct node_facts *facts);

/* The answers' bodies: /runningpods/, a PodList; /api/v1/nodes/NAME, a Node. Pure. */
int node_pods_of(const char *body);
void node_condition_of(const char *body, struct node_facts *facts);

/* The state and the line, "Ready since 14:02:11, joined cloud 10.0.0.5, 3 pods", without the node's name. Pure, but for the
 * time zone; `now` in seconds since 1970. */
enum node_state node_line_tell(const struct node_view *view, const struct node_facts *facts, int64_t now,
                               struct text *line);

/* All of it, as JSON for status (docs/json.md). Own the result. */
cJSON *node_line_json(const struct node_view *view);

#endif
