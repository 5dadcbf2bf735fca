/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/util.h"
#include "edge/dockerd.h"

static void park(struct judgement *judgement, const char *code, const char *remedy)
{
    judgement->hold = JUDGEMENT_PARK;
    snprintf(judgement->code, sizeof(judgement->code), "%s", code);
    snprintf(judgement->remedy, sizeof(judgement->remedy), "%s", remedy);
}

/* The first host that is TCP, and whether it stands in the configuration file. */
static const char *find_tcp(const struct service_config *service, const cJSON *config,
                            const struct docker_options *options, bool *in_file)
{
    const char *const *words = (const char *const *)service->command;
    const cJSON *list;
    const cJSON *item;
    const char *host;
    size_t at = 0;

    *in_file = false;
    for (size_t n = 0; (host = docker_host_at(words, n, &at)) != NULL; n++) {
        if (docker_host_is_tcp(host, options->tls)) {
            return host;
        }
    }
    *in_file = true;
    /* All that have this name: of equal keys the last would count. */
    cJSON_ArrayForEach(list, config)
    {
        if (!streq(list->string, "hosts")) {
            continue;
        }
        cJSON_ArrayForEach(item, list)
        {
            host = cJSON_GetStringValue(item);
            if (host != NULL && docker_host_is_tcp(host, options->tls)) {
                return host;
            }
        }
    }
    return NULL;
}

/* The first of the certificates' files that is not there; NULL: all are. */
static const char *find_missing(const struct docker_options *options)
{
    const char *const files[] = {options->tls_ca, options->tls_cert, options->tls_key};

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        if (access(files[i], R_OK) != 0) {
            return files[i];
        }
    }
    return NULL;
}

void dockerd_check_tcp(const struct dockerd_start *start, struct judgement *judgement)
{
    const struct docker_options *options = &start->options;
    struct judgement wakes = {0};
    const char *missing = NULL;
    bool in_file;
    const char *host;

    judgement_wake(&wakes, WAKE_FILE_CHANGED, options->config_file);
    host = find_tcp(start->call->service, start->config, options, &in_file);
    if (host == NULL) {
        return;
    }
    if (docker_is_guarded(options)) {
        missing = find_missing(options);
        if (missing == NULL) {
            return;
        }
        judgement_wake(&wakes, WAKE_FILE, missing);
    }
    if (start->call->service->insecure_tcp && missing == NULL) {
        log_warning("%s: \"%s\" makes everybody root who reaches that port; give dockerd certificates (docs/docker.md)",
                    start->call->service->name, host);
        return;
    }
    *judgement = wakes;
    if (missing != NULL) {
        park(judgement, "tls-files",
             "put the certificates where \"tlscacert\", \"tlscert\" and \"tlskey\" say (docs/docker.md)");
        snprintf(judgement->what, sizeof(judgement->what), "%.64s is to be guarded by TLS, and %.80s is not there",
                 host, missing);
        return;
    }
    park(
        judgement, "insecure-tcp",
        "take it out, or give dockerd \"tlsverify\", \"tlscacert\", \"tlscert\" and \"tlskey\" (docs/docker.md), or say "
        "\"insecure_tcp\": true in the manifest");
    snprintf(judgement->what, sizeof(judgement->what), "\"%.64s\" in %.64s makes everybody root who reaches that port",
             host, in_file ? options->config_file : "the command");
}

char *dockerd_open_host(const cJSON *manifest, const struct service_config *service)
{
    const char *const *words = (const char *const *)service->command;
    CLEANUP_JSON cJSON *config = NULL;
    struct docker_options options;
    const char *host = NULL;
    bool in_file;

    if (service->profile != PROFILE_DOCKERD) {
        return NULL;
    }
    docker_options_read(&options, words, NULL);
    config = dockerd_config_peek(manifest, options.config_file);
    docker_options_read(&options, words, config);
    host = docker_is_guarded(&options) ? NULL : find_tcp(service, config, &options, &in_file);
    return host == NULL ? NULL : xstrdup(host);
}

/* An error of one step is told, and the others are taken all the same. */
static void take(int result, const struct error *of, int *worst, struct error *err)
{
    if (result != 0 && *worst == 0) {
        *err = *of;
        *worst = -1;
    }
}

static int prepare(struct dockerd_start *start, struct judgement *judgement, struct error *err)
{
    const char *const *words = (const char *const *)start->call->service->command;
    struct error of = {0};
    int worst = 0;

    docker_options_read(&start->options, words, NULL);
    take(dockerd_config_load(start, &of), &of, &worst, err);
    docker_options_read(&start->options, words, start->config);
    dockerd_check_tcp(start, judgement);
    if (judgement->hold != JUDGEMENT_PARK) {
        take(dockerd_check_root(start, judgement, &of), &of, &worst, err);
    }
    if (judgement->hold != JUDGEMENT_PARK) {
        take(dockerd_clear_leftovers(start, judgement, &of), &of, &worst, err);
    }
    if (judgement->hold != JUDGEMENT_PARK) {
        take(dockerd_put_databases_aside(start, &of), &of, &worst, err);
        take(dockerd_config_keep(start, &of), &of, &worst, err);
    }
    return judgement->hold == JUDGEMENT_PARK ? 0 : worst;
}

int dockerd_prepare(const struct profile_call *call, struct judgement *judgement, struct error *err)
{
    struct dockerd_start start = {.call = call};
    int result = prepare(&start, judgement, err);

    cJSON_Delete(start.config);
    free(start.text);
    return result;
}
