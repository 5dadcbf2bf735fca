/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/docker_check.h"

#include "base/util.h"
#include "edge/docker_options.h"

static bool child(const struct reader *reader, const char *key, struct reader *found)
{
    for (bool more = reader_first(reader, found); more; more = reader_next(found)) {
        if (streq(reader_key(found), key)) {
            return true;
        }
    }
    return false;
}

static const char *text_at(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return text == NULL ? "" : text;
}

/* One host: a mistake, or, where the manifest allows it, worth saying. */
static void judge(const struct reader *place, const char *host, bool allowed)
{
    if (allowed) {
        reader_warning(place, "give dockerd certificates instead: docs/docker.md",
                       "\"%s\" makes everybody root who reaches that port", host);
    } else {
        reader_problem(place,
                       "take it out (the socket in /var/run is enough for edgecore), or give dockerd certificates, "
                       "\"tlsverify\" with \"tlscacert\", \"tlscert\" and \"tlskey\", or say \"insecure_tcp\": true",
                       "\"%s\" makes everybody root who reaches that port", host);
    }
}

static void check_command(const struct reader *command, const char *const *words, const struct docker_options *options,
                          bool allowed)
{
    const char *host;
    size_t at = 0;

    for (size_t n = 0; (host = docker_host_at(words, n, &at)) != NULL; n++) {
        struct reader word;
        bool more = docker_host_is_tcp(host, options->tls) && reader_first(command, &word);

        for (size_t i = 0; more && i < at; i++) {
            more = reader_next(&word);
        }
        if (more) {
            judge(&word, host, allowed);
        }
    }
}

static void check_hosts(const struct reader *file, const struct docker_options *options, bool allowed)
{
    struct reader content;
    struct reader hosts;
    struct reader host;

    if (!child(file, "json", &content) || !child(&content, "hosts", &hosts) || !cJSON_IsArray(hosts.node)) {
        return;
    }
    for (bool more = reader_first(&hosts, &host); more; more = reader_next(&host)) {
        const char *word = cJSON_GetStringValue(host.node);

        if (word != NULL && docker_host_is_tcp(word, options->tls)) {
            judge(&host, word, allowed);
        }
    }
}

/* What the manifest writes into this file, as far as it is JSON; false if nothing. */
static bool find_file(const struct reader *root, const char *path, struct reader *host, struct reader *files,
                      struct reader *file)
{
    if (!child(root, "host", host) || !child(host, "files", files)) {
        return false;
    }
    for (bool more = reader_first(files, file); more; more = reader_next(file)) {
        if (streq(text_at(file->node, "path"), path)) {
            return true;
        }
    }
    return false;
}

static void check_service(const struct reader *root, const struct reader *service)
{
    bool allowed = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(service->node, "insecure_tcp"));
    struct docker_options options;
    const char **words = NULL;
    struct reader command;
    struct reader host;
    struct reader files;
    struct reader file;
    size_t count = 0;
    bool written;

    if (!streq(text_at(service->node, "profile"), "dockerd") || !child(service, "command", &command)) {
        return;
    }
    reader_strings(&command, FIELD_TEXT, "\"/system/bin/dockerd\"", &words, &count);
    docker_options_read(&options, words, NULL);
    written = find_file(root, options.config_file, &host, &files, &file);
    docker_options_read(&options, words, written ? cJSON_GetObjectItemCaseSensitive(file.node, "json") : NULL);
    if (!docker_is_guarded(&options)) {
        check_command(&command, words, &options, allowed);
        if (written) {
            check_hosts(&file, &options, allowed);
        }
    }
    free(words);
}

void docker_check(const struct reader *root)
{
    struct reader services;
    struct reader service;

    for (bool more = child(root, "services", &services) && reader_first(&services, &service); more;
         more = reader_next(&service)) {
        check_service(root, &service);
    }
}
