/* SPDX-License-Identifier: Apache-2.0 */
#include "control/request.h"

#include "base/json.h"
#include "base/util.h"

/* A word of the request; false if it is too long for any. */
static bool read_word(const cJSON *object, const char *key, char word[CONTROL_LONGEST_WORD])
{
    const char *string = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));

    return snprintf(word, CONTROL_LONGEST_WORD, "%s", string == NULL ? "" : string) < CONTROL_LONGEST_WORD;
}

int request_read(const char *input, size_t length, struct request *request, const char **refusal)
{
    const char *end = length == 0 ? NULL : memchr(input, '\n', length);
    CLEANUP_JSON cJSON *object = NULL;

    *request = (struct request){.wait = true};
    if (end == NULL) {
        *refusal = "the request is longer than 4096 bytes";
        return length < CONTROL_LARGEST_REQUEST ? 0 : -1;
    }
    object = json_parse(input, (size_t)(end - input));
    if (!cJSON_IsObject(object)) {
        *refusal = "the request is no JSON object";
        return -1;
    }
    if (!read_word(object, "verb", request->verb) || !read_word(object, "service", request->service)) {
        *refusal = "no verb and no service has such a long name";
        return -1;
    }
    request->wait = !cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(object, "wait"));
    return 1;
}
