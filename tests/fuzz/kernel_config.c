/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kernel configuration from bytes to findings and to the fragment, for a kernel that the first byte chooses. Appended,
 * the fragment must cure all that it is for.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"
#include "doctor/kernel_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_findings(const struct findings *findings, bool cured)
{
    assert(findings->count > 0);
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];

        assert(finding->need < NEEDS && finding->answer < ANSWERS);
        assert(starts_with(finding->code, "kernel.") && finding->what[0] != '\0');
        assert((finding->answer == ANSWER_YES) == (finding->remedy[0] == '\0'));
        assert(!cured || finding->answer == ANSWER_YES);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned versions[] = {0, KERNEL(4, 19), KERNEL(5, 10), KERNEL(6, 6), KERNEL(6, 12), KERNEL(7, 2)};
    unsigned version = size == 0 ? 0 : versions[data[0] % ARRAY_SIZE(versions)];
    const char *text = (const char *)data + (size > 0);
    size_t length = size - (size > 0);
    CLEANUP_TEXT struct text merged = {0};
    struct error err = {0};
    struct findings findings = {0};
    struct kernel_config *config = kernel_config_parse(text, length, "f", &err);

    if (config == NULL) {
        assert(err.code == ERROR_INPUT && err.what[0] != '\0');
        return 0;
    }
    kernel_options_check(config, version, &findings);
    check_findings(&findings, false);
    findings_free(&findings);
    /* What is packed cannot be appended to. */
    if (length < 2 || (uint8_t)text[0] != 0x1f) {
        text_append(&merged, text, length);
        text_add(&merged, "\n");
        kernel_options_fragment(config, version, true, &merged);
        kernel_config_free(config);
        config = kernel_config_parse(text_string(&merged), merged.length, "f", &err);
        assert(config != NULL);
        kernel_options_check(config, version, &findings);
        check_findings(&findings, true);
        findings_free(&findings);
    }
    kernel_config_free(config);
    return 0;
}
