/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/util.h"
#include "test.h"

static cJSON *parse(const char *text)
{
    cJSON *root = json_parse(text, strlen(text));

    if (root == NULL) {
        fail_msg("no JSON: %s", text);
    }
    return root;
}

static void test_parse(void **state)
{
    static const char *const bad[] = {"", " ", "{", "{} {}", "{}x", "[1,]", "{\"a\":1,}", "tru", "'a'"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_null(json_parse(bad[i], strlen(bad[i])));
    }
    cJSON_Delete(parse(" {\"a\": [1, null]} \n"));
    assert_null(json_parse("[1]", 2));
}

/* The examples of RFC 7396, appendix A, all of them, and its example of section 3. */
static void test_merge_rfc7396(void **state)
{
    static const struct {
        const char *original;
        const char *patch;
        const char *result; /* NULL: nothing is left */
    } cases[] = {
        {"{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}"},
        {"{\"a\":\"b\"}", "{\"a\":null}", "{}"},
        {"{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}"},
        {"{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}"},
        {"{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}"},
        {"{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}"},
        {"{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}"},
        {"[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]"},
        {"{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]"},
        {"{\"a\":\"foo\"}", "null", NULL},
        {"{\"a\":\"foo\"}", "\"bar\"", "\"bar\""},
        {"{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}"},
        {"[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}"},
        {"{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}"},
        {"{\"title\":\"Goodbye!\",\"author\":{\"givenName\":\"John\",\"familyName\":\"Doe\"},"
         "\"tags\":[\"example\",\"sample\"],\"content\":\"This will be unchanged\"}",
         "{\"title\":\"Hello!\",\"phoneNumber\":\"+01-123-456-7890\",\"author\":{\"familyName\":null},"
         "\"tags\":[\"example\"]}",
         "{\"title\":\"Hello!\",\"author\":{\"givenName\":\"John\"},\"tags\":[\"example\"],"
         "\"content\":\"This will be unchanged\",\"phoneNumber\":\"+01-123-456-7890\"}"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_JSON cJSON *merged = json_merge(parse(cases[i].original), parse(cases[i].patch));
        CLEANUP_JSON cJSON *wanted = cases[i].result == NULL ? NULL : parse(cases[i].result);

        if (wanted == NULL ? merged != NULL : !cJSON_Compare(merged, wanted, 1)) {
            CLEANUP_TEXT struct text got = {0};

            json_write_line(merged, &got);
            fail_msg("%s with %s gave %s", cases[i].original, cases[i].patch, text_string(&got));
        }
    }
}

static void test_merge_more(void **state)
{
    CLEANUP_JSON cJSON *over_nothing = json_merge(NULL, parse("{\"a\":{\"b\":null,\"c\":1}}"));
    CLEANUP_JSON cJSON *case_counts = json_merge(parse("{\"a\":1}"), parse("{\"A\":null}"));
    CLEANUP_JSON cJSON *kept = NULL;
    CLEANUP_TEXT struct text text = {0};
    cJSON *target = parse("{\"a\":{\"x\":1},\"b\":2}");
    const cJSON *inner = cJSON_GetObjectItemCaseSensitive(target, "a");

    (void)state;
    json_write_line(over_nothing, &text);
    assert_string_equal(text_string(&text), "{\"a\":{\"c\":1}}");
    text_free(&text);
    json_write_line(case_counts, &text);
    assert_string_equal(text_string(&text), "{\"a\":1}");
    /* A file that is not ours may hold a key twice: what is merged replaces both. */
    text_free(&text);
    {
        CLEANUP_JSON cJSON *twice = json_merge(parse("{\"a\":1,\"a\":2,\"b\":3}"), parse("{\"a\":4}"));
        CLEANUP_JSON cJSON *gone = json_merge(parse("{\"a\":1,\"a\":2,\"b\":3}"), parse("{\"a\":null}"));

        json_write_line(twice, &text);
        json_write_line(gone, &text);
        assert_string_equal(text_string(&text), "{\"b\":3,\"a\":4}{\"b\":3}");
    }
    /* Nodes keep their identity: places hang on them. */
    kept = json_merge(target, parse("{\"a\":{\"y\":1}}"));
    assert_ptr_equal(cJSON_GetObjectItemCaseSensitive(kept, "a"), inner);
}

static void check_text(const char *json, void (*write)(const cJSON *node, struct text *out), const char *wanted)
{
    CLEANUP_JSON cJSON *node = parse(json);
    CLEANUP_TEXT struct text text = {0};

    write(node, &text);
    assert_string_equal(text_string(&text), wanted);
}

static void test_write(void **state)
{
    (void)state;
    check_text("{}", json_write, "{}\n");
    check_text("[]", json_write, "[]\n");
    check_text("\"a\\n\\u0001\\u00e9\"", json_write, "\"a\\n\\u0001\xc3\xa9\"\n");
    check_text("{\"a\":[1,{\"b\":null}],\"c\":{},\"d\":true}", json_write,
               "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": {},\n  \"d\": true\n}\n");
    check_text("{\"a\":[1,{\"b\":null}],\"c\":-1.5}", json_write_line, "{\"a\":[1,{\"b\":null}],\"c\":-1.5}");
    check_text("{\"k\\\"\":1}", json_write, "{\n  \"k\\\"\": 1\n}\n");
}

static void test_yaml(void **state)
{
    (void)state;
    check_text("{}", json_write_yaml, "{}\n");
    check_text("[]", json_write_yaml, "[]\n");
    check_text("5", json_write_yaml, "5\n");
    check_text("null", json_write_yaml, "null\n");
    check_text("{\"kind\":\"EdgeCore\",\"num\":1.5,\"on\":true,\"none\":null,\"e\":{},\"l\":[]}", json_write_yaml,
               "kind: EdgeCore\nnum: 1.5\n\"on\": true\nnone: null\ne: {}\nl: []\n");
    check_text("{\"a\":{\"b\":{\"c\":1},\"d\":2}}", json_write_yaml, "a:\n  b:\n    c: 1\n  d: 2\n");
    check_text("{\"a\":[1,[2,[3]],{\"b\":1,\"c\":[4]},[]]}", json_write_yaml,
               "a:\n  - 1\n  - - 2\n    - - 3\n  - b: 1\n    c:\n      - 4\n  - []\n");
    check_text("[{\"a\":{\"b\":1}},[{\"c\":1}]]", json_write_yaml, "- a:\n    b: 1\n- - c: 1\n");
}

/* Whatever YAML could take for something else is quoted. */
static void test_yaml_strings(void **state)
{
    static const char *const plain[] = {"a",    "EdgeCore", "/var/run/docker.sock", "a-b_c.d",   "a/b@c",
                                        "nope", "v1alpha2", "unix:///run/x",        "Yesterday", "nullable",
                                        "a:b"};
    static const char *const quoted[] = {
        "",    " ",    "yes", "No",     "TRUE", "false", "null", "Null",  "~",    "on",  "off",        "y",  "N",
        "nan", ".inf", "1",   "1.5",    "-1",   "0x10",  "1e3",  "10:20", "-",    "- a", "a: b",       "a:", "a #b",
        "#a",  "a b",  "[a]", "{a: b}", "*a",   "&a",    "!a",   "|",     ">",    "'a'", "\\",         "%a", "@a",
        "`a",  "a,b",  "?",   "a\n",    "\t",   "=",     "---",  "...",   "a\"b", "<<",  "2024-01-01", "_1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        CLEANUP_JSON cJSON *node = cJSON_CreateString(plain[i]);
        CLEANUP_TEXT struct text text = {0};
        CLEANUP_FREE char *wanted = xasprintf("%s\n", plain[i]);

        json_write_yaml(node, &text);
        assert_string_equal(text_string(&text), wanted);
    }
    for (size_t i = 0; i < ARRAY_SIZE(quoted); i++) {
        CLEANUP_JSON cJSON *node = cJSON_CreateString(quoted[i]);
        CLEANUP_TEXT struct text text = {0};
        CLEANUP_JSON cJSON *back = NULL;

        json_write_yaml(node, &text);
        assert_int_equal(text.data[0], '"');
        assert_string_equal(text.data + text.length - 2, "\"\n");
        back = json_parse(text.data, text.length); /* a double-quoted YAML string of ours is a JSON string */
        assert_string_equal(cJSON_GetStringValue(back), quoted[i]);
    }
    /* Characters that JSON leaves alone and YAML wants escaped; their neighbours are none. */
    check_text("\"\x7f|\xc2\x80|\xc2\x9f|\xc2\xa0|\xe2\x80\xa8|\xe2\x80\xa9|\xe2\x80\xa7|\xef\xbb\xbf|\xef\xbb\xbe\"",
               json_write_yaml, "\"\\x7f|\\x80|\\x9f|\xc2\xa0|\\L|\\P|\xe2\x80\xa7|\\ufeff|\xef\xbb\xbe\"\n");
    check_text("{\"yes\":\"no\",\"1\":\"a: b\",\"a b\":{\"true\":[\"\"]}}", json_write_yaml,
               "\"yes\": \"no\"\n\"1\": \"a: b\"\n\"a b\":\n  \"true\":\n    - \"\"\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse), cmocka_unit_test(test_merge_rfc7396), cmocka_unit_test(test_merge_more),
        cmocka_unit_test(test_write), cmocka_unit_test(test_yaml),          cmocka_unit_test(test_yaml_strings),
    };

    json_setup();
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
