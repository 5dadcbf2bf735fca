/* SPDX-License-Identifier: Apache-2.0 */
/* What a boot's end waited for: boots with known answers, and boots that no board can have. */
#include "timeline/critical.h"

#include "boot.h"

/* The path as text: "kernel 0-1000, …", without steps of no time. */
static char *path_of(const struct text *records, int64_t now)
{
    struct text out = {0};
    struct boot boot;
    struct critical critical;

    assert_true(boot_read(&boot, records->data, records->length, now));
    check_boot(&boot);
    critical_find(&boot, &critical);
    for (size_t i = 0; i < critical.count; i++) {
        const struct step *step = &critical.steps[i];

        if (step->to > step->from) {
            text_format(&out, "%s%s %lld-%lld", out.length == 0 ? "" : ", ", boot.items[step->item].name,
                        (long long)(step->from / MS), (long long)(step->to / MS));
        }
    }
    critical_free(&critical);
    boot_free(&boot);
    return text_take(&out);
}

static void test_late_card(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    CLEANUP_FREE char *path = NULL;
    struct boot boot;
    struct critical critical;

    (void)state;
    put_usual(&records, 5000);
    path = path_of(&records, 0);
    /* The card's verification had to wait for the file; what needs no card is not on it. */
    assert_string_equal(path, "kernel 0-1000, init 1000-3000, manifest 3000-3010, daemon 3010-3012, "
                              "directory /data 3012-3023, mount /card 3023-8073, file /card/x 8073-8074, "
                              "mount /card 8074-8075, docker 8075-10080, edge 10080-11082");
    assert_true(boot_read(&boot, records.data, records.length, 0));
    critical_find(&boot, &critical);
    assert_true(critical.spent[SPAN_BEFORE] == 3000 * MS);
    assert_true(critical.spent[SPAN_OUTSIDE] == 5000 * MS);
    assert_true(critical.spent[SPAN_START] == (1990 + 991) * MS);
    assert_true(critical.spent[SPAN_TROUBLE] == 0);
    assert_true(critical_time(&critical, (size_t)(boot_find(&boot, "mount /card") - boot.items)) ==
                5051 * MS); /* the file's was 1 ms */
    assert_true(critical_has(&critical, (size_t)(boot_find(&boot, "docker") - boot.items)));
    assert_false(critical_has(&critical, (size_t)(boot_find(&boot, "log") - boot.items)));
    critical_free(&critical);
    boot_free(&boot);
}

/* Of two resources that need nothing the second waits for edgeinit to be done with the first. */
static void test_turn(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    CLEANUP_FREE char *path = NULL;

    (void)state;
    put_boot(&records);
    put_name(&records, TIMELINE_OF_RESOURCE, 0, "a");
    put_name(&records, TIMELINE_OF_RESOURCE, 1, "b");
    put_bringup(&records, 3020);
    put_resource(&records, (struct made_resource){0, 3021, 0, 3121, 3122, NULL});
    put_resource(&records, (struct made_resource){1, 3121, 0, 3221, 3221, NULL});
    put_ready(&records, 3221);
    path = path_of(&records, 0);
    assert_string_equal(path, "kernel 0-1000, init 1000-3000, manifest 3000-3010, daemon 3010-3020, a 3020-3121, "
                              "b 3121-3221");
}

/* A boot under way leads to what is still waited for; so does one that never was ready. */
static void test_not_ready(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    CLEANUP_FREE char *live = NULL;
    CLEANUP_FREE char *over = NULL;

    (void)state;
    put_boot(&records);
    put_name(&records, TIMELINE_OF_SERVICE, 0, "s");
    put_service(&records, 0, 3011, "waiting", "resources", 0, 0);
    put_name(&records, TIMELINE_OF_RESOURCE, 0, "mount /card");
    put_need(&records, TIMELINE_OF_SERVICE, 0, TIMELINE_OF_RESOURCE, 0);
    put_bringup(&records, 3012);
    put(&records,
        (struct timeline_record){.type = TIMELINE_DETAIL, .at = 3013 * MS, .text = {.length = 4, .bytes = "card"}});
    live = path_of(&records, 9000 * MS);
    assert_string_equal(live, "kernel 0-1000, init 1000-3000, manifest 3000-3010, daemon 3010-3012, "
                              "mount /card 3012-9000");
    put(&records, (struct timeline_record){.type = TIMELINE_CLOSED, .at = 600000 * MS});
    over = path_of(&records, 0);
    assert_string_equal(over, "kernel 0-1000, init 1000-3000, manifest 3000-3010, daemon 3010-3012, "
                              "mount /card 3012-600000");
}

