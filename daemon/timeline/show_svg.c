/* SPDX-License-Identifier: Apache-2.0 */
/* The boot as a picture: what its time went into as one bar, then a row for each item, the critical path dark through them. */
#include <assert.h>

#include "base/clock.h"
#include "base/util.h"
#include "timeline/show.h"

enum {
    WIDTH = 1200,
    MARGIN = 28,
    SUM_TOP = 104, /* of the bar that sums it up */
    SUM_HEIGHT = 26,
    AXIS_TOP = 192,
    CHART_LEFT = 262,
    CHART_RIGHT = 1172,
    ROW_HEIGHT = 24,
    BAR_HEIGHT = 14,
    NAME_SIZE = 34, /* characters that fit to the left of the chart */
    SUM_MOST = SPANS + 1,
};

/* Mean widths of a letter. */
#define LETTER 6.5
#define SUM_LETTER 7.3

static const char *const colours[] = {
    [SPAN_BEFORE] = "#b4bcc6", [SPAN_HELD] = "#dfe3e8",  [SPAN_TURN] = "#c9d8ea",    [SPAN_OUTSIDE] = "#f2b63c",
    [SPAN_WORK] = "#3b78c3",   [SPAN_START] = "#3fa66f", [SPAN_TROUBLE] = "#d0443c",
};
static_assert(ARRAY_SIZE(colours) == SPANS, "a colour for each kind");

struct drawing {
    const struct show *show;
    const struct picture *picture;
    struct text *out;
    int64_t zero;    /* what the axis counts from */
    double *middles; /* y of each item's row; of those without one, that of the rest */
    double bottom;
};

static void escape(struct text *out, const char *text)
{
    static const struct {
        char character;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};

    for (; *text != '\0'; text++) {
        const char *entity = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(entities); i++) {
            entity = *text == entities[i].character ? entities[i].entity : entity;
        }
        text_append(out, entity == NULL ? text : entity, entity == NULL ? 1 : strlen(entity));
    }
}

static double x_of(const struct drawing *drawing, int64_t time)
{
    const struct picture *picture = drawing->picture;
    double part = (double)(time - picture->from) / (double)(picture->to - picture->from);

    part = part < 0 ? 0 : part;
    return CHART_LEFT + (part > 1 ? 1 : part) * (CHART_RIGHT - CHART_LEFT);
}

