/* SPDX-License-Identifier: Apache-2.0 */
/* What a power cut leaves of edgecore's files: what is good, what is not, and where it goes. */
#include "edge/edgecore_tidy.h"

#include <sys/stat.h>

#include "base/log.h"
#include "base/util.h"
#include "edge/aside.h"
#include "test.h"

#define GOOD "{\"policyName\":\"none\",\"defaultCpuSet\":\"\",\"checksum\":1353318690}"

static void checkpoints(void **state)
{
    static const struct {
        const char *text;
        const char *policy;
        const char *why; /* NULL: good */
    } rows[] = {
        {GOOD, "none", NULL},
        {GOOD, NULL, NULL},
        {GOOD, "None", NULL}, /* memory manager's spelling */
        {GOOD, "static", "was made for another policy"},
        {"{\"checksum\":1}", "none", "was made for another policy"},
        {"{\"version\":\"v1\",\"name\":\"a\",\"checksum\":3055847418}", NULL, NULL},
        {"", "none", "is empty"},
        {"{\"policyName\":\"none\",\"defaultC", "none", "is torn"},
        {"{\"policyName\":\"none\"}", "none", "is torn"},
        {"[]", NULL, "is torn"},
        {"{\"checksum\":\"1\"}", NULL, "is torn"},
    };
    static const char zeros[64];
    const char *why = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        bool good = edgecore_checkpoint_is_good(rows[i].text, strlen(rows[i].text), rows[i].policy, &why);

        assert_int_equal(good, rows[i].why == NULL);
        if (!good) {
            assert_string_equal(why, rows[i].why);
        }
    }
    assert_false(edgecore_checkpoint_is_good(zeros, sizeof(zeros), NULL, &why));
}

static void databases(void **state)
{
    unsigned char head[100] = "SQLite format 3";
    const char *why = NULL;

    (void)state;
    assert_true(edgecore_database_is_good(head, 0, 0, false, &why));
    assert_false(edgecore_database_is_good(head, 50, 50, false, &why));
    assert_string_equal(why, "is no database");
    assert_false(edgecore_database_is_good(head, 100, 4096, false, &why)); /* page size 0 */
    head[16] = 0x10;                                                       /* 4096 bytes a page */
    assert_true(edgecore_database_is_good(head, 100, 4096, false, &why));
    head[31] = 3; /* pages, which counts: both counters are 0 */
    assert_true(edgecore_database_is_good(head, 100, 3 * 4096, false, &why));
    assert_false(edgecore_database_is_good(head, 100, 3 * 4096 - 1, false, &why));
    assert_string_equal(why, "is cut off");
    assert_true(edgecore_database_is_good(head, 100, 4096, true, &why)); /* SQLite has its journal */
    head[27] = 1; /* the page count is of an old writer's: not to be believed */
    assert_true(edgecore_database_is_good(head, 100, 4096, false, &why));
    head[16] = 0;
    head[17] = 1; /* 65536 */
    head[27] = 0;
    assert_true(edgecore_database_is_good(head, 100, 3 * 65536, false, &why));
    assert_false(edgecore_database_is_good(head, 100, 65536, false, &why));
    head[17] = 3;
    assert_false(edgecore_database_is_good(head, 100, 65536, false, &why));
    head[16] = 0x10;
    head[17] = 0;
    memcpy(head, "SQLite format 4", 16);
    assert_false(edgecore_database_is_good(head, 100, 4096, false, &why));
}

static void put_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void check_text(const char *path, const char *text)
{
    char found[256] = "";
    FILE *file = fopen(path, "r");

    if (text == NULL) {
        assert_null(file);
        return;
    }
    assert_non_null(file);
    assert_true(fread(found, 1, sizeof(found) - 1, file) <= sizeof(found));
    fclose(file);
    assert_string_equal(found, text);
}

static void aside(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(aside_move("a", NULL, "broken", &err), 0); /* nothing there */
    for (int i = 1; i <= 5; i++) {
        char text[2] = {(char)('0' + i), '\0'};

        put_text("a", text);
        assert_int_equal(aside_move("a", NULL, "broken", &err), 0);
        check_text("a", NULL);
        check_text("a.broken.1", text);
    }
    check_text("a.broken.2", "4");
    check_text("a.broken.3", "3");
    check_text("a.broken.4", NULL);
    put_text("a", "6");
    assert_int_equal(aside_move("a", "b", "old", &err), 0);
    check_text("b.old.1", "6");
}

static void nothing(enum log_level level, const char *tag, const char *line, size_t length)
{
    (void)level;
    (void)tag;
    (void)line;
    (void)length;
}

static void all_of_them(void **state)
{
    CLEANUP_FREE char *text = xasprintf(
        "{\"database\": {\"dataSource\": \"%s/edgecore.db\"}, \"modules\": {\"edged\": {\"rootDirectory\": \"%s\", "
        "\"dockershimRootDirectory\": \"%s/shim\"}}}",
        (const char *)*state, (const char *)*state, (const char *)*state);
    CLEANUP_JSON cJSON *config = cJSON_Parse(text);

    log_set_sink(nothing);
    assert_non_null(config);
    edgecore_tidy(config); /* nothing is there yet */
    put_text("cpu_manager_state", "");
    put_text("memory_manager_state", GOOD);
    put_text("edgecore.db", "garbage");
    put_text("edgecore.db-journal", "of the garbage");
    assert_int_equal(mkdir("shim", 0755), 0);
    assert_int_equal(mkdir("shim/sandbox", 0755), 0);
    put_text("shim/sandbox/0123456789abcdef", "{\"version\":\"v");
    put_text("shim/sandbox/fedcba9876543210", GOOD);
    edgecore_tidy(config);
    check_text("cpu_manager_state", NULL);
    check_text("cpu_manager_state.broken.1", "");
    check_text("memory_manager_state", GOOD);
    check_text("edgecore.db", NULL);
    check_text("edgecore.db.broken.1", "garbage");
    check_text("edgecore.db-journal", NULL);
    check_text("edgecore.db-journal.broken.1", "of the garbage");
    check_text("shim/sandbox/0123456789abcdef", NULL);
    check_text("shim/sandbox-0123456789ab.broken.1", "{\"version\":\"v");
    check_text("shim/sandbox/fedcba9876543210", GOOD);
    edgecore_tidy(config); /* and again: nothing more */
    check_text("cpu_manager_state.broken.2", NULL);
    log_set_sink(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints),
        cmocka_unit_test(databases),
        test_in_directory(aside),
        test_in_directory(all_of_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
