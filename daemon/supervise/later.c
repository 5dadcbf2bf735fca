/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/later.h"

#include "base/util.h"

/* A value that is checked as its type demands, and then set aside: its place is taken by the supervisor to come. */
struct later {
    bool boolean;
    int64_t number;
    double fraction;
    const char *string;
    int choice;
};

static void not_yet(const struct reader *reader)
{
    reader_warning(reader, "", "is checked, but this version does not act on it yet");
}

/* One policy key to come: checked by the field of the same key in `fields`. */
static void check_later(const struct reader *reader, const struct field *fields, size_t count)
{
    struct later ignored = {0};

    for (size_t i = 0; i < count; i++) {
        if (streq(fields[i].key, reader_key(reader)) && reader_value(reader, &fields[i], &ignored)) {
            not_yet(reader);
        }
    }
}

static const char *const policy_words[] = {"always", "on-failure", "never", NULL};

void later_restart(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"max_delay", FIELD_DURATION, .offset = offsetof(struct later, number), .min = 1, .max = SERVICE_LONGEST,
         .example = "\"1m\""},
        {"jitter", FIELD_NUMBER, .offset = offsetof(struct later, fraction), .min = 0, .max = 1, .example = "0.2"},
        {"reset_after", FIELD_DURATION, .offset = offsetof(struct later, number), .min = 1, .max = SERVICE_LONGEST,
         .example = "\"1m\""},
    };

    (void)record;
    check_later(reader, fields, ARRAY_SIZE(fields));
}

void later_policy(const struct reader *reader, void *record)
{
    static const struct field field = {NULL, FIELD_CHOICE, .offset = offsetof(struct later, choice),
                                       .choices = policy_words};
    struct later later = {0};

    (void)record;
    if (reader_value(reader, &field, &later) && later.choice != 0) {
        not_yet(reader);
    }
}

void later_check_command(const struct reader *reader, void *record)
{
    const char **command = NULL;
    size_t count = 0;

    (void)record;
    reader_strings(reader, FIELD_STRING, "\"/system/bin/true\"", &command, &count);
    if (cJSON_IsArray(reader->node) && reader->node->child == NULL) {
        reader_problem(reader, "write for example [\"/system/bin/true\"]", "names no program");
    }
    free(command);
    not_yet(reader);
}

void later_check(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"http", FIELD_STRING, .offset = offsetof(struct later, string),
         .example = "\"unix:/var/run/docker.sock:/_ping\""},
        {"tcp", FIELD_STRING, .offset = offsetof(struct later, string), .example = "\"127.0.0.1:10350\""},
        {"file", FIELD_PATH, .offset = offsetof(struct later, string), .example = "\"/run/ready\""},
        {"interval", FIELD_DURATION, .offset = offsetof(struct later, number), .min = 100, .max = SERVICE_LONGEST,
         .example = "\"30s\""},
        {"timeout", FIELD_DURATION, .offset = offsetof(struct later, number), .min = 1, .max = SERVICE_LONGEST,
         .example = "\"10s\""},
        {"failures", FIELD_INTEGER, .offset = offsetof(struct later, number), .min = 1, .max = 1000, .example = "3"},
    };

    (void)record;
    check_later(reader, fields, ARRAY_SIZE(fields));
}

void later_alive(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"http", FIELD_READ, .read = later_check},     {"tcp", FIELD_READ, .read = later_check},
        {"file", FIELD_READ, .read = later_check},     {"command", FIELD_READ, .read = later_check_command},
        {"interval", FIELD_READ, .read = later_check}, {"timeout", FIELD_READ, .read = later_check},
        {"failures", FIELD_READ, .read = later_check},
    };

    reader_object(reader, fields, ARRAY_SIZE(fields), record);
}

void later_scope(const struct reader *reader, void *record)
{
    static const char *const words[] = {"process", "group", NULL};
    static const struct field field = {NULL, FIELD_CHOICE, .offset = offsetof(struct later, choice), .choices = words};
    struct later later = {0};

    (void)record;
    if (reader_value(reader, &field, &later) && later.choice != 0) {
        not_yet(reader);
    }
}

void later_conditions(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"route", FIELD_STRING, .offset = offsetof(struct later, string), .example = "\"default\""},
        {"address", FIELD_STRING, .offset = offsetof(struct later, string), .example = "\"wlan0\""},
        {"clock", FIELD_STRING, .offset = offsetof(struct later, string), .example = "\"2024-01-01\""},
        {"file", FIELD_PATH, .offset = offsetof(struct later, string), .example = "\"/data/token\""},
        {"mount", FIELD_PATH, .offset = offsetof(struct later, string), .example = "\"/mnt/f2fs\""},
    };
    struct reader item;

    (void)record;
    if (!reader_is_array(reader, "[{\"route\": \"default\"}]")) {
        return;
    }
    for (bool more = reader_first(reader, &item); more; more = reader_next(&item)) {
        struct later ignored = {0};

        if (reader_object(&item, fields, ARRAY_SIZE(fields), &ignored) &&
            (item.node->child == NULL || item.node->child->next != NULL)) {
            reader_problem(&item, "write one object for each condition", "a condition has exactly one key");
        }
    }
    not_yet(reader);
}
