/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring file that holds anything. The first bytes choose tail and head, the rest are the data from the tail on, with the
 * magic of each batch put right, so that more than the first check is reached. Readers and the writer that takes it over
 * must come to an end, and what they say must be possible.
 */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/util.h"
#include "supervise/ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Batches one after another where the bytes have some: half of their lengths become possible ones as well. */
static void put_right(char *text, size_t size)
{
    struct ring_batch batch;

    for (size_t at = 0; at + sizeof(batch) <= size; at += sizeof(batch) + batch.length) {
        memcpy(&batch, text + at, sizeof(batch));
        batch.magic = 0x54414252U;
        batch.length = batch.length % 2 == 0 ? batch.length / 2 % 128 : batch.length;
        batch.lines = batch.lines % 2 == 0 ? batch.lines / 2 % 128 : batch.lines;
        memcpy(text + at, &batch, sizeof(batch));
        if (batch.length > size) {
            return;
        }
    }
}

static void fill(int fd, const uint8_t *data, size_t size)
{
    static char text[RING_SMALLEST];
    size_t length = size > 16 ? size - 16 : 0;
    size_t first;

    struct ring_header header = {.magic = RING_MAGIC, .version = RING_VERSION, .size = RING_SMALLEST};
    uint64_t ends[2] = {0};
    uint64_t place;

    memcpy(ends, data, size < sizeof(ends) ? size : sizeof(ends));
    /* Most headers are possible ones; the first byte's highest bits say which. */
    header.tail = ends[0] >> 62 == 3 ? ends[0] : ends[0] % (4 * RING_SMALLEST);
    header.head = ends[0] >> 62 >= 2 ? ends[1] : header.tail + ends[1] % RING_SMALLEST;
    header.held = size > 20 ? data[20] * 100U : 0;
    header.held_at = header.head;
    assert(ftruncate(fd, 0) == 0 && ftruncate(fd, RING_HEADER + RING_SMALLEST) == 0);
    assert(pwrite(fd, &header, sizeof(header), 0) == sizeof(header));
    length = length < sizeof(text) ? length : sizeof(text);
    memcpy(text, data + size - length, length);
    put_right(text, length);
    place = header.tail % RING_SMALLEST;
    first = length < RING_SMALLEST - place ? length : (size_t)(RING_SMALLEST - place);
    assert(pwrite(fd, text, first, (off_t)(RING_HEADER + place)) == (ssize_t)first);
    assert(pwrite(fd, text + first, length - first, RING_HEADER) == (ssize_t)(length - first));
}

static void read_all(const char *path)
{
    static char text[RING_LARGEST_BATCH];
    struct ring_reader reader;
    struct ring_cursor cursor = {0};
    struct ring_batch batch;
    struct error err = {0};
    uint64_t lost;
    uint64_t surplus;
    int result;
    int batches = 0;

    assert(ring_reader_open(&reader, path, &err) == 0);
    while ((result = ring_next(&reader, &cursor, &batch, text, &lost)) == 1) {
        assert(batch.length <= RING_LARGEST_BATCH && ++batches <= RING_SMALLEST);
    }
    assert(result < 0 || cursor.position == reader.header->head || batches == 0);
    for (uint64_t lines = 0; lines < 3; lines++) {
        ring_last(&reader, lines, &cursor, &surplus);
    }
    ring_reader_close(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    static char held[RING_LONGEST_LINE];
    struct ring ring;
    struct error err = {0};

    if (fd < 0) {
        snprintf(path, sizeof(path), "/dev/shm/edgeinit-fuzz-ring-%d", (int)getpid());
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert(fd >= 0);
    fill(fd, data, size);
    close(fd);
    read_all(path);
    assert(ring_open(&ring, path, RING_SMALLEST, &err) == 0);
    assert(ring_held(&ring, held) <= RING_LONGEST_LINE);
    assert(ring_append(&ring, "x\n", 2, 1, 0, &err) == 0);
    ring_close(&ring);
    read_all(path);
    unlink(path);
    return 0;
}
