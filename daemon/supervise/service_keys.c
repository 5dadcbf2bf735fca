/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/service_keys.h"

#include <signal.h>

#include "base/path.h"
#include "base/util.h"
#include "supervise/limit.h"
#include "supervise/spec.h"

/* What the daemon adds to a spec itself: PATH, NOTIFY_SOCKET and their like. */
#define OWN_VARIABLES 32
#define OWN_BYTES (16 * 1024)
#define WORD_OVERHEAD 8 /* bytes of a packed word beyond its text, at most */

#define DEFAULT_DELAY "200ms"
#define DEFAULT_MAX_DELAY (60 * INT64_C(1000))

static const char *const policy_words[] = {
    [RESTART_ALWAYS] = "always", [RESTART_ON_FAILURE] = "on-failure", [RESTART_NEVER] = "never", NULL};
static const char *const scope_words[] = {[SCOPE_PROCESS] = "process", [SCOPE_GROUP] = "group", NULL};
static const char *const orphan_words[] = {[ORPHAN_ADOPT] = "adopt", [ORPHAN_STOP] = "stop", NULL};
static const char *const stat_words[] = {[STAT_NEVER] = "never", [STAT_AUTO] = "auto", [STAT_ALWAYS] = "always", NULL};
static const char *const signal_words[] = {"TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "KILL", NULL};
static const int signal_numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGKILL};

const char *const service_profile_words[] = {
    [PROFILE_NONE] = "none", [PROFILE_DOCKERD] = "dockerd", [PROFILE_EDGECORE] = "edgecore", [PROFILES] = NULL};

bool service_child(const struct reader *reader, const char *key, struct reader *child)
{
    for (bool more = reader_first(reader, child); more; more = reader_next(child)) {
        if (streq(reader_key(child), key)) {
            return true;
        }
    }
    return false;
}

