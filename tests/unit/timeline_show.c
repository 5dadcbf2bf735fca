/* SPDX-License-Identifier: Apache-2.0 */
/* A boot as text, SVG and JSON. */
#include "timeline/show.h"

#include "boot.h"

struct shown {
    struct boot boot;
    struct critical critical;
    struct show show;
    struct text text;
    struct text svg;
    cJSON *json;
};

static void show(struct shown *shown, const struct text *records, unsigned width, bool all)
{
    assert_true(boot_read(&shown->boot, records->data, records->length, 0));
    critical_find(&shown->boot, &shown->critical);
    shown->show = (struct show){.boot = &shown->boot, .critical = &shown->critical, .width = width, .all = all};
    show_timeline_text(&shown->show, &shown->text);
    show_timeline_svg(&shown->show, &shown->svg);
    shown->json = show_timeline_json(&shown->show);
}

static void forget(struct shown *shown)
{
    boot_free(&shown->boot);
    critical_free(&shown->critical);
    text_free(&shown->text);
    text_free(&shown->svg);
    cJSON_Delete(shown->json);
    *shown = (struct shown){0};
}

static void test_text(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    struct shown shown = {0};

    (void)state;
    put_usual(&records, 5000);
    show(&shown, &records, 80, false);
    assert_string_equal(
        text_string(&shown.text),
        "Ready 11.1 s after the kernel's start  (boot 0)\n"
        "  kernel 1.0 s + init 2.0 s + waiting for a device or condition 5.0 s + edgeinit 101 ms + programs starting 3.0 s\n"
        "  Longest step: mount /card, 5.0 s (waiting: find device LABEL=card)\n"
        "\n"
        "                       |0 s    |2 s     |4 s    |6 s     |8 s     |10 s\n"
        "* kernel              |====                                            |   1.0 s\n"
        "* init                |    ========                                    |   2.0 s\n"
        "* manifest            |            ##                                  |   10 ms\n"
        "* daemon              |             #                                  |  2.0 ms\n"
        "* 3 other resources   |             #                    #             |   12 ms\n"
        "* mount /card         |             .....................#             |   5.0 s\n"
        "  log                 |             +                                  |   15 ms\n"
        "* docker              |                                  #++++++++     |   2.0 s\n"
        "* edge                |                                           ++++ |   1.0 s\n"
        "  * critical path  # edgeinit  . waits for a device or condition  + program starts  ! fails, pauses\n"
        "\n"
        "What the end waited for, step by step:\n"
        "     until      took\n"
        "     1.0 s     1.0 s  kernel               the kernel's own start\n"
        "     3.0 s     2.0 s  init                 from its first process to edgeinit's\n"
        "     3.0 s     23 ms  3 short steps\n"
        "     8.1 s     5.0 s  mount /card          waiting: find device LABEL=card\n"
        "     8.1 s    2.0 ms  2 short steps\n"
        "    10.1 s     2.0 s  docker               starting\n"
        "    11.1 s     1.0 s  edge                 starting\n");
    forget(&shown);
}

/* Whatever the width, no line of the chart is longer than it, and none shorter than another one. */
static void test_widths(void **state)
{
    CLEANUP_TEXT struct text records = {0};

    (void)state;
    put_usual(&records, 5000);
    for (unsigned width = 0; width < 200; width += 7) {
        struct shown shown = {0};
        unsigned bounded = width < 50 ? 50 : width > 160 ? 160 : width;
        const char *line;

        show(&shown, &records, width, true);
        line = strstr(text_string(&shown.text), "* mount /card");
        assert_non_null(line);
        assert_int_equal(strcspn(line, "\n"), bounded);
        line = strstr(text_string(&shown.text), "* edge");
        assert_int_equal(strcspn(line, "\n"), bounded);
        forget(&shown);
    }
}

/* Colour only where it is wanted, and always taken back at the end of a line. */
static void test_colour(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    struct shown shown = {0};

    (void)state;
    put_usual(&records, 5000);
    show(&shown, &records, 80, false);
    assert_null(strchr(text_string(&shown.text), '\033'));
    text_free(&shown.text);
    shown.show.colour = true;
    show_timeline_text(&shown.show, &shown.text);
    assert_non_null(strstr(text_string(&shown.text), "\033[33m"));
    for (const char *line = shown.text.data; *line != '\0'; line += strcspn(line, "\n") + 1) {
        const char *last = NULL;

        for (const char *at = line; at < line + strcspn(line, "\n"); at++) {
            last = *at == '\033' ? at : last;
        }
        assert_true(last == NULL || strncmp(last, "\033[0m", 4) == 0);
    }
    forget(&shown);
}

