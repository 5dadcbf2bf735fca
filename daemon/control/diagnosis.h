/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a service failed, in the words of doctor: its last lines are held against what is known of such lines, and against the
 * cheap findings about this board. Done by a child that ends, after the failure was dealt with: it costs the daemon neither
 * memory nor time. One at a time, the others after it; a service that fails again and again is looked at when its failures have doubled.
 */
#ifndef EDGEINIT_CONTROL_DIAGNOSIS_H
#define EDGEINIT_CONTROL_DIAGNOSIS_H

#include "supervise/node.h"
#include "supervise/supervisor.h"

struct diagnosis {
    struct loop *loop;
    const struct supervisor *supervisor;
    const struct node_paths *paths;
    struct loop_source answer; /* the child's pipe; fd -1: none is at work */
    char name[SERVICE_LONGEST_NAME + 1];
};

void diagnosis_open(struct diagnosis *diagnosis, struct loop *loop, const struct supervisor *supervisor,
                    const struct node_paths *paths);

/* The service has changed: if it has failed, find out why. The answer becomes its `explanation`, and a line of the log. */
void diagnosis_look(struct diagnosis *diagnosis, struct service *service);

/* The cheap findings of doctor, once after bring-up: what is not as it should be becomes a line of the log, whatever then
 * fails. Done by a child. */
void diagnosis_examine(const struct diagnosis *diagnosis);

void diagnosis_close(struct diagnosis *diagnosis);

#endif