static void read_command(const struct reader *reader, void *record)
{
    struct service_config *service = record;
    const char *why = NULL;

    reader_strings(reader, FIELD_TEXT, "\"/system/bin/dockerd\"", &service->command, &service->command_count);
    if (cJSON_IsArray(reader->node) && reader->node->child == NULL) {
        reader_problem(reader, "write for example [\"/system/bin/dockerd\"]", "names no program");
    } else if (service->command_count > SPEC_MOST_WORDS) {
        reader_problem(reader, "put the arguments into a file", "has more than %d words", SPEC_MOST_WORDS);
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
    bool good = is_string_map(reader, "{\"DOCKER_RAMDISK\": \"true\"}", "=", "write a name, without \"=\"");

    if (good && cJSON_GetArraySize(reader->node) > SPEC_MOST_WORDS - OWN_VARIABLES) {
        reader_problem(reader, "remove some", "has more than %d variables", SPEC_MOST_WORDS - OWN_VARIABLES);
    } else if (good) {
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

static void read_rlimit(const struct reader *reader)
{
    static const struct field value = {NULL, FIELD_INTEGER, .min = 0, .max = INT64_C(1) << 53, .example = "65536"};
    const char *word = cJSON_GetStringValue(reader->node);
    const char *const *names = NULL;
    size_t count = limit_names(&names);
    int64_t ignored = 0;

    if (limit_number(reader_key(reader)) < 0) {
        const char *nearest = reader_nearest(reader_key(reader), names, count);
        CLEANUP_FREE char *remedy = nearest == NULL ? xstrdup("see setrlimit(2), without RLIMIT_ and in small letters")
                                                    : xasprintf("did you mean \"%s\"?", nearest);

        reader_problem_key(reader, remedy, "\"%s\" is no limit", reader_key(reader));
    }
    if (cJSON_IsNumber(reader->node)) {
        reader_value(reader, &value, &ignored);
    } else if (word == NULL || !streq(word, "unlimited")) {
        reader_problem(reader, "write for example 65536", "must be a whole number, or \"unlimited\"");
    }
}

static void read_rlimits(const struct reader *reader, void *record)
{
    struct reader item;

    if (!reader_is_object(reader, "{\"nofile\": 1048576}")) {
        return;
    }
    for (bool more = reader_first(reader, &item); more; more = reader_next(&item)) {
        read_rlimit(&item);
    }
    ((struct service_config *)record)->rlimits = reader->node;
}

void service_read_account(const struct reader *reader, const char *example, const char **account)
{
    const struct field field = {NULL, FIELD_STRING, .example = example};
    CLEANUP_FREE char *remedy = xasprintf("write for example %s", example);
    const char *word = NULL;
    int64_t number = 0;

    if (!reader_value(reader, &field, &word)) {
        return;
    }
    if (word[strspn(word, "0123456789")] == '\0') {
        /* The greatest number means "none" to chown(2) and setresuid(2). */
        if (!text_parse_integer(word, &number) || number >= (int64_t)UINT32_MAX) {
            reader_problem(reader, remedy, "%s is above 4294967294", word);
            return;
        }
    } else if (word[0] == '-' || word[strcspn(word, ":,/ \t\n")] != '\0') {
        reader_problem(reader, remedy, "\"%s\" is no possible name", word);
        return;
    }
    *account = word;
}

static void read_user(const struct reader *reader, void *record)
{
    service_read_account(reader, "\"system\"", &((struct service_config *)record)->user);
}

static void read_group(const struct reader *reader, void *record)
{
    service_read_account(reader, "\"system\"", &((struct service_config *)record)->group);
}

static void read_context(const struct reader *reader, void *record)
{
    static const struct field field = {NULL, FIELD_STRING, .example = "\"u:r:dockerd:s0\""};
    const char *context = NULL;

    if (!reader_value(reader, &field, &context)) {
        return;
    }
    for (const char *at = context; *at != '\0'; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7f) {
            reader_problem(reader, "write for example \"u:r:dockerd:s0\"", "\"%s\" has a blank", context);
            return;
        }
    }
    ((struct service_config *)record)->context = context;
}

static void read_restart(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"policy", FIELD_CHOICE, .offset = offsetof(struct service_config, restart_policy), .choices = policy_words,
         .example = "\"always\""},
        {"delay", FIELD_DURATION, .offset = offsetof(struct service_config, restart_delay), .min = 0,
         .max = SERVICE_LONGEST, .example = "\"200ms\""},
        {"max_delay", FIELD_DURATION, .offset = offsetof(struct service_config, restart_max_delay), .min = 1,
         .max = SERVICE_LONGEST, .example = "\"1m\""},
        {"jitter", FIELD_NUMBER, .offset = offsetof(struct service_config, restart_jitter), .min = 0, .max = 1,
         .example = "0.2"},
        {"reset_after", FIELD_DURATION, .offset = offsetof(struct service_config, restart_reset_after), .min = 1,
         .max = SERVICE_LONGEST, .example = "\"1m\""},
    };
    struct service_config *service = record;
    struct reader max_delay;

    if (!reader_object(reader, fields, ARRAY_SIZE(fields), record)) {
        return;
    }
    if (!service_child(reader, "max_delay", &max_delay)) {
        service->restart_max_delay =
            service->restart_delay > DEFAULT_MAX_DELAY ? service->restart_delay : DEFAULT_MAX_DELAY;
    } else if (service->restart_max_delay < service->restart_delay) {
        struct reader delay;
        bool said = service_child(reader, "delay", &delay);
        const char *word = said ? cJSON_GetStringValue(delay.node) : DEFAULT_DELAY;
        CLEANUP_FREE char *remedy = xasprintf("write \"%s\" or more", word);

        reader_problem(&max_delay, remedy, "is below the delay, %s%s", word, said ? "" : " where nothing else is said");
    }
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
        {"signal", FIELD_READ, .read = read_signal, .example = "\"TERM\""},
        {"timeout", FIELD_DURATION, .offset = offsetof(struct service_config, stop_timeout), .min = 1,
         .max = SERVICE_LONGEST, .example = "\"20s\""},
        {"scope", FIELD_CHOICE, .offset = offsetof(struct service_config, stop_scope), .choices = scope_words},
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

static void read_log(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"size", FIELD_SIZE, .offset = offsetof(struct service_config, log_size), .min = 64 << 10, .max = 64 << 20,
         .example = "\"256K\""},
    };

    reader_object(reader, fields, ARRAY_SIZE(fields), record);
}

