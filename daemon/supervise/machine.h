/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to one service: a pure function (state, event, now) -> (state, actions), over tables. It makes no system
 * call, reads no clock and allocates nothing; the supervisor feeds it and carries its actions out. struct machine is plain
 * data that survives the daemon's death in the service's `state` file, so all of a service's history is in it.
 *
 * Two dimensions: what is wanted (up, down) and what is (enum service_state). The table in machine.c says for each pair of
 * state and event which handler (decide.h) decides; docs/supervision.md is printed from it.
 *
 * Invariants (tests/unit/model.c): ACTION_START is only given when no instance runs and the end of the last one is noted;
 * every instance's end is counted exactly once, by its number; a service that is wanted down is never started; the delay
 * follows the law below; a state that waits for time has its timer set, every other has none.
 *
 * The delay before start n+1 after n failures in a row: min(delay * 2^(n-1), max_delay), times 1 ± jitter; at least
 * MACHINE_FAILED_LEAST after an instance that never executed its program. The failures are forgotten once the service has
 * been ready for reset_after, and when a person or a reload starts it. It never gives up.
 *
 * A service with a profile (config.prepares, config.judges) is held twice more: from each start on until it has been
 * prepared for the next one (CAUSE_PREPARING: the last thing before a start, and good for that one alone), and from each
 * failed end until it is known what that was (CAUSE_JUDGING). What was found may be that the failure does not count, or
 * that a restart cannot help: then it is parked until EVENT_WAKE, or `until`.
 *
 * The supervisor writes the machine to its file after each step and before it carries the actions out. Whenever it may
 * have lost actions (it is a new daemon, or it has a new connection to the keeper), it calls machine_resume() and tells
 * anew what it knows: HOLD, BLOCK or RELEASE, and the event that the keeper's record amounts to. All events may be
 * repeated: one that was counted already changes nothing.
 */
#ifndef EDGEINIT_SUPERVISE_MACHINE_H
#define EDGEINIT_SUPERVISE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum service_state {
    SERVICE_WAITING,  /* for resources, conditions, or a service that it comes after */
    SERVICE_BLOCKED,  /* a resource that it needs failed */
    SERVICE_PARKED,   /* a restart cannot help; waits for what can (its program to appear, what its profile found) */
    SERVICE_STARTING, /* asked for, or runs and is not ready yet */
    SERVICE_READY,
    SERVICE_DELAYED,  /* ended; starts again when the delay is over */
    SERVICE_STOPPING, /* signalled; ends, or is killed when the time is over */
    SERVICE_STOPPED,  /* on request */
    SERVICE_FINISHED, /* ended by itself, and the policy does not start it again */
    SERVICE_STATES    /* their number */
};

/* Some bring a cause; the last of HOLD, BLOCK and RELEASE counts. */
enum machine_event {
    EVENT_HOLD,       /* CAUSE_RESOURCES, _AFTER, _CONDITION, _REMAINS, _JUDGING, _PREPARING: what it waits for is not
                         there (any more). The latter two only if nothing before them in this list is missing */
    EVENT_RELEASE,    /* all that it waits for is there, and nothing is left of its last instance */
    EVENT_BLOCK,      /* a resource that it needs failed */
    EVENT_EXECUTED,   /* the instance executes its program; `now` is when. Without a readiness check it is ready */
    EVENT_READY,      /* it is ready, by all its checks */
    EVENT_ENDED,      /* the instance ended: `status`, `status_known`; CAUSE_OUT_OF_MEMORY: and it is known why */
    EVENT_FAILED,     /* CAUSE_MISSING, _CANNOT_START: it never executed its program, or the keeper never heard of it */
    EVENT_TIMER,      /* `due` has come */
    EVENT_EXTEND,     /* sd_notify EXTEND_TIMEOUT_USEC while starting or stopping: `until` */
    EVENT_UNHEALTHY,  /* CAUSE_LIVENESS, _WATCHDOG, _KEEPER_LOST: it must be stopped and started again */
    EVENT_WANT_UP,    /* a person: start; or a new daemon, for what CAUSE_SHUTDOWN stopped */
    EVENT_WANT_DOWN,  /* CAUSE_REQUEST: a person: stop. CAUSE_SHUTDOWN: the daemon's orderly end */
    EVENT_WANT_AGAIN, /* CAUSE_REQUEST: a person: restart. CAUSE_CHANGED: a reload changed it (not if it is down);
                         CAUSE_BLOCKED: it lost a resource, and is held before this (nor then) */
    EVENT_APPEARED,   /* the program that was missing is there */
    EVENT_JUDGED, /* CAUSE_JUDGED: a restart cannot help, park it, `until`; CAUSE_NONE: it may be started. After the end of
                         the instance (then also `blameless`), or before the next start */
    EVENT_WAKE, /* what a judged service waits for has come */
    EVENTS      /* their number */
};

