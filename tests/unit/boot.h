/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a boot, made up: struct text as they would stand in a file. Times are milliseconds. */
#ifndef EDGEINIT_TESTS_UNIT_BOOT_H
#define EDGEINIT_TESTS_UNIT_BOOT_H

#include "base/util.h"
#include "test.h"
#include "timeline/critical.h"
#include "timeline/recorder.h"

#define MS INT64_C(1000)
#define BOOT_ID "12345678-1234-1234-1234-123456789abc"

static inline void put(struct text *out, struct timeline_record record)
{
    timeline_seal(&record);
    text_append(out, (const char *)&record, sizeof(record));
}

static inline void put_boot_of(struct text *out, const char *id)
{
    struct timeline_record record = {.type = TIMELINE_BOOT, .at = 3000 * MS};

    snprintf(record.boot.id, sizeof(record.boot.id), "%s", id);
    put(out, record);
}

/* The kernel takes 1 s, init 2 s, the manifest 10 ms. */
static inline void put_boot(struct text *out)
{
    put_boot_of(out, BOOT_ID);
    put(out, (struct timeline_record){.type = TIMELINE_INIT, .at = 1000 * MS});
    put(out, (struct timeline_record){.type = TIMELINE_DAEMON,
                                      .at = 3010 * MS,
                                      .daemon = {.process = 3000 * MS, .entered = 3002 * MS, .pid = 77}});
}

static inline void put_text(struct text *out, enum timeline_type type, enum timeline_kind kind, size_t index,
                            unsigned flags, const char *text)
{
    struct recorder recorder = {.fd = 1000}; /* never written to */

    recorder_text(&recorder, type, kind, index, flags, text);
    for (size_t i = 0; i < recorder.pending.length; i += sizeof(struct timeline_record)) {
        struct timeline_record record;

        memcpy(&record, recorder.pending.data + i, sizeof(record));
        record.at = 3024 * MS; /* not the clock's */
        put(out, record);
    }
    text_free(&recorder.pending);
}

static inline void put_name(struct text *out, enum timeline_kind kind, size_t index, const char *name)
{
    put_text(out, TIMELINE_ITEM, kind, index, 0, name);
}

static inline void put_need(struct text *out, enum timeline_kind kind, unsigned index, enum timeline_kind need_kind,
                            unsigned need)
{
    put(out, (struct timeline_record){.type = TIMELINE_NEEDS,
                                      .kind = (uint8_t)kind,
                                      .index = (uint16_t)index,
                                      .needs = {.kind = (uint8_t)need_kind, .count = 1, .items = {(uint16_t)need}}});
}

static inline void put_bringup(struct text *out, int64_t at)
{
    put(out, (struct timeline_record){.type = TIMELINE_BRINGUP, .at = at * MS});
}

struct made_resource {
    unsigned index;
    int64_t began;
    int64_t waited;
    int64_t ended;
    int64_t told;
    const char *state; /* NULL: "applied" */
};

static inline void put_resource(struct text *out, struct made_resource made)
{
    struct timeline_record record = {
        .type = TIMELINE_RESOURCE,
        .index = (uint16_t)made.index,
        .at = made.told * MS,
        .resource = {.began = made.began * MS, .ended = made.ended * MS, .waited = (uint32_t)(made.waited * MS)},
    };

    snprintf(record.resource.state, sizeof(record.resource.state), "%s", made.state == NULL ? "applied" : made.state);
    put(out, record);
}

static inline void put_service(struct text *out, unsigned index, int64_t at, const char *state, const char *cause,
                               uint32_t instance, int64_t executed)
{
    struct timeline_record record = {
        .type = TIMELINE_SERVICE,
        .kind = TIMELINE_OF_SERVICE,
        .index = (uint16_t)index,
        .at = at * MS,
        .service = {.instance = instance, .restarts = instance > 0 ? instance - 1 : 0, .executed = executed * MS},
    };

    snprintf(record.service.state, sizeof(record.service.state), "%s", state);
    snprintf(record.service.cause, sizeof(record.service.cause), "%s", cause);
    put(out, record);
}

static inline void put_ready(struct text *out, int64_t at)
{
    put(out, (struct timeline_record){.type = TIMELINE_READY, .at = at * MS});
}

/*
 * A board whose card comes late: /data (10 ms), the card (waits 5 s, 50 ms), a file on it, a sysctl; docker needs the card
 * and takes 2 s; edge comes after docker, 1 s; log needs /data alone.
 */
