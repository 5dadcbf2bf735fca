/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/manifest.h"

#include <sys/stat.h>

#include "base/util.h"
#include "manifest/reader.h"
#include "test.h"

static void load(struct manifest *manifest, const char *name, const char *text, int wanted)
{
    assert_int_equal(manifest_load_text(manifest, name, text, strlen(text)), wanted);
}

static void check_describe(struct manifest *manifest, const char *wanted)
{
    CLEANUP_TEXT struct text out = {0};

    manifest_describe(manifest, &out);
    assert_string_equal(text_string(&out), wanted);
}

static void test_stack(void **state)
{
    struct manifest manifest = {0};
    CLEANUP_TEXT struct text merged = {0};

    (void)state;
    load(&manifest, "base", "{\"a\": {\"x\": 1, \"y\": [1, 2]}, \"b\": 1}", 0);
    load(&manifest, "over", "{\"a\": {\"y\": [3], \"z\": null}, \"b\": null, \"c\": {\"d\": null}}", 0);
    load(&manifest, "last", "{\"a\": {\"x\": 4}}", 0);
    json_write_line(manifest.root, &merged);
    assert_string_equal(text_string(&merged), "{\"c\":{},\"a\":{\"y\":[3],\"x\":4}}");
    assert_int_equal(manifest.file_count, 3);
    assert_false(manifest.incomplete);
    manifest_free(&manifest);
    assert_null(manifest.root);
    manifest_free(&manifest);
}

/* Complain about the value at KEY.SUBKEY (or KEY alone). */
static void complain(struct manifest *manifest, const char *key, const char *subkey)
{
    struct reader root = reader_root(manifest);
    struct reader child;
    struct reader inner;

    for (bool more = reader_first(&root, &child); more; more = reader_next(&child)) {
        if (!streq(reader_key(&child), key)) {
            continue;
        }
        if (subkey == NULL) {
            reader_problem(&child, "", "here");
        }
        for (bool next = subkey != NULL && reader_first(&child, &inner); next; next = reader_next(&inner)) {
            if (streq(reader_key(&inner), subkey)) {
                reader_problem(&inner, "", "here");
            }
        }
    }
}

/* A value keeps the place of the file that it comes from. */
static void test_places_across_overlays(void **state)
{
    struct manifest manifest = {0};

    (void)state;
    load(&manifest, "1", "{\n\"a\": {\"x\": 1, \"y\": 2, \"n\": 12}, \"s\": 5}", 0);
    load(&manifest, "2", "{\n\n\"a\": {\"y\": 3},\n\"s\": {\"t\": 6}, \"new\": 1}", 0);
    complain(&manifest, "new", NULL);
    complain(&manifest, "a", "y");
    complain(&manifest, "a", "x");
    complain(&manifest, "a", "n");
    complain(&manifest, "a", NULL);
    complain(&manifest, "s", "t");
    complain(&manifest, "s", NULL);
    check_describe(&manifest, "1:2:6: a: here\n"
                              "1:2:12: a.x: here\n"
                              "1:2:28: a.n: here\n"
                              "2:3:12: a.y: here\n"
                              "2:4:6: s: here\n"
                              "2:4:12: s.t: here\n"
                              "2:4:23: new: here\n");
    manifest_free(&manifest);
}

static void test_duplicates(void **state)
{
    struct manifest manifest = {0};

    (void)state;
    load(&manifest, "f", "{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2, \"c\": 3},\n\"a\": 2, \"A\": 3, \"\": 4, \"\": 5}",
         -1);
    check_describe(&manifest, "f:1:24: c: this key stands twice in one object; keep one of them\n"
                              "f:1:32: c: this key stands twice in one object; keep one of them\n"
                              "f:2:1: a: this key stands twice in one object; keep one of them\n"
                              "f:2:24: this key stands twice in one object; keep one of them\n");
    manifest_free(&manifest);
}

