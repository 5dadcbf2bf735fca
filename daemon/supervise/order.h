/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a keeper does about a message: a pure function of its record and the message, so that all a daemon may say at any
 * time, wrong or late or twice, can be tried without a process. The keeper carries the order out and decides nothing more.
 *
 * Invariants (tests/fuzz/keeper.c): nothing is started or adopted while a process runs, or whose number is not new; what is
 * signalled is ours, runs, and is the instance that was meant; nothing but the collected end of the very instance is
 * forgotten; a keeper that has something running does not end.
 */
#ifndef EDGEINIT_SUPERVISE_ORDER_H
#define EDGEINIT_SUPERVISE_ORDER_H

#include "supervise/record.h"

enum order {
    ORDER_IGNORE,
    ORDER_ANSWER, /* send the record */
    ORDER_START,
    ORDER_SIGNAL,
    ORDER_ADOPT, /* this process, which is new to us */
    ORDER_KEEP,  /* adopt the orphan that the record speaks of */
    ORDER_COLLECT,
    ORDER_LISTEN,
    ORDER_QUIT,
    ORDERS /* their number */
};

enum order order_of(const struct keeper_record *record, const struct wire_message *message);

/* Does a process of the service run, as far as is known? */
bool record_is_running(const struct keeper_record *record);

#endif
