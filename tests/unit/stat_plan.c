/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/stat_plan.h"

#include "base/util.h"
#include "supervise/stat_words.h"
#include "test.h"

static void test_round_trip(void **state)
{
    const struct stat_plan plan = {
        .way = STAT_NOTIFY,
        .acts = {{STAT_ACT_SLAVE, "/dev"},
                 {STAT_ACT_HIDE, "/dev/a group"},
                 {STAT_ACT_COVER, "/sys/fs/cgroup/m/memory.stat"}},
        .count = 3,
    };
    char text[STAT_PLAN_LARGEST];
    size_t length = stat_plan_write(&plan, text, sizeof(text));
    struct stat_plan read;

    (void)state;
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "way notify\nslave /dev\nhide /dev/a group\ncover /sys/fs/cgroup/m/memory.stat\n");
    assert_true(stat_plan_parse(text, &read));
    assert_int_equal(read.way, STAT_NOTIFY);
    assert_int_equal(read.count, 3);
    assert_int_equal(read.acts[1].kind, STAT_ACT_HIDE);
    assert_string_equal(read.acts[1].path, "/dev/a group");
    assert_int_equal(stat_plan_write(&plan, text, 20), 0);
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "way",
        "way notify",
        "way other\n",
        "slave /dev\n",
        "way notify\nway notify\n",
        "\n",
        "way \n",
        "way notify\nhide\n",
        "way notify\n\n",
        "way notify\nhide dev\n",
        "way notify\nhide \n",
        " notify\n",
        "way notify\nhide /dev",
        "way refresh\ncover /a\ncover /b\ncover /c\n",
    };
    const struct stat_plan newline = {.way = STAT_NOTIFY, .acts = {{STAT_ACT_HIDE, "/a\nhide /b"}}, .count = 1};
    char many[STAT_PLAN_LARGEST];
    size_t length;
    struct stat_plan plan;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char text[128];

        snprintf(text, sizeof(text), "%s", texts[i]);
        assert_false(stat_plan_parse(text, &plan));
        assert_int_equal(plan.way, STAT_CLEAN);
        assert_int_equal(plan.count, 0);
    }
    assert_int_equal(stat_plan_write(&newline, many, sizeof(many)), 0);
    length = (size_t)snprintf(many, sizeof(many), "way notify\n");
    for (int i = 0; i <= STAT_PLAN_MOST; i++) {
        length += (size_t)snprintf(many + length, sizeof(many) - length, "hide /x\n");
    }
    assert_false(stat_plan_parse(many, &plan));
}

static void test_namespace(void **state)
{
    struct stat_plan plan = {
        .way = STAT_NOTIFY, .acts = {{STAT_ACT_SLAVE, "/a"}, {STAT_ACT_COVER, "/a/b"}}, .count = 2};

    (void)state;
    assert_false(stat_plan_has_namespace(&plan));
    plan.way = STAT_REFRESH;
    assert_true(stat_plan_has_namespace(&plan));
    plan.way = STAT_NOTIFY;
    plan.acts[0].kind = STAT_ACT_HIDE;
    assert_true(stat_plan_has_namespace(&plan));
    plan.way = STAT_NONE;
    assert_false(stat_plan_has_namespace(&plan));
}

static void test_words(void **state)
{
    (void)state;
    for (int way = 0; way < STAT_WAYS; way++) {
        assert_string_not_equal(stat_way_name(way), "unknown");
        assert_true(stat_way_costs[way][0] != '\0');
    }
    assert_string_equal(stat_way_name(STAT_WAYS), "unknown");
    assert_string_equal(stat_way_name(-1), "unknown");
    for (int step = STAT_STEP_NONE + 1; step < STAT_STEPS; step++) {
        assert_true(stat_reasons[step].text[0] != '\0' && stat_reasons[step].remedy[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_namespace),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests_name("stat_plan", tests, NULL, NULL);
}
