/* SPDX-License-Identifier: Apache-2.0 */
#include "control/show.h"
#include "control/colour.h"
#include "control/show_status.h"

#include "base/util.h"
#include "test.h"

static const struct resource_kind kind = {.name = "fake"};

/* A board of COUNT resources "fake 0", "fake 1", …; the plan's entries are for the test to fill. */
struct board {
    struct host host;
    struct plan plan;
    struct resource resources[8];
    struct plan_entry entries[8];
    size_t order[8];
    char names[8][16];
};

static void make_board(struct board *board, size_t count)
{
    *board = (struct board){.host = {.resources = board->resources, .count = count}};
    board->plan = (struct plan){.host = &board->host, .entries = board->entries, .order = board->order, .count = count};
    for (size_t i = 0; i < count; i++) {
        snprintf(board->names[i], sizeof(board->names[i]), "fake %zu", i);
        board->resources[i] = (struct resource){.kind = &kind, .name = board->names[i]};
        board->entries[i] = (struct plan_entry){.resource = &board->resources[i], .blocker = i};
        board->order[i] = i;
    }
}

static const char *item_string(const cJSON *document, int index, const char *key)
{
    const cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(document, "resources"), index);

    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key));
}

static int summary_number(const cJSON *document, const char *key)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(document, "summary"), key);

    assert_true(cJSON_IsNumber(number));
    return (int)number->valuedouble;
}

/* One line for each action, with its mark, its colour and its word: no row of the table is empty. */
static void test_actions(void **state)
{
    static const char *const lines[] = {[ACTION_NONE] = "= fake 0\n",
                                        [ACTION_CREATE] = "+ fake 0\n",
                                        [ACTION_CHANGE] = "~ fake 0\n",
                                        [ACTION_IMPOSSIBLE] = "! fake 0\n"};
    static const char *const words[] = {[ACTION_NONE] = "none",
                                        [ACTION_CREATE] = "create",
                                        [ACTION_CHANGE] = "change",
                                        [ACTION_IMPOSSIBLE] = "impossible"};
    struct board board;

    (void)state;
    assert_int_equal(ARRAY_SIZE(lines), ACTIONS);
    for (int action = 0; action < ACTIONS; action++) {
        CLEANUP_TEXT struct text plain = {0};
        CLEANUP_TEXT struct text coloured = {0};
        CLEANUP_JSON cJSON *document = NULL;

        make_board(&board, 1);
        board.entries[0].action = (enum plan_action)action;
        show_plan_entry(&board.plan, &board.entries[0], false, &plain);
        assert_string_equal(text_string(&plain), lines[action]);
        show_plan_entry(&board.plan, &board.entries[0], true, &coloured);
        assert_memory_equal(coloured.data, "\033[", 2);
        assert_non_null(strstr(coloured.data, "\033[0m"));
        document = show_plan_json(&board.plan);
        assert_string_equal(item_string(document, 0, "action"), words[action]);
        for (int other = 0; other < ACTIONS; other++) {
            assert_int_equal(summary_number(document, words[other]), other == action);
        }
    }
}

static void test_plan_details(void **state)
{
    struct error err = {0};
    struct board board;
    size_t needs[] = {0};
    CLEANUP_TEXT struct text out = {0};
    CLEANUP_JSON cJSON *document = NULL;
    char detail[] = "mode 0755, wanted 0700";

    (void)state;
    make_board(&board, 3);
    board.entries[0].action = ACTION_CHANGE;
    board.resources[0].detail = detail;
    board.resources[0].path = "/a";
    error_system(&err, 30, "open /x");
    error_remedy(&err, "do it");
    board.resources[1].error = &err;
    board.entries[1].action = ACTION_IMPOSSIBLE;
    board.entries[1].needs = needs;
    board.entries[1].need_count = 1;
    board.entries[2].action = ACTION_IMPOSSIBLE;
    board.entries[2].blocker = 1;
    for (size_t i = 0; i < 3; i++) {
        show_plan_entry(&board.plan, &board.entries[i], false, &out);
    }
    show_plan_summary(&board.plan, false, &out);
    assert_string_equal(text_string(&out),
                        "~ fake 0                                       (mode 0755, wanted 0700)\n"
                        "! fake 1                                       open /x: Read-only file system; do it\n"
                        "! fake 2                                       blocked by fake 1\n"
                        "plan: 0 to create, 1 to change, 0 in place, 2 impossible\n");
    document = show_plan_json(&board.plan);
    assert_string_equal(item_string(document, 0, "name"), "fake 0");
    assert_string_equal(item_string(document, 0, "kind"), "fake");
    assert_string_equal(item_string(document, 0, "path"), "/a");
    assert_string_equal(item_string(document, 0, "detail"), detail);
    assert_null(item_string(document, 0, "reason"));
    assert_null(item_string(document, 1, "path"));
    assert_string_equal(item_string(document, 1, "reason"), "open /x: Read-only file system");
    assert_string_equal(item_string(document, 1, "remedy"), "do it");
    assert_string_equal(item_string(document, 2, "blocked_by"), "fake 1");
    assert_string_equal(
        cJSON_GetStringValue(cJSON_GetArrayItem(
            cJSON_GetObjectItemCaseSensitive(
                cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(document, "resources"), 1), "needs"),
            0)),
        "fake 0");
}

