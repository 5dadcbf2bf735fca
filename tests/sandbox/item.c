/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item LIST NAME KEY... <DOCUMENT: of the document's list, the item of that name: the values of its keys on one line, "" for
 * what is not there. A key may be a path, last_end.cause. Nothing, where there is no such item; exit 1, where there is no such
 * list. A test looks at `edgeinit status --json` many times a second, and Python takes ten times as long to start.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

/* Of stdin, terminated; a document that is larger than any status is cut, and so is none. */
static const char *read_all(void)
{
    static char document[4 << 20];
    document[fread(document, 1, sizeof(document) - 1, stdin)] = '\0';
    return document;
}

static const cJSON *find(const cJSON *object, const char *path)
{
    while (object != NULL) {
        size_t length = strcspn(path, ".");
        char *key = strndup(path, length);
        if (key == NULL) {
            abort();
        }
        object = cJSON_GetObjectItemCaseSensitive(object, key);
        free(key);
        if (path[length] == '\0') {
            break;
        }
        path += length + 1;
    }
    return object;
}

static void print_value(const cJSON *value)
{
    if (value == NULL || cJSON_IsNull(value)) {
        return;
    }
    if (cJSON_IsString(value)) {
        fputs(value->valuestring, stdout);
        return;
    }
    char *text = cJSON_PrintUnformatted(value);
    if (text == NULL) {
        abort();
    }
    fputs(text, stdout);
    cJSON_free(text);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: item LIST NAME KEY... <DOCUMENT\n", stderr);
        return 64;
    }
    cJSON *document = cJSON_Parse(read_all());
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(document, argv[1]), *item;
    if (!cJSON_IsArray(list)) {
        return 1;
    }
    cJSON_ArrayForEach(item, list) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name"));
        if (name == NULL || strcmp(name, argv[2]) != 0) {
            continue;
        }
        for (int i = 3; i < argc; i++) {
            print_value(find(item, argv[i]));
            putchar(i + 1 < argc ? ' ' : '\n');
        }
    }
    cJSON_Delete(document);
    return 0;
}
