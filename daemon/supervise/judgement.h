/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known, beyond its exit status, about why a service cannot be started or has failed, and what to do about it. Made
 * by a child of the daemon that looked into it (edge/profile.h: before a start, or after an end), sent through a pipe,
 * kept in the service's directory so that it outlives the daemon. Plain data: here is what the supervisor does with it.
 *
 * JUDGEMENT_RETRY: it is started again after its delay, as the policy says, or as soon as one of the wakes comes.
 * JUDGEMENT_PARK: it is not started before one of the wakes comes, or `again_after` is over.
 * In both cases status and log say `code` (stable word: "token-refused"), what was seen, and the remedy.
 */
#ifndef EDGEINIT_SUPERVISE_JUDGEMENT_H
#define EDGEINIT_SUPERVISE_JUDGEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define JUDGEMENT_WAKES 6
#define JUDGEMENT_VALUE 256

enum judgement_hold {
    JUDGEMENT_NONE, /* nothing is known, or nothing is wrong */
    JUDGEMENT_RETRY,
    JUDGEMENT_PARK
};

enum wake_kind {
    WAKE_NONE,
    /* Levels: as soon as it holds; value as in the manifest's conditions. */
    WAKE_ROUTE,
    WAKE_ADDRESS,
    WAKE_CLOCK,
    WAKE_FILE, /* the path exists */
    WAKE_MOUNT,
    /* Edges: something is different from what it was when the judgement was made. */
    WAKE_FILE_CHANGED,    /* path: other content (inode, size, mtime; made, removed) */
    WAKE_NETWORK_CHANGED, /* a global address came, or a route by way of a gateway */
    WAKE_CLOCK_CHANGED,   /* the clock was set, by more than a few seconds */
    WAKE_SERVICE_READY,   /* name: it became ready since */
    WAKE_KINDS            /* their number */
};

struct wake {
    int32_t kind; /* enum wake_kind */
    char value[JUDGEMENT_VALUE];
    int64_t stamp[3]; /* of an edge, what it was when it was judged; filled by judgement_wake() */
};

struct judgement {
    int32_t hold;        /* enum judgement_hold */
    int32_t blameless;   /* does not count as a failure of this service: its delay does not grow */
    int64_t again_after; /* milliseconds; JUDGEMENT_PARK: tried again then in any case; 0: never */
    uint64_t instance; /* which instance's end, or the next one's number for a preparation; filled by the supervisor */
    char code[32];     /* "cloud-unreachable" */
    char what[192];    /* what was seen, without a full stop: "10.0.0.5:10002 refuses the connection" */
    char remedy[256];  /* what a person can do */
    char line[160];    /* the line of its log that told; "" if none did. Never a secret */
    char suspect[32];  /* a service that seems to be the real culprit: its liveness is looked at at once; "" if none */
    struct wake wakes[JUDGEMENT_WAKES]; /* up to the first WAKE_NONE */
};

/* Add a wake (and take its stamp: so before the look at what it is about). `value` is "" for the kinds that need none. One
 * that does not fit (more than JUDGEMENT_WAKES, a value of JUDGEMENT_VALUE bytes or more) is not kept; it is tried again after
 * a minute then, if nothing else is said. */
void judgement_wake(struct judgement *judgement, enum wake_kind kind, const char *value);

/* Is it different now from what its stamp says? False for a level. WAKE_SERVICE_READY is the supervisor's to know: its stamp
 * is the clock_now() when it was taken. Reads the kernel, never blocks (but for the file system of WAKE_FILE_CHANGED). */
bool judgement_edge_came(const struct wake *wake);

/* What came through a pipe or out of a file becomes a judgement: enums in range, texts ended and without a control character or
 * a byte that is no UTF-8. False: these bytes are none. */
bool judgement_take(struct judgement *judgement, const void *bytes, size_t length);

/* Into the service's directory, whole; and from there. False: there is none that is readable. */
int judgement_write(const struct judgement *judgement, const char *directory, struct error *err);
bool judgement_read(struct judgement *judgement, const char *directory);
void judgement_remove(const char *directory);

/* "/data/token to change", "a default route" or as another part of "waits for …". Returns buffer. */
const char *judgement_wake_text(const struct wake *wake, char *buffer, size_t size);

/* "token-refused: the cloud refused the token; make a new one (keadm gettoken), write it to /data/token". Returns buffer. */
const char *judgement_text(const struct judgement *judgement, char *buffer, size_t size);

#endif
