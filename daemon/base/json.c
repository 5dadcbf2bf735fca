/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <ctype.h>
#include <strings.h>

#include "base/pool.h"
#include "base/util.h"

static void *hook_allocate(size_t size)
{
    void *thing = pool_allocate(size);

    return thing == NULL ? xmalloc(size) : thing;
}

static void hook_free(void *pointer)
{
    if (!pool_free(pointer)) {
        free(pointer);
    }
}

void json_setup(void)
{
    cJSON_Hooks hooks = {.malloc_fn = hook_allocate, .free_fn = hook_free};

    cJSON_InitHooks(&hooks);
}

cJSON *json_parse(const char *data, size_t length)
{
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(data, length, &end, 0);

    if (root == NULL) {
        return NULL;
    }
    for (; end < data + length; end++) {
        if (!isspace((unsigned char)*end)) {
            cJSON_Delete(root);
            return NULL;
        }
    }
    return root;
}

cJSON *json_merge(cJSON *target, cJSON *patch)
{
    cJSON *next = NULL;

    if (cJSON_IsNull(patch)) {
        cJSON_Delete(target);
        cJSON_Delete(patch);
        return NULL;
    }
    if (!cJSON_IsObject(patch)) {
        cJSON_Delete(target);
        return patch;
    }
    if (!cJSON_IsObject(target)) {
        int place = patch->valueint;

        cJSON_Delete(target);
        target = cJSON_CreateObject();
        target->valueint = place;
    }
    for (cJSON *child = patch->child; child != NULL; child = next) {
        char *key = child->string;
        cJSON *merged;
        cJSON *old;

        next = child->next;
        cJSON_DetachItemViaPointer(patch, child);
        child->string = NULL; /* whatever comes of it gets the key */
        old = cJSON_DetachItemFromObjectCaseSensitive(target, key);
        /* A file that is not ours may hold a key twice; cJSON finds the first. */
        cJSON_DeleteItemFromObjectCaseSensitive(target, key);
        merged = json_merge(old, child);
        if (merged == NULL || merged->string != NULL) {
            cJSON_free(key);
        } else {
            merged->string = key;
        }
        if (merged != NULL) {
            cJSON_AddItemToArray(target, merged); /* of an object as well: it brings its key */
        }
    }
    cJSON_Delete(patch);
    return target;
}

bool json_is_merged(const cJSON *target, const cJSON *patch)
{
    if (!cJSON_IsObject(patch)) {
        return target != NULL && cJSON_Compare(target, patch, 1) != 0;
    }
    if (!cJSON_IsObject(target)) {
        return false;
    }
    for (const cJSON *child = patch->child; child != NULL; child = child->next) {
        const cJSON *there = cJSON_GetObjectItemCaseSensitive(target, child->string);

        if (cJSON_IsNull(child) ? there != NULL : !json_is_merged(there, child)) {
            return false;
        }
    }
    return true;
}

/* As cJSON writes strings, but straight into the text. */
static void write_quoted(const char *string, struct text *out)
{
    static const char escaped[] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r', ['"'] = '"', ['\\'] = '\\'};
    const char *plain = string;

    text_append(out, "\"", 1);
    for (const char *at = string; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        bool short_form = c < sizeof(escaped) && escaped[c] != '\0';

        if (c >= 0x20 && !short_form) {
            continue;
        }
        text_append(out, plain, (size_t)(at - plain));
        plain = at + 1;
        if (short_form) {
            text_append(out, (const char[]){'\\', escaped[c]}, 2);
        } else {
            text_format(out, "\\u%04x", c);
        }
    }
    text_add(out, plain);
    text_append(out, "\"", 1);
}

static void write_scalar(const cJSON *node, struct text *out)
{
    CLEANUP_FREE char *scalar = NULL;

    if (cJSON_IsString(node)) {
        write_quoted(node->valuestring, out);
        return;
    }
    scalar = cJSON_PrintUnformatted(node);
    text_add(out, scalar == NULL ? "null" : scalar);
}

