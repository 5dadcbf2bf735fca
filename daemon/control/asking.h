/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the profiles of services (edge/profile.h): each question in a child that reads the manifest afresh, calls the
 * profile, and sends its judgement back as one write. So a profile may use memory and may hang, and the loop goes on. The
 * children of different services are at work at once. One that dies, or is silent for PROFILE_PATIENCE, has no answer, and
 * the service is then started, or goes on, as if it had no profile. None outlives the daemon, nor the wish for its answer.
 */
#ifndef EDGEINIT_CONTROL_ASKING_H
#define EDGEINIT_CONTROL_ASKING_H

#include "supervise/node.h"
#include "supervise/supervisor.h"

struct asking {
    struct loop *loop;
    const struct node_paths *paths;
    struct ask *asks; /* under way */
};

/* Make it the supervisor's counsel; before supervisor_open(). */
void asking_open(struct asking *asking, struct loop *loop, struct supervisor *supervisor,
                 const struct node_paths *paths);
void asking_close(struct asking *asking);

/* A child ended: was it one of ours? */
bool asking_reap(struct asking *asking, pid_t pid);

#endif
