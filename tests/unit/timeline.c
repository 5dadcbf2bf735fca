/* SPDX-License-Identifier: Apache-2.0 */
/* Records, the file that they are appended to, the boots that are kept, and two of them compared. */
#include "timeline/compare.h"
#include "timeline/store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "boot.h"
#include "timeline/before.h"

static void test_damage(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    size_t offset = 0;
    size_t damaged = 0;
    char id[40];

    (void)state;
    put_boot(&records);
    assert_true(timeline_is_boot(records.data, records.length, id));
    assert_string_equal(id, BOOT_ID);
    for (size_t i = 0; i < records.length; i++) {
        size_t good = 0;

        records.data[i] ^= 1;
        offset = 0;
        damaged = 0;
        while (timeline_next(records.data, records.length, &offset, &damaged) != NULL) {
            good++;
        }
        assert_int_equal(good, 2);
        assert_int_equal(damaged, 1);
        records.data[i] ^= 1;
    }
    /* What was cut is no record. */
    for (size_t length = 0; length <= records.length; length++) {
        size_t good = 0;

        offset = 0;
        damaged = 0;
        while (timeline_next(records.data, length, &offset, &damaged) != NULL) {
            good++;
        }
        assert_int_equal(good, length / sizeof(struct timeline_record));
        assert_int_equal(damaged, 0);
        assert_int_equal(timeline_is_boot(records.data, length, id), length >= sizeof(struct timeline_record));
    }
}

/* A checksum that fits does not make a string of what has no end. */
static void test_bad_content(void **state)
{
    struct timeline_record bad[] = {
        {.type = TIMELINE_TYPES},
        {.type = TIMELINE_READY, .kind = TIMELINE_KINDS},
        {.type = TIMELINE_ITEM, .text = {.length = TIMELINE_TEXT + 1}},
        {.type = TIMELINE_ITEM, .text = {.length = 4, .bytes = "a\0b"}},
        {.type = TIMELINE_DETAIL, .text = {.offset = TIMELINE_LONGEST_TEXT, .length = 1, .bytes = "x"}},
        {.type = TIMELINE_NEEDS, .needs = {.count = TIMELINE_NEEDS_EACH + 1}},
        {.type = TIMELINE_NEEDS, .needs = {.kind = TIMELINE_KINDS}},
        {.type = TIMELINE_SERVICE},
        {.type = TIMELINE_RESOURCE},
        {.type = TIMELINE_BOOT},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        size_t offset = 0;
        size_t damaged = 0;

        if (i >= 7) {
            memset(bad[i].bytes, 'x', sizeof(bad[i].bytes));
        }
        timeline_seal(&bad[i]);
        assert_null(timeline_next(&bad[i], sizeof(bad[i]), &offset, &damaged));
        assert_int_equal(damaged, 1);
    }
}

/* Names of any length come back, also those that fill their last record. */
static void test_names(void **state)
{
    (void)state;
    for (size_t length = 1; length<TIMELINE_LONGEST_TEXT; length += length> 140 ? 61 : 1) {
        CLEANUP_TEXT struct text records = {0};
        char name[TIMELINE_LONGEST_TEXT];
        struct boot boot;

        memset(name, 'n', length);
        name[length] = '\0';
        put_boot(&records);
        put_name(&records, TIMELINE_OF_RESOURCE, 0, "before");
        put_name(&records, TIMELINE_OF_RESOURCE, 7, name);
        put_name(&records, TIMELINE_OF_RESOURCE, 1, "after");
        assert_true(boot_read(&boot, records.data, records.length, 0));
        assert_int_equal(boot.count, BOOT_PHASES + 3);
        assert_string_equal(boot.items[BOOT_PHASES + 1].name, name);
        boot_free(&boot);
    }
}

/* What a file may hold, and a terminal must not get. */
static void test_text_is_harmless(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    struct boot boot;

    (void)state;
    put_boot(&records);
    put_name(&records, TIMELINE_OF_SERVICE, 0, "a\033[31m\n\x7f");
    put_name(&records, TIMELINE_OF_SERVICE, 1, "gr\xc3\xbc\xc3\x9f");
    put_name(&records, TIMELINE_OF_SERVICE, 2, "gr\xfc");
    assert_true(boot_read(&boot, records.data, records.length, 0));
    assert_string_equal(boot.items[BOOT_PHASES].name, "a?[31m??");
    assert_string_equal(boot.items[BOOT_PHASES + 1].name, "gr\xc3\xbc\xc3\x9f");
    assert_string_equal(boot.items[BOOT_PHASES + 2].name, "gr?");
    boot_free(&boot);
}

