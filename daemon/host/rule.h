/* SPDX-License-Identifier: Apache-2.0 */
/* The rule table is read once for all rules of a probe, by a socket that stays open for all rules of a run. */
#ifndef EDGEINIT_HOST_RULE_H
#define EDGEINIT_HOST_RULE_H

struct host;

/* The next probe reads the table anew. */
void rule_forget(struct host *host);

/* The socket as well. */
void rule_free(struct host *host);

#endif
