/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the target of a check means: text to a socket's address and a request, and a server's first bytes to a status. Pure,
 * and fed by whoever writes a manifest or answers a probe. No names are looked up: a resolver would block, and its library
 * stays in memory; "localhost" is 127.0.0.1.
 */
#ifndef EDGEINIT_SUPERVISE_TARGET_H
#define EDGEINIT_SUPERVISE_TARGET_H

#include <sys/socket.h>

#include "supervise/check.h"

#define TARGET_LONGEST 1024 /* bytes, as written */

struct target {
    struct sockaddr_storage address;
    socklen_t length;
    const char *request; /* CHECK_HTTP: the path to ask for, within the text */
};

/* Read the text of a CHECK_HTTP or CHECK_TCP. On false, *why says what is wrong with it. */
bool target_parse(enum check_kind kind, const char *text, struct target *target, const char **why);

#endif