/* States that this version does not know keep their names, and count as edgeinit's work. */
static void test_unknown_state(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    struct boot boot;
    const struct item *item;

    (void)state;
    put_boot(&records);
    put_name(&records, TIMELINE_OF_SERVICE, 0, "s");
    put_service(&records, 0, 3100, "pondering", "mood", 0, 0);
    put_service(&records, 0, 3200, "waiting", "preparing", 0, 0);
    put_service(&records, 0, 3300, "starting", "none", 1, 0);
    put_service(&records, 0, 3400, "ready", "none", 1, 3310);
    put_ready(&records, 3400);
    assert_true(boot_read(&boot, records.data, records.length, 0));
    check_boot(&boot);
    item = boot_find(&boot, "s");
    assert_int_equal(item->span_count, 4);
    assert_int_equal(item->spans[0].kind, SPAN_WORK);
    assert_string_equal(item->spans[0].detail, "pondering");
    assert_int_equal(item->spans[1].kind, SPAN_WORK);
    assert_string_equal(item->spans[1].detail, "preparing");
    assert_string_equal(item->spans[2].label, "keeper");
    assert_true(item->spans[2].to == 3310 * MS);
    assert_string_equal(item->spans[3].label, "starting");
    boot_free(&boot);
}

static size_t size_of(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 ? (size_t)status.st_size : SIZE_MAX;
}

static int open_recorder(struct recorder *recorder, const char *run_dir, const char *boot_id)
{
    struct error err = {0};
    bool is_new = false;
    bool was_there = access("timeline", F_OK) == 0;

    assert_int_equal(recorder_open(recorder, run_dir, &is_new, &err), 0);
    assert_int_equal(is_new, !was_there);
    return recorder_begin(recorder, boot_id, 0, &err);
}

static void test_recorder(void **state)
{
    const char *here = *state;
    const struct timeline_record ready = {.type = TIMELINE_READY};
    CLEANUP_FREE char *data = NULL;
    struct recorder recorder;
    struct error err = {0};
    size_t length = 0;
    char id[40];
    int fd;

    assert_int_equal(open_recorder(&recorder, here, BOOT_ID), 0);
    recorder_add(&recorder, &ready);
    assert_false(recorder.ready); /* what an earlier one noted */
    recorder_close(&recorder);
    assert_int_equal(size_of("timeline"), 2 * sizeof(ready));

    /* Killed within a record: it is cut off, and the next stands at its place. */
    fd = open("timeline", O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "torn", 4), 4);
    close(fd);
    assert_int_equal(open_recorder(&recorder, here, BOOT_ID), 0);
    assert_true(recorder.ready);
    assert_int_equal(recorder.count, 2);
    recorder_add(&recorder, &ready);
    recorder_close(&recorder);
    assert_int_equal(size_of("timeline"), 3 * sizeof(ready));

    /* Another boot's is thrown away; so is what is none. */
    assert_int_equal(open_recorder(&recorder, here, "other"), 0);
    assert_false(recorder.ready);
    recorder_close(&recorder);
    assert_int_equal(recorder_read(here, &data, &length, &err), 0);
    assert_int_equal(length, sizeof(ready));
    assert_true(timeline_is_boot(data, length, id));
    assert_string_equal(id, "other");

    /* One that cannot be written notes nothing, and says nothing. */
    recorder = (struct recorder){.fd = open("/dev/full", O_WRONLY)};
    recorder_add(&recorder, &ready);
    assert_int_equal(recorder.fd, -1);
    recorder_add(&recorder, &ready);
    recorder_close(&recorder);
}

/* It ends somewhere, whatever goes round in circles. */
static void test_recorder_is_bounded(void **state)
{
    const struct timeline_record daemon = {.type = TIMELINE_DAEMON};
    struct recorder recorder;

    assert_int_equal(open_recorder(&recorder, *state, BOOT_ID), 0);
    for (size_t i = 0; i < TIMELINE_MOST + 100; i++) {
        recorder_add(&recorder, &daemon);
    }
    recorder_close(&recorder);
    assert_int_equal(size_of("timeline"), TIMELINE_MOST * sizeof(daemon));
}

