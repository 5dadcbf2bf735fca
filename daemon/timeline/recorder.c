/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"

#define LARGEST \
    ((size_t)TIMELINE_MOST * 2 * sizeof(struct timeline_record)) /* a worker adds to what the daemon counts */

/* What was noted, from the records themselves. */
static void look_back(struct recorder *recorder, const char *data, size_t length)
{
    const struct timeline_record *record;
    size_t offset = 0;

    while ((record = timeline_next(data, length, &offset, NULL)) != NULL) {
        recorder->ready |= record->type == TIMELINE_READY;
        recorder->closed |= record->type == TIMELINE_CLOSED;
        recorder->kept |= record->type == TIMELINE_KEPT;
        if (record->type == TIMELINE_DAEMON && recorder->began == 0) {
            recorder->began = record->at;
        }
    }
}

/* Of this boot? Then its last record is made whole: what was cut is cut off. */
static bool go_on(struct recorder *recorder, const char *boot_id)
{
    CLEANUP_FREE char *data = NULL;
    size_t length = 0;
    struct error ignored = {0};
    char id[40];

    if (file_read_fd(recorder->fd, TIMELINE_NAME, LARGEST, &data, &length, &ignored) != 0 ||
        !timeline_is_boot(data, length, id) || !streq(id, boot_id)) {
        return false;
    }
    look_back(recorder, data, length);
    recorder->count = length / sizeof(struct timeline_record);
    return ftruncate(recorder->fd, (off_t)(recorder->count * sizeof(struct timeline_record))) == 0;
}

int recorder_open(struct recorder *recorder, const char *run_dir, bool *is_new, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/" TIMELINE_NAME, run_dir);
    struct stat status;

    *recorder = (struct recorder){.fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (recorder->fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    *is_new = fstat(recorder->fd, &status) == 0 && status.st_size == 0;
    return 0;
}

int recorder_begin(struct recorder *recorder, const char *boot_id, int64_t wall, struct error *err)
{
    struct timeline_record first = {.type = TIMELINE_BOOT, .at = clock_now(), .boot.wall = wall};

    if (go_on(recorder, boot_id)) {
        return 0;
    }
    recorder->count = 0;
    if (ftruncate(recorder->fd, 0) != 0) {
        error_system(err, errno, "empty " TIMELINE_NAME);
        recorder_close(recorder);
        return -1;
    }
    snprintf(first.boot.id, sizeof(first.boot.id), "%s", boot_id);
    recorder_add(recorder, &first);
    return 0;
}

void recorder_close(struct recorder *recorder)
{
    recorder_flush(recorder);
    if (recorder->fd >= 0) {
        close(recorder->fd);
        recorder->fd = -1;
    }
}

void recorder_put(struct recorder *recorder, const struct timeline_record *record)
{
    struct timeline_record sealed = *record;

    if (recorder->fd >= 0) {
        timeline_seal(&sealed);
        text_append(&recorder->pending, (const char *)&sealed, sizeof(sealed));
    }
}

void recorder_flush(struct recorder *recorder)
{
    size_t length = recorder->pending.length;

    if (recorder->fd >= 0 && length > 0 && recorder->count < TIMELINE_MOST) {
        ssize_t put = write(recorder->fd, recorder->pending.data, length);

        recorder->count += length / sizeof(struct timeline_record);
        if (put != (ssize_t)length) {
            close(recorder->fd);
            recorder->fd = -1;
        }
    }
    text_free(&recorder->pending);
}

void recorder_add(struct recorder *recorder, const struct timeline_record *record)
{
    recorder_put(recorder, record);
    recorder_flush(recorder);
}

void recorder_text(struct recorder *recorder, enum timeline_type type, enum timeline_kind kind, size_t index,
                   unsigned flags, const char *text)
{
    struct timeline_record record = {
        .type = (uint8_t)type, .kind = (uint8_t)kind, .index = (uint16_t)index, .at = clock_now()};
    size_t length = strnlen(text, TIMELINE_LONGEST_TEXT - 1);
    size_t done = 0;

    /* One that is not full is the last. */
    do {
        record.text.offset = (uint16_t)done;
        record.text.length = (uint8_t)(length - done < TIMELINE_TEXT ? length - done : TIMELINE_TEXT);
        record.text.flags = (uint8_t)flags;
        memset(record.text.bytes, 0, sizeof(record.text.bytes));
        memcpy(record.text.bytes, text + done, record.text.length);
        recorder_put(recorder, &record);
        done += record.text.length;
    } while (record.text.length == TIMELINE_TEXT);
}

/* The record that is pending last, if it has room for another need of this item. */
static struct timeline_record *open_needs(struct recorder *recorder, const struct timeline_record *wanted)
{
    size_t length = recorder->pending.length;
    struct timeline_record *last;

    if (length < sizeof(*last)) {
        return NULL;
    }
    last = (void *)(recorder->pending.data + length - sizeof(*last));
    return last->type == TIMELINE_NEEDS && last->kind == wanted->kind && last->index == wanted->index &&
                   last->needs.kind == wanted->needs.kind && last->needs.count < TIMELINE_NEEDS_EACH
               ? last
               : NULL;
}

void recorder_need(struct recorder *recorder, enum timeline_kind kind, size_t index, enum timeline_kind need_kind,
                   size_t need)
{
    const struct timeline_record wanted = {
        .type = TIMELINE_NEEDS,
        .kind = (uint8_t)kind,
        .index = (uint16_t)index,
        .at = clock_now(),
        .needs = {.kind = (uint8_t)need_kind, .count = 1, .items = {(uint16_t)need}}};
    struct timeline_record *record = open_needs(recorder, &wanted);

    if (record == NULL) {
        recorder_put(recorder, &wanted);
        return;
    }
    record->needs.items[record->needs.count++] = (uint16_t)need;
    timeline_seal(record);
}

int recorder_read(const char *run_dir, char **data, size_t *length, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/" TIMELINE_NAME, run_dir);

    return file_read(path, LARGEST, data, length, err);
}
