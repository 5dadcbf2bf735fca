/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of the control socket wants, read from what it has sent so far. Pure: fed by anybody who may connect. */
#ifndef EDGEINIT_CONTROL_REQUEST_H
#define EDGEINIT_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define CONTROL_LARGEST_REQUEST 4096 /* bytes, with the newline */
#define CONTROL_LONGEST_WORD 32      /* verbs and names of services, with the NUL */

struct request {
    char verb[CONTROL_LONGEST_WORD];
    char service[CONTROL_LONGEST_WORD]; /* "": all of them */
    bool wait;                          /* answer when it is done; false: at once */
};

/* 1: it is whole, and read; 0: more has to come; -1: it is none, and *refusal says why. */
int request_read(const char *input, size_t length, struct request *request, const char **refusal);

#endif