/* Why it is as it is. */
enum service_cause {
    CAUSE_NONE,
    CAUSE_RESOURCES,     /* waits: resources are not in place yet */
    CAUSE_AFTER,         /* waits: a service that it comes after is not ready */
    CAUSE_CONDITION,     /* waits: a condition does not hold */
    CAUSE_BLOCKED,       /* a resource failed */
    CAUSE_EXITED,        /* it ended with an exit code */
    CAUSE_SIGNALLED,     /* it was killed by a signal that was not ours */
    CAUSE_UNKNOWN_END,   /* it ended while no keeper was its parent */
    CAUSE_START_TIMEOUT, /* it was not ready in time, and was stopped */
    CAUSE_LIVENESS,      /* its liveness checks failed, and it was stopped */
    CAUSE_WATCHDOG,      /* it did not say WATCHDOG=1 in time, or asked for a restart, and was stopped */
    CAUSE_STOP_TIMEOUT,  /* it did not stop in time, and was killed */
    CAUSE_REQUEST,       /* a person wanted it so */
    CAUSE_CHANGED,       /* the manifest changed */
    CAUSE_KEEPER_LOST,   /* its keeper was killed, and the manifest says to stop it then */
    CAUSE_MISSING,       /* its program, or a file that it needs to be started, is missing */
    CAUSE_CANNOT_START,  /* it could not be started for another reason */
    CAUSE_REMAINS,       /* waits: processes of its last instance are still there */
    CAUSE_SHUTDOWN,      /* stopped because edgeinit itself was told to end */
    CAUSE_PREPARING,     /* waits: its profile prepares it for the start */
    CAUSE_JUDGING,       /* waits: its profile looks into its last end */
    CAUSE_JUDGED,        /* parked: its profile found that a restart cannot help */
    CAUSE_OUT_OF_MEMORY, /* the kernel killed it for lack of memory */
    CAUSES               /* their number */
};

/* What the supervisor has to do, in this order. Bits. Each may be done twice without harm. */
enum machine_action {
    ACTION_COLLECT = 1 << 0,     /* tell the keeper that the end of instance `collected` is noted, and of all before */
    ACTION_CLEAR_GROUP = 1 << 1, /* end what is left of instance `collected`; RELEASE only after that */
    ACTION_START = 1 << 2,       /* start instance `instance` (already counted up) */
    ACTION_SIGNAL = 1 << 3,      /* send the stop signal */
    ACTION_KILL = 1 << 4,        /* SIGKILL: the main process, or the group, as the scope says */
    ACTION_TIMER = 1 << 5,       /* EVENT_TIMER at `due`; if that is 0, no timer any more */
    ACTION_CHECK_READY = 1 << 6, /* begin the readiness checks; any change of state or instance ends them */
    ACTION_CHECK_ALIVE = 1 << 7, /* begin the liveness checks; any change of state or instance ends them */
    ACTION_WATCH_PROGRAM = 1 << 8, /* EVENT_APPEARED once the program is there; any change of state ends it */
    ACTION_PREPARE = 1 << 9,       /* prepare it for its start, then RELEASE or JUDGED; when it no longer waits for that
                                      (CAUSE_PREPARING in SERVICE_WAITING) nobody wants the answer */
    ACTION_JUDGE = 1 << 10,   /* look into the end of instance `collected`, then JUDGED; when `judged` has come so far
                                      nobody wants the answer */
    ACTION_CHANGED = 1 << 11, /* state, cause or instance changed: tell whoever waits, write the log */
};

/* Microseconds that the manifest does not say. */
#define MACHINE_FAILED_LEAST INT64_C(1000000) /* delay after an instance that never executed its program */
#define MACHINE_WOKEN_LEAST INT64_C(100000)   /* from being parked or delayed to a start that EVENT_WAKE brings */
#define MACHINE_WOKEN_MOST INT64_C(30000000)  /* the same, after many failures */
#define MACHINE_WOKEN_FREELY \
    5 /* so many failures in a row do not delay such a start: beyond that it seems
                                                     that its own start is what wakes it */
#define MACHINE_KILL_AGAIN_LEAST INT64_C(1000000) /* SIGKILL is repeated every stop_timeout, but within these: */
#define MACHINE_KILL_AGAIN_MOST INT64_C(30000000) /* a process may hang in the kernel for ever */
#define MACHINE_RESUME_GRACE INT64_C(10000000)    /* what is left at least of a timeout when the daemon comes back */
#define MACHINE_EXTEND_MOST (INT64_C(3600) * 1000000) /* how far ahead EXTEND can move a timeout */

