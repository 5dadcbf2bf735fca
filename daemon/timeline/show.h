/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A boot for people and programs: text with bars, SVG, JSON; and two boots compared. The pictures show the items that
 * matter, in the order in which they began, and draw all the rest as one row; `all` shows each. Where what was before
 * edgeinit takes longer than all that came after it by far (a daemon that a person started), the axis begins with edgeinit.
 */
#ifndef EDGEINIT_TIMELINE_SHOW_H
#define EDGEINIT_TIMELINE_SHOW_H

#include "base/json.h"
#include "timeline/compare.h"
#include "timeline/critical.h"

struct show {
    const struct boot *boot;
    const struct critical *critical;
    size_t number; /* of the boot: 0 is the newest */
    bool all;
    bool colour;
    unsigned width; /* columns */
};

void show_timeline_text(const struct show *show, struct text *out);
void show_timeline_svg(const struct show *show, struct text *out);
cJSON *show_timeline_json(const struct show *show);

void show_comparison_text(const struct comparison *comparison, size_t before, size_t after, bool colour,
                          struct text *out);
cJSON *show_comparison_json(const struct comparison *comparison, size_t before, size_t after);

/* What both pictures are made of. */

struct row {
    size_t item; /* SIZE_MAX: the rest */
    bool critical;
    int64_t from; /* of what is drawn */
    int64_t to;
    int64_t took; /* from the moment it began; of the rest: edgeinit's time for it */
};

struct picture {
    struct row *rows;
    size_t row_count;
    size_t *rest; /* the items that are drawn as one */
    size_t rest_count;
    int64_t from; /* where the axis begins: 0, or with edgeinit */
    int64_t to;
    bool cut; /* it does not begin with the kernel */
};

void picture_make(const struct show *show, struct picture *picture);
void picture_free(struct picture *picture);

/* Between two marks of the axis: 1, 2 or 5 times a power of ten, so that there are less than `most`. */
int64_t picture_tick(const struct picture *picture, int64_t most);

/* "Ready 14.2 s after the kernel's start". Returns buffer. */
const char *picture_headline(const struct show *show, const struct picture *picture, char *buffer, size_t size);
/* "Longest step: mount /mnt/f2fs, 6.0 s (waiting: find device LABEL=edgecard)": of what came after init. Returns buffer. */
const char *picture_reason(const struct show *show, char *buffer, size_t size);
/* When that was, as a date, if the board knew; "" otherwise. Returns buffer. */
const char *picture_date(const struct boot *boot, char *buffer, size_t size);
/* The longest span of an item between two moments; NULL: there is none. */
const struct span *picture_main_span(const struct item *item, int64_t from, int64_t to);
/* "waiting: find device LABEL=edgecard", at most as long as the buffer. Returns buffer. */
const char *picture_explain(const struct span *span, char *buffer, size_t size);
/* For people. */
const char *span_kind_text(enum span_kind kind);

#endif
