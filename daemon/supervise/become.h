/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child's side of a start: from vfork(2) to execve(2). It records itself first, so whoever gets as far as executing its
 * program is known to every later keeper, and it dies with its keeper until then. Nothing fails silently: what is harmless
 * to go without (a limit, a priority) is said on the service's own log; what is not (its cgroups, user, context,
 * directory) ends the child, which leaves the step and the error in the record.
 *
 * It works in the keeper's memory, which gets all of it back: what it needs of its own is in the space that the keeper gave
 * it, and of the rest it changes only the record and the filter's step. Descriptors, signals, directory, limits and user are its own from the
 * first. Once it has another user nobody of that user can look into that memory: the change itself forbids it
 * (PR_SET_DUMPABLE).
 */
#ifndef EDGEINIT_SUPERVISE_BECOME_H
#define EDGEINIT_SUPERVISE_BECOME_H

#include "supervise/record.h"
#include "supervise/spec.h"
#include "supervise/stat_enter.h"

/* Pages of it that are not touched cost nothing. */
struct become_space {
    struct spec spec;
    char packed[SPEC_LARGEST + 1];
};

struct become {
    struct keeper_record *record;
    const char *notify; /* "NOTIFY_SOCKET=…" */
    struct become_space *space;
    struct stat_entry *filter;
    int oom_score_adj; /* unless the spec says another */
};

/* Dispositions are the same before as after, but for these: the keeper ignores them, and what is ignored stays so through
 * execve(2). Ended by 0. */
extern const int become_ignored[];

_Noreturn void become_service(const struct become *become);

#endif
