/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of a boot, and files of the state directory, that may hold anything. The input is taken for records, whose
 * checksums are made good, for without them nothing of it would be looked at, and for a file that is kept.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "timeline/compare.h"
#include "timeline/show.h"
#include "timeline/store.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    json_setup();
    return 0;
}

static void check_items(const struct boot *boot)
{
    for (size_t i = 0; i < boot->count; i++) {
        const struct item *item = &boot->items[i];
        int64_t last = 0;

        assert(item->began >= 0 && item->began <= item->ended && item->ended <= boot->end);
        assert(item->told >= 0 && item->told <= boot->end && item->possible >= 0 && item->possible <= boot->end);
        for (size_t j = 0; j < item->span_count; j++) {
            assert(item->spans[j].from >= last && item->spans[j].to > item->spans[j].from);
            last = item->spans[j].to;
        }
        assert(last <= boot->end);
    }
}

static void check_path(const struct boot *boot, const struct critical *critical)
{
    int64_t at = 0;
    int64_t spent = 0;

    for (size_t i = 0; i < critical->count; i++) {
        assert(critical->steps[i].item < boot->count && critical->steps[i].from == at && critical->steps[i].to >= at);
        at = critical->steps[i].to;
    }
    for (size_t i = 0; i < SPANS; i++) {
        assert(critical->spent[i] >= 0);
        spent += critical->spent[i];
    }
    assert(at == boot->end && spent == boot->end);
}

static void check_records(const void *data, size_t size, int64_t now, bool all)
{
    CLEANUP_TEXT struct text text = {0};
    CLEANUP_TEXT struct text svg = {0};
    struct critical critical;
    struct comparison comparison;
    struct boot boot;
    size_t bad = 0;

    if (boot_read(&boot, data, size, now)) {
        const struct show show = {.boot = &boot, .critical = &critical, .all = all, .width = 80};

        check_items(&boot);
        critical_find(&boot, &critical);
        check_path(&boot, &critical);
        show_timeline_text(&show, &text);
        show_timeline_svg(&show, &svg);
        assert(text_is_utf8(text_string(&text), text.length, &bad));
        assert(text_is_utf8(text_string(&svg), svg.length, &bad));
        cJSON_Delete(show_timeline_json(&show));
        compare_boots(&boot, &boot, &comparison);
        assert(!comparison.slower && comparison.count == 0);
        comparison_free(&comparison);
        critical_free(&critical);
    }
    boot_free(&boot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *records = xmalloc(size + 1);
    CLEANUP_FREE char *unpacked = NULL;
    struct error err = {0};
    size_t length = 0;

    if (size == 0) {
        return 0;
    }
    memcpy(records, data + 1, size - 1);
    for (size_t at = 0; at + sizeof(struct timeline_record) <= size - 1; at += sizeof(struct timeline_record)) {
        struct timeline_record record;

        memcpy(&record, records + at, sizeof(record));
        if (at == 0) {
            record.type = TIMELINE_BOOT;
            record.boot.id[sizeof(record.boot.id) - 1] = '\0';
        }
        record.kind %= TIMELINE_KINDS;
        record.index %= 64;
        timeline_seal(&record);
        memcpy(records + at, &record, sizeof(record));
    }
    check_records(records, size - 1, (data[0] & 1) != 0 ? INT64_MAX : 0, (data[0] & 2) != 0);
    if (store_unpack((const char *)data, size, &unpacked, &length, &err) == 0) {
        check_records(unpacked, length, 0, false);
    }
    return 0;
}
