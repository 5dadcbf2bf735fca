/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline/store.h"

#include <dirent.h>
#include <errno.h>
#include <zlib.h>

#include "base/file.h"
#include "base/util.h"
#include "timeline/recorder.h"

#define STORE_MAGIC "EDTL"
#define LARGEST ((size_t)TIMELINE_MOST * 4 * sizeof(struct timeline_record))

struct store_header {
    char magic[4];
    uint32_t version; /* TIMELINE_VERSION: of the records */
    uint64_t length;  /* of the records, inflated */
};

char *store_pack(const char *data, size_t length, size_t *size, struct error *err)
{
    struct store_header header = {.magic = STORE_MAGIC, .version = TIMELINE_VERSION, .length = length};
    uLongf room = compressBound((uLong)length);
    char *packed = xmalloc(sizeof(header) + room);

    memcpy(packed, &header, sizeof(header));
    if (compress2((Bytef *)packed + sizeof(header), &room, (const Bytef *)data, (uLong)length, Z_BEST_COMPRESSION) !=
        Z_OK) {
        free(packed);
        error_set(err, ERROR_SYSTEM, ENOMEM, "deflate the timeline");
        return NULL;
    }
    *size = sizeof(header) + room;
    return packed;
}

int store_unpack(const char *packed, size_t size, char **data, size_t *length, struct error *err)
{
    struct store_header header;
    uLongf room;

    if (size < sizeof(header) || memcmp(packed, STORE_MAGIC, sizeof(header.magic)) != 0) {
        return error_set(err, ERROR_INPUT, 0, "it is no timeline");
    }
    memcpy(&header, packed, sizeof(header));
    if (header.version != TIMELINE_VERSION) {
        error_set(err, ERROR_INPUT, 0, "another version of edgeinit wrote it (format %u, here %u)", header.version,
                  TIMELINE_VERSION);
        return -1;
    }
    if (header.length > LARGEST) {
        return error_set(err, ERROR_INPUT, 0, "it is damaged");
    }
    room = (uLongf)header.length;
    *data = xmalloc(room + 1);
    if (uncompress((Bytef *)*data, &room, (const Bytef *)packed + sizeof(header), (uLong)(size - sizeof(header))) !=
            Z_OK ||
        room != header.length) {
        free(take_pointer(data));
        return error_set(err, ERROR_INPUT, 0, "it is damaged");
    }
    *length = room;
    return 0;
}

static int compare_entries(const void *a, const void *b)
{
    const struct store_entry *first = a;
    const struct store_entry *second = b;

    return (first->number < second->number) - (first->number > second->number);
}

/* The numbers alone. */
static void list_numbers(const char *directory, struct store_list *list)
{
    CLEANUP_DIR DIR *opened = opendir(directory);
    const struct dirent *entry;

    *list = (struct store_list){0};
    while (opened != NULL && (entry = readdir(opened)) != NULL) {
        int64_t number = 0;

        if (entry->d_name[0] != '0' && text_parse_integer(entry->d_name, &number) && number > 0) {
            list->entries = xrealloc(list->entries, (list->count + 1) * sizeof(*list->entries));
            list->entries[list->count++] = (struct store_entry){.number = (unsigned long long)number};
        }
    }
    if (list->count > 0) {
        qsort(list->entries, list->count, sizeof(*list->entries), compare_entries);
    }
}

static void read_entry(const char *directory, struct store_entry *entry)
{
    CLEANUP_FREE char *path = xasprintf("%s/%llu", directory, entry->number);
    CLEANUP_FREE char *packed = NULL;
    size_t size = 0;

    if (file_read(path, LARGEST, &packed, &size, &entry->error) == 0 &&
        store_unpack(packed, size, &entry->data, &entry->length, &entry->error) != 0) {
        error_wrap(&entry->error, "%s", path);
        error_remedy(&entry->error, "nothing but that boot's history is lost; remove the file");
    }
}

void store_read(const char *state_dir, struct store_list *list)
{
    CLEANUP_FREE char *directory = xasprintf("%s/" TIMELINE_NAME, state_dir);

    list_numbers(directory, list);
    for (size_t i = 0; i < list->count; i++) {
        read_entry(directory, &list->entries[i]);
    }
}

void store_list_free(struct store_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->entries[i].data);
    }
    free(list->entries);
    *list = (struct store_list){0};
}

/* It would be the newest: an earlier daemon of this boot kept it. */
static bool has_boot(const char *directory, const struct store_list *list, const char *data, size_t length)
{
    char id[40];
    char kept[40];
    struct store_entry *newest = list->entries;

    if (list->count == 0 || !timeline_is_boot(data, length, id)) {
        return false;
    }
    read_entry(directory, newest);
    return newest->data != NULL && timeline_is_boot(newest->data, newest->length, kept) && streq(id, kept);
}

/* All but the newest `first`. */
static void remove_from(const char *directory, const struct store_list *list, size_t first)
{
    for (size_t i = list->count; i-- > first;) {
        CLEANUP_FREE char *path = xasprintf("%s/%llu", directory, list->entries[i].number);

        unlink(path);
    }
}

int store_keep(const char *state_dir, const char *data, size_t length, size_t boots, struct error *err)
{
    const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *directory = xasprintf("%s/" TIMELINE_NAME, state_dir);
    CLEANUP_FREE char *packed = NULL;
    CLEANUP_FREE char *path = NULL;
    struct store_list list;
    size_t size = 0;
    int result = 0;

    if (file_make_parents(directory, err) != 0) {
        return -1;
    }
    list_numbers(directory, &list);
    if (has_boot(directory, &list, data, length)) {
        store_list_free(&list);
        return 0;
    }
    /* The oldest go first: they may be what fills the disk. But one is there at any time. */
    remove_from(directory, &list, boots > 1 ? boots - 1 : 1);
    if (boots > 0) {
        path = xasprintf("%s/%llu", directory, list.count == 0 ? 1 : list.entries[0].number + 1);
        packed = store_pack(data, length, &size, err);
        result = packed == NULL ? -1 : file_write(path, packed, size, &attributes, err);
    }
    if (result == 0 && boots <= 1) {
        remove_from(directory, &list, 0);
    }
    store_list_free(&list);
    return result;
}
