/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service's last output, in a file of fixed size on a tmpfs. One writer (the keeper), any number of readers, no lock:
 * readers need neither writer nor daemon, and no death of any of them harms the content.
 *
 * The file is a header page, then the data area, a ring of batches. A batch is what one read(2) of the pipe brought: whole
 * lines, with the time and the number of its first line. Positions are bytes since the beginning of the ring's life; a
 * position modulo the size is the place in the data area. The writer moves the tail beyond what it will overwrite, writes
 * the batch, moves the head. A reader copies a batch and looks at the tail again: if that has moved beyond the batch, what
 * it copied may be torn, and it goes on from the tail, and knows by the line numbers how many lines it missed.
 *
 * Only two words change, each by one store, and in either order of death the ring between them is whole. What else could
 * be wanted of it (the number of the next line) is in the batches: a third word could disagree. A ring that is made anew
 * is another file under the same name. Every batch makes an inotify(7) IN_MODIFY after it can be read.
 *
 * Lines are kept as they came: each line of a batch ends with '\n', except that a batch with RING_CUT holds one piece of a
 * line longer than RING_LONGEST_LINE, which goes on in the next batch. The bytes are the service's own: whoever shows them
 * to a terminal must expect anything. Text that a full tmpfs refuses is lost, and counted as lost.
 */
#ifndef EDGEINIT_SUPERVISE_RING_H
#define EDGEINIT_SUPERVISE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define RING_MAGIC 0x474e5249U /* "IRNG" in memory */
#define RING_VERSION 1
#define RING_HEADER 4096         /* bytes before the data area */
#define RING_LONGEST_LINE 4000   /* bytes; hilog takes 4096 with its tag */
#define RING_LARGEST_BATCH 16384 /* bytes of text */
#define RING_SMALLEST (64 * 1024)
#define RING_CUT 1U /* flag: the line goes on in the next batch */

struct ring_header {
    uint32_t magic;
    uint32_t version;
    uint64_t size;    /* of the data area */
    uint64_t tail;    /* position of the oldest whole batch; accessed atomically */
    uint64_t head;    /* position after the newest batch; accessed atomically */
    uint64_t rung;    /* written with write(2) after the head has moved, for inotify(7) does not see that; never read */
    uint64_t held_at; /* the writer's own: the following is what had no newline yet when the head was here */
    uint32_t held;    /* its length */
    char held_text[RING_LONGEST_LINE];
};

struct ring_batch {
    uint32_t magic;
    uint32_t length; /* bytes of text that follow */
    uint32_t lines;
    uint32_t flags;
    uint64_t first_line; /* the first line of a ring's life is 0 */
    int64_t realtime;    /* microseconds since 1970, when it was read */
    int64_t monotonic;   /* the same in clock_now() units */
};

/* The writer's side: no heap. The header is mapped, the data is written with pwrite(2): the ring's pages belong to the
 * tmpfs and not to the keeper. What the header says is believed once, when the ring is opened. */
struct ring {
    int fd;
    struct ring_header *header;
    uint64_t size;
    uint64_t tail;
    uint64_t head;
    uint64_t next_line;
};

/* Open the ring, or make it with this size of its data area (at least RING_SMALLEST, rounded up to pages). One of another
 * size, or whose header is not right, is made anew; a good one is continued. */
int ring_open(struct ring *ring, const char *path, uint64_t size, struct error *err);

/* Append one batch of at most RING_LARGEST_BATCH bytes. `lines` counts the '\n' in it. With RING_CUT there is none. */
int ring_append(struct ring *ring, const char *text, size_t length, uint32_t lines, uint32_t flags, struct error *err);

/* Keep what was read and has no newline yet (at most RING_LONGEST_LINE) for a writer that comes after our death. It is
 * forgotten with the next batch. ring_held() gives its length, and copies it into text of that size. */
void ring_hold(struct ring *ring, const char *text, size_t length);
size_t ring_held(const struct ring *ring, char *text);

void ring_close(struct ring *ring);

/* Where a reader stands. Zero-initialised: at the oldest line there is. */
struct ring_cursor {
    uint64_t position;
    uint64_t line;
};

struct ring_reader {
    int fd;
    const struct ring_header *header;
    uint64_t size;
};

/* Errors: those of open(2); a file that is no ring is ERROR_INPUT. */
int ring_reader_open(struct ring_reader *reader, const char *path, struct error *err);
void ring_reader_close(struct ring_reader *reader);

/* Copy the batch at the cursor into text (of RING_LARGEST_BATCH bytes) and move on. 1: there was one, *lost says how many
 * lines are missing before it; 0: nothing new; -1: the file is broken (and the cursor set to the head). The batch's length
 * is right, its `lines` is the writer's word. */
int ring_next(struct ring_reader *reader, struct ring_cursor *cursor, struct ring_batch *batch, char *text,
              uint64_t *lost);

/* A cursor from which at most the newest `lines` lines are read, to within a batch: the caller drops the surplus, which is
 * *surplus. */
void ring_last(struct ring_reader *reader, uint64_t lines, struct ring_cursor *cursor, uint64_t *surplus);

#endif
