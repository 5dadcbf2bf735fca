/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline/verb.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "supervise/record.h"
#include "timeline/before.h"
#include "timeline/recorder.h"
#include "timeline/show.h"
#include "timeline/store.h"

struct boots {
    struct boot *items; /* newest first */
    size_t count;
};

static bool take(struct boots *boots, const char *data, size_t length, int64_t now)
{
    boots->items = xrealloc(boots->items, (boots->count + 1) * sizeof(*boots->items));
    if (!boot_read(&boots->items[boots->count], data, length, now)) {
        boot_free(&boots->items[boots->count]);
        return false;
    }
    boots->count++;
    return true;
}

/* The kernel is asked when it is wanted; the record is there only once the boot is kept. */
static void complete(char **data, size_t *length)
{
    struct timeline_record init = {.type = TIMELINE_INIT, .at = before_init()};
    size_t offset = 0;
    const struct timeline_record *record;

    while ((record = timeline_next(*data, *length, &offset, NULL)) != NULL) {
        if (record->type == TIMELINE_INIT) {
            return;
        }
    }
    if (init.at > 0) {
        *length -= *length % sizeof(init);
        *data = xrealloc(*data, *length + sizeof(init));
        timeline_seal(&init);
        memcpy(*data + *length, &init, sizeof(init));
        *length += sizeof(init);
    }
}

static void read_current(struct boots *boots, const char *run_dir)
{
    CLEANUP_FREE char *data = NULL;
    size_t length = 0;
    struct error err = {0};
    char text[1024];
    char id[40];
    char now[40];

    if (recorder_read(run_dir, &data, &length, &err) != 0) {
        if (err.errnum != ENOENT) {
            log_warning("%s", error_text(&err, text, sizeof(text)));
        }
        return;
    }
    boot_id_read(now);
    if (!timeline_is_boot(data, length, id)) {
        log_warning("%s/" TIMELINE_NAME " is damaged: its beginning is missing", run_dir);
    } else if (streq(id, now)) {
        complete(&data, &length);
        take(boots, data, length, clock_now());
    }
}

static void read_kept(struct boots *boots, const char *state_dir)
{
    struct store_list list;
    char text[1024];

    store_read(state_dir, &list);
    for (size_t i = 0; i < list.count; i++) {
        const struct store_entry *entry = &list.entries[i];
        char id[40];

        if (entry->data == NULL) {
            log_warning("%s", error_text(&entry->error, text, sizeof(text)));
        } else if (!timeline_is_boot(entry->data, entry->length, id)) {
            log_warning("%s/" TIMELINE_NAME "/%llu is damaged: its beginning is missing", state_dir, entry->number);
        } else if (boots->count == 0 || !streq(boots->items[0].id, id)) {
            take(boots, entry->data, entry->length, 0);
        }
    }
    store_list_free(&list);
}

static int no_such_boot(const struct boots *boots, size_t number, struct error *err)
{
    if (boots->count == 0) {
        error_set(err, ERROR_INPUT, 0, "there is no timeline yet");
        return error_remedy(err, "the daemon writes it: \"edgeinit daemon\"; or name its --run-dir and --state-dir");
    }
    error_set(err, ERROR_INPUT, 0, "there is no boot %zu", number);
    return boots->count == 1 ? error_remedy(err, "only boot 0 is known")
                             : error_remedy(err, "known are 0 (the newest) to %zu", boots->count - 1);
}

static int compare(const struct timeline_request *request, const struct boots *boots, struct text *out)
{
    struct comparison comparison;
    int result;

    compare_boots(&boots->items[request->other], &boots->items[request->boot], &comparison);
    if (request->form == TIMELINE_AS_JSON) {
        CLEANUP_JSON cJSON *document = show_comparison_json(&comparison, request->other, request->boot);

        json_write(document, out);
    } else {
        show_comparison_text(&comparison, request->other, request->boot, request->colour, out);
    }
    result = comparison.slower;
    comparison_free(&comparison);
    return result;
}

static void show_boot(const struct timeline_request *request, const struct boot *boot, struct text *out)
{
    struct critical critical;
    const struct show show = {
        .boot = boot,
        .critical = &critical,
        .number = request->boot,
        .all = request->all,
        .colour = request->colour,
        .width = request->width,
    };

    critical_find(boot, &critical);
    if (request->form == TIMELINE_AS_JSON) {
        CLEANUP_JSON cJSON *document = show_timeline_json(&show);

        json_write(document, out);
    } else if (request->form == TIMELINE_AS_SVG) {
        show_timeline_svg(&show, out);
    } else {
        show_timeline_text(&show, out);
    }
    critical_free(&critical);
}

int timeline_answer(const struct timeline_request *request, struct text *out, struct error *err)
{
    struct boots boots = {0};
    size_t most = request->compare && request->other > request->boot ? request->other : request->boot;
    int result = 0;

    read_current(&boots, request->run_dir);
    read_kept(&boots, request->state_dir);
    if (most >= boots.count) {
        result = no_such_boot(&boots, most, err);
    } else if (request->compare) {
        result = compare(request, &boots, out);
    } else {
        show_boot(request, &boots.items[request->boot], out);
    }
    for (size_t i = 0; i < boots.count; i++) {
        boot_free(&boots.items[i]);
    }
    free(boots.items);
    return result;
}
