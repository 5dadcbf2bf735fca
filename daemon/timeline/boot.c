/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline/boot.h"

#include <assert.h>

#include "base/util.h"
#include "timeline/spans.h"

#define NOWHERE SIZE_MAX
#define LONGEST (INT64_C(100) * 365 * 86400 * 1000000) /* microseconds; whatever a record says */

/* The item that an index of the records means at the moment. */
struct numbering {
    size_t *items;
    size_t count;
    struct text name; /* of an item, as far as it has come */
    size_t naming;    /* its index */
};

struct reading {
    struct boot *boot;
    struct numbering numbers[TIMELINE_KINDS];
    struct history *histories; /* one for each item */
    int64_t init;              /* 0: not known */
    int64_t entered;           /* of the first daemon */
    int64_t loaded;
    int64_t bringup; /* the first; 0: none */
    int64_t last_bringup;
    int64_t last; /* time of any record */
    struct text detail;
    size_t detailed; /* item; NOWHERE: none */
};

static const char *const kind_names[] = {
    [ITEM_PHASE] = "phase", [ITEM_RESOURCE] = "resource", [ITEM_SERVICE] = "service"};
static_assert(ARRAY_SIZE(kind_names) == ITEM_KINDS, "a word for each kind");

const char *item_kind_name(enum item_kind kind)
{
    return kind_names[kind];
}

/* Items. */

static size_t add_item(struct reading *reading, enum item_kind kind, const char *name)
{
    struct boot *boot = reading->boot;
    size_t index = boot->count;

    boot->items = xrealloc(boot->items, (index + 1) * sizeof(*boot->items));
    reading->histories = xrealloc(reading->histories, (index + 1) * sizeof(*reading->histories));
    boot->items[index] = (struct item){.kind = kind, .name = xstrdup(name), .open = true};
    reading->histories[index] = (struct history){0};
    boot->count++;
    return index;
}

static size_t item_of(const struct reading *reading, unsigned kind, unsigned index)
{
    const struct numbering *numbers = &reading->numbers[kind];

    return index < numbers->count ? numbers->items[index] : NOWHERE;
}

static bool is_named(const struct reading *reading, size_t item, enum item_kind kind, const char *name)
{
    return item != NOWHERE && reading->boot->items[item].kind == kind && streq(reading->boot->items[item].name, name);
}

static size_t find_or_add(struct reading *reading, enum item_kind kind, const char *name, size_t likely)
{
    if (is_named(reading, likely, kind, name)) {
        return likely;
    }
    for (size_t i = 0; i < reading->boot->count; i++) {
        if (is_named(reading, i, kind, name)) {
            return i;
        }
    }
    return add_item(reading, kind, name);
}

static void name_item(struct reading *reading, unsigned kind, unsigned index, unsigned flags)
{
    struct numbering *numbers = &reading->numbers[kind];
    struct item *item;

    while (numbers->count <= index) {
        numbers->items = xrealloc(numbers->items, (numbers->count + 1) * sizeof(*numbers->items));
        numbers->items[numbers->count++] = NOWHERE;
    }
    timeline_make_printable(numbers->name.data);
    numbers->items[index] = find_or_add(reading, kind == TIMELINE_OF_RESOURCE ? ITEM_RESOURCE : ITEM_SERVICE,
                                        text_string(&numbers->name), numbers->items[index]);
    item = &reading->boot->items[numbers->items[index]];
    item->in_worker = (flags & TIMELINE_IN_WORKER) != 0;
    item->for_all = (flags & TIMELINE_FOR_ALL) != 0;
}

/* Takes the next piece of a text; true when it is whole. */
static bool take_piece(struct text *text, const struct timeline_record *record)
{
    if (record->text.offset == 0) {
        text_free(text);
    }
    if (record->text.offset != text->length) {
        return false;
    }
    text_append(text, record->text.bytes, record->text.length);
    return record->text.length < TIMELINE_TEXT;
}

static void take_item(struct reading *reading, const struct timeline_record *record)
{
    struct numbering *numbers = &reading->numbers[record->kind];

    if (record->text.offset == 0) {
        numbers->naming = record->index;
    }
    if (record->index == numbers->naming && take_piece(&numbers->name, record) && numbers->name.length > 0) {
        name_item(reading, record->kind, record->index, record->text.flags);
    }
}

static void add_need(struct item *item, size_t need)
{
    for (size_t i = 0; i < item->need_count; i++) {
        if (item->needs[i] == need) {
            return;
        }
    }
    item->needs = xrealloc(item->needs, (item->need_count + 1) * sizeof(*item->needs));
    item->needs[item->need_count++] = need;
}

static void take_needs(struct reading *reading, const struct timeline_record *record)
{
    size_t index = item_of(reading, record->kind, record->index);

    for (size_t i = 0; i < record->needs.count && index != NOWHERE; i++) {
        size_t need = item_of(reading, record->needs.kind, record->needs.items[i]);

        if (need != NOWHERE && need != index) {
            add_need(&reading->boot->items[index], need);
        }
    }
}

