/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include "base/path.h"
#include "base/text.h"
#include "base/util.h"

static void add_need(struct plan_entry *entry, size_t need)
{
    for (size_t i = 0; i < entry->need_count; i++) {
        if (entry->needs[i] == need) {
            return;
        }
    }
    /* Room for a power of two. */
    if ((entry->need_count & (entry->need_count - 1)) == 0) {
        entry->needs =
            xrealloc(entry->needs, (entry->need_count == 0 ? 1 : entry->need_count * 2) * sizeof(entry->needs[0]));
    }
    entry->needs[entry->need_count++] = need;
}

/* Where the resources stand, to be found by their paths: a table of chains, each in the resources' order. */
#define CHAINS 256
#define NOWHERE SIZE_MAX

struct stands {
    size_t first[CHAINS]; /* index of a resource; NOWHERE: none */
    struct stand {
        const char *path; /* NULL: nowhere */
        size_t length;    /* "/": 0, for what comes next in a path below it is its slash */
        size_t next;
    } items[];
};

/* FNV-1a, one byte further. */
static uint32_t hash_on(uint32_t hash, char c)
{
    return (hash ^ (unsigned char)c) * 16777619U;
}
#define HASH_OF_NOTHING 2166136261U

static struct stands *find_stands(const struct host *host)
{
    struct stands *stands = xcalloc(1, sizeof(*stands) + host->count * sizeof(stands->items[0]));

    memset(stands->first, 0xff, sizeof(stands->first));
    for (size_t i = host->count; i-- > 0;) {
        struct stand *stand = &stands->items[i];
        uint32_t hash = HASH_OF_NOTHING;

        stand->path = host->resources[i].path;
        if (stand->path != NULL) {
            for (const char *at = streq(stand->path, "/") ? "" : stand->path; *at != '\0'; at++) {
                hash = hash_on(hash, *at);
                stand->length++;
            }
            stand->next = stands->first[hash % CHAINS];
            stands->first[hash % CHAINS] = i;
        }
    }
    return stands;
}

/* Those that stand at the first `length` bytes of `path`. */
static void add_stand_needs(struct plan *plan, const struct stands *stands, size_t index, const char *path,
                            size_t length, uint32_t hash)
{
    const char *mine = stands->items[index].path;
    bool same = path[length] == '\0' || (length == 0 && path[1] == '\0');
    bool own = same && mine != NULL && streq(mine, path);

    for (size_t i = stands->first[hash % CHAINS]; i != NOWHERE; i = stands->items[i].next) {
        const struct stand *other = &stands->items[i];

        if (i != index && other->length == length && memcmp(path, other->path, length) == 0 &&
            (!own || plan->entries[i].resource->rank < plan->entries[index].resource->rank)) {
            add_need(&plan->entries[index], i);
        }
    }
}

/* The needs from `first` on: a few, and nearly in order. */
static void sort_needs(struct plan_entry *entry, size_t first)
{
    for (size_t i = first + 1; i < entry->need_count; i++) {
        size_t need = entry->needs[i];
        size_t at = i;

        for (; at > first && entry->needs[at - 1] > need; at--) {
            entry->needs[at] = entry->needs[at - 1];
        }
        entry->needs[at] = need;
    }
}

/* Everything at or above `path`, in the resources' order. At the resource's own path only what ranks lower: a mount needs the
 * directory it covers, not the other way round. */
static void add_path_needs(struct plan *plan, const struct stands *stands, size_t index, const char *path)
{
    struct plan_entry *entry = &plan->entries[index];
    size_t before = entry->need_count;
    uint32_t hash = HASH_OF_NOTHING;

    for (size_t length = 0;; length++) {
        if (path[length] == '/' || path[length] == '\0') {
            add_stand_needs(plan, stands, index, path, length, hash);
        }
        if (path[length] == '\0') {
            break;
        }
        hash = hash_on(hash, path[length]);
    }
    sort_needs(entry, before);
}

