/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/ring.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>

#include "base/clock.h"
#include "base/util.h"

#define BATCH_MAGIC 0x54414252U /* "RBAT" in memory */

/* How often a reader that is overtaken begins again before it says that there is nothing; its caller comes again. */
#define MOST_ATTEMPTS 100

static_assert(sizeof(struct ring_batch) == 40, "no padding");
static_assert(sizeof(struct ring_header) <= RING_HEADER, "the header has its page");
static_assert(RING_SMALLEST >= 2 * (RING_LARGEST_BATCH + sizeof(struct ring_batch)),
              "the newest batch is never evicted");

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

/* The fences order our word against what the kernel copies for us before and after. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the builtin writes it */
static void store(uint64_t *word, uint64_t value)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint64_t size_of(const struct ring_batch *batch)
{
    return sizeof(*batch) + batch->length;
}

/* Copy from a position of the data area, around its end. */
static bool get(int fd, uint64_t size, uint64_t position, void *data, size_t length)
{
    uint64_t place = position % size;
    size_t first = length < size - place ? length : (size_t)(size - place);

    if (pread(fd, data, first, (off_t)(RING_HEADER + place)) != (ssize_t)first) {
        return false;
    }
    return first == length || pread(fd, (char *)data + first, length - first, RING_HEADER) == (ssize_t)(length - first);
}

static bool put(const struct ring *ring, uint64_t position, const struct iovec *parts, int count)
{
    for (int i = 0; i < count; i++) {
        uint64_t place = position % ring->size;
        size_t length = parts[i].iov_len;
        size_t first = length < ring->size - place ? length : (size_t)(ring->size - place);
        const char *data = parts[i].iov_base;

        if (pwrite(ring->fd, data, first, (off_t)(RING_HEADER + place)) != (ssize_t)first ||
            (first < length &&
             pwrite(ring->fd, data + first, length - first, RING_HEADER) != (ssize_t)(length - first))) {
            return false;
        }
        position += length;
    }
    return true;
}

/* Is this a batch that ends at or before the head? */
static bool is_batch(const struct ring_batch *batch, uint64_t room)
{
    return room >= sizeof(*batch) && batch->magic == BATCH_MAGIC && batch->length > 0 &&
           batch->length <= RING_LARGEST_BATCH && size_of(batch) <= room && batch->lines <= batch->length;
}

static uint64_t line_after(const struct ring_batch *batch)
{
    return batch->first_line + batch->lines;
}

/* The batch at a position, or the oldest one if that is not there any more. 1, 0 and -1 as ring_next(). Text may be NULL. */
static int fetch(const struct ring_reader *reader, uint64_t *position, struct ring_batch *batch, char *text)
{
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        /* In this order: the tail that belongs to a head is never beyond it, a later one may be. */
        uint64_t head = load(&reader->header->head);
        uint64_t tail = load(&reader->header->tail);
        bool good;

        if (tail > head && load(&reader->header->head) >= tail) {
            continue;
        }
        if (tail > head || head - tail > reader->size || *position > head) {
            *position = head;
            return -1;
        }
        if (*position < tail) {
            *position = tail;
        }
        if (*position == head) {
            return 0;
        }
        good = get(reader->fd, reader->size, *position, batch, sizeof(*batch)) && is_batch(batch, head - *position) &&
               (text == NULL || get(reader->fd, reader->size, *position + sizeof(*batch), text, batch->length));
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (load(&reader->header->tail) > *position) {
            continue; /* what we copied may have been written over meanwhile */
        }
        if (!good) {
            *position = head;
            return -1;
        }
        return 1;
    }
    return 0;
}

/* Go through all batches of what is said to be a ring: do they end at the head? Finds the number of the next line. */
static bool chain_is_whole(struct ring *ring)
{
    const struct ring_reader reader = {ring->fd, ring->header, ring->size};
    struct ring_batch batch;
    uint64_t position = ring->tail;
    int result;

    ring->next_line = 0;
    while ((result = fetch(&reader, &position, &batch, NULL)) == 1) {
        position += size_of(&batch);
        ring->next_line = line_after(&batch);
    }
    return result == 0 && (ring->head > ring->tail || ring->head == 0);
}

static bool header_is_right(const struct ring_header *header, uint64_t size, off_t file)
{
    return header->magic == RING_MAGIC && header->version == RING_VERSION && header->size == size &&
           size >= RING_SMALLEST && (uint64_t)file == RING_HEADER + size;
}

