/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as people and programs get to read them. Both say the same; the JSON is described in docs/json.md. */
#ifndef EDGEINIT_DOCTOR_SHOW_H
#define EDGEINIT_DOCTOR_SHOW_H

#include "base/json.h"
#include "doctor/doctor.h"

/* Grouped by need, one line a finding, and the sum. */
void doctor_show(const struct findings *findings, bool colour, struct text *out);

/* Own the result. */
cJSON *doctor_json(const struct findings *findings);

#endif
