/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a keeper knows of its service, and the words between it and the daemon. One structure serves both ends: it is the
 * content of the file `record` in the service's directory, mapped by the keeper (and by the service's process until it
 * executes its program), and it is the payload of the keeper's only message. So whoever comes later, a new daemon or a
 * new keeper, learns the same from either.
 *
 * The service's directory is RUN_DIR/services/NAME, mode 0711 (and so are those above it): a service that runs as another
 * user must get through to `notify`, mode 0666, where its messages are told by their sender's pid. All else is 0600.
 *
 *   lock    held by the keeper (fcntl(2)): there is one
 *   record  struct keeper_record
 *   socket  the keeper listens (SOCK_SEQPACKET); one daemon at a time, the newest wins
 *   spec    how to start the service (spec.h), written by the daemon before it asks for a start
 *   log     the ring (ring.h)
 *   pipe    FIFO, stdout and stderr of the service. Opened for reading and writing by the service itself, so that it
 *           never meets a broken pipe while there is no keeper
 *   notify  the notify socket (sd_notify(3))
 *   state   the daemon's own notes (supervisor.h)
 *   filter  what is done about statistics that the service cannot parse (stat_plan.h); stat.0, stat.1 are its copies
 *
 * Each message is one packet: struct wire_message from the daemon, struct keeper_record from the keeper, both begin with
 * the same header. Later versions only append fields: a packet that is longer than ours is cut, one that is shorter is
 * filled up with zeros, and a type that is not known is ignored. The keeper is level-triggered: it sends its whole record
 * whenever something in it changed, so no message is ever missed, only superseded. It also answers with it whenever a
 * WIRE_HELLO, START, ADOPT, COLLECT or a refused QUIT changed nothing. order.h has the rules.
 *
 * Who connects may be hung up on at once: until it executes its program, a child of a keeper that was just killed still has
 * the listening socket. Then connect again.
 *
 * The file outlives its keeper, killed between any two stores: pid is cleared, then `phase` becomes PHASE_STARTING, then
 * `instance` the new one; at the end `phase` is stored last. So an instance that was begun is never begun again, and one
 * whose end is recorded is recorded whole. What a new keeper makes of the record that it finds:
 *
 *   of another boot, or none      PHASE_IDLE, instance 0
 *   IDLE, ENDED, FAILED           as it is: a status that was not collected is still exact
 *   STARTING, RUNNING             if the process (by pid and start time; by pid alone if that is 0) lives, as it is with
 *                                 `adopted` ADOPTION_ORPHAN. WIRE_ADOPT makes it RUNNING and ADOPTION_ADOPTED; until then
 *                                 WIRE_START, WIRE_SIGNAL and WIRE_QUIT are refused. Once it does not live (any more),
 *                                 PHASE_ENDED and ADOPTION_ADOPTED
 */
#ifndef EDGEINIT_SUPERVISE_RECORD_H
#define EDGEINIT_SUPERVISE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KEEPER_MAGIC 0x4b494445U /* "EDIK" in memory */
#define KEEPER_VERSION 1
#define KEEPER_DAEMON_FD 3 /* a keeper that is started with a SOCK_SEQPACKET socket here is connected by it */
#define KEEPER_STATUS 128  /* bytes of STATUS= that are kept, with the NUL */

enum wire_type {
    WIRE_RECORD = 1, /* keeper: struct keeper_record */
    WIRE_LOG = 2,    /* keeper, the header alone: the ring has something new; sent once for each WIRE_LISTEN */
    WIRE_HELLO = 16, /* daemon: send your record */
    WIRE_START = 17, /* daemon: start `instance`. Nothing happens if that instance was started already, or one runs; one
                         that is ended is thereby collected */
    WIRE_SIGNAL = 18, /* daemon: send `signal` to the main process of `instance` */
    WIRE_ADOPT = 19, /* daemon: take over instance `instance`, process `pid` with `start_time`, of a keeper that died */
    WIRE_COLLECT = 20, /* daemon: the end of `instance` is noted, forget it */
    WIRE_LISTEN = 21,  /* daemon: say WIRE_LOG when the ring's head is beyond `position` */
    WIRE_QUIT = 22,    /* daemon: end. Refused (ignored) while the service runs */
};

struct wire_header {
    uint32_t magic;
    uint16_t version; /* of the sender */
    uint16_t type;    /* enum wire_type */
};

