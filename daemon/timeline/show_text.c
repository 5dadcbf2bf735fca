/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/util.h"
#include "timeline/show.h"

#define NARROWEST 50
#define WIDEST 160
#define LONGEST_NAME 34
#define DURATION_WIDTH 9

static const struct {
    char mark;
    const char *colour;
} looks[] = {
    [SPAN_BEFORE] = {'=', "\033[2m"},   [SPAN_HELD] = {' ', ""},         [SPAN_TURN] = {' ', ""},
    [SPAN_OUTSIDE] = {'.', "\033[33m"}, [SPAN_WORK] = {'#', "\033[34m"}, [SPAN_START] = {'+', "\033[32m"},
    [SPAN_TROUBLE] = {'!', "\033[31m"},
};
static_assert(ARRAY_SIZE(looks) == SPANS, "a look for each kind");

/* Which kind is drawn where two fall on one place: the later one in this list. */
static const enum span_kind by_weight[] = {SPAN_HELD,  SPAN_TURN, SPAN_BEFORE, SPAN_OUTSIDE,
                                           SPAN_START, SPAN_WORK, SPAN_TROUBLE};

struct canvas {
    const struct show *show;
    const struct picture *picture;
    struct text *out;
    unsigned names; /* columns */
    unsigned bars;
};

static unsigned column_of(const struct canvas *canvas, int64_t time)
{
    const struct picture *picture = canvas->picture;
    double part = (double)(time - picture->from) / (double)(picture->to - picture->from);

    return part <= 0 ? 0 : (unsigned)(part * canvas->bars);
}

/* "directory /data/s…/edgeinit" keeps both ends; never in the middle of a character. */
static void add_name(struct text *out, const char *name, unsigned width)
{
    size_t length = strlen(name);
    size_t head = (width - 2) / 2;
    size_t tail;

    if (length <= width) {
        text_format(out, "%-*s", (int)width, name);
        return;
    }
    tail = length - (width - 2 - head);
    while (head > 0 && ((unsigned char)name[head] & 0xc0) == 0x80) {
        head--;
    }
    while (tail < length && ((unsigned char)name[tail] & 0xc0) == 0x80) {
        tail++;
    }
    text_format(out, "%.*s..%s", (int)head, name, name + tail);
}

static void paint(const struct canvas *canvas, const struct item *item, enum span_kind kind, char *marks)
{
    for (size_t i = 0; i < item->span_count; i++) {
        unsigned from = column_of(canvas, item->spans[i].from);
        unsigned to = column_of(canvas, item->spans[i].to);

        /* What is there is seen, however short; what is long is not painted over by what is not. */
        for (unsigned j = from; item->spans[i].kind == kind && j < canvas->bars && (j < to || j == from); j++) {
            if (j < to || marks[j] == (char)SPANS || looks[(int)marks[j]].mark == ' ') {
                marks[j] = (char)kind;
            }
        }
    }
}

static void add_bar(const struct canvas *canvas, const struct row *row)
{
    CLEANUP_FREE char *marks = xmalloc(canvas->bars + 1);
    const size_t *items = row->item == SIZE_MAX ? canvas->picture->rest : &row->item;
    size_t count = row->item == SIZE_MAX ? canvas->picture->rest_count : 1;
    char last = (char)SPANS;

    memset(marks, (char)SPANS, canvas->bars);
    for (size_t i = 0; i < ARRAY_SIZE(by_weight); i++) {
        for (size_t j = 0; j < count; j++) {
            paint(canvas, &canvas->show->boot->items[items[j]], by_weight[i], marks);
        }
    }
    for (unsigned i = 0; i < canvas->bars; i++) {
        bool empty = marks[i] == (char)SPANS;

        if (canvas->show->colour && marks[i] != last) {
            text_format(canvas->out, "\033[0m%s", empty ? "" : looks[(int)marks[i]].colour);
        }
        last = marks[i];
        text_append(canvas->out, empty ? " " : &looks[(int)marks[i]].mark, 1);
    }
    text_add(canvas->out, canvas->show->colour ? "\033[0m" : "");
}

static void add_verdict(const struct canvas *canvas, const struct item *item)
{
    bool bad = item->failed || item->open;

    if (bad) {
        text_format(canvas->out, "  %s%s%s", canvas->show->colour ? "\033[31m" : "",
                    item->state[0] == '\0' ? "not done" : item->state, canvas->show->colour ? "\033[0m" : "");
    } else if (item->restarts > 0) {
        text_format(canvas->out, "  %" PRIu32 " restart%s", item->restarts, item->restarts == 1 ? "" : "s");
    }
}

