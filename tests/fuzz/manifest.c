/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a manifest from bytes to a plan, without a call to the board: scanner, tree, overlays, all sections, needs
 * and order, and the description of what is wrong. A byte 0x1e separates the overlays of a stack.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/path.h"
#include "base/util.h"
#include "supervise/node.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    json_setup();
    return 0;
}

static void ignore(void *data, const char *path)
{
    const char *why = NULL;

    (void)data;
    assert(path_is_normal(path, &why));
}

static void check_probe(const struct check_config *check)
{
    assert(check->kind < CHECK_KINDS && check->interval > 0 && check->timeout > 0 && check->failures > 0);
    assert(check->kind != CHECK_COMMAND || check->command_count > 0);
    assert(check->kind == CHECK_NONE || check->kind == CHECK_COMMAND || check->target != NULL);
}

/* What must hold of every manifest that is accepted. */
static void check_good(struct node *node)
{
    assert(node->plan.count == node->host.count);
    for (size_t i = 0; i < node->plan.count; i++) {
        const struct plan_entry *entry = &node->plan.entries[node->plan.order[i]];

        assert(entry->resource->name != NULL);
        for (size_t j = 0; j < node->services.count; j++) {
            node_service_needs(&node->services.items[j], entry);
        }
    }
    for (size_t i = 0; i < node->services.count; i++) {
        const struct service_config *service = &node->services.items[i];

        assert(service->command_count > 0);
        assert(service->restart_delay <= service->restart_max_delay);
        check_probe(&service->ready);
        check_probe(&service->alive);
        for (size_t j = 0; j < service->condition_count; j++) {
            assert(service->conditions[j].kind < CONDITION_KINDS && service->conditions[j].value != NULL);
        }
        service_paths(service, ignore, NULL);
    }
}

/* Every problem is one line of UTF-8 without control characters. */
static void check_problems(struct manifest *manifest)
{
    CLEANUP_TEXT struct text text = {0};
    size_t lines = 0;
    size_t bad = 0;

    manifest_describe(manifest, &text);
    assert(text_is_utf8(text_string(&text), text.length, &bad));
    for (size_t i = 0; i < text.length; i++) {
        lines += text.data[i] == '\n';
        assert((unsigned char)text.data[i] >= 0x20 || text.data[i] == '\n');
    }
    assert(lines == manifest->problem_count);
    for (size_t i = 0; i < manifest->problem_count; i++) {
        assert(manifest->problems[i].line > 0 && manifest->problems[i].column > 0);
    }
}

static void check_same(const cJSON *ours, const cJSON *other, int *number)
{
    assert((ours->type & 0xff) == (other->type & 0xff) && ours->valueint == (*number)++);
    assert(ours->string == NULL ? other->string == NULL : streq(ours->string, other->string));
    assert(!cJSON_IsString(ours) || streq(ours->valuestring, other->valuestring));
    assert(!cJSON_IsNumber(ours) || ours->valuedouble == other->valuedouble);
    for (ours = ours->child, other = other->child; ours != NULL; ours = ours->next, other = other->next) {
        assert(other != NULL);
        check_same(ours, other, number);
    }
    assert(other == NULL);
}

/* The scanner's tree is the one that cJSON makes of the same text, where it can: it knows no comments, and no numbers of more than
 * 63 characters. */
static void check_tree(const char *text, size_t length)
{
    CLEANUP_FREE char *copy =
        xcalloc(1, length + 1); /* not strndup(3): ASan asks it for a 0 at the end of what it copies from */
    struct place_list places = {0};
    struct scan_error wrong = {0};
    CLEANUP_JSON cJSON *ours = NULL;
    CLEANUP_JSON cJSON *other = NULL;
    int number = 0;

    memcpy(copy, text, length);
    ours = scan_text(copy, strlen(copy), 0, &places, &wrong);
    other = ours == NULL ? NULL : json_parse(copy, strlen(copy));
    assert(ours != NULL || (wrong.what != NULL && wrong.line > 0 && wrong.column > 0));
    if (other != NULL) {
        check_same(ours, other, &number);
        assert((size_t)number == places.count);
    }
    free(places.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct node node = {0};
    const char *at = (const char *)data;
    const char *end = at + size;

    while (at <= end) {
        const char *separator = at == end ? NULL : memchr(at, 0x1e, (size_t)(end - at));
        size_t length = (size_t)((separator == NULL ? end : separator) - at);

        check_tree(at, length);
        manifest_load_text(&node.manifest, "f", at, length);
        at += length + 1;
    }
    if (node_read(&node) == 0) {
        assert(node.manifest.mistakes == 0);
        check_good(&node);
    } else {
        assert(node.manifest.mistakes > 0);
    }
    check_problems(&node.manifest);
    node_free(&node);
    return 0;
}
