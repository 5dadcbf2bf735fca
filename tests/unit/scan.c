/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/scan.h"

#include <math.h>

#include "base/json.h"
#include "base/text.h"
#include "base/util.h"
#include "test.h"

struct wanted_place {
    unsigned line;
    unsigned column;
    unsigned key_line;
    unsigned key_column;
};

/* Each node has the index of its place, in the order of a walk. */
static void check_numbers(const cJSON *node, int *next)
{
    assert_int_equal(node->valueint, (*next)++);
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        check_numbers(child, next);
    }
}

static void check_places(const char *text, const struct wanted_place *wanted, size_t count)
{
    CLEANUP_FREE char *copy = xstrdup(text);
    struct place_list places = {0};
    struct scan_error error = {0};

    CLEANUP_JSON cJSON *tree = scan_text(copy, strlen(copy), 3, &places, &error);
    int next = 0;

    if (tree == NULL) {
        fail_msg("%u:%u: %s", error.line, error.column, error.what);
        return;
    }
    check_numbers(tree, &next);
    assert_int_equal(next, count);
    assert_int_equal(places.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(places.items[i].source, 3);
        assert_int_equal(places.items[i].line, wanted[i].line);
        assert_int_equal(places.items[i].column, wanted[i].column);
        assert_int_equal(places.items[i].key_line, wanted[i].key_line);
        assert_int_equal(places.items[i].key_column, wanted[i].key_column);
    }
    free(places.items);
}

static void test_places(void **state)
{
    static const struct wanted_place nested[] = {
        {1, 1, 1, 1},                   /* the root */
        {2, 8, 2, 3},                   /* a */
        {3, 5, 2, 11},                  /* b: the value on the next line */
        {3, 7, 3, 7},                   /* its elements: no key of their own */
        {3, 10, 3, 10}, {3, 16, 3, 11}, /* k */
        {4, 7, 4, 2},                   /* c */
    };
    static const struct wanted_place scalar[] = {{2, 2, 2, 2}};

    (void)state;
    check_places("{\n  \"a\": 1, \"b\":\n    [ 1, {\"k\": 2}],\n \"c\": {}}", nested, ARRAY_SIZE(nested));
    check_places("\n 5 \n", scalar, 1);
}

static void test_columns_are_characters(void **state)
{
    static const struct wanted_place places[] = {{1, 1, 1, 1}, {1, 9, 1, 2}, {1, 19, 1, 13}};

    (void)state;
    check_places("{\"\xc3\xa9\xe6\x95\xb0\xf0\x9f\x98\x80\": \"\xc3\xa9\",\"\xc3\xa9\xc3\xa9\":\t1}", places,
                 ARRAY_SIZE(places));
}

static void test_comments(void **state)
{
    static const char *const text =
        "// \xc3\xa9 one\n/* two\n lines \xe6\x95\xb0 */ {\"a\" /*\xc3\xa9*/ : /**/ \"/* // */\"} //";
    static const struct wanted_place places[] = {{3, 13, 3, 13}, {3, 31, 3, 14}};
    static const struct wanted_place alone[] = {{1, 6, 1, 6}};
    static const struct wanted_place first[] = {{1, 1, 1, 1}};
    (void)state;
    check_places(text, places, 2);
    check_places("/***/5", alone, 1);
    check_places("5 /**/ ", first, 1);
}

static void check_error(const char *text, size_t length, unsigned line, unsigned column, const char *what)
{
    CLEANUP_FREE char *copy = xrealloc(NULL, length + 1);
    struct place_list places = {0};
    struct scan_error error = {0};

    memcpy(copy, text, length);
    copy[length] = '\0';
    if (scan_text(copy, length, 0, &places, &error) != NULL) {
        fail_msg("accepted: %s", text);
    }
    free(places.items);
    if (strcmp(error.what, what) != 0) {
        fail_msg("%s: %s, not %s", text, error.what, what);
    }
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    assert_non_null(error.remedy);
    assert_true(error.remedy[0] != '\0');
}