static void derive_needs(struct plan *plan, const struct stands *stands, size_t index)
{
    struct plan_entry *entry = &plan->entries[index];
    struct need_list list = {0};

    entry->resource->kind->needs(entry->resource, &list);
    for (size_t i = 0; i < list.path_count; i++) {
        add_path_needs(plan, stands, index, list.paths[i]);
    }
    for (size_t i = 0; i < list.name_count; i++) {
        const struct resource *other = host_find(plan->host, list.names[i]);

        if (other != NULL && other != entry->resource) {
            add_need(entry, (size_t)(other - plan->host->resources));
        }
    }
}

/* The first need of an entry that could not be placed; an entry that is stuck has one. */
static size_t stuck_on(const struct plan *plan, const bool *placed, size_t index)
{
    const struct plan_entry *entry = &plan->entries[index];

    for (size_t i = 0; i < entry->need_count; i++) {
        if (!placed[entry->needs[i]]) {
            return entry->needs[i];
        }
    }
    return index;
}

/* Follow unplaced needs from an entry that cannot be placed until one comes up twice: that is the cycle. */
static int report_cycle(const struct plan *plan, const bool *placed, size_t start, struct error *err)
{
    CLEANUP_FREE bool *seen = xcalloc(plan->count, sizeof(*seen));
    CLEANUP_TEXT struct text cycle = {0};
    size_t at = start;
    size_t first;

    for (; !seen[at]; at = stuck_on(plan, placed, at)) {
        seen[at] = true;
    }
    first = at;
    do {
        text_format(&cycle, "%s needs ", plan->entries[at].resource->name);
        at = stuck_on(plan, placed, at);
    } while (at != first);
    text_add(&cycle, plan->entries[first].resource->name);
    error_set(err, ERROR_INPUT, 0, "the manifest goes round in a circle: %s", text_string(&cycle));
    return error_remedy(err, "change one of these sources or targets");
}

/* `met`: how many of its needs, from the first, are known to be placed; what is placed stays so. */
static bool is_ready(const struct plan_entry *entry, const bool *placed, size_t *met)
{
    while (*met < entry->need_count && placed[entry->needs[*met]]) {
        (*met)++;
    }
    return *met == entry->need_count;
}

static int derive_order(struct plan *plan, struct error *err)
{
    CLEANUP_FREE bool *placed = xcalloc(plan->count, sizeof(*placed));
    CLEANUP_FREE size_t *met = xcalloc(plan->count, sizeof(*met));
    CLEANUP_FREE int *ranks = xcalloc(plan->count, sizeof(*ranks));
    size_t first = 0; /* before it all are placed */

    for (size_t i = 0; i < plan->count; i++) {
        ranks[i] = plan->entries[i].resource->rank;
    }

    for (size_t done = 0; done < plan->count; done++) {
        size_t best = plan->count;

        while (placed[first]) {
            first++;
        }
        for (size_t i = first; i < plan->count; i++) {
            if (!placed[i] && (best == plan->count || ranks[i] < ranks[best]) &&
                is_ready(&plan->entries[i], placed, &met[i])) {
                best = i;
            }
        }
        if (best == plan->count) {
            size_t stuck = 0;

            while (placed[stuck]) {
                stuck++;
            }
            return report_cycle(plan, placed, stuck, err);
        }
        placed[best] = true;
        plan->order[done] = best;
    }
    return 0;
}

/* From the last to the first, so that what stands on an entry is decided before it. */
static void find_urgent(struct plan *plan)
{
    for (size_t i = plan->count; i-- > 0;) {
        struct plan_entry *entry = &plan->entries[plan->order[i]];

        /* Modules, and SELinux made loose, are needed without being named. */
        entry->urgent |= entry->in_worker || entry->resource->rank < RANK_DIRECTORY;
        for (size_t j = 0; j < entry->need_count && entry->urgent; j++) {
            plan->entries[entry->needs[j]].urgent = true;
        }
    }
}

/* In order, so that what an entry stands on is decided before it. */
static void find_workers(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_entry *entry = &plan->entries[plan->order[i]];
        const struct resource *resource = entry->resource;

        entry->in_worker = resource->kind->slow != NULL && resource->kind->slow(resource);
        for (size_t j = 0; j < entry->need_count && resource->path != NULL; j++) {
            const struct plan_entry *need = &plan->entries[entry->needs[j]];

            entry->in_worker |= need->in_worker && need->resource->path != NULL;
        }
    }
}

