/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices that come and go while the node runs. When a device goes that something of the manifest is mounted from, that is
 * covered (host/loss.h), and bring-up is asked for again: it does not touch what is lost before the services that need it
 * have stopped (drift_holds), then it waits for the device as at boot. When a device comes and a mount is missing, bring-up
 * is asked for again. Nothing is remembered that a daemon that comes back would not find in the mount table.
 */
#ifndef EDGEINIT_CONTROL_DRIFT_H
#define EDGEINIT_CONTROL_DRIFT_H

#include "control/bringup.h"

struct drift {
    struct bringup *bringup;
    struct loop_source events; /* fd -1: the kernel does not tell us */
    void (*again)(void *data); /* bring the board up again */
    void (*lost)(void *data, const char *resource);
    void *data;
    bool waiting;              /* for services to stop */
    struct loop_timer stopped; /* they have: outside of their own callbacks */
};

/* A kernel that does not tell is a warning. */
void drift_open(struct drift *drift, struct bringup *bringup, void (*again)(void *data),
                void (*lost)(void *data, const char *resource), void *data);
void drift_close(struct drift *drift);

/* A service has changed: if the last of those has stopped, bring-up goes on. */
void drift_look(struct drift *drift);

/* For bringup.c, before it applies: is something lost that services still use? They are told to stop, then. */
bool drift_holds(struct drift *drift);

#endif
