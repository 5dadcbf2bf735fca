/* SPDX-License-Identifier: Apache-2.0 */
/* The table behind doctor_explain(), for its documentation and its test. */
#ifndef EDGEINIT_DOCTOR_EXPLAIN_H
#define EDGEINIT_DOCTOR_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

struct explain_pattern {
    const char *parts[2]; /* of one line, in any case; a '*' in one is one word */
    const char *code;     /* a '*' in it is that word, an '@' the service */
};

/* NULL after the last. The first that fits counts. */
const struct explain_pattern *explain_pattern_at(size_t n);

bool explain_line(const char *line, const char *service, char code[48]);

#endif
