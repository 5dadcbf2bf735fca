/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edgeinit timeline, but for the command line: finds the boots (the one under way in the run directory, those that are kept
 * in the state directory), and answers. Needs no daemon.
 */
#ifndef EDGEINIT_TIMELINE_VERB_H
#define EDGEINIT_TIMELINE_VERB_H

#include "base/error.h"
#include "base/text.h"

enum timeline_form { TIMELINE_AS_TEXT, TIMELINE_AS_JSON, TIMELINE_AS_SVG };

struct timeline_request {
    const char *run_dir;
    const char *state_dir;
    enum timeline_form form;
    size_t boot; /* 0: the newest */
    bool all;
    bool compare; /* `boot` is the one to judge, `other` the one to measure it by */
    size_t other;
    bool colour;
    unsigned width;
};

/* 0; 1: compared, and something got slower; -1 with err. Files that cannot be read are told of by the log. */
int timeline_answer(const struct timeline_request *request, struct text *out, struct error *err);

#endif
