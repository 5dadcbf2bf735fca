/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/service.h"

#include "base/path.h"
#include "base/util.h"
#include "supervise/service_keys.h"

/* Suggesting a name for each of many unknown ones would take a second and more; the first few are enough. */
#define MOST_SUGGESTIONS 16

static void parse_one(const struct reader *reader, struct service_list *list)
{
    struct service_config service = {.name = reader_key(reader)};
    size_t length = strlen(service.name);

    if (length == 0 || length > SERVICE_LONGEST_NAME ||
        strspn(service.name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != length) {
        CLEANUP_FREE char *remedy = xasprintf("write 1 to %d letters, digits, - and _", SERVICE_LONGEST_NAME);

        reader_problem_key(reader, remedy, "\"%s\" is no possible name", service.name);
    }
    service_read(reader, &service);
    /* Room for a power of two. */
    if ((list->count & (list->count - 1)) == 0) {
        list->items = xrealloc(list->items, (list->count == 0 ? 1 : list->count * 2) * sizeof(list->items[0]));
    }
    list->items[list->count++] = service;
}

/* The services by name, to find one among many. */
struct index {
    const struct service_config **sorted;
    size_t count;
};

static int compare_names(const void *a, const void *b)
{
    const struct service_config *const *left = a;
    const struct service_config *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

static const struct service_config **sort_by_name(const struct service_list *list)
{
    const struct service_config **sorted = xcalloc(list->count, sizeof(*sorted));

    for (size_t i = 0; i < list->count; i++) {
        sorted[i] = &list->items[i];
    }
    qsort(sorted, list->count, sizeof(*sorted), compare_names);
    return sorted;
}

static const struct service_config *find(const struct index *index, const char *name)
{
    const struct service_config key = {.name = name};
    const struct service_config *wanted = &key;
    const struct service_config **found =
        bsearch(&wanted, index->sorted, index->count, sizeof(*index->sorted), compare_names);

    return found == NULL ? NULL : *found;
}

static void unknown_after(const struct reader *name, const char *word, const struct index *index, size_t *suggestions)
{
    const char *nearest = NULL;
    CLEANUP_FREE char *remedy = NULL;

    if (*suggestions > 0) {
        const char *names[SERVICE_MOST];

        for (size_t i = 0; i < index->count; i++) {
            names[i] = index->sorted[i]->name;
        }
        nearest = reader_nearest(word, names, index->count);
        (*suggestions)--;
    }
    remedy = nearest == NULL ? xstrdup("name a service of this manifest") : xasprintf("did you mean \"%s\"?", nearest);
    reader_problem(name, remedy, "there is no service \"%s\"", word);
}

/* Is each service known that this one comes after? */
static bool knows_after(const struct reader *service, const struct index *index, size_t *suggestions)
{
    struct reader key;
    struct reader name;
    bool known = true;

    for (bool more = cJSON_IsObject(service->node) && reader_first(service, &key); more; more = reader_next(&key)) {
        for (bool next = streq(reader_key(&key), "after") && cJSON_IsArray(key.node) && reader_first(&key, &name); next;
             next = reader_next(&name)) {
            const char *word = cJSON_GetStringValue(name.node);

            if (word != NULL && word[0] != '\0' && find(index, word) == NULL) {
                unknown_after(&name, word, index, suggestions);
                known = false;
            }
        }
    }
    return known;
}

/* A service while the order is derived, at the same index as in the list. */
struct waiting {
    const size_t *after; /* indices of the services it comes after; those before it are placed */
    const size_t *end;
    bool placed;
};

/* Let `waiting` point at the indices of the services in each `after`, one list behind the other in `indices`. */
static void resolve_after(const struct service_list *list, const struct index *index, struct waiting *waiting,
                          size_t *indices)
{
    for (size_t i = 0; i < list->count; i++) {
        waiting[i].after = indices;
        for (size_t j = 0; j < list->items[i].after_count; j++) {
            *indices++ = (size_t)(find(index, list->items[i].after[j]) - list->items);
        }
        waiting[i].end = indices;
    }
}

static size_t count_after(const struct service_list *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        count += list->items[i].after_count;
    }
    return count;
}

/* Does it wait for a service that is not placed? *waiting->after is then the index of the first. */
static bool waits(struct waiting *waiting, const struct waiting *all)
{
    while (waiting->after < waiting->end && all[*waiting->after].placed) {
        waiting->after++;
    }
    return waiting->after < waiting->end;
}

/* Follow those that wait until one comes up twice: from there on they form the circle. */
static void report_circle(const struct reader *section, const struct service_list *list, struct waiting *waiting)
{
    CLEANUP_FREE bool *seen = xcalloc(list->count, sizeof(*seen));
    CLEANUP_TEXT struct text names = {0};
    size_t at = 0;
    size_t first;
    struct reader service;
    struct reader after;

    while (waiting[at].placed) {
        at++;
    }
    for (; !seen[at]; at = *waiting[at].after) {
        seen[at] = true;
    }
    first = at;
    do {
        text_format(&names, "%s after ", list->items[at].name);
        at = *waiting[at].after;
    } while (at != first);
    text_add(&names, list->items[first].name);
    if (service_child(section, list->items[first].name, &service) && service_child(&service, "after", &after)) {
        reader_problem(&after, "take one name out of an \"after\"", "these services wait for each other: %s",
                       text_string(&names));
    }
}

/* Bring the services into an order in which each comes after those that it names, and otherwise as in the manifest. */
static void sort_by_after(const struct reader *section, struct service_list *list, const struct index *index)
{
    CLEANUP_FREE struct waiting *waiting = xcalloc(list->count, sizeof(*waiting));
    CLEANUP_FREE size_t *indices = xcalloc(count_after(list), sizeof(*indices));
    CLEANUP_FREE struct service_config *sorted = xcalloc(list->count, sizeof(*sorted));

    resolve_after(list, index, waiting, indices);
    for (size_t done = 0; done < list->count; done++) {
        size_t next = 0;

        while (next < list->count && (waiting[next].placed || waits(&waiting[next], waiting))) {
            next++;
        }
        if (next == list->count) {
            report_circle(section, list, waiting);
            return;
        }
        waiting[next].placed = true;
        sorted[done] = list->items[next];
    }
    if (list->count > 0) {
        memcpy(list->items, sorted, list->count * sizeof(*sorted));
    }
}

static void derive_order(const struct reader *section, struct service_list *list)
{
    CLEANUP_FREE const struct service_config **sorted = sort_by_name(list);
    const struct index index = {sorted, list->count};
    size_t suggestions = MOST_SUGGESTIONS;
    struct reader item;
    bool known = true;

    for (bool more = reader_first(section, &item); more; more = reader_next(&item)) {
        known &= knows_after(&item, &index, &suggestions);
    }
    if (known) {
        sort_by_after(section, list, &index);
    }
}

void service_parse(const struct reader *section, struct service_list *list)
{
    struct reader item;

    if (!reader_is_object(section, "{\"dockerd\": {\"command\": [\"/system/bin/dockerd\"]}}")) {
        return;
    }
    for (bool more = reader_first(section, &item); more; more = reader_next(&item)) {
        parse_one(&item, list);
    }
    if (list->count > SERVICE_MOST) {
        reader_problem(section, "remove some", "more than %d services", SERVICE_MOST);
    } else {
        derive_order(section, list);
    }
}

/* "/x", "--config=/x", "unix:///x", "--host=unix:///x", "a:/x" name a path; "10.0.0.0/8", "a/b" and "tcp://h/x" do not. */
static void paths_in(const char *argument, void (*each)(void *data, const char *path), void *data)
{
    const char *slash = strchr(argument, '/');
    const char *why = NULL;

    if (slash != NULL && slash > argument && slash[-1] == ':' && slash[1] == '/') {
        const char *word = slash - 1;

        while (word > argument && word[-1] != '=') {
            word--;
        }
        if (!starts_with(word, "unix:") && !starts_with(word, "fd:") && !starts_with(word, "file:")) {
            return;
        }
        slash += 2;
    } else if (slash != NULL && slash > argument && slash[-1] != '=' && slash[-1] != ':') {
        return;
    }
    if (slash != NULL && path_is_normal(slash, &why)) {
        each(data, slash);
    }
}

void service_paths(const struct service_config *service, void (*each)(void *data, const char *path), void *data)
{
    for (size_t i = 0; i < service->need_count; i++) {
        each(data, service->needs[i]);
    }
    if (service->directory != NULL) {
        each(data, service->directory);
    }
    for (size_t i = 0; i < service->command_count; i++) {
        paths_in(service->command[i], each, data);
    }
}

void service_list_free(struct service_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].command);
        free(list->items[i].after);
        free(list->items[i].needs);
        free(list->items[i].conditions);
        free(list->items[i].ready.targets);
        free(list->items[i].alive.targets);
        free(list->items[i].ready.command);
        free(list->items[i].alive.command);
    }
    free(list->items);
    *list = (struct service_list){0};
}
