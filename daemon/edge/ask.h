/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to servers on this board, over HTTP: what a child asks that then ends, so it may block, but never beyond one
 * deadline for all of them. The questions are put at the same time. For checks, which must not block, see supervise/check.h.
 */
#ifndef EDGEINIT_EDGE_ASK_H
#define EDGEINIT_EDGE_ASK_H

#include "base/text.h"
#include "supervise/target.h"

#define ASK_LARGEST (1 << 20) /* bytes of an answer; what is longer is cut, which is an end as well */

enum ask_outcome {
    ASK_OPEN,       /* not asked yet, or no answer before the deadline */
    ASK_IMPOSSIBLE, /* nobody listens */
    ASK_CLOSED,     /* it hung up without an answer, or with something that is no HTTP */
    ASK_ANSWERED    /* `status` and `body` are its answer */
};

struct ask {
    const char *target; /* "unix:/var/run/docker.sock:/_ping", "http://127.0.0.1:10350/healthz" */
    enum ask_outcome outcome;
    bool connected; /* somebody took the connection, whatever came of it */
    int status;     /* of HTTP */
    struct text body;
    /* Within ask_all(): */
    int fd;
    size_t sent;
    struct text answer;
};

/* Ask all of them; returns when each is answered or cannot be, or after `patience` milliseconds. */
void ask_all(struct ask *asks, size_t count, int patience);

void ask_free(struct ask *ask);

#endif
