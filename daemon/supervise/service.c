/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/service.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/path.h"
#include "base/util.h"
#include "supervise/later.h"

#define SERVICE_LONGEST (24 * 60 * 60 * INT64_C(1000)) /* no duration of a service is longer than a day */
#define MOST_SERVICES 64

static const char *const signal_words[] = {"TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "KILL", NULL};
static const int signal_numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGKILL};

static const struct {
    const char *name;
    int number;
} rlimits[] = {
    {"as", RLIMIT_AS},
    {"core", RLIMIT_CORE},
    {"cpu", RLIMIT_CPU},
    {"data", RLIMIT_DATA},
    {"fsize", RLIMIT_FSIZE},
    {"memlock", RLIMIT_MEMLOCK},
    {"msgqueue", RLIMIT_MSGQUEUE},
    {"nice", RLIMIT_NICE},
    {"nofile", RLIMIT_NOFILE},
    {"nproc", RLIMIT_NPROC},
    {"rtprio", RLIMIT_RTPRIO},
    {"sigpending", RLIMIT_SIGPENDING},
    {"stack", RLIMIT_STACK},
};

int service_rlimit(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++) {
        if (streq(rlimits[i].name, name)) {
            return rlimits[i].number;
        }
    }
    return -1;
}

static void read_command(const struct reader *reader, void *record)
{
    struct service_config *service = record;
    const char *why = NULL;

    reader_strings(reader, FIELD_TEXT, "\"/system/bin/dockerd\"", &service->command, &service->command_count);
    if (cJSON_IsArray(reader->node) && reader->node->child == NULL) {
        reader_problem(reader, "write for example [\"/system/bin/dockerd\"]", "names no program");
    } else if (service->command_count > 0 && !path_is_normal(service->command[0], &why)) {
        reader_problem(reader, "write the absolute path of the program", "\"%s\" %s", service->command[0], why);
    }
}

static void read_after(const struct reader *reader, void *record)
{
    struct service_config *service = record;

    reader_strings(reader, FIELD_STRING, "\"dockerd\"", &service->after, &service->after_count);
}

static void read_needs(const struct reader *reader, void *record)
{
    struct service_config *service = record;

    reader_strings(reader, FIELD_PATH, "\"/mnt/f2fs\"", &service->needs, &service->need_count);
}

static bool is_string_map(const struct reader *reader, const char *example, const char *forbidden, const char *remedy)
{
    static const struct field value = {NULL, FIELD_TEXT, .example = "\"text\""};
    struct reader item;
    bool good = reader_is_object(reader, example);

    for (bool more = good && reader_first(reader, &item); more; more = reader_next(&item)) {
        const char *ignored = NULL;

        good &= reader_value(&item, &value, &ignored);
        if (reader_key(&item)[0] == '\0' || strpbrk(reader_key(&item), forbidden) != NULL) {
            reader_problem_key(&item, remedy, "\"%s\" is no possible name", reader_key(&item));
            good = false;
        }
    }
    return good;
}

static void read_environment(const struct reader *reader, void *record)
{
    if (is_string_map(reader, "{\"DOCKER_RAMDISK\": \"true\"}", "=", "write a name, without \"=\"")) {
        ((struct service_config *)record)->environment = reader->node;
    }
}

static void read_cgroup(const struct reader *reader, void *record)
{
    static const char *const remedy = "write the file's name, such as \"memory.limit_in_bytes\"";
    struct reader item;
    bool good = is_string_map(reader, "{\"memory.limit_in_bytes\": \"512M\"}", "/ \t\n", remedy);

    for (bool more = cJSON_IsObject(reader->node) && reader_first(reader, &item); more; more = reader_next(&item)) {
        const char *key = reader_key(&item);
        bool possible = key[0] != '\0' && strpbrk(key, "/ \t\n") == NULL;

        if (possible && (key[0] == '.' || strchr(key, '.') == NULL)) {
            reader_problem_key(&item, remedy, "\"%s\" names no file of a controller", key);
            good = false;
        }
    }
    if (good) {
        ((struct service_config *)record)->cgroup = reader->node;
    }
}

