/* SPDX-License-Identifier: Apache-2.0 */
/* Records and specs from files that may hold anything. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "supervise/record.h"
#include "supervise/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const void *data, size_t size)
{
    struct keeper_record record;
    struct keeper_record again;

    if (record_read(data, size, &record)) {
        assert(strlen(record.boot_id) < sizeof(record.boot_id) && strlen(record.notify.status) < KEEPER_STATUS);
        assert(record.phase >= 0 && record.phase < PHASES && record.step >= 0 && record.step < STEPS);
        assert(record.adopted >= 0 && record.adopted < ADOPTIONS && record.pid >= 0 && record.notify.main_pid >= 0);
        assert(record_read(&record, sizeof(record), &again));
        assert(memcmp(&record, &again, sizeof(record)) == 0);
    }
}

/* What is unpacked packs to something that unpacks to the same. */
static void check_spec(const void *data, size_t size)
{
    static struct spec spec;
    static struct spec again;
    CLEANUP_TEXT struct text first = {0};
    CLEANUP_TEXT struct text second = {0};

    if (spec_unpack(data, size, &spec)) {
        assert(spec.arguments[0] != NULL && spec.directory != NULL && spec.limit_count <= SPEC_MOST_LIMITS);
        assert(spec_pack(&spec, &first));
        assert(spec_unpack(first.data, first.length, &again));
        assert(spec_pack(&again, &second));
        assert(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_record(data, size);
    check_spec(data, size);
    return 0;
}