static void indent(struct text *out, int depth)
{
    for (int i = 0; i < depth; i++) {
        text_append(out, "  ", 2);
    }
}

static void write_json(const cJSON *node, int depth, struct text *out)
{
    bool object = cJSON_IsObject(node);

    if ((!object && !cJSON_IsArray(node)) || node->child == NULL) {
        write_scalar(node, out);
        return;
    }
    text_add(out, object ? "{\n" : "[\n");
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        indent(out, depth + 1);
        if (object) {
            write_quoted(child->string, out);
            text_add(out, ": ");
        }
        write_json(child, depth + 1, out);
        text_add(out, child->next == NULL ? "\n" : ",\n");
    }
    indent(out, depth);
    text_add(out, object ? "}" : "]");
}

void json_write(const cJSON *node, struct text *out)
{
    write_json(node, 0, out);
    text_add(out, "\n");
}

void json_write_line(const cJSON *node, struct text *out)
{
    write_scalar(node, out);
}

/* May the string stand in YAML without quotes? Only letters, digits and a few harmless marks, beginning with a letter
 * or a slash, and none of the words that YAML 1.1 or 1.2 reads as something else. */
static bool is_plain_yaml(const char *string)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"};

    if (!isalpha((unsigned char)string[0]) && string[0] != '/') {
        return false;
    }
    for (const char *at = string; *at != '\0'; at++) {
        bool colon = *at == ':' && at[1] != '\0' && at[1] != ' ';

        if (!isalnum((unsigned char)*at) && strchr("_-./@", *at) == NULL && !colon) {
            return false;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (strcasecmp(string, words[i]) == 0) {
            return false;
        }
    }
    return true;
}

/* A JSON string is a YAML double-quoted one, but for characters that YAML wants escaped and JSON does not: DEL, the C1
 * controls (C2 80 to C2 9F in UTF-8), the separators U+2028 and U+2029, and the byte order mark. */
static void write_yaml_string(const char *string, struct text *out)
{
    CLEANUP_TEXT struct text quoted = {0};

    if (is_plain_yaml(string)) {
        text_add(out, string);
        return;
    }
    write_quoted(string, &quoted);
    for (const unsigned char *at = (const unsigned char *)text_string(&quoted); *at != '\0'; at++) {
        if (*at == 0x7f) {
            text_add(out, "\\x7f");
        } else if (at[0] == 0xc2 && at[1] < 0xa0) {
            text_format(out, "\\x%02x", *++at);
        } else if (at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9)) {
            text_add(out, at[2] == 0xa8 ? "\\L" : "\\P");
            at += 2;
        } else if (at[0] == 0xef && at[1] == 0xbb && at[2] == 0xbf) {
            text_add(out, "\\ufeff");
            at += 2;
        } else {
            text_append(out, (const char *)at, 1);
        }
    }
}

/* `fresh` says that the cursor stands where the first key or item may begin ("- " was just written). */
static void write_yaml(const cJSON *node, int depth, bool fresh, struct text *out)
{
    bool object = cJSON_IsObject(node);

    if ((!object && !cJSON_IsArray(node)) || node->child == NULL) {
        if (cJSON_IsString(node)) {
            write_yaml_string(node->valuestring, out);
        } else {
            write_scalar(node, out);
        }
        text_add(out, "\n");
        return;
    }
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        bool nested = (cJSON_IsObject(child) || cJSON_IsArray(child)) && child->child != NULL;

        if (!fresh) {
            indent(out, depth);
        }
        fresh = false;
        if (object) {
            write_yaml_string(child->string, out);
            text_add(out, nested ? ":\n" : ": ");
            write_yaml(child, depth + 1, false, out);
        } else {
            text_add(out, "- ");
            write_yaml(child, depth + 1, true, out);
        }
    }
}

void json_write_yaml(const cJSON *node, struct text *out)
{
    write_yaml(node, 0, false, out);
}
