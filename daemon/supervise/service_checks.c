/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "base/path.h"
#include "base/util.h"
#include "supervise/check.h"
#include "supervise/condition.h"
#include "supervise/service_keys.h"

#define MOST_TARGETS 8

static const char *const check_keys[] = {
    [CHECK_NONE] = "", [CHECK_HTTP] = "http", [CHECK_TCP] = "tcp", [CHECK_FILE] = "file", [CHECK_COMMAND] = "command"};
static_assert(ARRAY_SIZE(check_keys) == CHECK_KINDS, "a kind is a key of \"ready\" and of \"alive\"");

static const struct {
    const char *key;
    const char *example;
} condition_keys[] = {
    [CONDITION_ROUTE] = {"route", "\"default\""},    [CONDITION_ADDRESS] = {"address", "\"wlan0\""},
    [CONDITION_CLOCK] = {"clock", "\"2024-01-01\""}, [CONDITION_FILE] = {"file", "\"/data/token\""},
    [CONDITION_MOUNT] = {"mount", "\"/mnt/f2fs\""},
};
static_assert(ARRAY_SIZE(condition_keys) == CONDITION_KINDS, "a kind is a key of a condition");

/* "ready" or "alive" while it is read. */
struct probe {
    struct check_config check;
    bool notify;
    int64_t start_timeout;
    int64_t watchdog;
};

/* The kind that this key stands for; only one of them may stand here. */
static enum check_kind take_kind(const struct reader *reader, struct probe *probe)
{
    enum check_kind kind = CHECK_NONE;

    for (size_t i = CHECK_NONE + 1; i < CHECK_KINDS; i++) {
        if (streq(check_keys[i], reader_key(reader))) {
            kind = (enum check_kind)i;
        }
    }
    if (probe->check.kind != CHECK_NONE) {
        reader_problem_key(reader, "keep one of http, tcp, file and command", "a second check, beside \"%s\"",
                           check_keys[probe->check.kind]);
    }
    probe->check.kind = kind;
    return kind;
}

static void read_target(const struct reader *reader, struct probe *probe, const char *example)
{
    const struct field field = {NULL, FIELD_STRING, .example = example};
    enum check_kind kind = take_kind(reader, probe);
    const char *why = NULL;

    if (reader_value(reader, &field, &probe->check.target) && !check_target_is_good(kind, probe->check.target, &why)) {
        CLEANUP_FREE char *remedy = xasprintf("write for example %s", example);

        reader_problem(reader, remedy, "\"%s\" %s", probe->check.target, why);
    }
}

/* All targets of an array; each is judged alone. */
static void read_targets(const struct reader *reader, struct probe *probe, const char *example)
{
    struct check_config *check = &probe->check;
    enum check_kind kind = take_kind(reader, probe);
    struct reader item;

    reader_strings(reader, FIELD_STRING, example, &check->targets, &check->target_count);
    check->target = check->target_count > 0 ? check->targets[0] : NULL;
    if (reader->node->child == NULL) {
        CLEANUP_FREE char *remedy = xasprintf("write for example %s", example);

        reader_problem(reader, remedy, "names nothing to ask");
    } else if (check->target_count > MOST_TARGETS) {
        reader_problem(reader, "remove some", "asks more than %d", MOST_TARGETS);
    }
    for (bool more = reader_first(reader, &item); more; more = reader_next(&item)) {
        const char *target = cJSON_GetStringValue(item.node);
        const char *why = NULL;

        if (target != NULL && target[0] != '\0' && !check_target_is_good(kind, target, &why)) {
            CLEANUP_FREE char *remedy = xasprintf("write for example %s", example);

            reader_problem(&item, remedy, "\"%s\" %s", target, why);
        }
    }
}

static void read_http(const struct reader *reader, void *record)
{
    const char *example = "\"unix:/var/run/docker.sock:/_ping\"";

    if (cJSON_IsArray(reader->node)) {
        read_targets(reader, record, example);
    } else {
        read_target(reader, record, example);
    }
}

static void read_tcp(const struct reader *reader, void *record)
{
    read_target(reader, record, "\"127.0.0.1:10350\"");
}

static void read_file(const struct reader *reader, void *record)
{
    static const struct field field = {NULL, FIELD_PATH, .example = "\"/run/ready\""};
    struct probe *probe = record;

    take_kind(reader, probe);
    reader_value(reader, &field, &probe->check.target);
}

static void read_command(const struct reader *reader, void *record)
{
    struct probe *probe = record;
    struct check_config *check = &probe->check;
    const char *why = NULL;

    take_kind(reader, probe);
    reader_strings(reader, FIELD_TEXT, "\"/system/bin/true\"", &check->command, &check->command_count);
    if (cJSON_IsArray(reader->node) && reader->node->child == NULL) {
        reader_problem(reader, "write for example [\"/system/bin/true\"]", "names no program");
    } else if (check->command_count > 0 && !path_is_normal(check->command[0], &why)) {
        reader_problem(reader, "write the absolute path of the program", "\"%s\" %s", check->command[0], why);
    }
}

/* Keys that were written and do nothing: worth a word, for whoever wrote them expects something. */
static void warn_idle(const struct reader *reader, const char *const *keys, const char *remedy)
{
    struct reader child;

    for (; *keys != NULL; keys++) {
        if (service_child(reader, *keys, &child)) {
            reader_warning(&child, remedy, "does nothing here");
        }
    }
}

/* The object was read: is there a check in it? */
static bool has_check(const struct reader *reader, const struct probe *probe)
{
    static const char *const of_http[] = {"accept", NULL};

    if (probe->check.kind != CHECK_HTTP) {
        warn_idle(reader, of_http, "it is a status of HTTP: add http");
    }
    return probe->check.kind != CHECK_NONE;
}

