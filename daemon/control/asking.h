/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks the profiles of services (edge/profile.h): each question in a child that reads the manifest afresh, calls the
 * profile, and sends its judgement back as one write. So a profile may use memory and may hang, and the loop goes on. The
 * children of different services are at work at once. One that dies, or is silent for PROFILE_PATIENCE, has no answer, and
 * the service is then started, or goes on, as if it had no profile. None outlives the daemon, nor the wish for its answer.
 *
 * The first preparations of a boot have their children made before they are asked for, while the resources are brought up:
 * these have the node that is being applied, and wait for a byte. Whoever is missing when it is asked for is made then.
 */
#ifndef EDGEINIT_CONTROL_ASKING_H
#define EDGEINIT_CONTROL_ASKING_H

#include "supervise/node.h"
#include "supervise/supervisor.h"

struct asking {
    struct loop *loop;
    const struct supervisor *supervisor;
    const struct node_paths *paths;
    struct ask *asks;     /* under way */
    struct ask *expected; /* not asked for yet */
};

/* Make it the supervisor's counsel; before supervisor_open(). */
void asking_open(struct asking *asking, struct loop *loop, struct supervisor *supervisor,
                 const struct node_paths *paths);
void asking_close(struct asking *asking);

/* The services that wait for their resources alone will be prepared next, with this node: the children that do it are made
 * meanwhile, and wait. They are for the bring-up that is under way, and for no other. */
void asking_expect(struct asking *asking, const struct node *node);
void asking_expect_nothing(struct asking *asking);

/* A child ended: was it one of ours? */
bool asking_reap(struct asking *asking, pid_t pid);

#endif