/* The mount fails; the service that needs it is blocked: the mount is to blame. */
static void test_failed(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    CLEANUP_FREE char *path = NULL;

    (void)state;
    put_boot(&records);
    put_name(&records, TIMELINE_OF_SERVICE, 0, "s");
    put_service(&records, 0, 3011, "waiting", "resources", 0, 0);
    put_name(&records, TIMELINE_OF_RESOURCE, 0, "mount /card");
    put_need(&records, TIMELINE_OF_SERVICE, 0, TIMELINE_OF_RESOURCE, 0);
    put_bringup(&records, 3012);
    put_resource(&records, (struct made_resource){0, 3013, 30000, 33013, 33013, "failed"});
    put_service(&records, 0, 33014, "blocked", "blocked", 0, 0);
    put(&records, (struct timeline_record){.type = TIMELINE_CLOSED, .at = 40000 * MS});
    path = path_of(&records, 0);
    assert_string_equal(path, "kernel 0-1000, init 1000-3000, manifest 3000-3010, daemon 3010-3012, "
                              "mount /card 3012-33013, s 33013-40000");
}

/* A service that waits for a condition after its resources were there: the condition is its own time. One that failed
 * twice: so are the failures. */
static void test_condition_and_failures(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    CLEANUP_FREE char *path = NULL;
    struct boot boot;
    struct critical critical;

    (void)state;
    put_boot(&records);
    put_name(&records, TIMELINE_OF_SERVICE, 0, "s");
    put_service(&records, 0, 3011, "waiting", "resources", 0, 0);
    put_name(&records, TIMELINE_OF_RESOURCE, 0, "r");
    put_need(&records, TIMELINE_OF_SERVICE, 0, TIMELINE_OF_RESOURCE, 0);
    put_bringup(&records, 3012);
    put_resource(&records, (struct made_resource){0, 3012, 0, 3022, 3022, NULL});
    put_service(&records, 0, 3022, "waiting", "condition", 0, 0);
    put_text(&records, TIMELINE_DETAIL, TIMELINE_OF_SERVICE, 0, 0, "no default route");
    put_service(&records, 0, 4022, "starting", "none", 1, 0);
    put_service(&records, 0, 4522, "delayed", "exited", 1, 4030);
    put_service(&records, 0, 5022, "starting", "none", 2, 0);
    put_service(&records, 0, 5122, "ready", "none", 2, 5032);
    put_ready(&records, 5122);
    path = path_of(&records, 0);
    assert_string_equal(path, "kernel 0-1000, init 1000-3000, manifest 3000-3010, daemon 3010-3012, r 3012-3022, "
                              "s 3022-5122");
    assert_true(boot_read(&boot, records.data, records.length, 0));
    critical_find(&boot, &critical);
    assert_true(critical.spent[SPAN_OUTSIDE] == 1000 * MS);
    assert_true(critical.spent[SPAN_TROUBLE] == 1000 * MS);
    assert_true(critical.spent[SPAN_START] == 90 * MS);
    assert_int_equal(boot_find(&boot, "s")->restarts, 1);
    assert_string_equal(boot_find(&boot, "s")->spans[1].detail, "condition: no default route");
    critical_free(&critical);
    boot_free(&boot);
}

