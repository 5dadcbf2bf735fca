/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why edgecore ended: its exit status, how long it lived, the last line of its log that a rule knows, and a look at what the
 * rule is about, to a judgement. The rules are a table (edgecore_rules.c), one row a sentence that edgecore is known to say;
 * remedies that doctor has are doctor's. docs/kubeedge.md is printed from it.
 *
 * edgecore's log lines are klog's, "E1122 11:58:19.305224    1198 edged.go:272] …": the process id in them tells the lines of
 * the instance that ended from those of the one before.
 *
 * What waits for a person or for the world is parked, with what can change it as a wake; what only time can change is tried
 * again after a pause that doubles as long as the same is seen. A docker that is gone or hangs is never edgecore's fault.
 * Nothing of a judgement has a token in it.
 */
#ifndef EDGEINIT_EDGE_EDGECORE_JUDGE_H
#define EDGEINIT_EDGE_EDGECORE_JUDGE_H

#include "edge/profile.h"

enum docker_state {
    DOCKER_ANSWERS,
    DOCKER_ABSENT, /* no socket, or nobody listens there */
    DOCKER_SILENT  /* takes the connection and says nothing, for DOCKER_PATIENCE */
};

#define DOCKER_PATIENCE 3000 /* milliseconds */
#define EDGECORE_STABLE \
    35000 /* milliseconds: one that lived so long begins anew with the pauses (a black hole takes 30 s) */

/* How the board is looked at; a test has its own eyes. Called after the wakes have taken their stamps, so that what changes
 * meanwhile is not missed. */
struct edgecore_eyes {
    enum docker_state (*docker)(void);
    /* False of one that has its containers from elsewhere, by CRI: then docker is nothing to it. */
    bool (*uses_docker)(const struct profile_call *call);
    /* "pid 812 (python3)", or "" if nobody holds the TCP port. */
    void (*holder)(int port, char *text, size_t size);
    /* Has the kernel killed a process of this name for want of memory in the last seconds? */
    bool (*out_of_memory)(const char *name);
    int64_t (*seconds)(void); /* since 1970 */
};

/* Pure but for the eyes and the stamps. `before` is the service's last judgement, or NULL. */
void edgecore_judge_with(const struct profile_call *call, const struct edgecore_eyes *eyes,
                         const struct judgement *before, struct judgement *judgement);

/* profile->judge of "edgecore". */
void edgecore_judge(const struct profile_call *call, struct judgement *judgement);

extern const struct edgecore_eyes edgecore_eyes; /* the real ones */

/* Wakes by what they are about; the value is found when the judgement is made. */
enum rule_wake {
    RULE_WAKE_NONE,
    RULE_WAKE_ROUTE,    /* the default route */
    RULE_WAKE_ADDRESS,  /* of the interface */
    RULE_WAKE_NETWORK,  /* a route or an address came */
    RULE_WAKE_CLOCK,    /* the clock was set */
    RULE_WAKE_TOKEN,    /* the token's file changed */
    RULE_WAKE_MANIFEST, /* a manifest changed */
    RULE_WAKE_CONFIG,   /* edgecore's configuration changed */
    RULE_WAKE_DOCKER,   /* dockerd became ready */
    RULE_WAKE_HOSTS,    /* /etc/hosts changed */
    RULE_WAKE_RESOLV,   /* /etc/resolv.conf changed */
    RULE_WAKE_CGROUP,   /* the hierarchy is mounted */
    RULE_WAKE_EDGED,    /* something is mounted at /var/lib/edged */
    RULE_WAKES          /* their number */
};

/* What else a rule looks at before it is told. */
enum rule_look {
    RULE_LOOK_NONE,
    RULE_LOOK_DOCKER, /* answers by now: it is tried again at once */
    RULE_LOOK_PORT,   /* who holds it: added to `what` */
    RULE_LOOK_TOKEN,  /* there is none, or it has expired by its own word */
    RULE_LOOK_TWICE,  /* what prepare() cures: a second time in a row it was not cured, and counts */
    RULE_LOOKS        /* their number */
};

struct edgecore_rule {
    const char *parts[2]; /* both stand in one line; a '*' is one word */
    const char *code;
    const char *what;   /* a '*' is that word; NULL: the message itself */
    const char *remedy; /* the same; an '@' is where the token is kept; NULL: doctor's for this line */
    enum judgement_hold hold;
    bool blameless;
    enum rule_look look;
    enum rule_wake wakes[4];
    int64_t again;      /* seconds until it is tried again in any case; 0: never */
    int64_t again_most; /* up to which that doubles; 0: it does not */
};

#define EDGECORE_WORD 128

/* NULL after the last. */
const struct edgecore_rule *edgecore_rule_at(size_t n);
/* The first that fits the line, and the word for its '*'; NULL: none does. */
const struct edgecore_rule *edgecore_rule_of(const char *line, char word[EDGECORE_WORD]);

/* The rules and what is judged without one, as Markdown. */
void edgecore_rules_describe(void (*print)(const char *text));

/* Codes that are not told by a line. */
#define EDGECORE_CODE_DOCKER_HUNG "docker-hung"
#define EDGECORE_CODE_MEMORY "killed-by-memory"
#define EDGECORE_CODE_CRASHED "crashed"
#define EDGECORE_CODE_TOKEN_MISSING "token-missing"
#define EDGECORE_CODE_TOKEN_EXPIRED "token-expired"
#define EDGECORE_CODE_UNKNOWN "unknown"

#endif
