/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams at the notify socket, one after another (a byte 0x1e separates): what is kept stays clean. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "base/util.h"
#include "supervise/notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct notify_state *state)
{
    size_t bad = 0;

    assert(state->ready <= 1 && state->stopping <= 1 && state->reloading <= 1 && state->trigger <= 1);
    assert(state->main_pid >= 0 && state->extend_until >= 0 && state->watchdog_usec >= 0);
    assert(memchr(state->status, '\0', sizeof(state->status)) != NULL);
    assert(text_is_utf8(state->status, strlen(state->status), &bad));
    for (const char *at = state->status; *at != '\0'; at++) {
        assert((unsigned char)*at >= 0x20 && *at != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notify_state state = {0};

    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, 0x1e, size - at);
        size_t length = end == NULL ? size - at : (size_t)(end - data) - at;
        CLEANUP_FREE char *datagram = xmalloc(length + 1);
        struct notify_state before = state;

        /* A copy of exactly its length, so that a byte too far is noticed. */
        datagram = xrealloc(datagram, length == 0 ? 1 : length);
        memcpy(datagram, data + at, length);
        if (!notify_apply(&state, datagram, length, 1000)) {
            assert(memcmp(&before, &state, sizeof(state)) == 0);
        }
        check(&state);
        at += length + 1;
    }
    return 0;
}
