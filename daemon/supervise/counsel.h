/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service's profile (edge/profile.h) has to say about it, from this side: who asks, and what becomes of the answer.
 * Whoever owns the supervisor answers (control/asking.h, with a child), for the profiles are above this room.
 *
 * The machine says when: ACTION_PREPARE before a start, ACTION_JUDGE after a failed end. The answer is a judgement, or none.
 * One that holds the service is written into its directory before the machine hears of it, so a daemon that comes back says
 * the same words and waits for the same things (waking.h); one that the daemon did not live to hear is asked for again.
 *
 * It is forgotten when the service has run well since, is stopped, or has ended in a way that nobody recognises.
 */
#ifndef EDGEINIT_SUPERVISE_COUNSEL_H
#define EDGEINIT_SUPERVISE_COUNSEL_H

#include "supervise/judgement.h"
#include "supervise/service.h"

struct service;

enum question {
    QUESTION_PREPARE,
    QUESTION_JUDGE,
    QUESTION_SETTLE, /* once after it has become ready, by each daemon; nothing comes of the answer */
    QUESTIONS
};

/* All NULL: nobody knows anything. */
struct counsel_calls {
    bool (*has)(const struct service_config *config, enum question question);
    /* Answered by counsel_answer() later, from the loop, and in any case. */
    void (*ask)(void *data, struct service *service, enum question question);
    /* Nobody waits for that answer any more. */
    void (*forget)(void *data, struct service *service, enum question question);
    void *data;
};

/* What an earlier daemon was told. */
void counsel_open(struct service *service);
void counsel_close(struct service *service);

/* After each step of the machine: ask what its actions say, let go of what does not matter any more. */
void counsel_follow(struct service *service, unsigned actions);

/* The answer; NULL: there is none. */
void counsel_answer(struct service *service, enum question question, const struct judgement *judgement);

/* The judgement that is the reason of the service's present state; NULL: there is none. */
const struct judgement *counsel_verdict(const struct service *service);

#endif
