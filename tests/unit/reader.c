/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/reader.h"

#include "base/util.h"
#include "test.h"

struct record {
    bool boolean;
    int64_t integer;
    double number;
    const char *string;
    const char *text;
    const char *path;
    int64_t duration;
    int64_t size;
    int mode;
    int choice;
    int64_t bounded;
    int read;
};

static void read_anything(const struct reader *reader, void *record)
{
    ((struct record *)record)->read = cJSON_IsArray(reader->node) ? cJSON_GetArraySize(reader->node) : -1;
    if (!cJSON_IsArray(reader->node)) {
        reader_problem(reader, "make it one", "is no list");
    }
}

static const char *const words[] = {"never", "always", NULL};
static const struct field fields[] = {
    {"boolean", FIELD_BOOLEAN, .offset = offsetof(struct record, boolean), .example = "true"},
    {"integer", FIELD_INTEGER, .offset = offsetof(struct record, integer), .example = "5"},
    {"number", FIELD_NUMBER, .offset = offsetof(struct record, number), .min = 0, .max = 1, .example = "0.5"},
    {"string", FIELD_STRING, .offset = offsetof(struct record, string), .example = "\"word\""},
    {"text", FIELD_TEXT, .offset = offsetof(struct record, text)},
    {"path", FIELD_PATH, .offset = offsetof(struct record, path), .example = "\"/data\""},
    {"duration", FIELD_DURATION, .offset = offsetof(struct record, duration), .min = 100, .max = 60000,
     .example = "\"1s\""},
    {"size", FIELD_SIZE, .offset = offsetof(struct record, size), .min = 4096, .max = 1 << 20, .example = "\"64K\""},
    {"mode", FIELD_MODE, .offset = offsetof(struct record, mode), .example = "\"0755\""},
    {"choice", FIELD_CHOICE, .offset = offsetof(struct record, choice), .choices = words},
    {"bounded", FIELD_INTEGER, .required = true, .offset = offsetof(struct record, bounded), .min = -10, .max = 10,
     .example = "3"},
    {"read", FIELD_READ, .read = read_anything},
};

/* Read one object; the problems as text, each line without its file. Free it. */
static char *read_text(const char *json, struct record *record, bool *good)
{
    struct manifest manifest = {0};
    CLEANUP_TEXT struct text out = {0};
    struct reader root;

    assert_int_equal(manifest_load_text(&manifest, "f", json, strlen(json)), 0);
    root = reader_root(&manifest);
    *good = reader_object(&root, fields, ARRAY_SIZE(fields), record);
    assert_int_equal(*good, manifest.mistakes == 0);
    manifest_describe(&manifest, &out);
    manifest_free(&manifest);
    return text_take(&out);
}

static void test_good(void **state)
{
    struct manifest manifest = {0};
    struct record record = {0};
    struct reader root;
    static const char json[] =
        "{\"boolean\": true, \"integer\": -9007199254740992, \"number\": 0.25, \"string\": \"s\","
        "\"text\": \"\", \"path\": \"/a/b\", \"duration\": \"1m\", \"size\": \"4K\","
        "\"mode\": \"1777\", \"choice\": \"always\", \"bounded\": 1e1, \"read\": [1, 2]}";

    (void)state;
    assert_int_equal(manifest_load_text(&manifest, "f", json, strlen(json)), 0);
    root = reader_root(&manifest);
    assert_true(reader_object(&root, fields, ARRAY_SIZE(fields), &record));
    assert_int_equal(manifest.problem_count, 0);
    assert_true(record.boolean);
    assert_true(record.integer == -INT64_C(9007199254740992));
    assert_true(record.number == 0.25);
    assert_string_equal(record.string, "s");
    assert_string_equal(record.text, "");
    assert_string_equal(record.path, "/a/b");
    assert_true(record.duration == 60000);
    assert_true(record.size == 4096);
    assert_int_equal(record.mode, 01777);
    assert_int_equal(record.choice, 1);
    assert_true(record.bounded == 10);
    assert_int_equal(record.read, 2);
    manifest_free(&manifest);
}

