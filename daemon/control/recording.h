/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon notes of a boot for "edgeinit timeline" (timeline/record.h): what the manifest asks for and what needs
 * what, each resource as it is settled, each service as it changes its state, until everything is ready for the first time
 * since the boot. From then on nothing is noted but the start of another daemon.
 *
 * At that moment, or RECORDING_DEADLINE after the first daemon's start, or when the daemon is told to end before either, the
 * boot is kept in the state directory: once, by a process of its own, for a write to flash may take long. Whatever fails
 * here costs the timeline alone.
 */
#ifndef EDGEINIT_CONTROL_RECORDING_H
#define EDGEINIT_CONTROL_RECORDING_H

#include <sys/resource.h>

#include "base/loop.h"
#include "supervise/node.h"
#include "supervise/supervisor.h"
#include "timeline/recorder.h"

#define RECORDING_DEADLINE (10 * 60 * INT64_C(1000000)) /* microseconds */

struct recording {
    struct recorder recorder;
    struct loop *loop;
    struct loop_timer deadline;
    const char *run_dir;
    const char *state_dir;
    size_t boots; /* to be kept */
    const struct supervisor *supervisor;
    int64_t entered; /* when this process began to read the manifest */
    int64_t loaded;  /* and when it had, with the CPU time that all took until then */
    struct rusage used;
    bool begun;        /* what is noted first is */
    int turn;          /* in a worker that may have begun before that: its end of file says that it is; else -1 */
    bool concluding;   /* the last states are noted */
    char **names;      /* of the services, by their numbers in the records */
    uint16_t *changes; /* and how much was noted of each */
    size_t count;
    size_t likely; /* the number that is asked for next, most likely */
};

/* `entered`: when this process began to read the manifest (clock_now()), which it has done by now. Of a boot that nothing was noted
 * of yet nothing is before recording_begin(), for it can wait, and the first worker cannot. */
void recording_open(struct recording *recording, struct loop *loop, const struct node_paths *paths, size_t boots,
                    int64_t entered);
void recording_begin(struct recording *recording);
void recording_close(struct recording *recording);

/* All services, what they come after, and their states; when there may be new ones. The supervisor is kept. */
void recording_services(struct recording *recording, const struct supervisor *supervisor);

/* A service changed its state. */
void recording_service(struct recording *recording, const struct service *service);

/* The worker applies this node, since `at`. */
void recording_bringup(struct recording *recording, const struct node *node, int64_t at);

/* In the worker: an entry of the plan changed its state, which is written with the next flush; the worker has ended. */
void recording_entry(struct recording *recording, const struct plan *plan, const struct plan_entry *entry);
void recording_flush(struct recording *recording);
void recording_applied(struct recording *recording, const struct plan *plan);

/* Everything is ready; the daemon is to end. */
void recording_ready(struct recording *recording);
void recording_end(struct recording *recording);

#endif