static int map(struct ring *ring, const char *path, struct error *err)
{
    ring->header = mmap(NULL, RING_HEADER, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
    if (ring->header == MAP_FAILED) {
        ring->header = NULL;
        error_system(err, errno, "map %s", path);
        return -1;
    }
    return 0;
}

/* Is there a ring that can be continued? No matter why not, for then it is replaced. */
static bool continue_ring(struct ring *ring, const char *path)
{
    struct error ignored = {0};
    struct stat status;

    ring->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (ring->fd < 0) {
        return false;
    }
    if (fstat(ring->fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= RING_HEADER &&
        map(ring, path, &ignored) == 0 && header_is_right(ring->header, ring->size, status.st_size)) {
        ring->tail = ring->header->tail;
        ring->head = ring->header->head;
        if (chain_is_whole(ring)) {
            return true;
        }
    }
    ring_close(ring);
    return false;
}

/* Aside first: readers of the old file keep it, and nobody sees half a header. */
static int make_ring(struct ring *ring, const char *path, struct error *err)
{
    const struct ring_header header = {.magic = RING_MAGIC, .version = RING_VERSION, .size = ring->size};
    char aside[PATH_MAX];

    ring->tail = 0;
    ring->head = 0;
    ring->next_line = 0;
    if (snprintf(aside, sizeof(aside), "%s.new", path) >= (int)sizeof(aside)) {
        return error_system(err, ENAMETOOLONG, "create %s", path);
    }
    unlink(aside);
    ring->fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (ring->fd < 0) {
        return error_system(err, errno, "create %s", aside);
    }
    /* The header's page is written before it is mapped: a full tmpfs then says so, instead of killing us at a store. */
    if (ftruncate(ring->fd, (off_t)(RING_HEADER + ring->size)) != 0 ||
        pwrite(ring->fd, &header, sizeof(header), 0) != sizeof(header)) {
        error_system(err, errno, "write %s", aside);
        error_remedy(err, "see with df whether its file system is full");
        return -1;
    }
    if (map(ring, aside, err) != 0) {
        return -1;
    }
    return rename(aside, path) == 0 ? 0 : error_system(err, errno, "rename %s to %s", aside, path);
}

int ring_open(struct ring *ring, const char *path, uint64_t size, struct error *err)
{
    *ring = (struct ring){.fd = -1, .size = (size + RING_HEADER - 1) / RING_HEADER * RING_HEADER};
    if (size > INT64_MAX - 2 * RING_HEADER) {
        return error_set(err, ERROR_INPUT, 0, "a ring of %llu bytes is too large", (unsigned long long)size);
    }
    if (size < RING_SMALLEST) {
        ring->size = RING_SMALLEST;
    }
    if (continue_ring(ring, path)) {
        return 0;
    }
    if (make_ring(ring, path, err) != 0) {
        ring_close(ring);
        return -1;
    }
    return 0;
}

/* Move the tail until there is room. A batch of ours that somebody damaged takes all the others with it. */
static void evict(struct ring *ring, uint64_t room)
{
    while (ring->size - (ring->head - ring->tail) < room) {
        struct ring_batch batch;

        if (get(ring->fd, ring->size, ring->tail, &batch, sizeof(batch)) && is_batch(&batch, ring->head - ring->tail)) {
            ring->tail += size_of(&batch);
        } else {
            ring->tail = ring->head;
        }
    }
    store(&ring->header->tail, ring->tail);
}

int ring_append(struct ring *ring, const char *text, size_t length, uint32_t lines, uint32_t flags, struct error *err)
{
    struct timespec now = {0};
    struct ring_batch batch = {
        .magic = BATCH_MAGIC,
        .length = (uint32_t)length,
        .lines = lines,
        .flags = flags,
        .first_line = ring->next_line,
        .monotonic = clock_now(),
    };
    const struct iovec parts[] = {{&batch, sizeof(batch)}, {(void *)(uintptr_t)text, length}};

    if (length == 0 || length > RING_LARGEST_BATCH) {
        return error_set(err, ERROR_INPUT, 0, "a batch of %zu bytes", length);
    }
    clock_gettime(CLOCK_REALTIME, &now);
    batch.realtime = now.tv_sec * MICROSECONDS_PER_SECOND + now.tv_nsec / 1000;
    /* Counted whatever happens, so that readers see what is missing. */
    ring->next_line += lines;
    if (ring->size - (ring->head - ring->tail) < size_of(&batch)) {
        evict(ring, size_of(&batch));
    }
    if (ring->head % ring->size + size_of(&batch) <= ring->size
            ? pwritev(ring->fd, parts, 2, (off_t)(RING_HEADER + ring->head % ring->size)) != (ssize_t)size_of(&batch)
            : !put(ring, ring->head, parts, 2)) {
        return error_system(err, errno, "write to the log ring");
    }
    ring->head += size_of(&batch);
    store(&ring->header->head, ring->head);
    /* Who waits by inotify(7) was woken by the text, perhaps too early to see the head. */
    if (pwrite(ring->fd, &ring->head, sizeof(ring->head), offsetof(struct ring_header, rung)) < 0) {
        return error_system(err, errno, "write to the log ring");
    }
    return 0;
}

void ring_hold(struct ring *ring, const char *text, size_t length)
{
    if (length == 0 || length > RING_LONGEST_LINE) {
        ring->header->held_at = UINT64_MAX;
        return;
    }
    __atomic_store_n(&ring->header->held_at, UINT64_MAX, __ATOMIC_SEQ_CST);
    ring->header->held = (uint32_t)length;
    memcpy(ring->header->held_text, text, length);
    store(&ring->header->held_at, ring->head);
}

size_t ring_held(const struct ring *ring, char *text)
{
    size_t length = ring->header->held;

    if (ring->header->held_at != ring->head || length > RING_LONGEST_LINE) {
        return 0;
    }
    memcpy(text, ring->header->held_text, length);
    return length;
}

void ring_close(struct ring *ring)
{
    if (ring->header != NULL) {
        munmap(ring->header, RING_HEADER);
    }
    if (ring->fd >= 0) {
        close(ring->fd);
    }
    ring->header = NULL;
    ring->fd = -1;
}

int ring_reader_open(struct ring_reader *reader, const char *path, struct error *err)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    void *header;
    struct stat status;

    *reader = (struct ring_reader){.fd = -1};
    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < RING_HEADER) {
        return error_set(err, ERROR_INPUT, 0, "%s is no log ring", path);
    }
    header = mmap(NULL, RING_HEADER, PROT_READ, MAP_SHARED, fd, 0);
    if (header == MAP_FAILED) {
        return error_system(err, errno, "map %s", path);
    }
    if (!header_is_right(header, (uint64_t)status.st_size - RING_HEADER, status.st_size)) {
        munmap(header, RING_HEADER);
        return error_set(err, ERROR_INPUT, 0, "%s is no log ring", path);
    }
    *reader = (struct ring_reader){take_fd(&fd), header, (uint64_t)status.st_size - RING_HEADER};
    return 0;
}