/* One for each way in which the scanner can refuse; tests/manifest/bad has more of each. */
static void test_errors(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        unsigned column;
        const char *what;
    } cases[] = {
        {"", 1, 1, "the file is empty"},
        {" // x\n", 2, 1, "the file is empty"},
        {"\xef\xbb\xbf{}", 1, 1, "the file begins with a byte order mark"},
        {"{\n \"\xc3\xa9\xff\"", 2, 4, "not UTF-8 from here on"},
        {"{} /* x", 1, 4, "this comment has no end"},
        {"{} /* *", 1, 4, "this comment has no end"},
        {"{} /*/", 1, 4, "this comment has no end"},
        {"{} /", 1, 4, "a lone slash"},
        {"/x", 1, 1, "a lone slash"},
        {"\"\xc3\xa9\\u00gg\"", 1, 4, "\\u needs four hexadecimal digits"},
        {"\"\\u00", 1, 3, "\\u needs four hexadecimal digits"},
        {"\"\\u0000\"", 1, 3, "a NUL character cannot be part of a value"},
        {"\"\\udc00\"", 1, 3, "half of a surrogate pair"},
        {"\"\\ud800\"", 1, 8, "half of a surrogate pair"},
        {"\"\\ud800\\u0041\"", 1, 8, "half of a surrogate pair"},
        {"\"a\tb\"", 1, 3, "a control character inside a string"},
        {"\"\\x\"", 1, 3, "an unknown escape"},
        {"\"\\", 1, 3, "an unknown escape"},
        {" \"a", 1, 2, "this string has no end"},
        {" \"a\n\"", 1, 2, "this string has no end"},
        {"-", 1, 2, "a number lacks a digit here"},
        {"1.", 1, 3, "a number lacks a digit here"},
        {"1.e5", 1, 3, "a number lacks a digit here"},
        {"1e+", 1, 4, "a number lacks a digit here"},
        {"01", 1, 1, "a number must not begin with 0"},
        {"-01", 1, 2, "a number must not begin with 0"},
        {"nul", 1, 1, "not a JSON value"},
        {"nulls", 1, 5, "not a JSON value"},
        {"true_", 1, 5, "not a JSON value"},
        {"+1", 1, 1, "not a JSON value"},
        {"NaN", 1, 1, "not a JSON value"},
        {"[,1]", 1, 2, "a value is missing before this"},
        {"{\"a\":}", 1, 6, "a value is missing before this"},
        {"{\"a\":", 1, 6, "the text ends where a value should stand"},
        {"[", 1, 2, "the text ends inside an array"},
        {"{a:1}", 1, 2, "expected a key"},
        {"{\"a\" 1}", 1, 6, "expected a colon after the key"},
        {"{\"a\":1", 1, 7, "the text ends inside an object"},
        {"[1", 1, 3, "the text ends inside an array"},
        {"[1 2]", 1, 4, "expected , or ]"},
        {"{\"a\":1 \"b\":2}", 1, 8, "expected , or }"},
        {"[1}", 1, 3, "expected , or ]"},
        {"[1,]", 1, 4, "a comma stands before this, and nothing follows it"},
        {"{\"a\":1, }", 1, 9, "a comma stands before this, and nothing follows it"},
        {"{}{}", 1, 3, "something follows the end of the document"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        check_error(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].column, cases[i].what);
    }
    check_error("\"a\0b\"", 5, 1, 3, "a control character inside a string");
    check_error("\"\\\0\"", 4, 1, 3, "an unknown escape");
    check_error("{}\0", 3, 1, 3, "something follows the end of the document");
}

/* Equal to the tree that cJSON builds, with the links that cJSON goes by. */
static void check_tree(const cJSON *tree, const char *text)
{
    CLEANUP_JSON cJSON *other = json_parse(text, strlen(text));

    assert_non_null(other);
    if (!cJSON_Compare(tree, other, 1)) {
        fail_msg("%s: the tree is not cJSON's", text);
    }
    for (const cJSON *child = tree->child; child != NULL; child = child->next) {
        assert_ptr_equal(child->next == NULL ? tree->child->prev : child->next->prev, child);
    }
}