static void add_label(const struct drawing *drawing, double x, double y, const char *class, const char *text)
{
    text_format(drawing->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
    escape(drawing->out, text);
    text_add(drawing->out, "</text>\n");
}

static void add_style(const struct drawing *drawing)
{
    text_format(
        drawing->out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\">\n"
        "<style>\n"
        "text { font-family: 'Segoe UI', 'Noto Sans', 'DejaVu Sans', sans-serif; font-size: 12px; fill: #56606b }\n"
        ".title { font-size: 25px; font-weight: bold; fill: #14181d }\n"
        ".subtitle { font-size: 13px }\n"
        ".sum { fill: #14181d; font-size: 13px }\n"
        ".name { text-anchor: end }\n"
        ".critical { font-weight: bold; fill: #14181d }\n"
        ".middle { text-anchor: middle }\n"
        ".end { text-anchor: end }\n"
        ".inside { fill: #14181d }\n"
        ".note { paint-order: stroke; stroke: #ffffff; stroke-width: 4px }\n"
        ".grid { stroke: #e8ebef; stroke-width: 1 }\n"
        ".line { stroke: #dfe3e8; stroke-width: 1 }\n"
        ".path { fill: none; stroke: #14181d; stroke-width: 2.4; stroke-linejoin: round }\n"
        ".ready { stroke: #14181d; stroke-width: 1.5 }\n"
        ".restart { stroke: #d0443c; stroke-width: 1.2; stroke-dasharray: 4 3 }\n"
        ".red { fill: #d0443c }\n"
        "</style>\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
        WIDTH, drawing->bottom, WIDTH, drawing->bottom);
}

static void add_head(const struct drawing *drawing)
{
    const struct boot *boot = drawing->show->boot;
    char headline[128];
    char date[32];
    char before[32];
    char reason[400];
    CLEANUP_TEXT struct text line = {0};

    add_label(drawing, MARGIN, 42, "title",
              picture_headline(drawing->show, drawing->picture, headline, sizeof(headline)));
    picture_date(boot, date, sizeof(date));
    text_format(&line, "edgeinit timeline of boot %.*s%s%s", (int)strcspn(boot->id, "-"), boot->id,
                date[0] == '\0' ? "" : ", ", date);
    if (drawing->picture->cut) {
        text_format(&line, "; the kernel had started %s before",
                    text_show_duration(boot->process, before, sizeof(before)));
    }
    add_label(drawing, MARGIN, 64, "subtitle", text_string(&line));
    add_label(drawing, MARGIN, 88, "sum", picture_reason(drawing->show, reason, sizeof(reason)));
}

/* A part of the bar that sums up, and where its text stands below it. */
struct part {
    char *label;
    const char *colour;
    double x;
    double width;
    double text_x;
};

static void add_part(const struct drawing *drawing, struct part *parts, size_t *count, const char *name,
                     const char *colour, int64_t time)
{
    const struct picture *picture = drawing->picture;
    double range = (double)(picture->to - drawing->zero);
    struct part *part = &parts[*count];
    char took[32];

    if (time <= 0) {
        return;
    }
    part->label = xasprintf("%s %s", name, text_show_duration(time, took, sizeof(took)));
    part->colour = colour;
    part->x = *count == 0 ? MARGIN : part[-1].x + part[-1].width;
    part->width = (double)time / range * (WIDTH - 2.0 * MARGIN);
    ++*count;
}

static double label_width(const struct part *part)
{
    return 16 + (double)strlen(part->label) * SUM_LETTER + 16;
}

/* Below the beginning of their parts, but not over one another, nor beyond the edge. */
static void place_labels(struct part *parts, size_t count)
{
    double least = MARGIN;
    double most = WIDTH - MARGIN + 16.0;

    for (size_t i = 0; i < count; i++) {
        parts[i].text_x = parts[i].x > least ? parts[i].x : least;
        least = parts[i].text_x + label_width(&parts[i]);
    }
    for (size_t i = count; i-- > 0;) {
        double last = most - label_width(&parts[i]);

        parts[i].text_x = parts[i].text_x < last ? parts[i].text_x : last;
        most = parts[i].text_x;
    }
}

static void add_sum(const struct drawing *drawing)
{
    const struct boot *boot = drawing->show->boot;
    struct part parts[SUM_MOST] = {0};
    size_t count = 0;

    for (size_t i = 0; i < PHASE_MANIFEST && !drawing->picture->cut; i++) {
        add_part(drawing, parts, &count, boot->items[i].name, i == 0 ? "#8b95a1" : colours[SPAN_BEFORE],
                 boot->items[i].ended - boot->items[i].began);
    }
    for (size_t kind = SPAN_BEFORE + 1; kind < SPANS; kind++) {
        add_part(drawing, parts, &count, span_kind_text((enum span_kind)kind), colours[kind],
                 drawing->show->critical->spent[kind]);
    }
    place_labels(parts, count);
    for (size_t i = 0; i < count; i++) {
        const struct part *part = &parts[i];

        text_format(drawing->out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"><title>", part->x,
                    SUM_TOP, part->width < 1.5 ? 1.5 : part->width, SUM_HEIGHT, part->colour);
        escape(drawing->out, part->label);
        text_add(drawing->out, "</title></rect>\n");
        text_format(drawing->out, "<rect x=\"%.1f\" y=\"%d\" width=\"11\" height=\"11\" rx=\"2\" fill=\"%s\"/>\n",
                    part->text_x, SUM_TOP + SUM_HEIGHT + 10, part->colour);
        add_label(drawing, part->text_x + 16, SUM_TOP + SUM_HEIGHT + 20, "sum", part->label);
        free(part->label);
    }
}

static void add_axis(const struct drawing *drawing)
{
    int64_t tick = picture_tick(drawing->picture, 12);
    char label[32];

    for (int64_t time = drawing->zero; time <= drawing->picture->to; time += tick) {
        double x = x_of(drawing, time);
        double value = (double)(time - drawing->zero);
        bool small = drawing->picture->to - drawing->zero < MICROSECONDS_PER_SECOND;

        snprintf(label, sizeof(label), small ? "%g ms" : "%g s", value / (small ? 1e3 : 1e6));
        text_format(drawing->out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>\n", x,
                    AXIS_TOP + 6, x, drawing->bottom - 40);
        add_label(drawing, x, AXIS_TOP, "middle", label);
    }
}

/* The tooltip: everything that is known of it. */
static void add_title(const struct drawing *drawing, const struct item *item, const struct span *span)
{
    char text[256];
    char took[32];

    text_add(drawing->out, "<title>");
    escape(drawing->out, item->name);
    text_add(drawing->out, "\n");
    escape(drawing->out, picture_explain(span, text, sizeof(text)));
    text_format(drawing->out, ", %s", text_show_duration(span->to - span->from, took, sizeof(took)));
    text_format(drawing->out, " (from %.3f s to %.3f s)", (double)(span->from - drawing->zero) / 1e6,
                (double)(span->to - drawing->zero) / 1e6);
    if (item->kind == ITEM_RESOURCE && span->kind == SPAN_WORK) {
        text_format(drawing->out, "\nprobing %s", text_show_duration(item->probed, took, sizeof(took)));
        text_format(drawing->out, ", applying %s", text_show_duration(item->applied, took, sizeof(took)));
        text_format(drawing->out, ", CPU %s%s",
                    text_show_duration((int64_t)item->user + item->system, took, sizeof(took)),
                    item->in_worker ? ", in a process of its own" : "");
    }
    text_add(drawing->out, "</title>");
}

static void add_spans(const struct drawing *drawing, const struct item *item, double middle)
{
    for (size_t i = 0; i < item->span_count; i++) {
        const struct span *span = &item->spans[i];
        bool thin = span->kind == SPAN_HELD || span->kind == SPAN_TURN;
        double height = thin ? 3 : BAR_HEIGHT;
        double x = x_of(drawing, span->from);
        double width = x_of(drawing, span->to) - x;

        if (span->to <= drawing->picture->from || (thin && width < 1)) {
            continue;
        }
        text_format(drawing->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.0f\" rx=\"%d\" fill=\"%s\">",
                    x, middle - height / 2, width < 1.5 ? 1.5 : width, height, thin || width < 6 ? 0 : 2,
                    colours[span->kind]);
        add_title(drawing, item, span);
        text_add(drawing->out, "</rect>\n");
    }
}

/* What stands beside the bar: how long, and what most of it was. */
static char *note_of(const struct drawing *drawing, const struct row *row)
{
    const struct item *item = row->item == SIZE_MAX ? NULL : &drawing->show->boot->items[row->item];
    const struct span *span = item == NULL ? NULL : picture_main_span(item, item->began, row->to);
    char took[32];
    char text[96];

    text_show_duration(row->took, took, sizeof(took));
    if (item == NULL) {
        return xasprintf("%s together", took);
    }
    if (item->failed || item->open) {
        return xasprintf("%s, %s%s%s", took, item->state[0] == '\0' ? "not done" : item->state,
                         item->detail == NULL ? "" : ": ", item->detail == NULL ? "" : item->detail);
    }
    if (item->restarts > 0) {
        return xasprintf("%s, %u restart%s", took, item->restarts, item->restarts == 1 ? "" : "s");
    }
    if (span != NULL && span->kind == SPAN_OUTSIDE) {
        return xasprintf("%s, %s", took, picture_explain(span, text, sizeof(text)));
    }
    return xstrdup(took);
}

/* To the right of the bar if there is room, else to its left, in it, or cut. */
static void add_note(const struct drawing *drawing, const struct row *row, double middle)
{
    CLEANUP_FREE char *note = note_of(drawing, row);
    const struct item *item = row->item == SIZE_MAX ? NULL : &drawing->show->boot->items[row->item];
    bool bad = item != NULL && (item->failed || item->open);
    double right = x_of(drawing, row->to) + 7;
    double left = x_of(drawing, row->from) - 7;
    double width = (double)strlen(note) * LETTER;
    size_t most = (size_t)((WIDTH - right) / LETTER);

    if (WIDTH - right > width) {
        add_label(drawing, right, middle + 4, bad ? "note red" : "note", note);
    } else if (left - CHART_LEFT > width) {
        add_label(drawing, left, middle + 4, bad ? "note red end" : "note end", note);
    } else if (right - left - 28 > width) {
        add_label(drawing, left + 14, middle + 4, "inside", note);
    } else {
        while (most > 0 && ((unsigned char)note[most] & 0xc0) == 0x80) {
            most--;
        }
        note[most] = '\0';
        add_label(drawing, right, middle + 4, bad ? "note red" : "note", note);
    }
}

static void add_name(const struct drawing *drawing, const struct row *row, const char *name, double middle)
{
    CLEANUP_FREE char *kept = xstrdup(name);
    size_t length = strlen(name);

    if (length > NAME_SIZE) {
        size_t tail = length - NAME_SIZE / 2 - 2;
        size_t head = NAME_SIZE / 2 - 1;

        while (head > 0 && ((unsigned char)name[head] & 0xc0) == 0x80) {
            head--;
        }
        while (tail < length && ((unsigned char)name[tail] & 0xc0) == 0x80) {
            tail++;
        }
        free(kept);
        kept = xasprintf("%.*s…%s", (int)head, name, name + tail);
    }
    add_label(drawing, CHART_LEFT - 12, middle + 4, row->critical ? "name critical" : "name", kept);
}

static void add_row(const struct drawing *drawing, const struct row *row, double middle)
{
    const struct boot *boot = drawing->show->boot;

    text_format(drawing->out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" class=\"grid\"/>\n", CHART_LEFT,
                middle + ROW_HEIGHT / 2.0, CHART_RIGHT, middle + ROW_HEIGHT / 2.0);
    if (row->item != SIZE_MAX) {
        add_name(drawing, row, boot->items[row->item].name, middle);
        add_spans(drawing, &boot->items[row->item], middle);
    } else {
        CLEANUP_FREE char *name = xasprintf("%zu other resources", drawing->picture->rest_count);

        add_name(drawing, row, name, middle);
        for (size_t i = 0; i < drawing->picture->rest_count; i++) {
            add_spans(drawing, &boot->items[drawing->picture->rest[i]], middle);
        }
    }
}

/* A dark line below the bars of the path, and from each to the next at the moment when that could go on. */
static void add_path(const struct drawing *drawing)
{
    const struct critical *critical = drawing->show->critical;
    bool begun = false;
    double below = BAR_HEIGHT / 2.0 + 2.5;

    text_add(drawing->out, "<path class=\"path\" d=\"");
    for (size_t i = 0; i < critical->count; i++) {
        const struct step *step = &critical->steps[i];
        double y = drawing->middles[step->item] + below;

        if (step->to <= drawing->picture->from || step->to == step->from) {
            continue;
        }
        text_format(drawing->out, "%c%.1f %.1f", begun ? 'L' : 'M', x_of(drawing, step->from), y);
        text_format(drawing->out, "L%.1f %.1f", x_of(drawing, step->to), y);
        begun = true;
    }
    if (!begun) {
        text_add(drawing->out, "M0 0");
    }
    text_add(drawing->out, "\"><title>critical path: what the end waited for, step by step</title></path>\n");
}

static void add_moments(const struct drawing *drawing)
{
    const struct boot *boot = drawing->show->boot;
    double x = x_of(drawing, boot->end);

    for (size_t i = 0; i < boot->restart_count; i++) {
        double at = x_of(drawing, boot->restarts[i].at);

        text_format(drawing->out,
                    "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%.1f\" class=\"restart\"><title>the daemon was "
                    "restarted (pid %d)</title></line>\n",
                    at, AXIS_TOP - 18, at, drawing->bottom - 40, boot->restarts[i].pid);
        add_label(drawing, at + 4, AXIS_TOP - 14, "red", "daemon restarted");
    }
    if (boot->ready) {
        text_format(drawing->out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%.1f\" class=\"ready\"/>\n", x,
                    AXIS_TOP - 10, x, drawing->bottom - 40);
        add_label(drawing, x - 5, AXIS_TOP - 14, "end critical", "ready");
    }
}

static void add_legend(const struct drawing *drawing)
{
    static const enum span_kind kinds[] = {SPAN_BEFORE,  SPAN_WORK, SPAN_OUTSIDE, SPAN_START,
                                           SPAN_TROUBLE, SPAN_HELD, SPAN_TURN};
    double y = drawing->bottom - 18;
    double x = MARGIN;

    text_format(drawing->out, "<path class=\"path\" d=\"M%.0f %.1fh26\"/>\n", x, y - 4);
    add_label(drawing, x + 32, y, "critical", "critical path");
    x += 140;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        bool thin = kinds[i] == SPAN_HELD || kinds[i] == SPAN_TURN;

        text_format(drawing->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"18\" height=\"%d\" rx=\"2\" fill=\"%s\"/>\n", x,
                    thin ? y - 6 : y - 10, thin ? 3 : 11, colours[kinds[i]]);
        add_label(drawing, x + 24, y, "legend", span_kind_text(kinds[i]));
        x += 24 + (double)strlen(span_kind_text(kinds[i])) * LETTER + 18;
    }
}

