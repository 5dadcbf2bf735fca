/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System events (HiSysEvent), which hiview keeps and tells to whoever listens: what an operator of many boards wants to hear
 * of without reading logs. One row for each in event.c: its name, type, and the parameters with their types; hisysevent.yaml
 * says the same to the image, and a test holds the two and docs/parameters.md together.
 *
 * Only in an OpenHarmony tree from 3.2 on (EDGEINIT_WITH_HISYSEVENT: libhisysevent's C interface). An executable that is pushed
 * to a board has no use for them: hiview takes only events that were declared when the image was built.
 */
#ifndef EDGEINIT_OHOS_EVENT_H
#define EDGEINIT_OHOS_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define EVENT_DOMAIN "EDGEINIT"
#define EVENT_MOST_FIELDS 5
#define EVENT_LONGEST_TEXT 255

enum event_kind {
    REPORT_SERVICE_CRASH,  /* NAME, CAUSE, STATUS, SIGNAL, FAILURES */
    REPORT_SERVICE_PARKED, /* NAME, CAUSE, REASON */
    REPORT_DRIFT,          /* RESOURCE, REASON */
    REPORT_SLOW_BOOT,      /* TOOK_MS, BOOT_MS, LAST */
    REPORTS                /* their number */
};

/* The value of one parameter: a text, or a number, as its row says. */
struct event_value {
    const char *text;
    int64_t number;
};

struct event {
    struct event *next;
    enum event_kind kind;
    char *texts[EVENT_MOST_FIELDS]; /* NULL for a number */
    int64_t numbers[EVENT_MOST_FIELDS];
};

/* Does anybody take events here? */
bool event_is_possible(void);

/* A copy of the values, which come in the order of the row; longer texts are cut. Release with event_free(). */
struct event *event_new(enum event_kind kind, const struct event_value *values);
void event_free(struct event *event);

/* Hand it to hiview. May block a little: for a process that does nothing else. */
int event_write(const struct event *event, struct error *err);

#endif