struct wire_message {
    struct wire_header header;
    uint64_t instance;
    uint64_t start_time; /* WIRE_ADOPT: 0 if not known */
    uint64_t position;   /* WIRE_LISTEN */
    int32_t pid;         /* WIRE_ADOPT */
    int32_t signal;      /* WIRE_SIGNAL */
};

enum keeper_phase {
    PHASE_IDLE,     /* no instance runs, nothing to collect */
    PHASE_STARTING, /* forked; has not executed its program yet */
    PHASE_RUNNING,
    PHASE_ENDED,  /* ended; its status waits to be collected */
    PHASE_FAILED, /* never executed its program: `step` and `error` say why; waits to be collected */
    PHASES        /* their number */
};

/* How the keeper came to the process. */
enum keeper_adoption {
    ADOPTION_CHILD,   /* it is the keeper's own child */
    ADOPTION_ADOPTED, /* of a keeper that died, taken over: its exit status cannot be known */
    ADOPTION_ORPHAN,  /* of a keeper that died; waits for WIRE_ADOPT */
    ADOPTIONS         /* their number */
};

/* Where a start failed. */
enum launch_step {
    STEP_NONE,
    STEP_SPEC, /* its file cannot be read, or is not one */
    STEP_FORK,
    STEP_LOG, /* its pipe cannot be opened */
    STEP_CGROUP,
    STEP_CREDENTIALS,
    STEP_DIRECTORY,
    STEP_CONTEXT, /* SELinux */
    STEP_EXECUTE,
    STEP_FILTER, /* stat_enter.h; tried again in another way, so no end of a start */
    STEPS        /* their number */
};

/* What the service said at its notify socket since it was started. */
struct notify_state {
    uint8_t ready;
    uint8_t stopping;
    uint8_t reloading;
    uint8_t trigger;       /* WATCHDOG=trigger: it asks to be restarted */
    int32_t main_pid;      /* MAINPID=; 0: not said */
    int64_t extend_until;  /* EXTEND_TIMEOUT_USEC=: clock_now() units; 0: not said */
    int64_t watchdog_at;   /* the last WATCHDOG=1: clock_now() units; 0: none */
    int64_t watchdog_usec; /* WATCHDOG_USEC=; 0: not said */
    char status[KEEPER_STATUS];
};

struct keeper_record {
    struct wire_header header;
    char boot_id[40]; /* /proc/sys/kernel/random/boot_id, with the NUL */
    int32_t keeper_pid;
    int32_t phase;       /* enum keeper_phase */
    uint64_t instance;   /* the last that was started; 0: none yet */
    int32_t pid;         /* main process of this instance; 0 while PHASE_IDLE */
    int32_t adopted;     /* enum keeper_adoption */
    uint64_t start_time; /* of pid: field 22 of /proc/PID/stat; 0: not known yet */
    int64_t started_at;  /* clock_now() of the start and the end of this instance */
    int64_t ended_at;
    int32_t wait_status; /* as wait(2) gives it; meaningless unless ADOPTION_CHILD */
    int32_t step;        /* enum launch_step */
    int32_t error;       /* errno */
    int32_t reserved;
    int64_t user_usec; /* resource usage of the ended instance */
    int64_t system_usec;
    int64_t max_rss_kb;
    struct notify_state notify;
    int32_t filter;       /* enum stat_filter_way: in which this instance lives */
    int32_t filter_step;  /* enum stat_step: why not in the one that was planned */
    int32_t filter_error; /* errno of that; 0: its process was killed there */
    int32_t
        filter_refused; /* errno with which the kernel refused to give a copy to this service, since boot; 0: never */
};

/* Take a packet or a file's content apart: copies what is there, fills up with zeros, forces strings to end and enums into
 * their range. False if it is not a keeper's record. */
bool record_read(const void *data, size_t length, struct keeper_record *record);
/* The same for a message from the daemon. */
bool message_read(const void *data, size_t length, struct wire_message *message);

/* Field 22 of /proc/PID/stat, clock ticks since boot; 0 if there is no such process. No heap. */
uint64_t process_start_time(pid_t pid);
/* The same of field 4. */
pid_t process_parent(pid_t pid);

/* The boot's id into `id`; "" if the kernel does not tell. */
void boot_id_read(char id[40]);

/* Short words for messages: "running", "its cgroup could not be joined". */
const char *phase_name(int phase);
const char *step_text(int step);

#endif
