/* SPDX-License-Identifier: Apache-2.0 */
#include "ohos/event.h"

#include <assert.h>

#include "base/util.h"

#ifdef EDGEINIT_WITH_HISYSEVENT
#include <hisysevent_c.h>
#endif

enum event_type { EVENT_TYPE_FAULT = 1, EVENT_TYPE_STATISTIC, EVENT_TYPE_SECURITY, EVENT_TYPE_BEHAVIOR };
enum field_type { FIELD_NONE, FIELD_STRING, FIELD_INT64 };

static const struct event_row {
    const char *name;
    enum event_type type;
    struct {
        const char *name;
        enum field_type type;
    } fields[EVENT_MOST_FIELDS];
} rows[] = {
    [REPORT_SERVICE_CRASH] = {"SERVICE_CRASH",
                              EVENT_TYPE_FAULT,
                              {{"NAME", FIELD_STRING},
                               {"CAUSE", FIELD_STRING},
                               {"STATUS", FIELD_INT64},
                               {"SIGNAL", FIELD_INT64},
                               {"FAILURES", FIELD_INT64}}},
    [REPORT_SERVICE_PARKED] = {"SERVICE_PARKED",
                               EVENT_TYPE_FAULT,
                               {{"NAME", FIELD_STRING}, {"CAUSE", FIELD_STRING}, {"REASON", FIELD_STRING}}},
    [REPORT_DRIFT] = {"DRIFT", EVENT_TYPE_FAULT, {{"RESOURCE", FIELD_STRING}, {"REASON", FIELD_STRING}}},
    [REPORT_SLOW_BOOT] = {"SLOW_BOOT",
                          EVENT_TYPE_BEHAVIOR,
                          {{"TOOK_MS", FIELD_INT64}, {"BOOT_MS", FIELD_INT64}, {"LAST", FIELD_STRING}}},
};
static_assert(ARRAY_SIZE(rows) == REPORTS, "one row for each event");

struct event *event_new(enum event_kind kind, const struct event_value *values)
{
    struct event *event = xcalloc(1, sizeof(*event));

    event->kind = kind;
    for (size_t i = 0; i < EVENT_MOST_FIELDS && rows[kind].fields[i].type != FIELD_NONE; i++) {
        if (rows[kind].fields[i].type == FIELD_STRING) {
            event->texts[i] = xstrndup(values[i].text, EVENT_LONGEST_TEXT);
        } else {
            event->numbers[i] = values[i].number;
        }
    }
    return event;
}

void event_free(struct event *event)
{
    for (size_t i = 0; i < EVENT_MOST_FIELDS; i++) {
        free(event->texts[i]);
    }
    free(event);
}

#ifdef EDGEINIT_WITH_HISYSEVENT

bool event_is_possible(void)
{
    return true;
}

int event_write(const struct event *event, struct error *err)
{
    const struct event_row *row = &rows[event->kind];
    HiSysEventParam params[EVENT_MOST_FIELDS] = {0};
    size_t count = 0;
    int result;

    for (; count < EVENT_MOST_FIELDS && row->fields[count].type != FIELD_NONE; count++) {
        snprintf(params[count].name, sizeof(params[count].name), "%s", row->fields[count].name);
        if (row->fields[count].type == FIELD_STRING) {
            params[count].t = HISYSEVENT_STRING;
            params[count].v.s = event->texts[count];
        } else {
            params[count].t = HISYSEVENT_INT64;
            params[count].v.i64 = event->numbers[count];
        }
    }
    result = OH_HiSysEvent_Write(EVENT_DOMAIN, row->name, (HiSysEventEventType)row->type, params, count);
    /* Above 0: written, but something of it was changed or left out. */
    return result >= 0 ? 0 : error_set(err, ERROR_SYSTEM, 0, "write event %s: hisysevent says %d", row->name, result);
}

#else

bool event_is_possible(void)
{
    return false;
}

int event_write(const struct event *event, struct error *err)
{
    return error_set(err, ERROR_UNSUPPORTED, 0, "write event %s: this build has no HiSysEvent", rows[event->kind].name);
}

#endif