static void take_detail(struct reading *reading, const struct timeline_record *record)
{
    size_t index = item_of(reading, record->kind, record->index);

    if (record->text.offset == 0) {
        reading->detailed = index;
    }
    if (index != NOWHERE && index == reading->detailed && take_piece(&reading->detail, record)) {
        char *detail = xstrdup(text_string(&reading->detail));

        timeline_make_printable(detail);
        history_detail(&reading->histories[index], &reading->boot->items[index], record->at, detail);
    }
}

/* What happened. */

static void take_daemon(struct reading *reading, const struct timeline_record *record)
{
    struct boot *boot = reading->boot;

    if (boot->daemons++ == 0) {
        boot->process = record->daemon.process;
        reading->entered = record->daemon.entered;
        reading->loaded = record->at;
    } else if (!boot->ready && !boot->closed) {
        boot->restarts = xrealloc(boot->restarts, (boot->restart_count + 1) * sizeof(*boot->restarts));
        boot->restarts[boot->restart_count++] = (struct mark){.at = record->at, .pid = record->daemon.pid};
    }
    for (size_t kind = 0; kind < TIMELINE_KINDS; kind++) {
        reading->numbers[kind].count = 0; /* it numbers anew */
    }
}

static void take_record(struct reading *reading, const struct timeline_record *record)
{
    struct boot *boot = reading->boot;
    size_t index = item_of(reading, record->kind, record->index);

    switch (record->type) {
        case TIMELINE_BOOT:
            boot->wall = record->boot.wall;
            boot->wall_at = record->at;
            break;
        case TIMELINE_DAEMON:
            take_daemon(reading, record);
            break;
        case TIMELINE_INIT:
            reading->init = record->at;
            break;
        case TIMELINE_ITEM:
            take_item(reading, record);
            break;
        case TIMELINE_NEEDS:
            take_needs(reading, record);
            break;
        case TIMELINE_BRINGUP:
            reading->bringup = reading->bringup == 0 ? record->at : reading->bringup;
            reading->last_bringup = record->at;
            break;
        case TIMELINE_RESOURCE:
            if (index != NOWHERE && boot->items[index].kind == ITEM_RESOURCE) {
                history_resource(&reading->histories[index], &boot->items[index], record, reading->last_bringup);
            }
            break;
        case TIMELINE_DETAIL:
            take_detail(reading, record);
            break;
        case TIMELINE_SERVICE:
            if (index != NOWHERE && boot->items[index].kind == ITEM_SERVICE) {
                history_service(&reading->histories[index], record);
            }
            break;
        case TIMELINE_APPLIED:
            boot->apply_user = record->total.user;
            boot->apply_system = record->total.system;
            break;
        case TIMELINE_READY:
        case TIMELINE_CLOSED:
            if (!boot->ready && !boot->closed) {
                boot->ready = record->type == TIMELINE_READY;
                boot->closed = !boot->ready;
                boot->end = record->at;
                boot->daemon_user = record->total.user;
                boot->daemon_system = record->total.system;
            }
            break;
        case TIMELINE_KEPT:
            boot->kept = (int)record->total.error;
            break;
        default:
            break;
    }
    reading->last = record->at > reading->last ? record->at : reading->last;
}

/* Phases come first, so their places are known: what is before the first resource. */
static void fill_phases(struct reading *reading)
{
    struct boot *boot = reading->boot;
    const struct {
        int64_t from;
        int64_t to;
        enum span_kind kind;
        const char *label;
    } phases[BOOT_PHASES] = {
        {0, reading->init == 0 ? boot->process : reading->init, SPAN_BEFORE,
         reading->init == 0 ? "both, for the kernel's log does not say when init began" : "the kernel's own start"},
        {reading->init == 0 ? boot->process : reading->init, boot->process, SPAN_BEFORE,
         "from its first process to edgeinit's"},
        {boot->process, reading->loaded, SPAN_WORK, "reads the manifest"},
        {reading->loaded, reading->bringup == 0 ? reading->loaded : reading->bringup, SPAN_WORK,
         "prepares to supervise, takes over what runs already"},
    };
    int64_t before = 0;

    if (reading->init == 0) {
        free(boot->items[PHASE_KERNEL].name);
        boot->items[PHASE_KERNEL].name = xstrdup("kernel and init");
    }
    for (size_t i = 0; i < BOOT_PHASES; i++) {
        struct item *item = &boot->items[i];

        item->possible = item->began = before;
        item->ended = item->told = before = spans_clamp(phases[i].to, before, boot->end);
        item->open = false;
        if (i == PHASE_MANIFEST) {
            int64_t entered = spans_clamp(reading->entered, item->began, item->ended);

            spans_add(item, SPAN_WORK, item->began, entered, "edgeinit's program is loaded");
            item->began = entered;
        }
        spans_add(item, phases[i].kind, item->began, item->ended, phases[i].label);
        item->began = item->possible;
    }
    boot->process = boot->items[PHASE_INIT].ended;
}

