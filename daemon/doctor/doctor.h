/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: can this kernel and image run the node, and if not, what to do about each no. A finding is one fact with a stable
 * code; tables say what it costs when it is not so, and what cures it. Functional probes try the thing itself, in processes
 * and namespaces of their own, and leave no trace; kernel options are read, never guessed.
 *
 * Stands beside supervise/: uses host/ and below. Together with host/ the only room that touches mounts, cgroups, netlink,
 * /proc/sys and SELinux.
 */
#ifndef EDGEINIT_DOCTOR_DOCTOR_H
#define EDGEINIT_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum answer {
    ANSWER_YES,
    ANSWER_WARNING, /* the node works, with what `cost` says missing */
    ANSWER_NO,      /* the node does not work */
    ANSWER_UNKNOWN, /* could not be found out: not root, no such tool */
    ANSWERS         /* their number */
};

/* What it is needed for: a finding counts as unfit only if what it serves is required. */
enum need {
    NEED_DOCKER,    /* dockerd and a container */
    NEED_OPTIONAL,  /* a feature of docker */
    NEED_OVERLAY,   /* overlay2 on the f2fs card */
    NEED_KUBEEDGE,  /* edgecore */
    NEED_MIGRATION, /* checkpoint and restore with CRIU */
    NEED_EDGEINIT,  /* edgeinit itself */
    NEEDS           /* their number */
};

struct finding {
    char code[48]; /* stable: "kernel.OVERLAY_FS", "cgroup.cpuset.names", "dns.localhost" */
    enum need need;
    enum answer answer;
    char what[192];   /* the fact, in words: "overlay on /mnt/f2fs/docker: whiteouts work" */
    char cost[192];   /* what does not work without it; "" if the answer is yes */
    char remedy[320]; /* what to do; "" if the answer is yes */
};

struct findings {
    struct finding *items;
    size_t count;
};

/* Add a finding, which is copied. */
void findings_add(struct findings *findings, const struct finding *finding);
/* The first with this code, or NULL. */
const struct finding *findings_find(const struct findings *findings, const char *code);
void findings_free(struct findings *findings);

/* The words of needs and answers, for people and for JSON. */
struct need_words {
    const char *word;
    const char *title;
    bool required; /* a "no" makes the board unfit */
};
extern const struct need_words doctor_needs[NEEDS];
extern const char *const doctor_answers[ANSWERS];

/* What all of them come to. Something unknown is a warning: it may be a "no". */
enum fitness { FIT, UNFIT, FIT_WITH_WARNINGS, FITNESSES /* their number; in the order of the exit codes */ };
enum fitness findings_judge(const struct findings *findings, size_t counts[ANSWERS]);

struct board;

/* Every functional probe, some at a time, each in a process of its own that has 10 s and is then killed. Nothing is left
 * behind, not even by a killed probe. */
void doctor_probe(const struct board *board, struct findings *findings);

/* The cheap ones alone, in this process: they read a few files of the kernel's and of the image's and change nothing; all
 * of them take under 20 ms. What is as it should be explains nothing and is left out. */
void doctor_quick(const struct board *board, struct findings *findings);

/* What made a service end, as far as its last words tell. */
struct explanation {
    char code[48]; /* of the finding; "" if the log says nothing that is known */
    const struct finding
        *finding;     /* among those given, with an answer other than yes; NULL: "edgeinit doctor" finds out */
    char line[192];   /* the line of the log that tells, cut */
    char remedy[320]; /* the finding's, or what is generally done about it */
};

/* Which finding explains this log? `service` is the name of the service, whose program may be at fault; the last line
 * that is known counts. Pure. False if none is. */
bool doctor_explain(const struct findings *findings, const char *service, const char *log,
                    struct explanation *explanation);

/* All tables but the kernel's options, as Markdown for docs/doctor.md. */
void doctor_describe(void (*print)(const char *text));

#endif