int plan_make(struct plan *plan, struct host *host, struct error *err)
{
    CLEANUP_FREE struct stands *stands = find_stands(host);

    *plan = (struct plan){
        .host = host,
        .entries = xcalloc(host->count, sizeof(*plan->entries)),
        .order = xcalloc(host->count, sizeof(*plan->order)),
        .count = host->count,
    };
    for (size_t i = 0; i < plan->count; i++) {
        plan->entries[i].resource = &host->resources[i];
        plan->entries[i].blocker = i;
    }
    for (size_t i = 0; i < plan->count; i++) {
        derive_needs(plan, stands, i);
    }
    if (derive_order(plan, err) != 0) {
        return -1;
    }
    find_workers(plan);
    find_urgent(plan);
    return 0;
}

/* Will a mount come over the place of this entry? Then what is seen there now says nothing. One that is there and gets another
 * option or propagation shows the same as before. */
static bool covers(const struct plan_entry *need, const struct plan_entry *entry)
{
    const char *path = need->resource->path;
    bool comes = need->resource->kind == &kind_mount && need->action == ACTION_CREATE;

    return path != NULL && entry->resource->path != NULL && (comes || need->resource->kind == &kind_cgroup) &&
           (path_is_below(entry->resource->path, path) || streq(entry->resource->path, path));
}

/* What the kernel lacks and what the manifest has wrong stays so, whatever is mounted first. */
static bool is_final(const struct resource *resource)
{
    return resource->verdict == VERDICT_LEFT_OUT ||
           (resource->verdict == VERDICT_IMPOSSIBLE &&
            (resource->error->code == ERROR_UNSUPPORTED || resource->error->code == ERROR_INPUT));
}

static void probe_entry(struct plan *plan, size_t index)
{
    static const enum plan_action actions[VERDICTS] = {
        [VERDICT_UNKNOWN] = ACTION_IMPOSSIBLE,    [VERDICT_IN_PLACE] = ACTION_NONE,  [VERDICT_LEFT_OUT] = ACTION_NONE,
        [VERDICT_ABSENT] = ACTION_CREATE,         [VERDICT_DIFFERS] = ACTION_CHANGE, [VERDICT_BLIND] = ACTION_CHANGE,
        [VERDICT_IMPOSSIBLE] = ACTION_IMPOSSIBLE,
    };
    struct plan_entry *entry = &plan->entries[index];
    const struct plan_entry *pending = NULL;

    for (size_t i = 0; i < entry->need_count; i++) {
        const struct plan_entry *need = &plan->entries[entry->needs[i]];

        if (need->action == ACTION_IMPOSSIBLE) {
            entry->action = ACTION_IMPOSSIBLE;
            entry->blocker = need->blocker;
            resource_detail(entry->resource, NULL);
            return;
        }
    }
    host_probe(plan->host, entry->resource);
    entry->action = actions[entry->resource->verdict];
    if (is_final(entry->resource)) {
        return;
    }
    for (size_t i = 0; i < entry->need_count; i++) {
        const struct plan_entry *need = &plan->entries[entry->needs[i]];

        if (need->action != ACTION_NONE && (entry->action == ACTION_IMPOSSIBLE || covers(need, entry))) {
            pending = need;
        }
    }
    if (pending != NULL && (entry->action != ACTION_CREATE || entry->resource->detail == NULL)) {
        entry->action = ACTION_CREATE;
        resource_detail(entry->resource, "after %s", pending->resource->name);
    }
}

void plan_probe(struct plan *plan)
{
    host_refresh(plan->host);
    plan->host->foresee = true;
    for (size_t i = 0; i < plan->count; i++) {
        plan->entries[plan->order[i]].blocker = plan->order[i];
        probe_entry(plan, plan->order[i]);
    }
}

bool plan_touches(const struct plan_entry *entry, const char *path)
{
    const char *own = entry->resource->path;

    return own != NULL && (streq(own, path) || path_is_below(own, path) || path_is_below(path, own));
}

void plan_free(struct plan *plan)
{
    for (size_t i = 0; i < plan->count && plan->entries != NULL; i++) {
        free(plan->entries[i].needs);
    }
    free(plan->entries);
    free(plan->order);
    *plan = (struct plan){0};
}
