/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "host/file_spec.h"
#include "host/lines.h"

/* What a torn file held, as far as that is known: what is merged into it goes over this. */
static cJSON *last_good(const struct file_spec *spec, const struct host *host)
{
    size_t length = 0;
    CLEANUP_FREE char *copy = host->state_dir == NULL ? NULL : good_read(host->state_dir, spec->path, &length);
    cJSON *good = copy == NULL ? NULL : json_parse(copy, length);

    if (good != NULL && !cJSON_IsObject(good)) {
        cJSON_Delete(good);
        return NULL;
    }
    return good;
}

/* Merged into what is there or, where that is no object (a power cut tears files), into the last good copy. */
static void make_json(const struct file_spec *spec, const struct host *host, const struct file_content *current,
                      struct text *out, bool *broken)
{
    CLEANUP_JSON cJSON *before = current->data == NULL ? NULL : json_parse(current->data, current->length);
    CLEANUP_JSON cJSON *after = NULL;
    bool is_whole = spec->form == FORM_JSON_WHOLE;

    *broken = current->data != NULL && !cJSON_IsObject(before);
    if (!*broken && before != NULL &&
        (is_whole ? cJSON_Compare(before, spec->value, 1) != 0 : json_is_merged(before, spec->value))) {
        text_append(out, current->data, current->length);
        return;
    }
    if (*broken) {
        cJSON_Delete(before);
        before = last_good(spec, host);
    }
    if (is_whole) {
        json_write(spec->value, out);
        return;
    }
    after = json_merge(take_pointer(&before), cJSON_Duplicate(spec->value, 1));
    json_write(after, out);
}

void file_content_make(const struct file_spec *spec, const struct host *host, const struct file_content *current,
                       struct text *out, bool *broken)
{
    *broken = false;
    switch ((enum file_form)spec->form) {
        case FORM_JSON:
        case FORM_JSON_WHOLE:
            make_json(spec, host, current, out, broken);
            break;
        case FORM_LINES:
            lines_complete(spec->value, current->data == NULL ? "" : current->data, out);
            break;
        case FORM_YAML:
            json_write_yaml(spec->value, out);
            break;
        default:
            text_add(out, spec->value->valuestring);
            break;
    }
}

bool file_content_is_blank(const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr(" \t\r\n", data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

bool file_content_is_same(const char *current, const char *wanted)
{
    CLEANUP_FREE char *shown = xstrndup(current, strcspn(current, "\n"));
    size_t length = strlen(current);
    size_t wanted_length = strlen(wanted);
    int64_t shown_bytes = 0;
    int64_t wanted_bytes = 0;

    if (text_parse_size(shown, &shown_bytes) && text_parse_size(wanted, &wanted_bytes)) {
        return shown_bytes == wanted_bytes;
    }
    while (length > 0 && current[length - 1] == '\n') {
        length--;
    }
    while (wanted_length > 0 && wanted[wanted_length - 1] == '\n') {
        wanted_length--;
    }
    return length == wanted_length && memcmp(current, wanted, length) == 0;
}
