/* SPDX-License-Identifier: Apache-2.0 */
/* The rule table is read once for all rules of a probe; this forgets it. */
#ifndef EDGEINIT_HOST_RULE_H
#define EDGEINIT_HOST_RULE_H

struct host;

void rule_forget(struct host *host);

#endif
