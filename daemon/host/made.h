/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts that edgeinit made, and taking them off again. The mount table does not tell who mounted what, so each is noted in
 * the run directory before it is made: one line, "d TARGET" (a device) or "b TARGET" (anything else). What was there before us
 * is not in it, and stays. A note of a mount that was not made after all does no harm: nothing is there to be taken off.
 *
 * They are taken off in the reverse order in which they were made, so binds go before the card that they may come from. What
 * services left mounted below one of them goes before it, for it cannot outlive it. Never lazily: what is in use stays, and is
 * told of with who uses it. A device is free only when it is mounted nowhere any more, which only the device itself tells
 * (opened with O_EXCL), since there may be other mount namespaces: until then there is a note "x NODE".
 */
#ifndef EDGEINIT_HOST_MADE_H
#define EDGEINIT_HOST_MADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct host;

/* `target` is about to be mounted. What is noted already is not noted again. */
int made_note(struct host *host, bool device, const char *target, struct error *err);

void made_free(struct host *host);

struct made_result {
    size_t taken; /* of ours */
    size_t held;  /* that stay */
};

/* Take them all off; waits at most `patience` microseconds, for all of them together, for what is in use. `tell` hears of each
 * target: err NULL when it is off. For the one that holds apply's lock. */
int made_take_off(struct host *host, int64_t patience,
                  void (*tell)(void *data, const char *target, const struct error *err), void *data,
                  struct made_result *result, struct error *err);

#endif