static void add_row(const struct canvas *canvas, const struct row *row)
{
    const struct item *items = canvas->show->boot->items;
    bool is_rest = row->item == SIZE_MAX;
    CLEANUP_FREE char *rest = xasprintf("%zu other resources", canvas->picture->rest_count);
    bool bold = canvas->show->colour && row->critical;
    char took[32];

    text_format(canvas->out, "%s%c ", bold ? "\033[1m" : "", row->critical ? '*' : ' ');
    add_name(canvas->out, is_rest ? rest : items[row->item].name, canvas->names);
    text_add(canvas->out, bold ? "\033[0m" : "");
    text_add(canvas->out, "|");
    add_bar(canvas, row);
    text_format(canvas->out, "|%*s", DURATION_WIDTH - 1, text_show_duration(row->took, took, sizeof(took)));
    if (!is_rest) {
        add_verdict(canvas, &items[row->item]);
    }
    text_add(canvas->out, "\n");
}

/* Time on the axis, from the place where it begins to count. */
static int64_t zero_of(const struct canvas *canvas)
{
    return canvas->picture->cut ? canvas->show->boot->process : 0;
}

static const char *show_tick(int64_t time, int64_t tick, char *buffer, size_t size)
{
    if (tick < MICROSECONDS_PER_SECOND / 10) {
        snprintf(buffer, size, "%g ms", (double)time / 1e3);
    } else {
        snprintf(buffer, size, "%g s", (double)time / 1e6);
    }
    return buffer;
}

static void add_axis(const struct canvas *canvas)
{
    CLEANUP_FREE char *line = xmalloc(canvas->bars + 32);
    int64_t zero = zero_of(canvas);
    int64_t tick = picture_tick(canvas->picture, canvas->bars / 9 + 2);
    unsigned free_from = 0;
    char label[32];

    memset(line, ' ', canvas->bars + 31);
    line[canvas->bars + 31] = '\0';
    for (int64_t time = zero; time <= canvas->picture->to; time += tick) {
        unsigned column = column_of(canvas, time);
        size_t length = strlen(show_tick(time - zero, tick, label, sizeof(label)));

        if (column >= free_from && column + length + 1 <= canvas->bars + 2) {
            line[column] = '|';
            memcpy(line + column + 1, label, length);
            free_from = column + (unsigned)length + 2;
        }
    }
    for (size_t length = strlen(line); length > 0 && line[length - 1] == ' '; length--) {
        line[length - 1] = '\0';
    }
    text_format(canvas->out, "%*s%s\n", (int)canvas->names + 3, "", line);
}

static void add_restarts(const struct canvas *canvas)
{
    for (size_t i = 0; i < canvas->show->boot->restart_count; i++) {
        const struct mark *mark = &canvas->show->boot->restarts[i];
        char label[32];

        text_format(canvas->out, "  the daemon was restarted at %s (pid %" PRId32 ")\n",
                    text_show_duration(mark->at - zero_of(canvas), label, sizeof(label)), mark->pid);
    }
}

/* "kernel 2.1 s, init 4.0 s, waiting outside 6.0 s, …": the parts sum up to the whole. */
static void add_sum(const struct canvas *canvas)
{
    const struct show *show = canvas->show;
    const char *separator = "  ";
    char took[32];

    for (size_t i = 0; i < PHASE_MANIFEST && !canvas->picture->cut; i++) {
        const struct item *item = &show->boot->items[i];

        if (item->ended > item->began) {
            text_format(canvas->out, "%s%s %s", separator, item->name,
                        text_show_duration(item->ended - item->began, took, sizeof(took)));
            separator = " + ";
        }
    }
    for (size_t kind = SPAN_BEFORE + 1; kind < SPANS; kind++) {
        if (show->critical->spent[kind] > 0) {
            text_format(canvas->out, "%s%s %s", separator, span_kind_text((enum span_kind)kind),
                        text_show_duration(show->critical->spent[kind], took, sizeof(took)));
            separator = " + ";
        }
    }
    text_add(canvas->out, "\n");
}

/* Of the critical path. */
static void add_step(const struct canvas *canvas, const struct step *step)
{
    const struct item *item = &canvas->show->boot->items[step->item];
    char at[32];
    char took[32];
    char explanation[160];

    text_format(canvas->out, "%10s %9s  ", text_show_duration(step->to - zero_of(canvas), at, sizeof(at)),
                text_show_duration(step->to - step->from, took, sizeof(took)));
    add_name(canvas->out, item->name, canvas->names);
    text_format(canvas->out, " %s\n",
                picture_explain(picture_main_span(item, step->from, step->to), explanation, sizeof(explanation)));
}

static void add_small_steps(const struct canvas *canvas, size_t count, const struct step *last, int64_t sum)
{
    char at[32];
    char took[32];

    if (count > 0) {
        text_format(canvas->out, "%10s %9s  %zu short step%s\n",
                    text_show_duration(last->to - zero_of(canvas), at, sizeof(at)),
                    text_show_duration(sum, took, sizeof(took)), count, count == 1 ? "" : "s");
    }
}