/* Tags are closed in the order in which they were opened; nothing of a name gets out of its text. */
static void check_xml(const char *text)
{
    char open[16][16];
    size_t depth = 0;

    for (const char *at = strchr(text, '<'); at != NULL; at = strchr(at + 1, '<')) {
        const char *end = strchr(at, '>');
        size_t length = strcspn(at + 1, " />");
        bool closes = at[1] == '/';

        assert_non_null(end);
        if (closes) {
            assert_true(depth > 0);
            depth--;
            assert_true(strncmp(at + 2, open[depth], strlen(open[depth])) == 0);
        } else if (end[-1] != '/') {
            assert_true(depth < ARRAY_SIZE(open) && length < sizeof(open[0]));
            memcpy(open[depth], at + 1, length);
            open[depth][length] = '\0';
            depth++;
        }
    }
    assert_int_equal(depth, 0);
}

static void test_svg(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    struct shown shown = {0};

    (void)state;
    put_usual(&records, 5000);
    show(&shown, &records, 80, false);
    check_xml(shown.svg.data);
    assert_non_null(strstr(shown.svg.data, ">Ready 11.1 s after the kernel's start<"));
    assert_non_null(strstr(shown.svg.data, "5.0 s, waiting: find device LABEL=card"));
    assert_non_null(strstr(shown.svg.data, "class=\"name critical\">mount /card<"));
    assert_non_null(strstr(shown.svg.data, "class=\"name\">log<"));
    assert_non_null(strstr(shown.svg.data, "<title>mount /card\n"));
    assert_null(strstr(shown.svg.data, "<script"));
    assert_null(strstr(shown.svg.data, "href"));
    assert_null(strstr(shown.svg.data, "nan"));
    forget(&shown);
}

static void test_svg_of_anything(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    struct shown shown = {0};

    (void)state;
    put_boot_of(&records, "<b>&\"");
    show(&shown, &records, 80, true);
    check_xml(shown.svg.data);
    assert_null(strstr(shown.svg.data, "nan"));
    forget(&shown);
    text_free(&records);
    put_boot(&records);
    put_name(&records, TIMELINE_OF_SERVICE, 0,
             "<script>alert(\"1\")</script> & a name that is longer than its column is wide");
    put_service(&records, 0, 3100, "parked", "missing", 1, 0);
    put_text(
        &records, TIMELINE_DETAIL, TIMELINE_OF_SERVICE, 0, 0,
        "</title></svg> a reason of a hundred and more characters, as they come from programs that talk a lot, and more");
    put(&records, (struct timeline_record){.type = TIMELINE_CLOSED, .at = 3200 * MS});
    show(&shown, &records, 80, true);
    check_xml(shown.svg.data);
    assert_null(strstr(shown.svg.data, "<script"));
    assert_non_null(strstr(shown.svg.data, "Was not ready 3.2 s after"));
    assert_non_null(strstr(text_string(&shown.text), "parked\n"));
    forget(&shown);
}

/* A daemon that a person started: the axis begins with it. */
static void test_cut(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    struct shown shown = {0};
    int64_t start = INT64_C(86400000) * 3;

    (void)state;
    put_boot_of(&records, BOOT_ID);
    put(&records, (struct timeline_record){.type = TIMELINE_DAEMON,
                                           .at = (start + 20) * MS,
                                           .daemon = {.process = start * MS, .entered = (start + 2) * MS}});
    put_name(&records, TIMELINE_OF_RESOURCE, 0, "r");
    put_bringup(&records, start + 30);
    put_resource(&records, (struct made_resource){0, start + 30, 0, start + 500, start + 500, NULL});
    put_ready(&records, start + 500);
    show(&shown, &records, 80, false);
    assert_true(starts_with(text_string(&shown.text),
                            "Ready 500 ms after edgeinit's start  (boot 0; the kernel had started 3 d before)\n"));
    assert_non_null(strstr(text_string(&shown.text), "\n  edgeinit 500 ms\n"));
    assert_non_null(strstr(text_string(&shown.text), "|0 s"));
    check_xml(shown.svg.data);
    forget(&shown);
}

static const cJSON *get(const cJSON *object, const char *key)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, key);

    assert_non_null(value);
    return value;
}

static void test_json(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    struct shown shown = {0};
    const cJSON *item;
    double spent = 0;

    (void)state;
    put_usual(&records, 5000);
    show(&shown, &records, 80, false);
    assert_true(get(shown.json, "end_us")->valuedouble == 11082000);
    assert_true(cJSON_IsTrue(get(shown.json, "ready")));
    cJSON_ArrayForEach(item, get(shown.json, "spent_us"))
    {
        spent += item->valuedouble;
    }
    assert_true(spent == 11082000);
    assert_int_equal(cJSON_GetArraySize(get(shown.json, "items")), BOOT_PHASES + 7);
    item = cJSON_GetArrayItem(get(shown.json, "critical_path"), 5);
    assert_string_equal(cJSON_GetStringValue(get(item, "name")), "mount /card");
    assert_string_equal(cJSON_GetStringValue(get(item, "explanation")), "waiting: find device LABEL=card");
    forget(&shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text), cmocka_unit_test(test_widths),          cmocka_unit_test(test_colour),
        cmocka_unit_test(test_svg),  cmocka_unit_test(test_svg_of_anything), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_json),
    };

    json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
