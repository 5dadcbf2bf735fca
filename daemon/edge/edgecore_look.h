/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be so before edgecore is started: facts that it would end at with a line of its log, or, worse, would not end at.
 * Each look that says no has filled the judgement, with what can change it as wakes.
 */
#ifndef EDGEINIT_EDGE_EDGECORE_LOOK_H
#define EDGEINIT_EDGE_EDGECORE_LOOK_H

#include "doctor/board.h"
#include "edge/edgecore_config.h"
#include "edge/profile.h"

#define EDGECORE_ADDRESS 46 /* INET6_ADDRSTRLEN */

/* Where the node's address is to come from, if the section does not say it: from edgecore itself, which looks for a default
 * route in the main table only, or (address filled) from the kernel's own look-up, which knows OpenHarmony's tables. */
bool edgecore_look_for_address(const struct edge_config *edge, char address[EDGECORE_ADDRESS],
                               struct judgement *judgement);

/* Docker's driver and the configuration's. */
bool edgecore_look_at_cgroup_driver(const cJSON *config, const struct edgecore_version *version,
                                    const struct board *board, struct judgement *judgement);

/* For a node that has to join: is any certificate valid yet? */
bool edgecore_look_at_clock(struct judgement *judgement);

/* The rest: the command, localhost, helpers, ports. */
bool edgecore_look_at_board(const struct profile_call *call, const char *path, struct judgement *judgement);

/* What is no reason to wait, but will be missed: logged. */
void edgecore_look_for_warnings(const cJSON *config, const struct edge_config *edge,
                                const struct edgecore_version *version);

/* Does this text of /proc/net/route have a default route, as edgecore looks for one? */
bool edgecore_sees_route(const char *table);

#endif
