/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token with which a node joins: what `keadm gettoken` prints, "HASH.HEADER.PAYLOAD.SIGNATURE", the SHA-256 of the
 * cloud's CA before a JSON web token (RFC 7519). It is a secret: nothing here prints it, and token_redact() takes it out of
 * what others print.
 */
#ifndef EDGEINIT_EDGE_TOKEN_H
#define EDGEINIT_EDGE_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "edge/section.h"

/* The token that a join would use now: the file's, else the manifest's. Free it. NULL: there is none. */
char *token_read(const struct edge_config *edge);

/* Until when it can be used, seconds since 1970, by its own word. False: it does not say, or is no token. */
bool token_expiry(const char *token, int64_t *seconds);

/* Put "[token]" where a text has one, in place. A piece is enough: its web token, or two of its three parts. */
void token_redact(char *text);

#endif
