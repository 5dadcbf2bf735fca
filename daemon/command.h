/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: what a verb is, its options, usage and help. Which verbs there are is edgeinit.c's business.
 */
#ifndef EDGEINIT_COMMAND_H
#define EDGEINIT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_DIFFERENCES = 2, EXIT_NO_DAEMON = 3, EXIT_USAGE = 64 };

enum option_bit {
    OPTION_MANIFEST = 1 << 0,
    OPTION_DIRECTORIES = 1 << 1,
    OPTION_JSON = 1 << 2,
    OPTION_TIMEOUT = 1 << 3,
    OPTION_NO_WAIT = 1 << 4,
    OPTION_LOGS = 1 << 5,
    OPTION_DOCTOR = 1 << 6,
    OPTION_TIMELINE = 1 << 7,
};

struct command {
    const struct verb *verb;
    const char **manifests;
    size_t manifest_count;
    bool usual_manifests; /* none was named */
    const char *run_dir;
    const char *state_dir;
    bool json;
    bool no_wait;
    bool follow;
    uint64_t lines;            /* of a log */
    int64_t timeout;           /* milliseconds; -1: for ever */
    const char *kernel_config; /* NULL: the running kernel's */
    unsigned kernel_version;   /* 0x050a00 for 5.10; 0: as the configuration says */
    bool fragment;
    bool fragment_all; /* with what is optional */
    const char *svg;   /* NULL: no picture */
    int64_t boot;      /* 0: the newest */
    bool compare;
    bool all;
    char **arguments;
    int argument_count;
    char **found; /* the manifests of conf.d */
    size_t found_count;
};

struct verb {
    const char *name;
    const char *arguments; /* as the usage line shows them */
    const char *summary;
    const char *text; /* of --help */
    unsigned options;
    int fewest;
    int most; /* arguments; -1: any number */
    int (*run)(struct command *command);
};

/* Parse the options of a verb (argv[0] is its name) and run it. Returns the program's exit code. */
int command_run(const struct verb *verb, int argc, char **argv);

/* Complain about the command line, with the verb's usage (verb may be NULL; subject, too). Returns EXIT_USAGE. */
int command_usage_error(const struct verb *verb, const char *what, const char *subject);

/* The error, once, at the edge; returns the exit code that it means. */
int command_print_error(const struct error *err);

/* To stdout. */
void command_print(const struct text *text);

#endif
