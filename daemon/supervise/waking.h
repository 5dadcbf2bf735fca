/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for what a judgement says can change things: EVENT_WAKE of its service when one of the wakes comes. Levels come
 * when they begin to hold, edges when something is different from its stamp, so it does not matter whether that happened
 * before this was begun, or while there was no daemon. Event-driven by conditions of its own (condition.h); nothing polls,
 * unless the kernel refuses a descriptor or a watch.
 */
#ifndef EDGEINIT_SUPERVISE_WAKING_H
#define EDGEINIT_SUPERVISE_WAKING_H

#include "supervise/judgement.h"

struct service;
struct waking;

/* The wakes of a judgement that has just come: complete (the suspect's readiness is one), possible ones only, and for levels
 * with a note which hold already: these must be seen not to hold first. *holds: is there one that does? */
void waking_note(struct judgement *judgement, bool *holds);

/* The judgement of `service` must stay while this lives. */
struct waking *waking_begin(struct service *service);
void waking_end(struct waking *waking); /* NULL is none */

/* Some service became ready. */
void waking_look(struct waking *waking);

#endif
