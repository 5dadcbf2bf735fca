/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node's join and its token. edgecore applies for its certificates with the token, once; from then on the certificates
 * are what it is known by. So the token is handed out while there are none, and taken away for good when there are.
 *
 * In the directory edge/ (0700) of the state directory, each file written whole:
 *   joining   the digest of the token that was handed out last, and the node's name then
 *   used      digests of tokens that a join has used: never handed out again
 *   joined    the node's name at the join, for the certificate's is not read here
 *
 * Whoever finds certificates and "joining" knows that the join came off; it may be killed at any instant and run again.
 */
#ifndef EDGEINIT_EDGE_EDGECORE_JOIN_H
#define EDGEINIT_EDGE_EDGECORE_JOIN_H

#include "base/json.h"
#include "edge/profile.h"

/* Are there a certificate and a key, as the configuration names them, that were written to their end? */
bool edgecore_has_joined(const cJSON *config);

/* Settle what has happened since, and find the token for this start. 1: go on; *token is to be released by
 * edgecore_token_free(), NULL: joined, none is needed. 0: the judgement says why not to start. -1: the state cannot be kept. */
int edgecore_join(const struct profile_call *call, const char *directory, const char *node, const cJSON *config,
                  char **token, struct judgement *judgement, struct error *err);

/* edgecore runs: if a token was handed out to it, wait a few seconds for its certificates, and settle the join. */
void edgecore_join_settle(const struct profile_call *call, const char *directory, const cJSON *config);

/* Wipes it first. */
void edgecore_token_free(char **token);
#define CLEANUP_TOKEN __attribute__((cleanup(edgecore_token_free)))

#endif
