/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes of readiness and liveness. One probe of a check is in flight at a time, in this process, without blocking, with a
 * hard deadline; nothing is written to disk. A command is a child process that is killed with all it started when the
 * deadline comes, or the command itself has ended.
 *
 * Slow is not dead: `failures` probes in a row must fail before a service counts as unhealthy, and while the service shows
 * progress (its process used the CPU, or it wrote log lines, since these failures began; check_calls.progress) the verdict
 * is put off by another `failures` probes, up to CHECK_PATIENCE times as many in all (meta-balena#2326: an engine under load
 * was killed for being slow, and came back slower). These failures began when the first of those probes did: with `failures` 1
 * what counts is the time that the one probe waited, so an answer that is bad at once is believed.
 *
 * A check of several targets asks one after the other, each with the whole timeout; a probe is good when all were.
 *
 * Until good, probes follow each other after 10 ms, then twice as long each time up to `interval`: a service that is ready
 * soon is found so soon. Until bad, the next comes `interval` after the end of the last.
 */
#ifndef EDGEINIT_SUPERVISE_CHECK_H
#define EDGEINIT_SUPERVISE_CHECK_H

#include <sys/types.h>

#include "base/loop.h"
#include "supervise/service.h"

#define CHECK_PATIENCE 10

enum check_mode {
    CHECK_UNTIL_GOOD, /* readiness: probe until one succeeds, then `verdict(true)` once and stop */
    CHECK_UNTIL_BAD,  /* liveness: probe until it is unhealthy, then `verdict(false)` once and stop */
};

struct check;

struct check_calls {
    void (*verdict)(void *data, bool good,
                    const char *reason); /* the check has stopped itself by then; may start again,
                                                                   and may free it. The reason is "" if good */
    uint64_t (*progress)(void *data);    /* a number that changes while the service makes progress; may be NULL */
    void *data;
};

/* One check of one service. Zero-initialise. */
struct check {
    struct loop *loop;
    const struct check_config *config;
    enum check_mode mode;
    struct check_calls calls;
    struct loop_source source; /* the probe in flight: its socket, or the pipe for what kept a command from starting */
    struct loop_timer timer;   /* its deadline, or the next probe */
    pid_t child;               /* of CHECK_COMMAND, in flight or killed and not yet reaped; 0: none */
    struct check *next_child;  /* list of those with a child, for check_reap() */
    int64_t bad;               /* failures in a row */
    size_t at;                 /* which of several targets */
    int64_t began;             /* when the last probe was begun; */
    int64_t good_at;           /* the last good one, 0: none; */
    int64_t bad_since;         /* the first of these failures. clock_now() units */
    bool hurried;              /* until a probe is good */
    uint64_t witness;          /* of progress, when the first of them began, or when the verdict was put off */
    uint64_t probes;           /* made so far */
    char reason[160];          /* of the last failure; "" while good: for status */
    char answer[256];          /* what came of it so far */
    size_t answer_length;
    size_t sent; /* bytes of the request */
    bool running;
    bool in_flight; /* a probe is, and its deadline is set */
    bool connected;
};

/* Begin; the first probe is made at once (until good) or after one interval (until bad), in any case from the loop: never
 * calls back itself. The config must outlive it. A check that runs is stopped first. */
void check_start(struct check *check, struct loop *loop, const struct check_config *config, enum check_mode mode,
                 const struct check_calls *calls);
/* It may be bad, somebody says: a liveness probe now, and if that fails the next ones at a quick pace, until one is good. No
 * effect on a check that does not run, or until good. */
void check_hurry(struct check *check);

/* End, whatever it is doing. No effect if it does not run. The command of a stopped check is killed and becomes a child of
 * nobody: whoever waits for all children reaps it, and check_reap() does not know it. */
void check_stop(struct check *check);

/* A child was reaped: was it the command of a check? */
bool check_reap(pid_t pid, int status);

/* The status of an HTTP/1.x answer from its first bytes: 100 to 599; 0: more bytes are needed; -1: this is no HTTP. Pure. */
int http_status(const char *bytes, size_t length);

/* The target of the probe in flight. */
const char *check_target(const struct check *check);

/* Is this a target of that kind (of CHECK_COMMAND: its program)? If not, *why says what is wrong: for the manifest's
 * reader. Pure. */
bool check_target_is_good(enum check_kind kind, const char *target, const char **why);

#endif
