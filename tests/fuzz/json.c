/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to the JSON of a file that the manifest changes: parse, merge, write, and YAML. A byte 0x1e separates the
 * file from the patch. What is written must read back as what was meant.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/util.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    json_setup();
    return 0;
}

static void check_read_back(const cJSON *node)
{
    CLEANUP_TEXT struct text text = {0};
    CLEANUP_TEXT struct text line = {0};
    CLEANUP_TEXT struct text again = {0};
    CLEANUP_JSON cJSON *back = NULL;

    json_write(node, &text);
    json_write_line(node, &line);
    back = json_parse(text_string(&text), text.length);
    assert(back != NULL);
    json_write_line(back, &again);
    assert(streq(text_string(&line), text_string(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *separator = size == 0 ? NULL : memchr(text, 0x1e, size);
    size_t length = separator == NULL ? size : (size_t)(separator - text);
    CLEANUP_JSON cJSON *file = json_parse(text, length);
    CLEANUP_JSON cJSON *patch = separator == NULL ? NULL : json_parse(separator + 1, size - length - 1);
    CLEANUP_JSON cJSON *merged = NULL;
    CLEANUP_TEXT struct text yaml = {0};

    if (file != NULL) {
        check_read_back(file);
        json_write_yaml(file, &yaml);
        assert(yaml.length > 0 && yaml.data[yaml.length - 1] == '\n');
    }
    if (patch != NULL) {
        CLEANUP_JSON cJSON *twice = NULL;

        merged = json_merge(cJSON_Duplicate(file, 1), cJSON_Duplicate(patch, 1));
        /* A second merge of the same patch changes nothing: apply is idempotent. Not told where a key stands twice. */
        twice = json_merge(cJSON_Duplicate(merged, 1), cJSON_Duplicate(patch, 1));
        assert((merged == NULL) == (twice == NULL));
        if (merged != NULL) {
            check_read_back(merged);
            check_read_back(twice);
        }
    }
    return 0;
}