static void test_states(void **state)
{
    /* What is nothing to tell has no line. */
    static const char *const lines[] = {
        [STATE_PENDING] = "",
        [STATE_RUNNING] = "",
        [STATE_WAITING] = ". fake 0                                       waiting: not there yet\n",
        [STATE_IN_PLACE] = "",
        [STATE_APPLIED] = "+ fake 0                                         1.5 ms\n",
        [STATE_FAILED] = "! fake 0\n",
        [STATE_BLOCKED] = "! fake 0\n",
    };
    static const char *const words[STATES] = {
        [STATE_PENDING] = "pending",   [STATE_RUNNING] = "running", [STATE_WAITING] = "waiting",
        [STATE_IN_PLACE] = "in place", [STATE_APPLIED] = "applied", [STATE_FAILED] = "failed",
        [STATE_BLOCKED] = "blocked",
    };
    struct board board;

    (void)state;
    assert_int_equal(ARRAY_SIZE(lines), STATES);
    for (int i = 0; i < STATES; i++) {
        CLEANUP_TEXT struct text plain = {0};
        CLEANUP_JSON cJSON *document = NULL;
        const char *word;

        make_board(&board, 1);
        board.entries[0].state = (enum plan_state)i;
        board.entries[0].elapsed = 1500;
        show_apply_entry(&board.plan, &board.entries[0], false, &plain);
        assert_string_equal(text_string(&plain), lines[i]);
        document = show_apply_json(&board.plan, 2000);
        word = item_string(document, 0, "state");
        assert_string_equal(word, words[i]);
        assert_int_equal(summary_number(document, "elapsed_us"), 2000);
        if (i >= STATE_IN_PLACE) {
            assert_int_equal(summary_number(document, word), 1);
        }
    }
}

static void test_apply_details(void **state)
{
    struct error err = {0};
    struct board board;
    CLEANUP_TEXT struct text out = {0};
    char detail[] = "the card is not there";

    (void)state;
    make_board(&board, 3);
    board.entries[0].state = STATE_WAITING;
    board.resources[0].detail = detail;
    error_system(&err, 5, "mount");
    board.entries[1].state = STATE_FAILED;
    board.resources[1].error = &err;
    board.entries[2].state = STATE_BLOCKED;
    board.entries[2].blocker = 1;
    for (size_t i = 0; i < 3; i++) {
        show_apply_entry(&board.plan, &board.entries[i], false, &out);
    }
    show_apply_summary(&board.plan, 14000, false, &out);
    assert_string_equal(text_string(&out),
                        ". fake 0                                       waiting: the card is not there\n"
                        "! fake 1                                       mount: Input/output error\n"
                        "! fake 2                                       blocked by fake 1\n"
                        "apply: 0 done, 0 in place, 1 failed, 1 blocked, in 14 ms\n");
}

static void test_status(void **state)
{
    static const char json[] =
        "{\"daemon\": {\"pid\": 7, \"uptime_ms\": 60000}, \"resources\": ["
        "{\"name\": \"mount /a\", \"action\": \"none\"},"
        "{\"name\": \"file /b\", \"action\": \"impossible\", \"reason\": \"no\", \"remedy\": \"yes\"},"
        "{\"name\": \"file /c\", \"action\": \"impossible\", \"blocked_by\": \"file /b\"},"
        "{\"name\": \"file /d\", \"action\": \"change\"}],"
        "\"services\": [{\"name\": \"dockerd\", \"state\": \"ready\", \"pid\": 9, \"since_ms\": 5000, \"restarts\": 1},"
        "{\"name\": \"edgecore\", \"state\": \"delayed\", \"since_ms\": 10, \"restarts\": 2, \"next_try_ms\": 90,"
        "\"reason\": \"exit 3\"},"
        "{\"name\": \"third\", \"state\": \"parked\", \"since_ms\": 10, \"next_try_ms\": 540000, \"cause\": \"token-refused\","
        "\"reason\": \"the cloud refused it\", \"remedy\": \"make a new one\", \"waits_for\": [\"/t to change\", \"a mount\"]},"
        "{\"name\": \"fourth\", \"state\": \"parked\", \"since_ms\": 10, \"cause\": \"lost\", \"reason\": \"it is\","
        "\"waits_for\": []}]}";
    CLEANUP_JSON cJSON *status = json_parse(json, strlen(json));
    CLEANUP_JSON cJSON *empty = cJSON_CreateObject();
    CLEANUP_TEXT struct text out = {0};

    (void)state;
    show_status(status, false, &out);
    assert_string_equal(text_string(&out),
                        "! file /b                                      no; yes\n"
                        "! file /c                                      blocked by file /b\n"
                        "~ file /d                                      not in place\n"
                        "resources: 1 of 4 in place\n"
                        "dockerd          ready     for 5.0 s, pid 9, 1 restarts\n"
                        "edgecore         delayed   for 10 ms, 2 restarts, next try in 90 ms: exit 3\n"
                        "third            parked    for 10 ms, 0 restarts, next try in 9 min: token-refused: the cloud "
                        "refused it\n"
                        "    remedy: make a new one\n"
                        "    waits for /t to change or a mount\n"
                        "fourth           parked    for 10 ms, 0 restarts: lost: it is\n"
                        "edgeinit: pid 7, up 60.0 s\n");
    /* An answer of another version: what is not there is not shown, and nothing breaks. */
    text_free(&out);
    show_status(empty, false, &out);
    assert_string_equal(text_string(&out), "resources: 0 of 0 in place\nedgeinit: pid 0, up 0.0 ms\n");
}

static void test_colour(void **state)
{
    (void)state;
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    assert_false(colour_is_wanted(-1)); /* no terminal */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_actions),       cmocka_unit_test(test_plan_details), cmocka_unit_test(test_states),
        cmocka_unit_test(test_apply_details), cmocka_unit_test(test_status),       cmocka_unit_test(test_colour),
    };

    json_setup();
    return cmocka_run_group_tests_name("show", tests, NULL, NULL);
}
