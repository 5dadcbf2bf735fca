/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small languages of checks and conditions: the first line of a server's answer, which comes from outside in pieces of
 * any size, and targets and values of a manifest. The first byte chooses the kind of the text.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/path.h"
#include "base/util.h"
#include "supervise/check.h"
#include "supervise/condition.h"
#include "supervise/target.h"

#define DAY INT64_C(86400)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* However the bytes are cut, the first status that is not "more" is the only one. */
static void check_answer(const char *bytes, size_t length)
{
    int decided = 0;

    for (size_t i = 0; i <= length; i++) {
        int status = http_status(bytes, i);

        assert(status == -1 || status == 0 || (status >= 100 && status <= 599));
        assert(decided == 0 || status == decided);
        decided = status;
    }
}

static void try_target(enum check_kind kind, const char *text)
{
    struct target target;
    const char *why = NULL;
    bool good = check_target_is_good(kind, text, &why);

    assert(good == (why == NULL));
    if (good && (kind == CHECK_HTTP || kind == CHECK_TCP)) {
        assert(target_parse(kind, text, &target, &why));
        assert(target.length > 0 && target.length <= sizeof(target.address));
        assert(kind != CHECK_HTTP || (target.request[0] == '/' && strpbrk(target.request, " \r\n") == NULL));
    }
    if (good && (kind == CHECK_FILE || kind == CHECK_COMMAND)) {
        assert(path_is_normal(text, &why));
    }
}

static void check_value(enum condition_kind kind, const char *text)
{
    struct condition_config config = {.kind = kind, .value = text, .clock = -1};
    const char *why = NULL;
    bool good = condition_value_is_good(kind, text, &config.clock, &why);
    char reason[2048];

    assert(good == (why == NULL));
    if (kind != CONDITION_CLOCK) {
        assert(config.clock == -1);
    } else if (good) {
        assert(config.clock >= 0 && config.clock < INT64_C(8030) * 366 * DAY);
        assert(strlen(text) > 10 || config.clock % DAY == 0);
        condition_holds(&config, reason, sizeof(reason));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *text = xcalloc(size + 1, 1);
    unsigned kinds = CHECK_KINDS - CHECK_HTTP + CONDITION_KINDS;
    unsigned kind;

    if (size == 0) {
        return 0;
    }
    memcpy(text, data + 1, size - 1);
    kind = data[0] % (kinds + 1);
    if (kind == kinds) {
        check_answer((const char *)data + 1, size - 1);
    } else if (kind < CONDITION_KINDS) {
        check_value((enum condition_kind)kind, text);
    } else {
        try_target((enum check_kind)(kind - CONDITION_KINDS + CHECK_HTTP), text);
    }
    return 0;
}