static int keep(const char *here, const char *id, size_t boots)
{
    CLEANUP_TEXT struct text records = {0};
    struct error err = {0};

    put_boot_of(&records, id);
    return store_keep(here, records.data, records.length, boots, &err);
}

static void assert_kept(const char *here, const char *wanted)
{
    CLEANUP_TEXT struct text out = {0};
    struct store_list list;
    char id[40];

    store_read(here, &list);
    for (size_t i = 0; i < list.count; i++) {
        bool good = list.entries[i].data != NULL && timeline_is_boot(list.entries[i].data, list.entries[i].length, id);

        text_format(&out, "%llu=%s ", list.entries[i].number, good ? id : "?");
    }
    store_list_free(&list);
    assert_string_equal(text_string(&out), wanted);
}

static void test_store(void **state)
{
    static const char *const spoil =
        "echo hi >timeline/README; echo hi >timeline/007; echo damaged >timeline/9; : >timeline/10";
    const char *here = *state;

    assert_kept(here, "");
    assert_int_equal(keep(here, "a", 3), 0);
    assert_int_equal(keep(here, "a", 3), 0);
    assert_kept(here, "1=a ");
    assert_int_equal(keep(here, "b", 3), 0);
    assert_int_equal(keep(here, "c", 3), 0);
    assert_int_equal(keep(here, "d", 3), 0);
    assert_kept(here, "4=d 3=c 2=b ");
    assert_int_equal(keep(here, "e", 1), 0);
    assert_kept(here, "5=e ");
    for (size_t i = 0; i < 6; i++) {
        char id[] = {'f', (char)('0' + i), '\0'};

        assert_int_equal(keep(here, id, 5), 0);
    }
    assert_kept(here, "11=f5 10=f4 9=f3 8=f2 7=f1 ");
    /* What is no boot is left alone; what is damaged is an entry, and goes when its time has come. */
    /* NOLINTNEXTLINE(cert-env33-c): the command is ours */
    assert_int_equal(system(spoil), 0);
    assert_kept(here, "11=f5 10=? 9=? 8=f2 7=f1 ");
    assert_int_equal(keep(here, "g", 2), 0);
    assert_kept(here, "12=g 11=f5 ");
    assert_int_equal(access("timeline/README", F_OK), 0);
}

/* Cut anywhere, or with any byte changed, a file is refused or gives back what was kept. */
static void test_store_damage(void **state)
{
    CLEANUP_TEXT struct text records = {0};
    CLEANUP_FREE char *packed = NULL;
    struct error err = {0};
    size_t size = 0;

    (void)state;
    put_usual(&records, 5000);
    packed = store_pack(records.data, records.length, &size, &err);
    assert_non_null(packed);
    assert_true(size < records.length / 2);
    for (size_t i = 0; i <= size; i++) {
        CLEANUP_FREE char *data = NULL;
        size_t length = 0;
        bool whole = i == size;

        assert_int_equal(store_unpack(packed, i, &data, &length, &err), whole ? 0 : -1);
        assert_true(!whole || (length == records.length && memcmp(data, records.data, length) == 0));
    }
    for (size_t i = 0; i < size; i++) {
        CLEANUP_FREE char *data = NULL;
        size_t length = 0;

        packed[i] = (char)(packed[i] ^ 4);
        if (store_unpack(packed, size, &data, &length, &err) == 0) {
            assert_true(length == records.length && memcmp(data, records.data, length) == 0);
        }
        packed[i] = (char)(packed[i] ^ 4);
    }
    packed[4] = 99;
    assert_int_equal(store_unpack(packed, size, &records.data, &size, &err), -1);
    assert_non_null(strstr(err.what, "another version"));
}

static char *differences_of(const struct text *before, const struct text *after)
{
    struct text out = {0};
    struct boot one;
    struct boot other;
    struct comparison comparison;

    assert_true(boot_read(&one, before->data, before->length, 0));
    assert_true(boot_read(&other, after->data, after->length, 0));
    compare_boots(&one, &other, &comparison);
    for (size_t i = 0; i < comparison.count; i++) {
        const struct difference *difference = &comparison.differences[i];

        text_format(&out, "%s %s %lld-%lld %s, ", difference_name(difference->kind), difference->name,
                    (long long)(difference->before / MS), (long long)(difference->after / MS),
                    span_kind_name(difference->most));
    }
    text_add(&out, comparison.slower ? "slower" : "not slower");
    comparison_free(&comparison);
    boot_free(&one);
    boot_free(&other);
    return text_take(&out);
}

