/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline/record.h"

#include <string.h>
#include <zlib.h>

#include "base/text.h"

static uint32_t checksum(const struct timeline_record *record)
{
    const unsigned char *bytes = (const unsigned char *)record;

    return (uint32_t)crc32(0, bytes + sizeof(record->check), sizeof(*record) - sizeof(record->check));
}

void timeline_seal(struct timeline_record *record)
{
    record->check = checksum(record);
}

/* What is said to be a string ends within its field. */
static bool is_string(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/* Whoever wrote it, it can be used without another look. */
static bool is_good(const struct timeline_record *record)
{
    if (record->check != checksum(record) || record->type == 0 || record->type >= TIMELINE_TYPES ||
        record->kind >= TIMELINE_KINDS) {
        return false;
    }
    switch (record->type) {
        case TIMELINE_BOOT:
            return is_string(record->boot.id, sizeof(record->boot.id));
        case TIMELINE_ITEM:
        case TIMELINE_DETAIL:
            return record->text.length <= TIMELINE_TEXT &&
                   record->text.offset + record->text.length <= TIMELINE_LONGEST_TEXT &&
                   memchr(record->text.bytes, '\0', record->text.length) == NULL;
        case TIMELINE_NEEDS:
            return record->needs.kind < TIMELINE_KINDS && record->needs.count <= TIMELINE_NEEDS_EACH;
        case TIMELINE_RESOURCE:
            return is_string(record->resource.state, sizeof(record->resource.state));
        case TIMELINE_SERVICE:
            return is_string(record->service.state, sizeof(record->service.state)) &&
                   is_string(record->service.cause, sizeof(record->service.cause));
        default:
            return true;
    }
}

const struct timeline_record *timeline_next(const void *data, size_t length, size_t *offset, size_t *damaged)
{
    while (*offset <= length && length - *offset >= sizeof(struct timeline_record)) {
        const struct timeline_record *record = (const void *)((const char *)data + *offset);

        *offset += sizeof(*record);
        if (is_good(record)) {
            return record;
        }
        if (damaged != NULL) {
            ++*damaged;
        }
    }
    return NULL;
}

bool timeline_is_boot(const void *data, size_t length, char id[40])
{
    size_t offset = 0;
    const struct timeline_record *record = timeline_next(data, length, &offset, NULL);

    if (record == NULL || record->type != TIMELINE_BOOT || offset != sizeof(*record)) {
        return false;
    }
    memcpy(id, record->boot.id, sizeof(record->boot.id));
    return true;
}

void timeline_make_printable(char *text)
{
    size_t length = strlen(text);
    size_t bad = 0;
    bool is_utf8 = text_is_utf8(text, length, &bad);

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (byte < ' ' || byte == 0x7f || (byte >= 0x80 && !is_utf8)) {
            text[i] = '?';
        }
    }
}
