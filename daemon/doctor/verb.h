/* SPDX-License-Identifier: Apache-2.0 */
/* The verb: which findings are asked for, and the form of the answer. */
#ifndef EDGEINIT_DOCTOR_VERB_H
#define EDGEINIT_DOCTOR_VERB_H

#include "base/error.h"
#include "base/json.h"
#include "doctor/doctor.h"

struct doctor_request {
    const cJSON *manifest; /* NULL: none */
    const char *run_dir;
    const char *kernel_config; /* NULL: the running kernel's */
    unsigned kernel_version;   /* 0: as the configuration says */
    bool fragment;             /* the missing defconfig lines, and nothing else */
    bool fragment_all;
    bool probe; /* the board, too */
};

/* Write the answer to `out`. The exit code; -1 with an error. */
int doctor_answer(const struct doctor_request *request, bool json, bool colour, struct text *out, struct error *err);

#endif
