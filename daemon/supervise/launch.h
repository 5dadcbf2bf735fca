/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what the manifest says to what a keeper needs: the spec of a service, with names resolved to numbers; and what has
 * to be prepared once, before its keeper runs: the control groups that it asks for.
 */
#ifndef EDGEINIT_SUPERVISE_LAUNCH_H
#define EDGEINIT_SUPERVISE_LAUNCH_H

#include "base/text.h"
#include "supervise/service.h"

/* The packed spec (spec.h), added to `out`. Errors: a user that the board does not know, a controller that is not mounted,
 * too many words. */
int launch_spec(const struct service_config *service, struct text *out, struct error *err);

/* Is there more in it than the manifest says: what the board knows of users, where controllers are mounted? */
bool launch_depends_on_board(const struct service_config *service);

/* Write the packed spec into the service's directory unless it is there already. *changed (may be NULL): there was another
 * one. */
int launch_write_spec(const char *directory, const struct text *packed, bool *changed, struct error *err);

/* Are there control groups to be made for it? */
bool launch_has_cgroups(const struct service_config *service);

/* Make the control groups that it asks for, with their values. In the process that becomes its keeper, for it costs half a
 * megabyte. */
int launch_make_cgroups(const struct service_config *service, struct error *err);

#endif