void service_read_ready(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"notify", FIELD_BOOLEAN, .offset = offsetof(struct probe, notify), .example = "true"},
        {"http", FIELD_READ, .read = read_http},
        {"accept", FIELD_INTEGER, .offset = offsetof(struct probe, check.accept), .min = 300, .max = 599,
         .example = "405"},
        {"tcp", FIELD_READ, .read = read_tcp},
        {"file", FIELD_READ, .read = read_file},
        {"command", FIELD_READ, .read = read_command},
        {"interval", FIELD_DURATION, .offset = offsetof(struct probe, check.interval), .min = 10,
         .max = SERVICE_LONGEST, .example = "\"1s\""},
        {"timeout", FIELD_DURATION, .offset = offsetof(struct probe, start_timeout), .min = 0, .max = SERVICE_LONGEST,
         .example = "\"5m\""},
    };
    static const char *const of_checks[] = {"interval", NULL};
    static const char *const of_any[] = {"timeout", NULL};
    struct service_config *service = record;
    struct probe probe = {service->ready, service->ready_notify, service->start_timeout, 0};

    probe.check.kind = CHECK_NONE; /* another one if the key stands twice */
    if (reader_object(reader, fields, ARRAY_SIZE(fields), &probe) && !has_check(reader, &probe)) {
        warn_idle(reader, of_checks, "it is the pause between two checks: add http, tcp, file or command");
        if (!probe.notify) {
            warn_idle(reader, of_any, "without notify or a check the service is ready at once: add one of them");
        }
    }
    service->ready = probe.check;
    service->ready_notify = probe.notify;
    service->start_timeout = probe.start_timeout;
}

void service_read_alive(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"http", FIELD_READ, .read = read_http, .example = "\"unix:/var/run/docker.sock:/_ping\""},
        {"accept", FIELD_INTEGER, .offset = offsetof(struct probe, check.accept), .min = 300, .max = 599,
         .example = "405"},
        {"tcp", FIELD_READ, .read = read_tcp},
        {"file", FIELD_READ, .read = read_file},
        {"command", FIELD_READ, .read = read_command},
        {"interval", FIELD_DURATION, .offset = offsetof(struct probe, check.interval), .min = 100,
         .max = SERVICE_LONGEST, .example = "\"30s\""},
        {"timeout", FIELD_DURATION, .offset = offsetof(struct probe, check.timeout), .min = 1, .max = SERVICE_LONGEST,
         .example = "\"10s\""},
        {"failures", FIELD_INTEGER, .offset = offsetof(struct probe, check.failures), .min = 1, .max = 1000,
         .example = "3"},
        {"watchdog", FIELD_DURATION, .offset = offsetof(struct probe, watchdog), .min = 100, .max = SERVICE_LONGEST,
         .example = "\"30s\""},
    };
    static const char *const of_checks[] = {"interval", "timeout", "failures", NULL};
    struct service_config *service = record;
    struct probe probe = {.check = service->alive, .watchdog = service->watchdog};

    probe.check.kind = CHECK_NONE;
    if (reader_object(reader, fields, ARRAY_SIZE(fields), &probe) && !has_check(reader, &probe)) {
        if (probe.watchdog == 0) {
            reader_problem(reader, "add http, tcp, file, command or watchdog", "does not say what to check");
        } else {
            warn_idle(reader, of_checks, "a watchdog has none: add http, tcp, file or command");
        }
    }
    service->alive = probe.check;
    service->watchdog = probe.watchdog;
}

/* One key of a condition. */
static void read_fact(const struct reader *reader, void *record)
{
    struct condition_config *condition = record;
    struct field field = {NULL, FIELD_STRING, .example = NULL};
    const char *value = NULL;
    const char *why = NULL;

    for (size_t i = 0; i < CONDITION_KINDS; i++) {
        if (streq(condition_keys[i].key, reader_key(reader))) {
            condition->kind = (enum condition_kind)i;
            field.example = condition_keys[i].example;
        }
    }
    if (condition->kind == CONDITION_FILE || condition->kind == CONDITION_MOUNT) {
        field.type = FIELD_PATH;
    }
    if (!reader_value(reader, &field, &value)) {
        return;
    }
    if (!condition_value_is_good(condition->kind, value, &condition->clock, &why)) {
        CLEANUP_FREE char *remedy = xasprintf("write for example %s", field.example);

        reader_problem(reader, remedy, "\"%s\" %s", value, why);
    }
    condition->value = value;
}

static bool read_condition(const struct reader *reader, struct condition_config *condition)
{
    struct field fields[CONDITION_KINDS];

    for (size_t i = 0; i < CONDITION_KINDS; i++) {
        fields[i] =
            (struct field){condition_keys[i].key, FIELD_READ, .read = read_fact, .example = condition_keys[i].example};
    }
    if (!reader_object(reader, fields, CONDITION_KINDS, condition)) {
        return false;
    }
    if (reader->node->child == NULL) {
        reader_problem(reader, "write for example {\"route\": \"default\"}", "a condition has exactly one key");
    } else if (reader->node->child->next != NULL) {
        reader_problem(reader, "write one object for each condition", "a condition has exactly one key");
    }
    return condition->value != NULL;
}

void service_read_conditions(const struct reader *reader, void *record)
{
    struct service_config *service = record;
    struct reader item;

    if (!reader_is_array(reader, "[{\"route\": \"default\"}]")) {
        return;
    }
    for (bool more = reader_first(reader, &item); more; more = reader_next(&item)) {
        struct condition_config condition = {0};

        if (read_condition(&item, &condition)) {
            service->conditions =
                xrealloc(service->conditions, (service->condition_count + 1) * sizeof(service->conditions[0]));
            service->conditions[service->condition_count++] = condition;
        }
    }
}