static void test_compare(void **state)
{
    CLEANUP_TEXT struct text usual = {0};
    CLEANUP_TEXT struct text same = {0};
    CLEANUP_TEXT struct text slow = {0};
    CLEANUP_FREE char *nothing = NULL;
    CLEANUP_FREE char *slower = NULL;
    CLEANUP_FREE char *faster = NULL;

    (void)state;
    put_usual(&usual, 5000);
    put_usual(&same, 5019);
    put_usual(&slow, 9000);
    nothing = differences_of(&usual, &same);
    assert_string_equal(nothing, "not slower");
    /* Those that were held by it are not to blame. */
    slower = differences_of(&usual, &slow);
    assert_string_equal(slower, "slower mount /card 5050-9050 outside, slower");
    faster = differences_of(&slow, &usual);
    assert_string_equal(faster, "faster mount /card 9050-5050 outside, not slower");
}

static void test_compare_failures(void **state)
{
    CLEANUP_TEXT struct text before = {0};
    CLEANUP_TEXT struct text after = {0};
    CLEANUP_FREE char *differences = NULL;

    (void)state;
    put_boot(&before);
    put_name(&before, TIMELINE_OF_RESOURCE, 0, "a");
    put_name(&before, TIMELINE_OF_RESOURCE, 1, "gone");
    put_bringup(&before, 3012);
    put_resource(&before, (struct made_resource){0, 3012, 0, 3022, 3022, NULL});
    put_resource(&before, (struct made_resource){1, 3022, 0, 3122, 3122, NULL});
    put_ready(&before, 3122);
    put_boot(&after);
    put_name(&after, TIMELINE_OF_RESOURCE, 0, "a");
    put_name(&after, TIMELINE_OF_RESOURCE, 1, "new");
    put_bringup(&after, 3012);
    put_resource(&after, (struct made_resource){0, 3012, 0, 3022, 3022, "failed"});
    put_resource(&after, (struct made_resource){1, 3022, 0, 3092, 3092, NULL});
    put(&after, (struct timeline_record){.type = TIMELINE_CLOSED, .at = 3200 * MS});
    differences = differences_of(&before, &after);
    assert_string_equal(differences,
                        "failed a 10-10 edgeinit, gone gone 100-0 edgeinit, new new 0-70 edgeinit, slower");
}

/* /dev/kmsg, as kernels write it. */
static void test_kernel_log(void **state)
{
    static const char *const others[] = {
        "",
        "6,345,1203456,-",
        ";Run /init as init process",
        "6;Run /init as init process",
        "6,345;Run /init as init process,7",
        "6,345,1203456,-;Running /init as init process",
        "6,345,1203456,-;Run /init",
        "6,345,1203456,-;with arguments: Run /init as init process",
    };
    int64_t time = 0;

    (void)state;
    assert_true(before_is_init("6,345,1203456,-;Run /init as init process\n", &time));
    assert_true(time == 1203456);
    assert_true(before_is_init("30,1,99,-,caller=T1;Run /sbin/init as init process\n SUBSYSTEM=x\n", &time));
    assert_true(time == 99);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_false(before_is_init(others[i], &time));
    }
    assert_true(before_init() >= 0);
}

/* Ticks of 10 ms, made better by the CPU time; never later than it was seen to run. */
static void test_process(void **state)
{
    int64_t now = clock_now();
    int64_t started = before_process(now, 0);

    (void)state;
    assert_true(started > 0 && started <= now);
    assert_true(before_process(now, INT64_C(3600000000)) <= started);
    assert_true(started - before_process(now, INT64_C(3600000000)) <= 10 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_bad_content),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_text_is_harmless),
        cmocka_unit_test(test_unknown_state),
        test_in_directory(test_recorder),
        test_in_directory(test_recorder_is_bounded),
        test_in_directory(test_store),
        cmocka_unit_test(test_store_damage),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_compare_failures),
        cmocka_unit_test(test_kernel_log),
        cmocka_unit_test(test_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
