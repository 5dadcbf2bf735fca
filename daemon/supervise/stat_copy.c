/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/stat_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/statistics.h"
#include "base/util.h"
#include "supervise/stat_enter.h"

static char read_text[STATISTICS_LARGEST];
static char padded[2 * STATISTICS_LARGEST];

static int write_copy(struct stat_copy *copy)
{
    size_t length = 0;
    ssize_t got;

    while (length < sizeof(read_text) &&
           (got = pread(copy->from, read_text + length, sizeof(read_text) - length, (off_t)length)) > 0) {
        length += (size_t)got;
    }
    length = statistics_pad(read_text, length, padded, sizeof(padded));
    if (length == 0) {
        errno = ENODATA;
        return -1;
    }
    if (pwrite(copy->to, padded, length, 0) != (ssize_t)length) {
        return -1;
    }
    if (length != copy->length && ftruncate(copy->to, (off_t)length) != 0) {
        return -1;
    }
    copy->length = length;
    return 0;
}

static int open_copy(struct stat_copy *copy, const char *path, size_t number)
{
    char name[16];

    snprintf(name, sizeof(name), STAT_COPY_NAME, number);
    *copy = (struct stat_copy){.from = open(path, O_RDONLY | O_CLOEXEC),
                               .to = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)};
    return copy->from < 0 || copy->to < 0 ? -1 : write_copy(copy);
}

int stat_copies_begin(struct stat_copies *copies, const struct stat_plan *plan)
{
    stat_copies_end(copies);
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->acts[i].kind == STAT_ACT_COVER && copies->count < STAT_MOST_COVERS) {
            size_t number = copies->count++;

            if (open_copy(&copies->items[number], plan->acts[i].path, number) != 0) {
                int error = errno;

                stat_copies_end(copies);
                errno = error;
                return -1;
            }
        }
    }
    copies->due = clock_now() + STAT_COPY_EVERY * MICROSECONDS_PER_SECOND;
    return 0;
}

void stat_copies_end(struct stat_copies *copies)
{
    for (size_t i = 0; i < copies->count; i++) {
        close(copies->items[i].from);
        close(copies->items[i].to);
    }
    copies->count = 0;
}

int stat_copies_wait(const struct stat_copies *copies)
{
    int64_t left = copies->due - clock_now();

    if (copies->count == 0) {
        return -1;
    }
    return left <= 0 ? 0 : (int)(left / MICROSECONDS_PER_MILLISECOND) + 1;
}

void stat_copies_refresh(struct stat_copies *copies)
{
    if (copies->count == 0 || clock_now() < copies->due) {
        return;
    }
    for (size_t i = 0; i < copies->count; i++) {
        (void)write_copy(&copies->items[i]); /* else the old text stays, and the next time may be better */
    }
    copies->due = clock_now() + STAT_COPY_EVERY * MICROSECONDS_PER_SECOND;
}
