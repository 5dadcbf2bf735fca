/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/order.h"

#define LARGEST_SIGNAL 64

bool record_is_running(const struct keeper_record *record)
{
    return record->phase == PHASE_STARTING || record->phase == PHASE_RUNNING;
}

static enum order order_start(const struct keeper_record *record, const struct wire_message *message)
{
    return !record_is_running(record) && message->instance > record->instance ? ORDER_START : ORDER_ANSWER;
}

static enum order order_signal(const struct keeper_record *record, const struct wire_message *message)
{
    return record_is_running(record) && record->adopted != ADOPTION_ORPHAN && record->pid > 1 &&
                   message->instance == record->instance && message->signal >= 1 && message->signal <= LARGEST_SIGNAL
               ? ORDER_SIGNAL
               : ORDER_IGNORE;
}

static enum order order_adopt(const struct keeper_record *record, const struct wire_message *message)
{
    if (record_is_running(record)) {
        return record->adopted == ADOPTION_ORPHAN && message->instance == record->instance &&
                       message->pid == record->pid
                   ? ORDER_KEEP
                   : ORDER_ANSWER;
    }
    return message->pid > 1 && message->pid != record->keeper_pid && message->instance > record->instance
               ? ORDER_ADOPT
               : ORDER_ANSWER;
}

static enum order order_collect(const struct keeper_record *record, const struct wire_message *message)
{
    return (record->phase == PHASE_ENDED || record->phase == PHASE_FAILED) && message->instance == record->instance
               ? ORDER_COLLECT
               : ORDER_ANSWER;
}

enum order order_of(const struct keeper_record *record, const struct wire_message *message)
{
    switch (message->header.type) {
        case WIRE_HELLO:
            return ORDER_ANSWER;
        case WIRE_START:
            return order_start(record, message);
        case WIRE_SIGNAL:
            return order_signal(record, message);
        case WIRE_ADOPT:
            return order_adopt(record, message);
        case WIRE_COLLECT:
            return order_collect(record, message);
        case WIRE_LISTEN:
            return ORDER_LISTEN;
        case WIRE_QUIT:
            return record_is_running(record) ? ORDER_ANSWER : ORDER_QUIT;
        default:
            return ORDER_IGNORE;
    }
}
