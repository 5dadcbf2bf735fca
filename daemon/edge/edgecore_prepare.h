/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile->prepare of "edgecore": before each start, in this order, each step only if those before it said yes:
 * the name, the version, the node's address, docker's cgroup driver; what a power cut left is put aside; command, localhost,
 * helpers, ports, clock; the join and its token; at last the configuration is written, so that a token is on the disk only if
 * edgecore is started with it.
 */
#ifndef EDGEINIT_EDGE_EDGECORE_PREPARE_H
#define EDGEINIT_EDGE_EDGECORE_PREPARE_H

#include "edge/profile.h"

/* profile->settle: the token leaves the configuration, which edgecore has read, and when the join has come off, the world. */
void edgecore_settle(const struct profile_call *call);

int edgecore_prepare(const struct profile_call *call, struct judgement *judgement, struct error *err);

#endif
