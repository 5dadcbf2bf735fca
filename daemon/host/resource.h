/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A resource is one piece of board state that the manifest asks for; its kind says what can be done with it. A kind is
 * one row of a table (host.c) and one file: from its section of the manifest down to the system call, all of it stands
 * there. Invariants that every kind keeps:
 *
 *   - probe() reads the kernel's truth and changes nothing, not even an access time that matters;
 *   - apply() brings the resource in place from whatever probe() found, can be killed at any instant, and can be run
 *     again; it returns success only if the kernel said so;
 *   - what apply() did, probe() confirms: a resource that was applied and does not probe as in place is a failure;
 *   - neither prints.
 */
#ifndef EDGEINIT_HOST_RESOURCE_H
#define EDGEINIT_HOST_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "manifest/reader.h"

struct host;
struct resource;

/* What a probe found. */
enum verdict {
    VERDICT_UNKNOWN, /* not probed yet */
    VERDICT_IN_PLACE,
    VERDICT_LEFT_OUT,   /* this kernel does not have it, and the manifest says that it is optional */
    VERDICT_ABSENT,     /* apply will create it */
    VERDICT_DIFFERS,    /* apply will change it */
    VERDICT_BLIND,      /* the kernel does not let it be read back: applied every time */
    VERDICT_IMPOSSIBLE, /* apply cannot help: see resource.error */
    VERDICTS            /* their number */
};

/* What a resource stands on, collected by the kind's needs(). */
#define NEEDS_MOST 4
struct need_list {
    const char *paths[NEEDS_MOST]; /* every resource at or above one of these must be in place first */
    size_t path_count;
    const char *names[NEEDS_MOST]; /* resources by name, where no path shows the need; unknown names are ignored */
    size_t name_count;
};

/* The texts are not copied and must live as long as the resource. */
void need_path(struct need_list *needs, const char *path);
void need_name(struct need_list *needs, const char *name);

/* A mount(2) that is ready to be made. */
struct mount_call {
    const char *source;
    const char *target;
    const char *type;
    unsigned long flags;
    char *data; /* owned by who gets it; NULL: none */
};

struct resource_kind {
    const char *name;    /* "mount": the first word of the resource's name */
    const char *section; /* its key under "host" */
    void (*parse)(const struct reader *section, struct host *host);
    void (*needs)(const struct resource *resource, struct need_list *needs);
    enum verdict (*probe)(struct resource *resource, struct host *host);
    /* Asked by apply before it probes, on a board that looks fresh so far (host.fresh): true if the first call of apply(), one
     * that fails where something is, such as mkdir(2), has told that nothing was there, and made it. Then there is no need to
     * look. False: nothing was done. NULL: probe(). */
    bool (*begin)(struct resource *resource, struct host *host);
    /* The look after apply(), where one that costs less than probe() proves it: the call said yes, and the kernel shows at the
     * place what was not there before. In any doubt it leaves the judgement to probe(). NULL: probe(). */
    enum verdict (*confirm)(struct resource *resource, struct host *host);
    int (*apply)(struct resource *resource, struct host *host, struct error *err);
    /* What apply() needs done first that may open a remount window: always called in the main process, where windows
     * follow one another. NULL: nothing. */
    int (*prepare)(struct resource *resource, struct host *host, struct error *err);
    /* May apply() block for long (a device that hangs)? Then it runs in a worker process. NULL: never. */
    bool (*slow)(const struct resource *resource);
    /* Where all that is slow about apply() is one mount(2): true if what comes before that has been done, and this is the call. It is
     * then made by a process that can do nothing else. False: a worker runs apply(). NULL: never. */
    bool (*one_call)(struct resource *resource, struct host *host, struct mount_call *call);
    /* That call was refused: the error of apply() for this errno. In a worker, for it may look at the device. Returns -1. */
    int (*refused)(const struct resource *resource, int errnum, struct error *err);
    /* How long to wait, in milliseconds, while apply() fails with ERROR_TIMEOUT. NULL: not at all. */
    int64_t (*wait)(const struct resource *resource);
    /* A descriptor that becomes readable when another try is worth it; the caller closes it. NULL with wait NULL. */
    int (*watch)(const struct resource *resource, struct error *err);
    void (*free_spec)(void *spec); /* NULL: the spec is one allocation */
};

struct resource {
    const struct resource_kind *kind;
    char *name;       /* unique: "mount /etc/docker" */
    const char *path; /* where it takes effect in the file system; NULL if nowhere */
    void *spec;       /* the kind's own, owned */
    uint32_t hash;    /* of the name */
    int rank;         /* among resources that do not need each other, lower ones come first */
    enum verdict verdict;
    /* Set by apply() where what its calls returned is proof, so that a look would show nothing else: a file whose bytes
     * fsync(2) took and that rename(2) then put there, a directory that mkdir(2) made, a rule that the kernel acknowledged.
     * Never for a mount. A probe clears it. */
    bool proven;
    bool begun;          /* begin() said yes: that call of apply() is done. A probe clears it */
    char *detail;        /* about the verdict: "mode 0755, wanted 0700"; NULL if there is nothing to say */
    struct error *error; /* why it is impossible or why apply failed; NULL otherwise */
};

/* Set detail (NULL to clear); the old one is released. */
void resource_detail(struct resource *resource, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Set the verdict to impossible, with a copy of the error; returns VERDICT_IMPOSSIBLE. */
enum verdict resource_impossible(struct resource *resource, const struct error *err) __attribute__((cold));

#endif