static double row_middle(size_t row)
{
    return AXIS_TOP + 24 + (double)row * ROW_HEIGHT;
}

void show_timeline_svg(const struct show *show, struct text *out)
{
    CLEANUP_FREE double *middles = xcalloc(show->boot->count, sizeof(*middles));
    struct picture picture;
    struct drawing drawing = {.show = show, .picture = &picture, .out = out, .middles = middles};

    picture_make(show, &picture);
    drawing.zero = picture.cut ? show->boot->process : 0;
    drawing.bottom = row_middle(picture.row_count) + 50;
    for (size_t i = 0; i < picture.row_count; i++) {
        for (size_t j = 0; picture.rows[i].item == SIZE_MAX && j < picture.rest_count; j++) {
            middles[picture.rest[j]] = row_middle(i);
        }
        if (picture.rows[i].item != SIZE_MAX) {
            middles[picture.rows[i].item] = row_middle(i);
        }
    }
    for (size_t i = 0; i < BOOT_PHASES; i++) { /* an empty one has no row */
        middles[i] = middles[i] == 0 ? row_middle(0) : middles[i];
    }
    add_style(&drawing);
    add_head(&drawing);
    add_sum(&drawing);
    add_axis(&drawing);
    for (size_t i = 0; i < picture.row_count; i++) {
        add_row(&drawing, &picture.rows[i], row_middle(i));
    }
    add_path(&drawing);
    for (size_t i = 0; i < picture.row_count; i++) { /* over the lines */
        add_note(&drawing, &picture.rows[i], row_middle(i));
    }
    add_moments(&drawing);
    add_legend(&drawing);
    text_add(out, "</svg>\n");
    picture_free(&picture);
}
