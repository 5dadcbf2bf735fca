/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A functional probe: one subject, one file, one row of the table in probes.c. It answers the questions of its own rows, each
 * with a stable code, and what they cost and what cures them stands in the row, unless the board tells more exactly.
 *
 * Invariants: run() has a process of its own (and a mount namespace, where `mounts` says so) and may do there what it likes,
 * but outlives nothing: what it makes elsewhere (a scratch directory, a scratch group) has the name that probe_scratch()
 * gives, and clean() removes it for a process that was killed. quick() runs in the daemon: it reads, and that is all.
 * What could not be tried is unknown, never "no".
 */
#ifndef EDGEINIT_DOCTOR_PROBE_H
#define EDGEINIT_DOCTOR_PROBE_H

#include <errno.h>
#include <sys/types.h>

#include "doctor/board.h"
#include "doctor/doctor.h"

struct probe_row {
    const char *code; /* a '*' in it stands for what `said.subject` names */
    enum need need;
    const char *title; /* what is asked */
    const char *cost;
    const char *remedy;
};

struct answers; /* where they go */

struct probe {
    const char *name;
    const struct probe_row *rows;
    size_t count;
    bool root;   /* nobody else can try it */
    bool mounts; /* wants a mount namespace of its own */
    void (*run)(struct answers *answers, const struct board *board);
    void (*quick)(struct answers *answers, const struct board *board);  /* NULL: not cheap */
    size_t quick_count;                                                 /* it answers the first so many rows */
    void (*clean)(const struct board *board, const char *scratch_name); /* NULL: it makes nothing */
    void (*describe)(void (*print)(const char *text)); /* what stands for the '*', as Markdown; NULL: nothing to say */
};

struct said {
    unsigned row;
    enum answer answer;
    const char *subject;
    const char *cost;   /* NULL: the row's */
    const char *remedy; /* NULL: the row's */
};

/* Give an answer; the text is the fact in words. */
void probe_say(struct answers *answers, const struct said *said, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define say(answers, row_, answer_, ...) \
    probe_say(answers, &(struct said){.row = (row_), .answer = (answer_)}, __VA_ARGS__)

/* "no", or "unknown" if we were merely not allowed to try. */
static inline enum answer probe_failed(int errnum)
{
    return errnum == EPERM || errnum == EACCES ? ANSWER_UNKNOWN : ANSWER_NO;
}

/* The name of what the probe in process `pid` leaves lying about until it removes it. */
#define SCRATCH_PREFIX ".edgeinit-doctor."
void probe_scratch(char name[64], pid_t pid);
/* Was this left by a process that is gone? */
bool probe_is_stale(const char *name);

extern const struct probe *const doctor_probes[];
extern const size_t doctor_probe_count;

/* The row of a code as found in findings: "cgroup.devices" belongs to the row "cgroup.*" unless it has one of its own. */
const struct probe_row *probe_find_row(const char *code);

extern const struct probe probe_process;
extern const struct probe probe_policy;
extern const struct probe probe_system;
extern const struct probe probe_program;
extern const struct probe probe_helper;
extern const struct probe probe_names;
extern const struct probe probe_groups;
extern const struct probe probe_storage;
extern const struct probe probe_card;
extern const struct probe probe_overlay;
extern const struct probe probe_network;
extern const struct probe probe_kubeedge;

#endif