static void add_path(const struct canvas *canvas)
{
    const struct show *show = canvas->show;
    int64_t least = show->all ? 1 : (canvas->picture->to - canvas->picture->from) / 200;
    int64_t sum = 0;
    size_t small = 0;
    size_t i;

    text_format(canvas->out, "\nWhat the end waited for, step by step:\n%10s %9s\n", "until", "took");
    for (i = 0; i < show->critical->count; i++) {
        const struct step *step = &show->critical->steps[i];
        int64_t took = step->to - step->from;

        if (canvas->picture->cut && step->item < PHASE_MANIFEST) {
            continue;
        }
        if (took < least) {
            small += took > 0;
            sum += took;
            continue;
        }
        add_small_steps(canvas, small, i == 0 ? step : step - 1, sum);
        small = 0;
        sum = 0;
        add_step(canvas, step);
    }
    add_small_steps(canvas, small, i == 0 ? NULL : &show->critical->steps[i - 1], sum);
}

static unsigned name_width(const struct show *show, const struct picture *picture, unsigned width)
{
    unsigned longest = 20;
    unsigned most = width / 3 < LONGEST_NAME ? width / 3 : LONGEST_NAME;

    for (size_t i = 0; i < picture->row_count; i++) {
        size_t length = picture->rows[i].item == SIZE_MAX ? 0 : strlen(show->boot->items[picture->rows[i].item].name);

        longest = length > longest ? (unsigned)length : longest;
    }
    return longest < most ? longest : most;
}

static void add_head(const struct canvas *canvas)
{
    const struct boot *boot = canvas->show->boot;
    char headline[128];
    char date[32];
    char reason[400];
    char before[32];

    picture_headline(canvas->show, canvas->picture, headline, sizeof(headline));
    picture_date(boot, date, sizeof(date));
    text_format(canvas->out, "%s%s%s  (boot %zu%s%s", canvas->show->colour ? "\033[1m" : "", headline,
                canvas->show->colour ? "\033[0m" : "", canvas->show->number, date[0] == '\0' ? "" : ", ", date);
    if (canvas->picture->cut) {
        text_format(canvas->out, "; the kernel had started %s before",
                    text_show_duration(boot->process, before, sizeof(before)));
    }
    text_add(canvas->out, ")\n");
    add_sum(canvas);
    text_format(canvas->out, "  %s\n", picture_reason(canvas->show, reason, sizeof(reason)));
}

void show_timeline_text(const struct show *show, struct text *out)
{
    struct picture picture;
    struct canvas canvas = {.show = show, .picture = &picture, .out = out};
    unsigned width = show->width < NARROWEST ? NARROWEST : show->width;

    width = width > WIDEST ? WIDEST : width;
    picture_make(show, &picture);
    canvas.names = name_width(show, &picture, width);
    canvas.bars = width - canvas.names - DURATION_WIDTH - 3;
    add_head(&canvas);
    text_add(out, "\n");
    add_axis(&canvas);
    for (size_t i = 0; i < picture.row_count; i++) {
        add_row(&canvas, &picture.rows[i]);
    }
    text_add(out,
             "  * critical path  # edgeinit  . waits for a device or condition  + program starts  ! fails, pauses\n");
    add_restarts(&canvas);
    add_path(&canvas);
    if (show->boot->damaged > 0) {
        text_format(out, "  %zu damaged records were left out\n", show->boot->damaged);
    }
    picture_free(&picture);
}

static void add_signed(struct text *out, int64_t difference)
{
    char text[32];

    text_format(out, "%c%s", difference < 0 ? '-' : '+', text_show_duration(llabs(difference), text, sizeof(text)));
}

void show_comparison_text(const struct comparison *comparison, size_t before, size_t after, bool colour,
                          struct text *out)
{
    char one[32];
    char other[32];

    text_format(out, "edgeinit took %s in boot %zu, %s in boot %zu (",
                text_show_duration(comparison->after, one, sizeof(one)), after,
                text_show_duration(comparison->before, other, sizeof(other)), before);
    add_signed(out, comparison->after - comparison->before);
    text_add(out, ")\n");
    for (size_t i = 0; i < comparison->count; i++) {
        const struct difference *difference = &comparison->differences[i];
        bool good = difference->kind == DIFFERENCE_FASTER || difference->kind == DIFFERENCE_GONE;
        const char *look = difference->kind == DIFFERENCE_FAILED || !good ? "\033[31m" : "\033[32m";

        text_format(out, "  %s%-7s%s %-*s %9s, was %9s (", colour ? look : "", difference_name(difference->kind),
                    colour ? "\033[0m" : "", LONGEST_NAME, difference->name,
                    text_show_duration(difference->after, one, sizeof(one)),
                    text_show_duration(difference->before, other, sizeof(other)));
        add_signed(out, difference->after - difference->before);
        text_format(out, "; %s)\n", span_kind_text(difference->most));
    }
    if (!comparison->slower) {
        text_format(out, "  nothing got slower: what differs by less than %s or a tenth is noise\n",
                    text_show_duration(COMPARE_LEAST, one, sizeof(one)));
    }
}