static void test_incomplete(void **state)
{
    static const struct {
        const char *text;
        const char *problem;
    } cases[] = {
        {"[]", "f:1:1: a manifest is an object; write { \"version\": 1, \xe2\x80\xa6 }\n"},
        {"null", "f:1:1: a manifest is an object; write { \"version\": 1, \xe2\x80\xa6 }\n"},
        {"{", "f:1:2: the text ends inside an object; close it with }\n"},
        {"", "f:1:1: the file is empty; the least manifest is {\"version\": 1}\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct manifest manifest = {0};

        load(&manifest, "good", "{}", 0);
        load(&manifest, "f", cases[i].text, -1);
        assert_true(manifest.incomplete);
        assert_int_equal(manifest.mistakes, 1);
        check_describe(&manifest, cases[i].problem);
        manifest_free(&manifest);
    }
}

static void test_describe(void **state)
{
    struct manifest manifest = {0};
    struct place early = {.source = 0, .line = 2, .column = 9};
    struct place late = {.source = 0, .line = 10, .column = 1};
    char *long_text = xcalloc(2001, 1);

    (void)state;
    manifest_problem(&manifest, false, NULL, "", "no file at all", "");
    check_describe(&manifest, "manifest: no file at all\n");
    manifest_free(&manifest);

    load(&manifest, "f", "{}", 0);
    manifest_problem(&manifest, false, &late, "p", "late", "r");
    manifest_problem(&manifest, true, &early, "p.q", "second", "");
    manifest_problem(&manifest, false, &early, "", "first\x1b[31m\n\x7f\x1f", "fix\tit");
    manifest_problem(&manifest, false, NULL, "", "the whole", "");
    assert_int_equal(manifest.mistakes, 3);
    check_describe(&manifest, "f: the whole\n"
                              "f:2:9: first\\u001b[31m\\u000a\\u007f\\u001f; fix\\u0009it\n"
                              "f:2:9: warning: p.q: second\n"
                              "f:10:1: p: late; r\n");
    manifest_free(&manifest);

    /* What quotes a whole value is cut in its middle, between characters. */
    for (int i = 0; i < 2000; i += 2) {
        long_text[i] = '\xc3';
        long_text[i + 1] = '\xa9';
    }
    long_text[0] = long_text[1] = 'x';
    load(&manifest, "f", "{}", 0);
    manifest_problem(&manifest, false, NULL, "", long_text, "the remedy");
    {
        CLEANUP_TEXT struct text out = {0};
        size_t bad = 0;

        manifest_describe(&manifest, &out);
        assert_true(out.length < 600);
        assert_true(text_is_utf8(out.data, out.length, &bad));
        assert_non_null(strstr(out.data, "\xc3\xa9\xe2\x80\xa6\xc3\xa9"));
        assert_non_null(strstr(out.data, "; the remedy\n"));
    }
    free(long_text);
    manifest_free(&manifest);
}

static void write_text(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(name, mode), 0);
}

static void test_load_files(void **state)
{
    static const char *const good[] = {"a.json", "b.json"};
    static const char *const bad[] = {"a.json", "open.json", "missing.json", "b.json"};
    struct manifest manifest = {0};

    (void)state;
    write_text("a.json", "{\"a\": 1, \"b\": 2}", 0600);
    write_text("b.json", "{\"a\": null} // over", 0644);
    write_text("open.json", "{}", 0666);
    assert_int_equal(manifest_load(&manifest, good, 2), 0);
    assert_null(cJSON_GetObjectItemCaseSensitive(manifest.root, "a"));
    assert_non_null(cJSON_GetObjectItemCaseSensitive(manifest.root, "b"));
    manifest_free(&manifest);

    assert_int_equal(manifest_load(&manifest, bad, 4), -1);
    assert_true(manifest.incomplete);
    assert_int_equal(manifest.mistakes, 2);
    check_describe(&manifest, "missing.json: No such file or directory; name a file that exists\n"
                              "open.json: can be written by others than its owner; chmod go-w open.json\n");
    manifest_free(&manifest);

    assert_int_equal(manifest_load(&manifest, NULL, 0), 0);
    assert_null(manifest.root);
    manifest_free(&manifest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stack),      cmocka_unit_test(test_places_across_overlays),
        cmocka_unit_test(test_duplicates), cmocka_unit_test(test_incomplete),
        cmocka_unit_test(test_describe),   test_in_directory(test_load_files),
    };

    json_setup();
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
