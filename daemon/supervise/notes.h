/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon must still know after it was killed: the state machine of one service, how far its log was passed on. It
 * is the file `state` of the service's directory, on a tmpfs, mapped: a note is a few stores into memory, no system call.
 * Each part is kept twice, and a counter says which copy is the good one, so that a death between any two instructions
 * leaves either the old or the new.
 */
#ifndef EDGEINIT_SUPERVISE_NOTES_H
#define EDGEINIT_SUPERVISE_NOTES_H

#include "base/error.h"
#include "supervise/machine.h"
#include "supervise/ring.h"

struct notes_page;

struct notes {
    struct notes_page *page;
};

/* Open the notes at `path`, or make them with a machine that has just begun. What another boot left, or what is no possible
 * machine, is made anew; *fresh says so. */
int notes_open(struct notes *notes, const char *path, int64_t now, bool *fresh, struct error *err);
void notes_close(struct notes *notes);

void notes_machine(const struct notes *notes, struct machine *machine);
void notes_set_machine(struct notes *notes, const struct machine *machine);

void notes_cursor(const struct notes *notes, struct ring_cursor *cursor);
void notes_set_cursor(struct notes *notes, const struct ring_cursor *cursor);

#endif