static inline void put_usual(struct text *out, int64_t card)
{
    put_boot(out);
    put_name(out, TIMELINE_OF_SERVICE, 0, "docker");
    put_name(out, TIMELINE_OF_SERVICE, 1, "edge");
    put_name(out, TIMELINE_OF_SERVICE, 2, "log");
    put_need(out, TIMELINE_OF_SERVICE, 1, TIMELINE_OF_SERVICE, 0);
    for (unsigned i = 0; i < 3; i++) {
        put_service(out, i, 3011, "waiting", "resources", 0, 0);
    }
    put_name(out, TIMELINE_OF_RESOURCE, 0, "directory /data");
    put_name(out, TIMELINE_OF_RESOURCE, 1, "mount /card");
    put_name(out, TIMELINE_OF_RESOURCE, 2, "file /card/x");
    put_name(out, TIMELINE_OF_RESOURCE, 3, "sysctl y");
    put_need(out, TIMELINE_OF_RESOURCE, 1, TIMELINE_OF_RESOURCE, 0);
    put_need(out, TIMELINE_OF_RESOURCE, 2, TIMELINE_OF_RESOURCE, 1);
    put_need(out, TIMELINE_OF_SERVICE, 0, TIMELINE_OF_RESOURCE, 1);
    put_need(out, TIMELINE_OF_SERVICE, 2, TIMELINE_OF_RESOURCE, 0);
    put_bringup(out, 3012);
    put_resource(out, (struct made_resource){0, 3013, 0, 3023, 3024, NULL});
    put_service(out, 2, 3025, "starting", "none", 1, 0);
    put_text(out, TIMELINE_DETAIL, TIMELINE_OF_RESOURCE, 1, 0, "find device LABEL=card");
    put_resource(out, (struct made_resource){3, 3024, 0, 3025, 3026, "in place"});
    put_service(out, 2, 3040, "ready", "none", 1, 3035);
    put_resource(out, (struct made_resource){1, 3023, card, 3023 + card + 50, 3023 + card + 52, NULL});
    put_resource(out, (struct made_resource){2, 3023 + card + 50, 0, 3023 + card + 51, 3023 + card + 52, NULL});
    put_service(out, 0, 3080 + card, "starting", "none", 1, 0);
    put_service(out, 1, 3080 + card, "waiting", "after", 0, 0);
    put_service(out, 0, 5080 + card, "ready", "none", 1, 3090 + card);
    put_service(out, 1, 5081 + card, "starting", "none", 1, 0);
    put_service(out, 1, 6081 + card, "ready", "none", 1, 5090 + card);
    put_ready(out, 6082 + card);
}

/* All that boot.h and critical.h promise, of any boot. */
static inline void check_boot(const struct boot *boot)
{
    struct critical critical;
    int64_t at = 0;
    int64_t spent = 0;

    assert_true(boot->end >= 0 && boot->count >= BOOT_PHASES && boot->process <= boot->end);
    for (size_t i = 0; i < boot->count; i++) {
        const struct item *item = &boot->items[i];
        int64_t last = 0;

        assert_true(item->began >= 0 && item->began <= item->ended && item->ended <= boot->end);
        assert_true(item->told >= 0 && item->told <= boot->end && item->possible >= 0 && item->possible <= boot->end);
        for (size_t j = 0; j < item->span_count; j++) {
            assert_true(item->spans[j].from >= last && item->spans[j].to > item->spans[j].from);
            last = item->spans[j].to;
        }
        assert_true(last <= boot->end);
        for (size_t j = 0; j < item->need_count; j++) {
            assert_true(item->needs[j] < boot->count && item->needs[j] != i);
        }
    }
    critical_find(boot, &critical);
    assert_true(critical.count > 0 && critical.steps[0].from == 0 && critical.steps[0].item == PHASE_KERNEL);
    for (size_t i = 0; i < critical.count; i++) {
        assert_true(critical.steps[i].from == at && critical.steps[i].to >= at);
        at = critical.steps[i].to;
    }
    assert_true(at == boot->end);
    for (size_t i = 0; i < SPANS; i++) {
        assert_true(critical.spent[i] >= 0);
        spent += critical.spent[i];
    }
    assert_true(spent == boot->end);
    critical_free(&critical);
}

#endif