void ring_reader_close(struct ring_reader *reader)
{
    if (reader->header != NULL) {
        munmap((void *)(uintptr_t)reader->header, RING_HEADER);
        close(reader->fd);
    }
    *reader = (struct ring_reader){.fd = -1};
}

int ring_next(struct ring_reader *reader, struct ring_cursor *cursor, struct ring_batch *batch, char *text,
              uint64_t *lost)
{
    int result = fetch(reader, &cursor->position, batch, text);

    *lost = 0;
    if (result == 1) {
        *lost = batch->first_line > cursor->line ? batch->first_line - cursor->line : 0;
        cursor->position += size_of(batch);
        cursor->line = line_after(batch);
    }
    return result;
}

void ring_last(struct ring_reader *reader, uint64_t lines, struct ring_cursor *cursor, uint64_t *surplus)
{
    /* A writer may be faster than we are: what comes from now on is new. */
    uint64_t head = load(&reader->header->head);
    struct ring_batch batch;
    uint64_t end = 0;
    uint64_t wanted;
    uint64_t at = 0;

    *surplus = 0;
    while (at < head && fetch(reader, &at, &batch, NULL) == 1) {
        at += size_of(&batch);
        end = line_after(&batch);
    }
    *cursor = (struct ring_cursor){at, end};
    wanted = end > lines ? end - lines : 0;
    for (at = 0; lines > 0 && at < head && fetch(reader, &at, &batch, NULL) == 1; at += size_of(&batch)) {
        /* The first piece of a line has the line's number, but does not count. */
        if (batch.first_line + (batch.lines == 0 ? 1 : batch.lines) > wanted) {
            *cursor = (struct ring_cursor){at, batch.first_line};
            *surplus = wanted > batch.first_line ? wanted - batch.first_line : 0;
            return;
        }
    }
}
