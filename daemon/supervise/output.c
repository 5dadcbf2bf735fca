/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/output.h"

#include <string.h>
#include <unistd.h>

static uint32_t count_lines(const char *text, size_t length)
{
    const char *end = text + length;
    uint32_t lines = 0;

    while (text < end && (text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
        lines++;
        text++;
    }
    return lines;
}

/* A tmpfs that is full loses the text; the ring counts it. */
static void append(struct output *output, size_t from, size_t to, uint32_t flags)
{
    const char *text = output->buffer + from;
    struct error ignored;

    if (to > from) {
        output->cut = flags == RING_CUT;
        ring_append(output->ring, text, to - from, flags == RING_CUT ? 0 : count_lines(text, to - from), flags,
                    &ignored);
    }
}

/* Pass on the whole lines of the buffer, and pieces of those that are too long. The last newline within the longest line's
 * reach proves that all lines before it are short enough: no need to look at each. */
static void pass_on(struct output *output, size_t length)
{
    size_t begin = 0; /* of what is not passed on yet */
    size_t line = 0;  /* begin of a line, all before it are good */

    while (line < length) {
        size_t reach = length - line > RING_LONGEST_LINE ? RING_LONGEST_LINE + 1 : length - line;
        const char *newline = memrchr(output->buffer + line, '\n', reach);

        if (newline != NULL) {
            line = (size_t)(newline + 1 - output->buffer);
        } else if (reach > RING_LONGEST_LINE) {
            append(output, begin, line, 0);
            append(output, line, line + RING_LONGEST_LINE, RING_CUT);
            line += RING_LONGEST_LINE;
            begin = line;
        } else {
            break;
        }
    }
    append(output, begin, line, 0);
    memmove(output->buffer, output->buffer + line, length - line);
    output->held = length - line;
    ring_hold(output->ring, output->buffer, output->held);
}

void output_begin(struct output *output, int fd, struct ring *ring)
{
    output->fd = fd;
    output->ring = ring;
    output->cut = false;
    output->held = ring_held(ring, output->buffer);
}

void output_read(struct output *output, int most)
{
    for (int i = 0; i < most; i++) {
        size_t room = sizeof(output->buffer) - output->held;
        ssize_t got = read(output->fd, output->buffer + output->held, room);

        if (got <= 0) {
            return;
        }
        pass_on(output, output->held + (size_t)got);
        if ((size_t)got < room) {
            return;
        }
    }
}

void output_finish(struct output *output)
{
    if (output->held > 0 || output->cut) {
        output->buffer[output->held] = '\n';
        pass_on(output, output->held + 1);
    }
}
