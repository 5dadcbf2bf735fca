/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/token.h"

#include <math.h>

#include "base/file.h"
#include "base/util.h"

#define LARGEST 16384
#define REDACTED "[token]"

/* RFC 4648, table 2: what a web token is written in, beside the dots. */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *token_read(const struct edge_config *edge)
{
    CLEANUP_FREE char *data = NULL;
    const char *source = edge->token;
    struct error ignored = {0};
    size_t length = 0;
    size_t start;

    if (edge->token_file != NULL && file_read(edge->token_file, LARGEST, &data, &length, &ignored) == 0) {
        source = data;
    }
    if (source == NULL) {
        return NULL;
    }
    start = strspn(source, " \t\r\n");
    length = strcspn(source + start, " \t\r\n");
    return length == 0 ? NULL : xstrndup(source + start, length);
}

static size_t decode(const char *text, size_t length, char *out)
{
    size_t made = 0;
    uint32_t bits = 0;
    unsigned count = 0;

    for (size_t i = 0; i < length; i++) {
        const char *found = memchr(alphabet, text[i], sizeof(alphabet) - 1);

        if (found == NULL) {
            return 0;
        }
        bits = bits << 6 | (uint32_t)(found - alphabet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out[made++] = (char)(bits >> count & 0xff);
        }
    }
    return made;
}

bool token_expiry(const char *token, int64_t *seconds)
{
    CLEANUP_FREE char *payload = NULL;
    const char *part = token;
    const cJSON *expiry;
    cJSON *claims;
    bool known;

    for (int dots = 0; dots < 2; dots++) {
        part = strchr(part, '.');
        if (part == NULL) {
            return false;
        }
        part++;
    }
    payload = xcalloc(1, strlen(part) + 1);
    if (decode(part, strcspn(part, "."), payload) == 0) {
        return false;
    }
    claims = cJSON_Parse(payload);
    expiry = cJSON_GetObjectItemCaseSensitive(claims, "exp");
    known = cJSON_IsNumber(expiry) && expiry->valuedouble > 0 && expiry->valuedouble < 1e15;
    if (known) {
        *seconds = (int64_t)floor(expiry->valuedouble);
    }
    cJSON_Delete(claims);
    return known;
}

/* A web token begins with a JSON object, and any such begins, in this alphabet, with "eyJ" (RFC 7519, section 3.1). */
void token_redact(char *text)
{
    char *at = text;

    while (*at != '\0') {
        size_t length = strspn(at, alphabet);
        char *end = at + length;
        bool secret;

        while (*end == '.' && strspn(end + 1, alphabet) > 0) {
            end += 1 + strspn(end + 1, alphabet);
        }
        length = (size_t)(end - at);
        secret = memchr(at, '.', length) != NULL && memmem(at, length, "eyJ", 3) != NULL;
        if (secret && length > strlen(REDACTED)) {
            memcpy(at, REDACTED, strlen(REDACTED));
            memmove(at + strlen(REDACTED), end, strlen(end) + 1);
            end = at + strlen(REDACTED);
        }
        at = end + strcspn(end, alphabet);
    }
}
