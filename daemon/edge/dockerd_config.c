/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"
#include "edge/dockerd.h"
#include "host/good.h"

/* Go takes no byte order mark, which cJSON skips, and no control characters but blanks. */
cJSON *dockerd_config_parse(const char *text, size_t length)
{
    const char *end = NULL;
    cJSON *config = NULL;

    if (length < 3 || memcmp(text, "\xef\xbb\xbf", 3) != 0) {
        config = cJSON_ParseWithLengthOpts(text, length, &end, 0);
    }
    for (const char *at = text; cJSON_IsObject(config) && at < end; at++) {
        if ((unsigned char)*at < ' ' && strchr("\t\r\n", *at) == NULL) {
            cJSON_Delete(config);
            return NULL;
        }
    }
    if (!cJSON_IsObject(config)) {
        cJSON_Delete(config);
        return NULL;
    }
    return config;
}

/* What the manifest merges into this file; NULL: nothing. */
static const cJSON *find_wanted(const cJSON *manifest, const char *path)
{
    const cJSON *files = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(manifest, "host"), "files");
    const cJSON *file;

    cJSON_ArrayForEach(file, files)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(file, "path"));

        if (name != NULL && streq(name, path)) {
            return cJSON_GetObjectItemCaseSensitive(file, "json");
        }
    }
    return NULL;
}

/* What it held, and must hold, as far as anybody knows; NULL if nobody does. */
static cJSON *find_good(const struct profile_call *call, const char *path)
{
    const cJSON *wanted = find_wanted(call->node->manifest.root, path);
    size_t length = 0;
    CLEANUP_FREE char *copy = good_read(call->paths->state_dir, path, &length);
    cJSON *good = copy == NULL ? NULL : dockerd_config_parse(copy, length);

    return wanted == NULL ? good : json_merge(good, cJSON_Duplicate(wanted, 1));
}

cJSON *dockerd_config_peek(const cJSON *manifest, const char *path)
{
    const cJSON *wanted = find_wanted(manifest, path);
    CLEANUP_FREE char *text = NULL;
    struct error ignored = {0};
    size_t length = 0;
    cJSON *config = NULL;

    if (file_read(path, GOOD_LARGEST, &text, &length, &ignored) == 0) {
        config = dockerd_config_parse(text, length);
    }
    return wanted == NULL ? config : json_merge(config, cJSON_Duplicate(wanted, 1));
}

static int mend(struct dockerd_start *start, const char *path, struct error *err)
{
    CLEANUP_TEXT struct text text = {0};
    struct file_attributes attributes = {.mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1};
    char target[PATH_MAX];
    struct stat status;
    cJSON *good = find_good(start->call, path);

    if (good == NULL) {
        log_error("%s: %s is no JSON, and there is no good copy of it; write it anew", start->call->service->name,
                  path);
        return 0;
    }
    start->config = good;
    json_write(good, &text);
    if (path_follow(path, target, err) != 0) {
        return -1;
    }
    if (stat(target, &status) == 0) {
        attributes =
            (struct file_attributes){.mode = status.st_mode & 07777, .uid = status.st_uid, .gid = status.st_gid};
    }
    if (good_put_aside(target, start->text, start->length, err) != 0 ||
        file_write(target, text_string(&text), text.length, &attributes, err) != 0) {
        return error_wrap(err, "mend %s", path);
    }
    log_warning("%s: %s was no JSON (a power cut, or a slip of the pen); it is kept as %s.broken, and the last good "
                "content is back in place",
                start->call->service->name, path, target);
    free(start->text);
    start->length = text.length;
    start->text = text_take(&text);
    return 0;
}

int dockerd_config_load(struct dockerd_start *start, struct error *err)
{
    const char *path = start->options.config_file;

    if (file_read(path, GOOD_LARGEST, &start->text, &start->length, err) != 0) {
        bool is_absent = err->errnum == ENOENT;

        error_clear(err);
        /* Whatever else is wrong with it, dockerd says it, and the judge knows what that means. */
        return is_absent ? 0 : error_set(err, ERROR_INPUT, 0, "%s cannot be read", path);
    }
    start->config = dockerd_config_parse(start->text, start->length);
    return start->config != NULL ? 0 : mend(start, path, err);
}

int dockerd_config_keep(const struct dockerd_start *start, struct error *err)
{
    if (start->config == NULL || start->text == NULL) {
        return 0;
    }
    return good_keep(start->call->paths->state_dir, start->options.config_file, start->text, start->length, err);
}
