/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon that says anything: packets one after another to the rules of order.h, with a record that changes as the keeper
 * would change it. What must never be ordered is never ordered.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "supervise/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void obey(struct keeper_record *record, const struct wire_message *message)
{
    bool runs = record_is_running(record);

    switch (order_of(record, message)) {
        case ORDER_START:
            assert(!runs && message->instance > record->instance);
            record->instance = message->instance;
            record->phase = PHASE_STARTING;
            record->adopted = ADOPTION_CHILD;
            record->pid = 100;
            break;
        case ORDER_SIGNAL:
            assert(runs && record->adopted != ADOPTION_ORPHAN && message->instance == record->instance);
            assert(record->pid > 1 && message->signal >= 1 && message->signal <= 64);
            record->phase = message->signal == 9 ? PHASE_ENDED : record->phase;
            break;
        case ORDER_ADOPT:
            assert(!runs && message->instance > record->instance && message->pid > 1);
            assert(message->pid != record->keeper_pid);
            record->instance = message->instance;
            record->phase = PHASE_RUNNING;
            record->adopted = ADOPTION_ADOPTED;
            record->pid = message->pid;
            break;
        case ORDER_KEEP:
            assert(runs && record->adopted == ADOPTION_ORPHAN && message->instance == record->instance);
            record->adopted = ADOPTION_ADOPTED;
            break;
        case ORDER_COLLECT:
            assert((record->phase == PHASE_ENDED || record->phase == PHASE_FAILED));
            assert(message->instance == record->instance);
            record->phase = PHASE_IDLE;
            break;
        case ORDER_QUIT:
            assert(!runs);
            break;
        default:
            break;
    }
}

/* First a record, then packets: each begins with its length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct keeper_record record = {.header = {KEEPER_MAGIC, KEEPER_VERSION, WIRE_RECORD}, .keeper_pid = 50};
    struct wire_message message;
    size_t at = 8;

    if (size < at) {
        return 0;
    }
    record.phase = data[0] % PHASES;
    record.adopted = data[1] % ADOPTIONS;
    record.instance = data[2];
    record.pid = data[3];
    while (at < size) {
        size_t length = data[at] % (2 * sizeof(message));
        char packet[2 * sizeof(message)];

        at++;
        length = length < size - at ? length : size - at;
        memcpy(packet, data + at, length);
        if (length >= sizeof(struct wire_header)) {
            const uint32_t magic = KEEPER_MAGIC;

            memcpy(packet, &magic, sizeof(magic));
            packet[6] = (char)(packet[6] % 24);
            packet[7] = 0;
        }
        if (message_read(packet, length, &message)) {
            obey(&record, &message);
        }
        at += length;
    }
    return 0;
}