/* The daemon was killed while the card was waited for: what it had noted counts, and the card's waiting is one. */
static void test_restart(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    CLEANUP_FREE char *path = NULL;
    struct boot boot;

    (void)state;
    put_boot(&records);
    put_name(&records, TIMELINE_OF_RESOURCE, 0, "directory /a");
    put_name(&records, TIMELINE_OF_RESOURCE, 1, "mount /card");
    put_bringup(&records, 3012);
    put_resource(&records, (struct made_resource){0, 3012, 0, 3022, 3022, NULL});
    put(&records, (struct timeline_record){
                      .type = TIMELINE_DETAIL, .at = 3023 * MS, .index = 1, .text = {.length = 4, .bytes = "card"}});
    put(&records, (struct timeline_record){.type = TIMELINE_DAEMON,
                                           .at = 5000 * MS,
                                           .daemon = {.process = 4990 * MS, .entered = 4991 * MS}});
    /* It numbers them the other way round. */
    put_name(&records, TIMELINE_OF_RESOURCE, 0, "mount /card");
    put_name(&records, TIMELINE_OF_RESOURCE, 1, "directory /a");
    put_bringup(&records, 5010);
    put_resource(&records, (struct made_resource){1, 5011, 0, 5011, 5011, "in place"});
    put_resource(&records, (struct made_resource){0, 5012, 1000, 6100, 6100, NULL});
    put_ready(&records, 6100);
    path = path_of(&records, 0);
    assert_string_equal(path, "kernel 0-1000, init 1000-3000, manifest 3000-3010, daemon 3010-3012, "
                              "directory /a 3012-3022, mount /card 3022-6100");
    assert_true(boot_read(&boot, records.data, records.length, 0));
    assert_int_equal(boot.restart_count, 1);
    assert_true(boot.restarts[0].at == 5000 * MS);
    assert_true(boot_find(&boot, "mount /card")->began == 3023 * MS);
    assert_true(item_time(boot_find(&boot, "mount /card"), SPAN_OUTSIDE, 0, INT64_MAX) == (6012 - 3023) * MS);
    assert_string_equal(boot_find(&boot, "directory /a")->state, "applied");
    boot_free(&boot);
}

/* Needs that go round in a circle at one and the same moment, needs of itself, of what has no name: it ends, and adds up. */
static void test_impossible(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    CLEANUP_FREE char *path = NULL;

    (void)state;
    put_boot(&records);
    for (unsigned i = 0; i < 3; i++) {
        const char *const names[] = {"a", "b", "c"};

        put_name(&records, TIMELINE_OF_RESOURCE, i, names[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        put_need(&records, TIMELINE_OF_RESOURCE, i, TIMELINE_OF_RESOURCE, (i + 1) % 3);
        put_need(&records, TIMELINE_OF_RESOURCE, i, TIMELINE_OF_RESOURCE, i);
        put_need(&records, TIMELINE_OF_RESOURCE, i, TIMELINE_OF_SERVICE, 9);
    }
    put_bringup(&records, 3012);
    for (unsigned i = 0; i < 3; i++) {
        put_resource(&records, (struct made_resource){i, 4000, 0, 4000, 4000, NULL});
    }
    put_ready(&records, 4000);
    path = path_of(&records, 0);
    assert_non_null(strstr(path, "kernel 0-1000"));
}

/* Nothing but a beginning; times that run backwards; a need that came after what needs it. */
static void test_odd_times(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    CLEANUP_FREE char *bare = NULL;
    CLEANUP_FREE char *path = NULL;

    (void)state;
    put_boot_of(&records, BOOT_ID);
    bare = path_of(&records, 0);
    assert_string_equal(bare, "daemon 0-3000");
    text_free(&records);
    put_boot(&records);
    put_name(&records, TIMELINE_OF_SERVICE, 0, "s");
    put_name(&records, TIMELINE_OF_RESOURCE, 0, "r");
    put_need(&records, TIMELINE_OF_SERVICE, 0, TIMELINE_OF_RESOURCE, 0);
    put_bringup(&records, 3012);
    put_service(&records, 0, 9000, "waiting", "resources", 0, 0);
    put_service(&records, 0, 4000, "starting", "none", 1, 0);
    put_service(&records, 0, 3500, "ready", "none", 1, 3900);
    put_resource(&records, (struct made_resource){0, 4200, 100, 4100, 4300, NULL});
    put_ready(&records, 5000);
    path = path_of(&records, 0);
    assert_non_null(strstr(path, "-5000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_late_card),
        cmocka_unit_test(test_turn),
        cmocka_unit_test(test_not_ready),
        cmocka_unit_test(test_failed),
        cmocka_unit_test(test_condition_and_failures),
        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_impossible),
        cmocka_unit_test(test_odd_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