struct wrong {
    const char *json;    /* a member; "bounded": 0 is added to it */
    const char *problem; /* without file and place */
};

static void test_wrong(void **state)
{
    static const struct wrong cases[] = {
        {"\"boolean\": 1", "boolean: must be true or false; write for example true"},
        {"\"boolean\": null", "boolean: must be true or false; write for example true"},
        {"\"integer\": \"5\"", "integer: must be a whole number; write for example 5"},
        {"\"integer\": 1.5", "integer: must be a whole number; write for example 5"},
        {"\"integer\": 1e999", "integer: must be a whole number; write for example 5"},
        {"\"integer\": 9007199254740994", "integer: must be a whole number; write for example 5"},
        {"\"number\": true", "number: must be a number; write for example 0.5"},
        {"\"number\": 1.01", "number: must be between 0 and 1; write for example 0.5"},
        {"\"number\": -0.01", "number: must be between 0 and 1; write for example 0.5"},
        {"\"string\": []", "string: must be a string; write for example \"word\""},
        {"\"string\": \"\"", "string: must be a string that is not empty; write for example \"word\""},
        {"\"text\": {}", "text: must be a string"},
        {"\"path\": 5", "path: must be a path; write for example \"/data\""},
        {"\"path\": \"a\"", "path: \"a\" is not absolute; write an absolute path such as \"/data/var\""},
        {"\"duration\": 1000", "duration: must be a duration in a string; write for example \"1s\""},
        {"\"duration\": \"1\"",
         "duration: must be a duration: a whole number with ms, s, m, h or d; write for example \"1s\""},
        {"\"duration\": \"99ms\"", "duration: must be between 100 and 60000 ms; write for example \"1s\""},
        {"\"duration\": \"61s\"", "duration: must be between 100 and 60000 ms; write for example \"1s\""},
        {"\"size\": 4096", "size: must be a size in a string; write for example \"64K\""},
        {"\"size\": \"4k\"", "size: must be a size: a whole number, alone or with K, M, G or T; write for example "
                             "\"64K\""},
        {"\"size\": \"4095\"", "size: must be between 4096 and 1048576 bytes; write for example \"64K\""},
        {"\"mode\": 493", "mode: must be an octal mode in a string; write for example \"0755\""},
        {"\"mode\": \"0799\"", "mode: must be an octal mode; write for example \"0755\""},
        {"\"choice\": 1", "choice: must be one of these words; write \"never\" or \"always\""},
        {"\"choice\": \"maybe\"", "choice: \"maybe\" is not possible here; write \"never\" or \"always\""},
        {"\"choice\": \"allways\"", "choice: \"allways\" is not possible here; did you mean \"always\"?"},
        {"\"read\": 1", "read: is no list; make it one"},
        {"\"intger\": 1", "intger: unknown key; did you mean \"integer\"?"},
        {"\"x\": 1", "x: unknown key; known here: boolean, integer, number, string, text, path, duration, size, mode, "
                     "choice, bounded, read"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *json = xasprintf("{\"bounded\": 0,\n%s}", cases[i].json);
        CLEANUP_FREE char *got = NULL;
        CLEANUP_FREE char *at_key = xasprintf("f:2:1: %s\n", cases[i].problem);
        CLEANUP_FREE char *at_value =
            xasprintf("f:2:%d: %s\n", (int)(strchr(cases[i].json, ' ') - cases[i].json) + 2, cases[i].problem);
        struct record record = {0};
        bool good = true;

        got = read_text(json, &record, &good);
        assert_false(good);
        assert_string_equal(got, strstr(at_key, "unknown key") != NULL ? at_key : at_value);
    }
}

/* Nothing of a wrong value reaches the record: defaults stay. */
static void test_defaults_stay(void **state)
{
    struct record record = {.integer = 7, .duration = 8, .choice = 9, .path = "default"};
    CLEANUP_FREE char *got = NULL;
    bool good = true;

    (void)state;
    got = read_text("{\"bounded\": 0, \"integer\": true, \"path\": \"x\", \"choice\": \"x\"}", &record, &good);
    assert_false(good);
    assert_non_null(strstr(got, "f:1:27: integer: "));
    assert_true(record.integer == 7);
    assert_true(record.duration == 8);
    assert_int_equal(record.choice, 9);
    assert_string_equal(record.path, "default");
}

static void test_all_at_once(void **state)
{
    struct record record = {0};
    CLEANUP_FREE char *got = NULL;
    bool good = true;

    (void)state;
    got = read_text("{\"boolean\": 1,\n\"x\\ny\": 2,\n\"mode\": 3,\n\"choice\": \"never\"}", &record, &good);
    assert_false(good);
    assert_string_equal(got, "f:1:1: \"bounded\" is missing; add for example \"bounded\": 3\n"
                             "f:1:13: boolean: must be true or false; write for example true\n"
                             "f:2:1: x\\u000ay: unknown key; known here: boolean, integer, number, string, text, path, "
                             "duration, size, mode, choice, bounded, read\n"
                             "f:3:9: mode: must be an octal mode in a string; write for example \"0755\"\n");
}

static void test_not_an_object(void **state)
{
    static const char json[] = "{\"a\": [1, {\"b\": 2}]}";
    struct manifest manifest = {0};
    CLEANUP_TEXT struct text out = {0};
    struct record record = {0};
    struct reader root;
    struct reader a;
    struct reader element;
    struct reader b;
    struct reader none;

    (void)state;
    assert_int_equal(manifest_load_text(&manifest, "f", json, strlen(json)), 0);
    root = reader_root(&manifest);
    assert_true(reader_first(&root, &a));
    assert_string_equal(reader_key(&a), "a");
    assert_true(reader_first(&a, &element));
    assert_false(reader_object(&element, fields, ARRAY_SIZE(fields), &record));
    assert_false(reader_is_array(&element, NULL));
    assert_true(reader_next(&element));
    assert_true(reader_is_object(&element, NULL));
    assert_true(reader_first(&element, &b));
    assert_false(reader_first(&b, &none));
    reader_warning(&b, "do not", "two of %d", 3);
    reader_problem_key(&b, "", "its key");
    assert_false(reader_next(&b));
    assert_false(reader_next(&element));
    assert_int_equal(manifest.mistakes, 3);
    assert_int_equal(manifest.problem_count, 4);
    manifest_describe(&manifest, &out);
    assert_string_equal(text_string(&out), "f:1:8: a[0]: must be an array\n"
                                           "f:1:8: a[0]: must be an object; write for example {\"bounded\": 3}\n"
                                           "f:1:12: a[1].b: its key\n"
                                           "f:1:17: warning: a[1].b: two of 3; do not\n");
    manifest_free(&manifest);
}

static void test_nearest(void **state)
{
    static const char *const keys[] = {"mounts", "modules", "from", "to", "iif"};

    (void)state;
    assert_string_equal(reader_nearest("mount", keys, ARRAY_SIZE(keys)), "mounts");
    assert_string_equal(reader_nearest("moduls", keys, ARRAY_SIZE(keys)), "modules");
    assert_string_equal(reader_nearest("form", keys, ARRAY_SIZE(keys)), "from");
    assert_null(reader_nearest("filesystem", keys, ARRAY_SIZE(keys)));
    assert_null(reader_nearest("xy", keys, ARRAY_SIZE(keys))); /* all of "to" would be wrong */
    assert_null(reader_nearest("", keys, ARRAY_SIZE(keys)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),        cmocka_unit_test(test_wrong),         cmocka_unit_test(test_defaults_stay),
        cmocka_unit_test(test_all_at_once), cmocka_unit_test(test_not_an_object), cmocka_unit_test(test_nearest),
    };

    json_setup();
    return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
