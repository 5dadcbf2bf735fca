/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/docker_options.h"

#include "base/util.h"

/* Of two equal keys dockerd takes the last, cJSON the first. */
static const cJSON *get(const cJSON *config, const char *key)
{
    const cJSON *found = NULL;
    const cJSON *item;

    cJSON_ArrayForEach(item, config)
    {
        found = item->string != NULL && streq(item->string, key) ? item : found;
    }
    return found;
}

/* Letters that take no value, so that others may follow in the same word: "-DH tcp://". */
static bool is_switch(char letter)
{
    return letter == 'D' || letter == 'v' || letter == 'h';
}

/* An option in the words, as pflag reads it: "--pidfile=/x", "--pidfile /x", "-p/x", "-p=/x", "-p /x", "-Dp /x". */
struct option {
    const char *name; /* "pidfile" */
    char letter;      /* 'p'; 0: none */
    bool is_bool;     /* takes no next word: "--tls", "--tls=false" */
};

/* The option's value if it is in words[*at], which moves to the word that holds the value; NULL if it is another one. */
static const char *match(const struct option *option, const char *const *words, size_t *at)
{
    const char *word = words[*at];
    const char *value = NULL;

    if (starts_with(word, "--")) {
        size_t length = strlen(option->name);

        if (strncmp(word + 2, option->name, length) != 0 || (word[2 + length] != '=' && word[2 + length] != '\0')) {
            return NULL;
        }
        value = word + 2 + length;
        if (option->is_bool && value[0] == '\0') {
            return "true";
        }
    } else if (word[0] == '-' && option->letter != '\0') {
        const char *letter = word + 1;

        while (is_switch(*letter) && *letter != option->letter) {
            letter++;
        }
        if (*letter != option->letter) {
            return NULL;
        }
        value = letter + 1;
        if (value[0] != '=' && value[0] != '\0') {
            return value;
        }
    } else {
        return NULL;
    }
    if (value[0] == '=') {
        return value + 1;
    }
    if (words[*at + 1] == NULL) {
        return NULL;
    }
    (*at)++;
    return words[*at];
}

static bool is_end(const char *const *words, size_t at)
{
    return words[at] == NULL || streq(words[at], "--");
}

/* The last one counts. */
static const char *find(const char *const *words, const struct option *option)
{
    const char *found = NULL;

    for (size_t i = words[0] == NULL ? 0 : 1; !is_end(words, i); i++) {
        const char *value = match(option, words, &i);

        found = value != NULL ? value : found;
    }
    return found;
}

const char *docker_host_at(const char *const *words, size_t n, size_t *at)
{
    static const struct option host = {"host", 'H', false};

    for (size_t i = words[0] == NULL ? 0 : 1; !is_end(words, i); i++) {
        const char *value = match(&host, words, &i);

        if (value != NULL && n-- == 0) {
            *at = i;
            return value;
        }
    }
    return NULL;
}

static const char *read_text(const char *const *words, const cJSON *config, const struct option *option)
{
    const char *word = find(words, option);
    const char *text = cJSON_GetStringValue(get(config, option->name));

    return word != NULL ? word : text != NULL && text[0] != '\0' ? text : NULL;
}

/* Go's strconv.ParseBool; anything else makes dockerd refuse its command line. */
static bool is_true(const char *word)
{
    static const char *const words[] = {"1", "t", "T", "TRUE", "true", "True"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (streq(words[i], word)) {
            return true;
        }
    }
    return false;
}

static bool read_bool(const char *const *words, const cJSON *config, const char *name, bool otherwise)
{
    const struct option option = {name, '\0', true};
    const char *word = find(words, &option);
    const cJSON *item = get(config, name);

    return word != NULL ? is_true(word) : cJSON_IsBool(item) ? cJSON_IsTrue(item) : otherwise;
}

static const char *cgroup_driver_of(const char *text)
{
    static const char key[] = "native.cgroupdriver=";

    return text != NULL && starts_with(text, key) ? text + strlen(key) : NULL;
}

static const char *read_cgroup_driver(const char *const *words, const cJSON *config)
{
    static const struct option option = {"exec-opt", '\0', false};
    const char *driver = cgroup_driver_of(find(words, &option));
    const cJSON *item;

    cJSON_ArrayForEach(item, get(config, "exec-opts"))
    {
        const char *said = cgroup_driver_of(cJSON_GetStringValue(item));

        driver = said != NULL ? said : driver;
    }
    return driver != NULL ? driver : "cgroupfs";
}

static const char *or_else(const char *first, const char *second)
{
    return first != NULL ? first : second;
}

void docker_options_read(struct docker_options *options, const char *const *words, const cJSON *config)
{
#define TEXT(name, letter) read_text(words, config, &(const struct option){name, letter, false})
    *options = (struct docker_options){
        .config_file = or_else(find(words, &(const struct option){"config-file", '\0', false}), DOCKER_CONFIG_FILE),
        .pid_file = or_else(TEXT("pidfile", 'p'), "/var/run/docker.pid"),
        .data_root = or_else(or_else(TEXT("data-root", '\0'), TEXT("graph", 'g')), "/var/lib/docker"),
        .exec_root = or_else(TEXT("exec-root", '\0'), "/var/run/docker"),
        .storage_driver = TEXT("storage-driver", 's'),
        .cgroup_driver = read_cgroup_driver(words, config),
        .containerd = TEXT("containerd", '\0'),
        .userland_proxy = read_bool(words, config, "userland-proxy", true),
        .iptables = read_bool(words, config, "iptables", true),
        .live_restore = read_bool(words, config, "live-restore", false),
        .tls = read_bool(words, config, "tls", false),
        .tls_verify = read_bool(words, config, "tlsverify", false),
        .tls_ca = TEXT("tlscacert", '\0'),
        .tls_cert = TEXT("tlscert", '\0'),
        .tls_key = TEXT("tlskey", '\0'),
    };
#undef TEXT
    options->tls = options->tls || options->tls_verify;
}

bool docker_host_is_tcp(const char *host, bool tls)
{
    host += strspn(host, " \t\r\n");
    if (host[0] == '\0') {
        return tls;
    }
    return strstr(host, "://") == NULL || starts_with(host, "tcp://");
}

bool docker_is_guarded(const struct docker_options *options)
{
    return options->tls_verify && options->tls_ca != NULL && options->tls_cert != NULL && options->tls_key != NULL;
}
