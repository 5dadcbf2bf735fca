/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending to RUN_DIR/timeline. It must cost nothing and can fail nobody: each call is at most one small write to a tmpfs,
 * and when that fails (the tmpfs is full) nothing more is noted. A worker that was forked may append as well, for the file
 * is open for appending; what two of them write does not mix.
 */
#ifndef EDGEINIT_TIMELINE_RECORDER_H
#define EDGEINIT_TIMELINE_RECORDER_H

#include "base/error.h"
#include "base/text.h"
#include "timeline/record.h"

#define TIMELINE_NAME "timeline" /* the file in the run directory, the directory in the state directory */

struct recorder {
    int fd; /* -1: nothing is noted */
    size_t count;
    struct text pending; /* of recorder_text() and recorder_needs(), until the next flush */

    /* What an earlier daemon of this boot has noted. */
    bool ready;
    bool closed;
    bool kept;
    int64_t began; /* of the boot's first daemon; 0: there was none */
};

/* Open the file; *is_new: nothing was noted in it yet. Nothing may be noted before recorder_begin(), but by a worker that waits for
 * it. */
int recorder_open(struct recorder *recorder, const char *run_dir, bool *is_new, struct error *err);

/* Go on with the records of this boot; another boot's are thrown away. `wall` is for the first record. On failure it is closed. */
int recorder_begin(struct recorder *recorder, const char *boot_id, int64_t wall, struct error *err);
void recorder_close(struct recorder *recorder);

/* Seal and append; what is pending goes first. Or pending. */
void recorder_add(struct recorder *recorder, const struct timeline_record *record);
void recorder_put(struct recorder *recorder, const struct timeline_record *record);
void recorder_flush(struct recorder *recorder);

/* ITEM or DETAIL, in as many records as it takes. Pending. */
void recorder_text(struct recorder *recorder, enum timeline_type type, enum timeline_kind kind, size_t index,
                   unsigned flags, const char *text);

/* That item INDEX needs item `need`; consecutive calls for one item and kind share a record. Pending. */
void recorder_need(struct recorder *recorder, enum timeline_kind kind, size_t index, enum timeline_kind need_kind,
                   size_t need);

/* All records of RUN_DIR/timeline; free *data. */
int recorder_read(const char *run_dir, char **data, size_t *length, struct error *err);

#endif