/* Without comments, which cJSON does not know. */
static void test_good(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "1.5e-10",
        "1E+5",
        "\"\"",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        "[[],{}]",
        "\r\n{\t}",
        "{\"\":\"\"}",
        "[1\n,2]",
        "\"\x7f\"",
        "[1,-2,3.25,true,false,null,\"\\u20ac\\ud83d\\ude00\\\\\"]",
        "{\"a\\n\": {\"b\": [[], {}, [{}]], \"c\": \"\xc3\xa9\"}, \"d\": 1e3}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        CLEANUP_FREE char *copy = xstrdup(texts[i]);
        struct place_list places = {0};
        struct scan_error error = {0};

        CLEANUP_JSON cJSON *tree = scan_text(copy, strlen(copy), 0, &places, &error);

        if (tree == NULL) {
            fail_msg("%s: %u:%u: %s", texts[i], error.line, error.column, error.what);
            return;
        }
        check_tree(tree, texts[i]);
        free(places.items);
    }
}

/* What strtod(3) makes of it, to the last bit. */
static void check_number(const char *text)
{
    CLEANUP_FREE char *copy = xstrdup(text);
    struct place_list places = {0};
    struct scan_error error = {0};

    CLEANUP_JSON cJSON *tree = scan_text(copy, strlen(copy), 0, &places, &error);
    double wanted = strtod(text, NULL);

    if (tree == NULL || !cJSON_IsNumber(tree) || tree->valuedouble != wanted ||
        signbit(tree->valuedouble) != signbit(wanted)) {
        fail_msg("%s is not %.17g", text, wanted);
    }
    free(places.items);
}

static void test_numbers(void **state)
{
    static const char *const texts[] = {
        "0",
        "-0",
        "-0.0",
        "0.1",
        "0.2",
        "-0.3",
        "1.005",
        "9007199254740993",
        "999999999999999",
        "-99999999999999",
        "0.0000000000001",
        "123456789.12345",
        "1234567890.123456",
        "1e22",
        "1e23",
        "-1.5e-10",
        "1.7976931348623157e308",
    };
    uint64_t random = 42;
    char text[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        check_number(texts[i]);
    }
    for (int i = 0; i < 100000; i++) {
        uint64_t whole;
        uint64_t rest;

        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        whole = random >> (4 + random % 60);
        rest = (random >> 20) % UINT64_C(100000000);
        snprintf(text, sizeof(text), "-%llu.%llu", (unsigned long long)whole, (unsigned long long)rest);
        text[i % 2 == 0 ? sizeof(text) - 1 : strcspn(text, ".")] = '\0';
        check_number(text + i % 3 / 2);
    }
}

static void test_limits(void **state)
{
    char text[2 * SCAN_DEEPEST + 3];
    CLEANUP_TEXT struct text many = {0};
    struct place_list places = {0};
    struct scan_error error = {0};

    (void)state;
    memset(text, '[', SCAN_DEEPEST);
    memset(text + SCAN_DEEPEST, ']', SCAN_DEEPEST);
    text[2 * SCAN_DEEPEST] = '\0';
    cJSON_Delete(scan_text(text, sizeof(text) - 3, 0, &places, &error));
    assert_int_equal(places.count, SCAN_DEEPEST);
    memset(text, '[', SCAN_DEEPEST + 1);
    memset(text + SCAN_DEEPEST + 1, ']', SCAN_DEEPEST + 1);
    check_error(text, sizeof(text) - 1, 1, SCAN_DEEPEST + 1, "nested deeper than 32 levels");

    /* The array itself is a value as well. What earlier files hold does not count. */
    text_add(&many, "[0");
    for (int i = 2; i < SCAN_MOST_VALUES; i++) {
        text_add(&many, ",0");
    }
    text_add(&many, "]");
    cJSON_Delete(scan_text(many.data, many.length, 0, &places, &error));
    assert_null(error.what);
    assert_int_equal(places.count, SCAN_DEEPEST + SCAN_MOST_VALUES);
    free(places.items);
    many.data[many.length - 1] = ',';
    text_add(&many, "0]");
    check_error(many.data, many.length, 1, SCAN_MOST_VALUES * 2, "more than 16384 values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),   cmocka_unit_test(test_columns_are_characters),
        cmocka_unit_test(test_comments), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_good),     cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
