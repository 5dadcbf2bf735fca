/* SPDX-License-Identifier: Apache-2.0 */
/* What a profile found, through a pipe, through a file, and in words; and the stamps of its wakes. */
#include "supervise/judgement.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/util.h"
#include "edge/profile.h"
#include "test.h"

static struct judgement some_judgement(void)
{
    struct judgement judgement = {
        .hold = JUDGEMENT_PARK,
        .blameless = 1,
        .again_after = 60000,
        .instance = 7,
        .code = "token-refused",
        .what = "the cloud refused the token",
        .remedy = "make a new one, write it to /data/token",
        .line = "F1122 certmanager.go:93] Error: token is invalid",
        .suspect = "dockerd",
    };

    judgement_wake(&judgement, WAKE_FILE_CHANGED, "/data/token");
    judgement_wake(&judgement, WAKE_ROUTE, "default");
    return judgement;
}

static void write_bytes(const char *path, const void *bytes, size_t length)
{
    CLEANUP_FILE FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
}

static void test_file(void **state)
{
    const struct judgement written = some_judgement();
    struct judgement read = {0};
    struct error err = {0};
    struct stat status;
    CLEANUP_FREE char *bytes = NULL;
    CLEANUP_FILE FILE *file = NULL;

    (void)state;
    assert_false(judgement_read(&read, "."));
    assert_int_equal(judgement_write(&written, ".", &err), 0);
    assert_true(judgement_read(&read, "."));
    assert_memory_equal(&read, &written, sizeof(read));
    assert_int_equal(stat("judgement", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    bytes = xcalloc(1, (size_t)status.st_size + 1);
    file = fopen("judgement", "r");
    assert_int_equal(fread(bytes, 1, (size_t)status.st_size, file), status.st_size);

    /* Short, long, of another version, of another boot. */
    for (long length = 0; length <= status.st_size + 1; length += length == status.st_size - 1 ? 2 : 1) {
        if (length % 97 == 0 || length >= status.st_size - 1) {
            write_bytes("judgement", bytes, (size_t)length);
            assert_false(judgement_read(&read, "."));
        }
    }
    for (size_t at = 0; at < 20; at++) {
        bytes[at] ^= 0x40;
        write_bytes("judgement", bytes, (size_t)status.st_size);
        assert_false(judgement_read(&read, "."));
        bytes[at] ^= 0x40;
    }
    write_bytes("judgement", bytes, (size_t)status.st_size);
    assert_true(judgement_read(&read, "."));
    judgement_remove(".");
    assert_false(judgement_read(&read, "."));
    assert_int_equal(judgement_write(&written, "./nowhere", &err), -1);
}

/* Bytes of a child that may be anything become texts that end, and can be shown. */
static void test_take(void **state)
{
    struct judgement bad = some_judgement();
    struct judgement good;
    size_t at = 0;

    (void)state;
    memset(bad.code, 'c', sizeof(bad.code));
    memset(bad.what, '\n', sizeof(bad.what));
    memset(bad.remedy, 0xe2, sizeof(bad.remedy));
    memset(bad.line, '\033', sizeof(bad.line));
    memset(bad.suspect, 's', sizeof(bad.suspect));
    memset(bad.wakes[5].value, 'w', sizeof(bad.wakes[5].value));
    bad.blameless = -3;
    assert_true(judgement_take(&good, &bad, sizeof(bad)));
    assert_int_equal(strlen(good.code), sizeof(good.code) - 1);
    assert_int_equal(strlen(good.what), sizeof(good.what) - 1);
    assert_int_equal(strspn(good.what, " "), sizeof(good.what) - 1);
    assert_true(text_is_utf8(good.remedy, strlen(good.remedy), &at));
    assert_int_equal(strlen(good.remedy), sizeof(good.remedy) - 1);
    assert_int_equal(strspn(good.line, " "), sizeof(good.line) - 1);
    assert_int_equal(strlen(good.suspect), sizeof(good.suspect) - 1);
    assert_int_equal(strlen(good.wakes[5].value), JUDGEMENT_VALUE - 1);
    assert_int_equal(good.blameless, 1);
    /* In place, as after a read(2). */
    assert_true(judgement_take(&bad, &bad, sizeof(bad)));
    assert_memory_equal(&good, &bad, sizeof(bad));

    assert_false(judgement_take(&good, &bad, sizeof(bad) - 1));
    bad.hold = JUDGEMENT_PARK + 1;
    assert_false(judgement_take(&good, &bad, sizeof(bad)));
    bad.hold = -1;
    assert_false(judgement_take(&good, &bad, sizeof(bad)));
    bad.hold = JUDGEMENT_RETRY;
    assert_true(judgement_take(&good, &bad, sizeof(bad)));
    bad.again_after = -1;
    assert_false(judgement_take(&good, &bad, sizeof(bad)));
    bad.again_after = 0;
    bad.wakes[3].kind = WAKE_KINDS;
    assert_false(judgement_take(&good, &bad, sizeof(bad)));
    bad.wakes[3].kind = -1;
    assert_false(judgement_take(&good, &bad, sizeof(bad)));
    bad.wakes[3].kind = WAKE_NONE;
    bad.code[0] = '\0'; /* a hold has a word */
    assert_false(judgement_take(&good, &bad, sizeof(bad)));
    memset(&bad, 0, sizeof(bad));
    assert_true(judgement_take(&good, &bad, sizeof(bad)));
}

static void test_wakes(void **state)
{
    struct judgement judgement = {0};
    char longest[JUDGEMENT_VALUE + 1] = "";

    (void)state;
    for (int i = 0; i < JUDGEMENT_WAKES; i++) {
        judgement_wake(&judgement, WAKE_FILE, "/a");
        assert_int_equal(judgement.wakes[i].kind, WAKE_FILE);
        assert_int_equal(judgement.again_after, 0);
    }
    /* What is lost is not waited for in vain. */
    judgement_wake(&judgement, WAKE_FILE, "/b");
    assert_int_equal(judgement.again_after, 60000);
    memset(&judgement, 0, sizeof(judgement));
    judgement.again_after = 5;
    memset(longest, 'x', JUDGEMENT_VALUE);
    judgement_wake(&judgement, WAKE_FILE, longest);
    assert_int_equal(judgement.wakes[0].kind, WAKE_NONE);
    assert_int_equal(judgement.again_after, 5);
    longest[JUDGEMENT_VALUE - 1] = '\0';
    judgement_wake(&judgement, WAKE_FILE, longest);
    assert_string_equal(judgement.wakes[0].value, longest);
}

static bool file_came(const char *path, void (*change)(void))
{
    struct judgement judgement = {0};

    judgement_wake(&judgement, WAKE_FILE_CHANGED, path);
    assert_false(judgement_edge_came(&judgement.wakes[0]));
    change();
    return judgement_edge_came(&judgement.wakes[0]);
}

static void write_a(void)
{
    write_bytes("a", "a", 1);
}

static void write_b(void)
{
    write_bytes("a", "bb", 2);
}

static void replace_a(void)
{
    write_bytes("new", "cc", 2);
    assert_int_equal(rename("new", "a"), 0);
}

static void touch_a(void)
{
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};

    assert_int_equal(utimensat(AT_FDCWD, "a", times, 0), 0);
}

static void remove_a(void)
{
    assert_int_equal(unlink("a"), 0);
}

static void do_nothing(void)
{
}

static void test_edges(void **state)
{
    struct judgement judgement = {0};

    (void)state;
    assert_false(file_came("a", do_nothing));
    assert_true(file_came("a", write_a));
    assert_true(file_came("a", write_b));
    assert_true(file_came("a", replace_a));
    assert_true(file_came("a", touch_a));
    assert_false(file_came("a", do_nothing));
    assert_true(file_came("a", remove_a));
    /* The same network, the same clock: these need a board of their own to change. */
    judgement_wake(&judgement, WAKE_NETWORK_CHANGED, "");
    judgement_wake(&judgement, WAKE_CLOCK_CHANGED, "");
    judgement_wake(&judgement, WAKE_ROUTE, "default");
    for (int i = 0; i < 3; i++) {
        assert_false(judgement_edge_came(&judgement.wakes[i]));
    }
    judgement.wakes[0].stamp[0]++;
    judgement.wakes[1].stamp[0] += 60 * 1000000;
    assert_true(judgement_edge_came(&judgement.wakes[0]));
    assert_true(judgement_edge_came(&judgement.wakes[1]));
}

static void test_words(void **state)
{
    const struct judgement judgement = some_judgement();
    struct wake wake = {.kind = WAKE_SERVICE_READY, .value = "dockerd"};
    char text[512];

    (void)state;
    assert_string_equal(judgement_text(&judgement, text, sizeof(text)),
                        "token-refused: the cloud refused the token; make a new one, write it to /data/token");
    assert_string_equal(judgement_wake_text(&judgement.wakes[0], text, sizeof(text)), "/data/token to change");
    assert_string_equal(judgement_wake_text(&judgement.wakes[1], text, sizeof(text)), "a default route");
    assert_string_equal(judgement_wake_text(&wake, text, sizeof(text)), "dockerd to become ready");
    for (int kind = 0; kind < WAKE_KINDS; kind++) {
        wake.kind = kind;
        assert_int_not_equal(judgement_wake_text(&wake, text, sizeof(text))[0], '\0');
    }
}

/* What a manifest may name is in the table, and nothing else. */
static void test_profiles(void **state)
{
    (void)state;
    for (int i = PROFILE_NONE + 1; i < PROFILES; i++) {
        assert_non_null(profile_find(service_profile_words[i]));
        assert_string_equal(profile_find(service_profile_words[i])->name, service_profile_words[i]);
    }
    assert_null(profile_find(service_profile_words[PROFILE_NONE]));
    assert_null(profile_find("docker"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_directory(test_file),  cmocka_unit_test(test_take),  cmocka_unit_test(test_wakes),
        test_in_directory(test_edges), cmocka_unit_test(test_words), cmocka_unit_test(test_profiles),
    };

    return cmocka_run_group_tests_name("judgement", tests, NULL, NULL);
}