static void read_rlimits(const struct reader *reader, void *record)
{
    static const struct field value = {NULL, FIELD_INTEGER, .min = 0, .max = INT64_C(1) << 53, .example = "65536"};
    const char *names[ARRAY_SIZE(rlimits)];
    struct reader item;

    if (!reader_is_object(reader, "{\"nofile\": 1048576}")) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(rlimits); i++) {
        names[i] = rlimits[i].name;
    }
    for (bool more = reader_first(reader, &item); more; more = reader_next(&item)) {
        int64_t ignored = 0;

        if (service_rlimit(reader_key(&item)) < 0) {
            const char *nearest = reader_nearest(reader_key(&item), names, ARRAY_SIZE(names));
            CLEANUP_FREE char *remedy = nearest == NULL
                                            ? xstrdup("see setrlimit(2), without RLIMIT_ and in small letters")
                                            : xasprintf("did you mean \"%s\"?", nearest);

            reader_problem_key(&item, remedy, "\"%s\" is no limit", reader_key(&item));
        }
        reader_value(&item, &value, &ignored);
    }
    ((struct service_config *)record)->rlimits = reader->node;
}

static void read_restart(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"policy", FIELD_READ, .read = later_policy},
        {"delay", FIELD_DURATION, .offset = offsetof(struct service_config, restart_delay), .min = 1,
         .max = SERVICE_LONGEST, .example = "\"200ms\""},
        {"max_delay", FIELD_READ, .read = later_restart},
        {"jitter", FIELD_READ, .read = later_restart},
        {"reset_after", FIELD_READ, .read = later_restart},
    };

    reader_object(reader, fields, ARRAY_SIZE(fields), record);
}

static void read_ready(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"notify", FIELD_BOOLEAN, .offset = offsetof(struct service_config, ready_notify), .example = "true"},
        {"http", FIELD_READ, .read = later_check},
        {"tcp", FIELD_READ, .read = later_check},
        {"file", FIELD_READ, .read = later_check},
        {"command", FIELD_READ, .read = later_check_command},
        {"interval", FIELD_READ, .read = later_check},
        {"timeout", FIELD_READ, .read = later_check},
    };

    reader_object(reader, fields, ARRAY_SIZE(fields), record);
}

static void read_signal(const struct reader *reader, void *record)
{
    static const struct field field = {NULL, FIELD_CHOICE, .choices = signal_words};
    int choice = 0;

    if (reader_value(reader, &field, &choice)) {
        ((struct service_config *)record)->stop_signal = signal_numbers[choice];
    }
}

static void read_stop(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"signal", FIELD_READ, .read = read_signal},
        {"timeout", FIELD_DURATION, .offset = offsetof(struct service_config, stop_timeout), .min = 1,
         .max = SERVICE_LONGEST, .example = "\"20s\""},
        {"scope", FIELD_READ, .read = later_scope},
    };

    reader_object(reader, fields, ARRAY_SIZE(fields), record);
}

static void read_oom(const struct reader *reader, void *record)
{
    static const struct field field = {
        NULL,         FIELD_INTEGER, .offset = offsetof(struct service_config, oom_score_adj),
        .min = -1000, .max = 1000,   .example = "-500"};

    ((struct service_config *)record)->has_oom_score_adj = reader_value(reader, &field, record);
}

