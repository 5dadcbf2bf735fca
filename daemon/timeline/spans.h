/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an item spent its time: from what was noted of it (history) to spans. For boot.c alone. States of a service are told
 * by their names; one that this version does not know counts as edgeinit's work and keeps its name.
 */
#ifndef EDGEINIT_TIMELINE_SPANS_H
#define EDGEINIT_TIMELINE_SPANS_H

#include "timeline/boot.h"

struct service_event {
    int64_t at;
    int64_t executed;
    uint32_t instance;
    uint32_t restarts;
    char state[12];
    char cause[16];
    char *detail;
};

/* All that was noted of one item. */
struct history {
    struct service_event *events;
    size_t event_count;
    int64_t waits_since; /* a resource said that it waits, before it was settled; 0: it did not */
    int64_t bringup;     /* of the run that settled it */
    bool settled;
};

/* Takes detail. */
void history_detail(struct history *history, struct item *item, int64_t at, char *detail);
/* The first run that brings it into place counts; until then the last. */
void history_resource(struct history *history, struct item *item, const struct timeline_record *record,
                      int64_t bringup);
void history_service(struct history *history, const struct timeline_record *record);
void history_free(struct history *history);

/* Fill in the item's times and spans. Of a resource the answer is the earliest moment that it could begin. */
int64_t history_settle_resource(const struct history *history, struct item *item, int64_t end);
void history_settle_service(const struct history *history, struct item *item, int64_t end);

/* Add what follows from item.possible. */
void spans_complete(struct item *item);

/* A span at the end; nothing if it is empty or not after the last. */
void spans_add(struct item *item, enum span_kind kind, int64_t from, int64_t to, const char *label);
int64_t spans_clamp(int64_t time, int64_t least, int64_t most);

#endif