/* Does it fit into a spec, with what is added to it? */
static void check_size(const struct reader *reader, const struct service_config *service)
{
    size_t size = 0;

    for (size_t i = 0; i < service->command_count; i++) {
        size += strlen(service->command[i]) + WORD_OVERHEAD;
    }
    for (const cJSON *item = service->environment == NULL ? NULL : service->environment->child; item != NULL;
         item = item->next) {
        size += strlen(item->string) + strlen(item->valuestring) + WORD_OVERHEAD;
    }
    if (size > SPEC_LARGEST - OWN_BYTES) {
        reader_problem(reader, "put the longest into a file", "command and environment are longer than %d KiB",
                       (SPEC_LARGEST - OWN_BYTES) / 1024);
    }
}

void service_read(const struct reader *reader, struct service_config *service)
{
    static const struct field fields[] = {
        {"command", FIELD_READ, .required = true, .read = read_command, .example = "[\"/system/bin/dockerd\"]"},
        {"profile", FIELD_CHOICE, .offset = offsetof(struct service_config, profile), .choices = service_profile_words,
         .example = "\"edgecore\""},
        {"insecure_tcp", FIELD_BOOLEAN, .offset = offsetof(struct service_config, insecure_tcp), .example = "true"},
        {"environment", FIELD_READ, .read = read_environment},
        {"user", FIELD_READ, .read = read_user},
        {"group", FIELD_READ, .read = read_group},
        {"directory", FIELD_PATH, .offset = offsetof(struct service_config, directory), .example = "\"/data\""},
        {"context", FIELD_READ, .read = read_context},
        {"nice", FIELD_INTEGER, .offset = offsetof(struct service_config, nice), .min = -20, .max = 19,
         .example = "10"},
        {"oom_score_adj", FIELD_READ, .read = read_oom},
        {"rlimits", FIELD_READ, .read = read_rlimits},
        {"cgroup", FIELD_READ, .read = read_cgroup},
        {"after", FIELD_READ, .read = read_after},
        {"needs", FIELD_READ, .read = read_needs},
        {"conditions", FIELD_READ, .read = service_read_conditions},
        {"restart", FIELD_READ, .read = read_restart},
        {"ready", FIELD_READ, .read = service_read_ready},
        {"alive", FIELD_READ, .read = service_read_alive},
        {"stop", FIELD_READ, .read = read_stop},
        {"orphan", FIELD_CHOICE, .offset = offsetof(struct service_config, orphan), .choices = orphan_words},
        {"stat_filter", FIELD_CHOICE, .offset = offsetof(struct service_config, stat_filter), .choices = stat_words,
         .example = "\"auto\""},
        {"log", FIELD_READ, .read = read_log},
    };

    service->restart_delay = 200;
    service->restart_max_delay = DEFAULT_MAX_DELAY;
    service->restart_jitter = 0.2;
    service->restart_reset_after = 60 * INT64_C(1000);
    service->start_timeout = 5 * 60 * INT64_C(1000);
    service->ready = (struct check_config){.interval = 1000, .timeout = 5000, .failures = 1};
    service->alive = (struct check_config){.interval = 30000, .timeout = 10000, .failures = 3};
    service->stop_signal = SIGTERM;
    service->stop_timeout = 10000;
    service->log_size = 256 << 10;
    if (reader_object(reader, fields, ARRAY_SIZE(fields), service)) {
        check_size(reader, service);
    }
}