static void parse_one(const struct reader *reader, struct service_list *list)
{
    static const struct field fields[] = {
        {"command", FIELD_READ, .required = true, .read = read_command, .example = "[\"/system/bin/dockerd\"]"},
        {"environment", FIELD_READ, .read = read_environment},
        {"after", FIELD_READ, .read = read_after},
        {"needs", FIELD_READ, .read = read_needs},
        {"conditions", FIELD_READ, .read = later_conditions},
        {"restart", FIELD_READ, .read = read_restart},
        {"ready", FIELD_READ, .read = read_ready},
        {"alive", FIELD_READ, .read = later_alive},
        {"stop", FIELD_READ, .read = read_stop},
        {"oom_score_adj", FIELD_READ, .read = read_oom},
        {"rlimits", FIELD_READ, .read = read_rlimits},
        {"cgroup", FIELD_READ, .read = read_cgroup},
    };
    struct service_config service = {
        .name = reader_key(reader), .restart_delay = 200, .stop_signal = SIGTERM, .stop_timeout = 10000};
    size_t length = strlen(service.name);

    if (length == 0 || length > 31 ||
        strspn(service.name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != length) {
        reader_problem_key(reader, "write 1 to 31 letters, digits, - and _", "\"%s\" is no possible name",
                           service.name);
    }
    reader_object(reader, fields, ARRAY_SIZE(fields), &service);
    list->items = xrealloc(list->items, (list->count + 1) * sizeof(list->items[0]));
    list->items[list->count++] = service;
}

static const struct service_config *find(const struct service_list *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (streq(list->items[i].name, name)) {
            return &list->items[i];
        }
    }
    return NULL;
}

/* Bring the services into an order in which each comes after those that it names. */
static void sort_by_after(const struct reader *section, struct service_list *list)
{
    for (size_t done = 0; done < list->count; done++) {
        size_t next = done;

        for (; next < list->count; next++) {
            const struct service_config *service = &list->items[next];
            bool ready = true;

            for (size_t i = 0; i < service->after_count; i++) {
                ready &= find(list, done, service->after[i]) != NULL;
            }
            if (ready) {
                break;
            }
        }
        if (next == list->count) {
            CLEANUP_TEXT struct text names = {0};

            for (size_t i = done; i < list->count; i++) {
                text_format(&names, "%s%s", i == done ? "" : ", ", list->items[i].name);
            }
            reader_problem(section, "take one name out of an \"after\"", "these services wait for each other: %s",
                           text_string(&names));
            return;
        }
        for (; next > done; next--) {
            struct service_config swap = list->items[next];

            list->items[next] = list->items[next - 1];
            list->items[next - 1] = swap;
        }
    }
}

/* Are all services known that this one comes after? */
static bool knows_after(const struct reader *service, const struct service_list *list)
{
    const char *names[MOST_SERVICES];
    struct reader key;
    struct reader name;
    bool known = true;

    for (size_t i = 0; i < list->count; i++) {
        names[i] = list->items[i].name;
    }
    for (bool more = cJSON_IsObject(service->node) && reader_first(service, &key); more; more = reader_next(&key)) {
        for (bool next = streq(reader_key(&key), "after") && cJSON_IsArray(key.node) && reader_first(&key, &name); next;
             next = reader_next(&name)) {
            const char *word = cJSON_GetStringValue(name.node);

            if (word != NULL && word[0] != '\0' && find(list, list->count, word) == NULL) {
                const char *nearest = reader_nearest(word, names, list->count);
                CLEANUP_FREE char *remedy = nearest == NULL ? xstrdup("name a service of this manifest")
                                                            : xasprintf("did you mean \"%s\"?", nearest);

                reader_problem(&name, remedy, "there is no service \"%s\"", word);
                known = false;
            }
        }
    }
    return known;
}

void service_parse(const struct reader *section, struct service_list *list)
{
    struct reader item;
    bool known = true;

    if (!reader_is_object(section, "{\"dockerd\": {\"command\": [\"/system/bin/dockerd\"]}}")) {
        return;
    }
    for (bool more = reader_first(section, &item); more; more = reader_next(&item)) {
        parse_one(&item, list);
    }
    if (list->count > MOST_SERVICES) {
        reader_problem(section, "remove some", "more than %d services", MOST_SERVICES);
        return;
    }
    for (bool more = reader_first(section, &item); more; more = reader_next(&item)) {
        known &= knows_after(&item, list);
    }
    if (known) {
        sort_by_after(section, list);
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
    }
    free(list->items);
    *list = (struct service_list){0};
}
