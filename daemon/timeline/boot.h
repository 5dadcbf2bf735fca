/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot, made of its records: items (what happened before edgeinit, resources, services), what each needed, and how its
 * time was spent. Whatever the records say, what stands here is in order: all times lie between the kernel's start (0) and
 * `end`, no span ends before it begins, spans of an item follow one another, needs name other items.
 */
#ifndef EDGEINIT_TIMELINE_BOOT_H
#define EDGEINIT_TIMELINE_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "timeline/record.h"

enum item_kind {
    ITEM_PHASE, /* kernel, init, edgeinit's own beginning */
    ITEM_RESOURCE,
    ITEM_SERVICE,
    ITEM_KINDS /* their number */
};

/* The first items of every boot. */
enum item_phase {
    PHASE_KERNEL,
    PHASE_INIT,     /* until edgeinit's process was made */
    PHASE_MANIFEST, /* edgeinit's program is loaded, and reads the manifest */
    PHASE_DAEMON,   /* until the worker that applies was started */
    BOOT_PHASES     /* their number */
};

/* Who or what a time belongs to. */
enum span_kind {
    SPAN_BEFORE,  /* the kernel and init */
    SPAN_HELD,    /* waits for other items */
    SPAN_TURN,    /* could begin, and edgeinit is busy with others */
    SPAN_OUTSIDE, /* waits for what is not edgeinit's: a device, a condition */
    SPAN_WORK,    /* edgeinit works on it */
    SPAN_START,   /* the service's program, until it is ready */
    SPAN_TROUBLE, /* failed attempts, and the pauses after them */
    SPANS         /* their number */
};

struct span {
    enum span_kind kind;
    int64_t from;
    int64_t to;
    const char *label; /* "waiting", "starting"; the state's name for a service */
    char *detail;      /* owned; NULL: none */
};

struct item {
    enum item_kind kind;
    char *name;
    char state[16]; /* of its last record; "" if there was none */
    char cause[20];
    char *detail; /* owned; NULL: none */
    bool in_worker;
    bool for_all; /* see TIMELINE_FOR_ALL */
    bool open;    /* not settled, or not ready, when the records end */
    bool failed;
    size_t *needs; /* items that must be there first */
    size_t need_count;
    int64_t possible; /* all that it needs was there */
    int64_t began;    /* its first try, or the moment that it waited for nothing more */
    int64_t ended;    /* settled or ready for the first time; boot.end if open */
    int64_t told;     /* of a resource: verified, so that services may use it; else as `ended` */
    int64_t executed; /* of a service: its program; 0: not */
    struct span *spans;
    size_t span_count;
    uint32_t restarts;
    uint32_t waited; /* of a resource: microseconds */
    uint32_t probed;
    uint32_t applied;
    uint32_t user;
    uint32_t system;
};

struct mark {
    int64_t at;
    int32_t pid;
};

struct boot {
    char id[40];
    int64_t wall; /* CLOCK_REALTIME at `wall_at` */
    int64_t wall_at;
    bool ready;
    bool closed;        /* it was not ready when its time was over, or the daemon had been told to end */
    bool live;          /* still under way */
    int64_t end;        /* ready, or how far the records go */
    int64_t process;    /* edgeinit's process was made */
    struct item *items; /* the phases first, at their places */
    size_t count;
    struct mark *restarts; /* of the daemon, before the end */
    size_t restart_count;
    size_t daemons;      /* all of them */
    int64_t daemon_user; /* microseconds of CPU until the end */
    int64_t daemon_system;
    int64_t apply_user;
    int64_t apply_system;
    int kept;       /* -1: not tried; 0: yes; else the errno */
    size_t damaged; /* records */
};

/* Read the records of one boot. `now`: the boot is under way, and this is the time; 0: it is history. False if they do not
 * begin as a boot's do. Release with boot_free() in either case. */
bool boot_read(struct boot *boot, const void *data, size_t length, int64_t now);
void boot_free(struct boot *boot);

/* NULL: there is none. */
const struct item *boot_find(const struct boot *boot, const char *name);

/* Time that an item spent in spans of this kind between two moments. */
int64_t item_time(const struct item *item, enum span_kind kind, int64_t from, int64_t to);

/* Stable words. */
const char *item_kind_name(enum item_kind kind);
const char *span_kind_name(enum span_kind kind);

#endif
