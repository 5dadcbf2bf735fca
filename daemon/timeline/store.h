/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boots that are kept: STATE_DIR/timeline/NUMBER, one file each, written once. It is on flash, so a boot costs one small
 * file (its records, deflated), written aside and renamed, and the removal of the oldest. The clock of a board that boots
 * says 1970, so the number tells their order.
 */
#ifndef EDGEINIT_TIMELINE_STORE_H
#define EDGEINIT_TIMELINE_STORE_H

#include "base/error.h"

/* Keep these records, and of all that are kept the newest `boots`. A boot that is kept already is not kept twice. */
int store_keep(const char *state_dir, const char *data, size_t length, size_t boots, struct error *err);

struct store_entry {
    unsigned long long number;
    char *data; /* records; NULL: it cannot be read */
    size_t length;
    struct error error;
};

struct store_list {
    struct store_entry *entries; /* newest first */
    size_t count;
};

/* All that are kept. A file that cannot be read is an entry with its error; no directory is no entries. */
void store_read(const char *state_dir, struct store_list *list);
void store_list_free(struct store_list *list);

/* The content of a file taken apart; *data is the caller's to free. */
int store_unpack(const char *packed, size_t size, char **data, size_t *length, struct error *err);
/* And put together; free the answer. */
char *store_pack(const char *data, size_t length, size_t *size, struct error *err);

#endif
