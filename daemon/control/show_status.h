/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's answer to "status", for people. It is made of the JSON alone, by whoever asked: "edgeinit status", and the
 * system ability of an OpenHarmony image (sa/), which has nothing else of edgeinit in its process.
 */
#ifndef EDGEINIT_CONTROL_SHOW_STATUS_H
#define EDGEINIT_CONTROL_SHOW_STATUS_H

#include <stdbool.h>

#include "base/json.h"
#include "base/text.h"

void show_status(const cJSON *status, bool colour, struct text *out);

#endif
