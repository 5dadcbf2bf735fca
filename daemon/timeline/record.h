/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is noted of a boot while it happens: records of 64 bytes, one after another in RUN_DIR/timeline, appended by
 * whoever knows: the daemon, and the worker that applies the manifest. Each carries a checksum, so a file that was cut or
 * damaged loses those records alone. 64 divides a page, and a write(2) that a SIGKILL cuts short ends at a page's end: a
 * record is there whole or not at all, but for a damaged disk.
 *
 *   BOOT      first: which boot this is
 *   DAEMON    a daemon has begun; after the first one, it was restarted
 *   INIT      the kernel executed the first process
 *   ITEM      resource or service INDEX is called so; the text may take several records. A daemon that was restarted
 *             numbers anew: the last ITEM counts
 *   NEEDS     what an item cannot go without
 *   BRINGUP   the worker that applies was started
 *   RESOURCE  a resource is settled, well or badly
 *   DETAIL    what an item waits for, or why it failed
 *   SERVICE   a service changed its state
 *   APPLIED   the worker has ended well
 *   READY     everything is ready; nothing but DAEMON and KEPT follows
 *   CLOSED    it was not ready within the time, or the daemon was told to end: what is kept ends here
 *   KEPT      it was written to the state directory, or could not be
 *
 * States and causes are noted by their names, not their numbers: those change from version to version, and what is shown
 * may be a boot of the version before. Times are clock_now(): microseconds since the kernel's start.
 */
#ifndef EDGEINIT_TIMELINE_RECORD_H
#define EDGEINIT_TIMELINE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMELINE_VERSION 1
#define TIMELINE_MOST 8192         /* records in a file */
#define TIMELINE_TEXT 44           /* bytes of a text in one record */
#define TIMELINE_LONGEST_TEXT 1100 /* of all its records: a kind and a path */
#define TIMELINE_NEEDS_EACH 22

enum timeline_type {
    TIMELINE_BOOT = 1,
    TIMELINE_DAEMON,
    TIMELINE_ITEM,
    TIMELINE_NEEDS,
    TIMELINE_BRINGUP,
    TIMELINE_RESOURCE,
    TIMELINE_DETAIL,
    TIMELINE_SERVICE,
    TIMELINE_APPLIED,
    TIMELINE_READY,
    TIMELINE_CLOSED,
    TIMELINE_KEPT,
    TIMELINE_INIT,
    TIMELINE_TYPES /* one more than the last */
};

enum timeline_kind { TIMELINE_OF_RESOURCE, TIMELINE_OF_SERVICE, TIMELINE_KINDS };

enum timeline_flag {
    TIMELINE_IN_WORKER = 1 << 0, /* a process of its own applies it, for it may block */
    TIMELINE_FOR_ALL = 1 << 1,   /* a resource without a place: every service waits until it is settled */
};

struct timeline_record {
    uint32_t check; /* of the bytes behind it */
    uint8_t type;   /* enum timeline_type */
    uint8_t kind;   /* enum timeline_kind, of INDEX */
    uint16_t index;
    int64_t at;
    union {
        struct {
            char id[40];  /* with the NUL */
            int64_t wall; /* CLOCK_REALTIME at that moment, microseconds: a board without a clock says 1970 */
        } boot;
        struct {
            int64_t process; /* the daemon's process was made */
            int64_t entered; /* it began to read the manifest, done at `at` */
            uint32_t version;
            uint32_t user; /* microseconds of CPU until `at` */
            uint32_t system;
            int32_t pid;
        } daemon;
        struct {
            uint16_t offset; /* of this piece; 0 begins anew */
            uint8_t length;
            uint8_t flags; /* enum timeline_flag, of ITEM */
            char bytes[TIMELINE_TEXT];
        } text;
        struct {
            uint8_t kind; /* of what is needed */
            uint8_t count;
            uint16_t items[TIMELINE_NEEDS_EACH];
        } needs;
        struct {
            int64_t began; /* its first try; 0: never */
            int64_t ended; /* `at` is when it had been verified, too, and was told */
            uint32_t waited;
            uint32_t probed;
            uint32_t applied;
            uint32_t user;
            uint32_t system;
            uint16_t blocker; /* the resource that failed; itself if none */
            char state[10];
        } resource;
        struct {
            char state[12];
            char cause[16];
            uint32_t instance;
            uint32_t restarts;
            int64_t executed; /* this instance executes its program since; 0: not yet */
        } service;
        struct {
            int64_t user; /* of the process that is told of, and the workers that it waited for */
            int64_t system;
            uint32_t error; /* KEPT: errno; 0: it is kept */
        } total;
        char bytes[48];
    };
};

_Static_assert(sizeof(struct timeline_record) == 64, "a record divides a page");

/* Fill in the checksum, when all else is there. */
void timeline_seal(struct timeline_record *record);

/* The next good record at or after *offset, which is moved behind it; NULL: there is none. Those that are damaged are
 * passed over and added to *damaged (may be NULL). */
const struct timeline_record *timeline_next(const void *data, size_t length, size_t *offset, size_t *damaged);

/* Is this the beginning of a boot's records, and whose? `id` is then a string. */
bool timeline_is_boot(const void *data, size_t length, char id[40]);

/* Text of a record, which may hold anything, made fit for a terminal and an XML document, in place. */
void timeline_make_printable(char *text);

#endif