static void add_needs_of_all(struct boot *boot)
{
    for (size_t i = 0; i < boot->count; i++) {
        for (size_t j = 0; j < boot->count && boot->items[i].kind == ITEM_SERVICE; j++) {
            if (boot->items[j].for_all && boot->items[j].kind == ITEM_RESOURCE) {
                add_need(&boot->items[i], j);
            }
        }
    }
}

/* Where nothing runs yet, and an item could begin: when all that it needs is there. */
static void find_possible(struct boot *boot, const int64_t *earliest)
{
    for (size_t i = 0; i < boot->count; i++) {
        struct item *item = &boot->items[i];

        if (item->kind == ITEM_PHASE) {
            continue;
        }
        item->possible = spans_clamp(earliest[i], 0, boot->end);
        for (size_t j = 0; j < item->need_count; j++) {
            const struct item *need = &boot->items[item->needs[j]];
            int64_t there = item->kind == ITEM_SERVICE ? need->told : need->ended;

            /* What came later than it began it cannot have waited for. */
            if (there > item->possible && (item->open || there <= item->began)) {
                item->possible = there;
            }
        }
    }
}

static void finish(struct reading *reading, int64_t now)
{
    struct boot *boot = reading->boot;
    CLEANUP_FREE int64_t *earliest = NULL;

    if (!boot->ready && !boot->closed) {
        boot->live = now > 0;
        boot->end = now > reading->last ? now : reading->last;
    }
    boot->end = spans_clamp(boot->end, 0, LONGEST);
    boot->wall = spans_clamp(boot->wall, 0, 100 * LONGEST);
    boot->wall_at = spans_clamp(boot->wall_at, 0, boot->end);
    fill_phases(reading);
    earliest = xcalloc(boot->count, sizeof(*earliest));
    for (size_t i = 0; i < boot->count; i++) {
        if (boot->items[i].kind == ITEM_RESOURCE) {
            earliest[i] = history_settle_resource(&reading->histories[i], &boot->items[i], boot->end);
        } else if (boot->items[i].kind == ITEM_SERVICE) {
            history_settle_service(&reading->histories[i], &boot->items[i], boot->end);
        }
        earliest[i] = earliest[i] < boot->items[PHASE_DAEMON].ended ? boot->items[PHASE_DAEMON].ended : earliest[i];
    }
    add_needs_of_all(boot);
    find_possible(boot, earliest);
    for (size_t i = 0; i < boot->count; i++) {
        spans_complete(&boot->items[i]);
    }
    for (size_t i = 0; i < boot->restart_count; i++) {
        boot->restarts[i].at = spans_clamp(boot->restarts[i].at, 0, boot->end);
    }
}

bool boot_read(struct boot *boot, const void *data, size_t length, int64_t now)
{
    static const char *const phases[BOOT_PHASES] = {
        [PHASE_KERNEL] = "kernel", [PHASE_INIT] = "init", [PHASE_MANIFEST] = "manifest", [PHASE_DAEMON] = "daemon"};
    struct reading reading = {.boot = boot, .detailed = NOWHERE};
    const struct timeline_record *record;
    size_t offset = 0;

    *boot = (struct boot){.kept = -1};
    if (!timeline_is_boot(data, length, boot->id)) {
        return false;
    }
    timeline_make_printable(boot->id);
    for (size_t i = 0; i < BOOT_PHASES; i++) {
        add_item(&reading, ITEM_PHASE, phases[i]);
    }
    while ((record = timeline_next(data, length, &offset, &boot->damaged)) != NULL) {
        take_record(&reading, record);
    }
    finish(&reading, now);
    for (size_t i = 0; i < boot->count; i++) {
        history_free(&reading.histories[i]);
    }
    for (size_t i = 0; i < TIMELINE_KINDS; i++) {
        free(reading.numbers[i].items);
        text_free(&reading.numbers[i].name);
    }
    text_free(&reading.detail);
    free(reading.histories);
    return true;
}

void boot_free(struct boot *boot)
{
    for (size_t i = 0; i < boot->count; i++) {
        struct item *item = &boot->items[i];

        for (size_t j = 0; j < item->span_count; j++) {
            free(item->spans[j].detail);
        }
        free(item->spans);
        free(item->needs);
        free(item->name);
        free(item->detail);
    }
    free(boot->items);
    free(boot->restarts);
    *boot = (struct boot){0};
}

const struct item *boot_find(const struct boot *boot, const char *name)
{
    for (size_t i = 0; i < boot->count; i++) {
        if (streq(boot->items[i].name, name)) {
            return &boot->items[i];
        }
    }
    return NULL;
}