/* The policy's numbers, microseconds. */
struct machine_config {
    int restart; /* enum restart_policy of service.h: always 0, on-failure 1, never 2 */
    int64_t delay;
    int64_t max_delay;
    int64_t reset_after;
    int64_t start_timeout; /* 0: for ever */
    int64_t stop_timeout;
    uint32_t jitter; /* thousandths, at most 1000 */
    bool has_ready_check;
    bool has_alive_check; /* or a watchdog */
    bool prepares;        /* it has a profile that prepares it before each start */
    bool judges;          /* and one that looks into its failures */
    bool clear_group;     /* scope group: each end holds the service (CAUSE_REMAINS) until EVENT_RELEASE */
};

/* Plain data without padding: the content of the state file. */
struct machine {
    uint64_t instance;   /* number of the last instance that was asked for; 0: none yet */
    uint64_t collected;  /* number of the last instance whose end was counted: less than `instance` while that lives */
    uint64_t judged;     /* number of the last instance whose end needs no judgement (any more) */
    uint64_t restarts;   /* starts after the first, for whatever reason */
    uint64_t seed;       /* of the jitter */
    int64_t since;       /* of the last change of state, clock_now() units */
    int64_t started_at;  /* of the running or last instance; 0: it has not executed its program (yet) */
    int64_t ready_at;    /* 0: this instance is not ready (yet) */
    int64_t due;         /* when EVENT_TIMER has to come; 0: no timer */
    uint32_t state;      /* enum service_state */
    uint32_t cause;      /* enum service_cause: why it is in this state */
    uint32_t held;       /* the cause why it must not be started now, whatever its state; CAUSE_NONE: released */
    uint32_t last_end;   /* cause of the last end (stays while it runs again); CAUSE_NONE: it never ended */
    int32_t last_status; /* wait status of the last end; -1: not known */
    uint32_t stop_cause; /* why the instance is being stopped, or the last one was; CAUSE_NONE: it was not */
    uint32_t wanted_up;  /* 0: down */
    uint32_t down_cause; /* wanted down: CAUSE_REQUEST, or CAUSE_SHUTDOWN (then the next daemon wants it up again) */
    uint32_t again;      /* stopping in order to be started again at once */
    uint32_t failures;   /* in a row, for the delay */
};

struct machine_input {
    enum machine_event event;
    enum service_cause cause;
    uint64_t
        instance; /* EXECUTED, READY, ENDED, FAILED, UNHEALTHY, EXTEND, JUDGED: which; another than the machine's changes
                          nothing, and its end is collected again if it was counted */
    int status;   /* ENDED: wait status */
    bool status_known;
    int64_t until;  /* EXTEND; JUDGED with CAUSE_JUDGED: tried again then in any case, 0: never */
    bool blameless; /* JUDGED: the failure does not count */
};

/* A service that was never started: waiting, wanted up. The seed makes the jitter; 0 is as good as any. */
void machine_begin(struct machine *machine, uint64_t seed, int64_t now);

/* One step. Returns the actions. */
unsigned machine_step(struct machine *machine, const struct machine_config *config, const struct machine_input *input,
                      int64_t now);

/* What must be done again for this state after the daemon came back on the same boot, or has a new connection to the
 * keeper: whatever the actions of the last step were, they may be lost. Changes nothing but `due` (a timeout that passed
 * while nobody looked is put off) and `held` (CAUSE_RESOURCES if nothing but its profile held it, until it is told again),
 * with the cause of a service that waits for that. */
unsigned machine_resume(struct machine *machine, const struct machine_config *config, int64_t now);

/* Is what was read from a state file a possible machine? */
bool machine_is_valid(const struct machine *machine);

/* The delay before the next start, without jitter; */
int64_t machine_delay(const struct machine_config *config, uint32_t failures);
/* and a random one within `jitter` thousandths of it. */
int64_t machine_jitter(int64_t delay, uint32_t jitter, uint64_t *seed);

/* Stable words, for status and JSON: "starting", "start-timeout". */
const char *machine_state_name(unsigned state);
const char *machine_cause_name(unsigned cause);
const char *machine_event_name(unsigned event);

/* A few words for people: "killed by signal 9 (Killed)", "not ready in time". `status` is a wait status, -1: not known.
 * Returns buffer. */
const char *machine_cause_text(unsigned cause, int status, char *buffer, size_t size);

/* The tables as Markdown, for docs/supervision.md. */
void machine_describe(void (*print)(const char *text));

#endif
