/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/forward.h"

#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"

#define PAUSE MICROSECONDS_PER_SECOND /* a flood wakes us once in this time */

void forward_open(struct forward *forward, struct loop *loop, const char *name, struct notes *notes,
                  void (*listen)(void *data, uint64_t position), void *data)
{
    *forward = (struct forward){
        .loop = loop,
        .reader.fd = -1,
        .notes = notes,
        .name = name,
        .budget = FORWARD_BURST,
        .filled = clock_now(),
        .listen = listen,
        .data = data,
    };
}

void forward_close(struct forward *forward)
{
    loop_timer_clear(forward->loop, &forward->timer);
    if (forward->reader.fd >= 0) {
        ring_reader_close(&forward->reader);
        forward->reader.fd = -1;
    }
}

uint64_t forward_head(const struct forward *forward)
{
    return forward->reader.fd < 0 ? 0 : __atomic_load_n(&forward->reader.header->head, __ATOMIC_RELAXED);
}

static void fill_budget(struct forward *forward)
{
    int64_t now = clock_now();

    forward->budget += (now - forward->filled) * FORWARD_RATE / MICROSECONDS_PER_SECOND;
    forward->budget = forward->budget > FORWARD_BURST ? FORWARD_BURST : forward->budget;
    forward->filled = now;
}

/* The lines of a batch but the first `skip`. */
static void pass_on(struct forward *forward, const char *text, size_t length, uint64_t skip)
{
    const char *end = text + length;

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t line = (size_t)((newline == NULL ? end : newline) - text);

        if (skip > 0) {
            skip--;
        } else {
            log_line(forward->name, text, line);
            forward->budget -= (int64_t)line + 1;
        }
        text += line + 1;
    }
}

static void tell_suppressed(struct forward *forward)
{
    if (forward->suppressed > 0) {
        log_warning("%s: %llu lines suppressed; \"edgeinit logs %s\" shows those that its ring still has",
                    forward->name, (unsigned long long)forward->suppressed, forward->name);
        forward->suppressed = 0;
    }
}

/* The budget is back after a flood: go on with the newest lines. */
static uint64_t skip_flood(struct forward *forward, struct ring_cursor *cursor)
{
    struct ring_cursor last = {0};
    uint64_t surplus = 0;

    ring_last(&forward->reader, FORWARD_REST, &last, &surplus);
    if (last.line + surplus <= cursor->line) {
        return 0;
    }
    forward->suppressed += last.line + surplus - cursor->line;
    *cursor = last;
    return surplus;
}

static void run(struct forward *forward, bool after_flood)
{
    static char text[RING_LARGEST_BATCH]; /* one for all: nothing of it is kept */
    struct ring_cursor cursor;
    struct ring_batch batch;
    uint64_t lost = 0;
    uint64_t skip = 0;

    notes_cursor(forward->notes, &cursor);
    fill_budget(forward);
    if (after_flood) {
        skip = skip_flood(forward, &cursor);
        tell_suppressed(forward);
    }
    while (forward->budget > 0 && ring_next(&forward->reader, &cursor, &batch, text, &lost) > 0) {
        forward->suppressed += lost;
        tell_suppressed(forward);
        pass_on(forward, text, batch.length, skip);
        skip -= skip < batch.lines ? skip : batch.lines;
        notes_set_cursor(forward->notes, &cursor);
    }
    notes_set_cursor(forward->notes, &cursor);
    if (forward->budget > 0) {
        forward->listen(forward->data, cursor.position);
    }
}

static void pause_over(void *data);

static void run_and_pause(struct forward *forward, bool after_flood)
{
    run(forward, after_flood);
    if (forward->budget <= 0) {
        loop_timer_set(forward->loop, &forward->timer, clock_now() + PAUSE, pause_over, forward);
    }
}

static void pause_over(void *data)
{
    run_and_pause(data, true);
}

void forward_run(struct forward *forward, const char *directory)
{
    CLEANUP_FREE char *path = NULL;
    struct error err = {0};
    char text[1024];

    if (forward->timer.armed) {
        return; /* it floods: its time comes */
    }
    if (forward->reader.fd < 0) {
        path = xasprintf("%s/log", directory);
        if (ring_reader_open(&forward->reader, path, &err) != 0) {
            forward->reader.fd = -1;
            log_warning("%s: its output is not passed on: %s", forward->name, error_text(&err, text, sizeof(text)));
            return;
        }
        madvise((void *)(uintptr_t)forward->reader.header, RING_HEADER, MADV_DONTFORK); /* as the notes */
    }
    run_and_pause(forward, false);
}
