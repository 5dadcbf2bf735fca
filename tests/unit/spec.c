/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/spec.h"

#include "base/util.h"
#include "test.h"

static struct spec example(void)
{
    return (struct spec){
        .arguments = {"/bin/program", "", "two words"},
        .environment = {"PATH=/bin", "EMPTY="},
        .joins = {"/sys/fs/cgroup/x/cgroup.procs"},
        .limits = {{7, 1024}, {8, UINT64_MAX}},
        .limit_count = 2,
        .directory = "/data",
        .context = "u:r:x:s0",
        .notify = true,
        .has_user = true,
        .uid = 1000,
        .gid = 1001,
        .nice = -5,
        .has_oom_score_adj = true,
        .oom_score_adj = -500,
    };
}

static void test_round_trip(void **state)
{
    struct spec spec = example();
    CLEANUP_TEXT struct text first = {0};
    CLEANUP_TEXT struct text second = {0};
    struct spec read;

    (void)state;
    assert_true(spec_pack(&spec, &first));
    assert_true(spec_unpack(first.data, first.length, &read));
    assert_string_equal(read.arguments[2], "two words");
    assert_null(read.arguments[3]);
    assert_string_equal(read.environment[1], "EMPTY=");
    assert_null(read.environment[2]);
    assert_string_equal(read.joins[0], "/sys/fs/cgroup/x/cgroup.procs");
    assert_string_equal(read.directory, "/data");
    assert_string_equal(read.context, "u:r:x:s0");
    assert_int_equal(read.limit_count, 2);
    assert_true(read.limits[1].value == UINT64_MAX);
    assert_true(read.notify && read.has_user && read.has_oom_score_adj);
    assert_int_equal(read.uid, 1000);
    assert_int_equal(read.gid, 1001);
    assert_int_equal(read.nice, -5);
    assert_int_equal(read.oom_score_adj, -500);
    assert_true(spec_pack(&read, &second));
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.data, second.data, first.length);

    spec.context = NULL;
    text_free(&second);
    assert_true(spec_pack(&spec, &second));
    assert_true(spec_unpack(second.data, second.length, &read));
    assert_null(read.context);
}

/* No part of a spec is one, nor is one with something added or a byte of its head changed. */
static void test_broken(void **state)
{
    struct spec spec = example();
    CLEANUP_TEXT struct text text = {0};
    struct spec read;

    (void)state;
    assert_true(spec_pack(&spec, &text));
    for (size_t i = 0; i < text.length; i++) {
        CLEANUP_FREE char *copy = xmalloc(i + 1); /* exactly as long, for AddressSanitizer */

        memcpy(copy, text.data, i);
        assert_false(spec_unpack(copy, i, &read));
    }
    text_append(&text, "", 1);
    assert_false(spec_unpack(text.data, text.length, &read));
    text.length--;
    for (size_t i = 0; i < text.length; i++) {
        text.data[i] = (char)(text.data[i] ^ 0x80);
        spec_unpack(text.data, text.length, &read);
        text.data[i] = (char)(text.data[i] ^ 0x80);
    }
}

static void test_limits(void **state)
{
    static char large[SPEC_LARGEST];
    struct spec spec = example();
    CLEANUP_TEXT struct text text = {0};
    struct spec read;

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    spec.arguments[1] = large;
    assert_false(spec_pack(&spec, &text));
    assert_int_equal(text.length, 0);
    spec.arguments[1] = "";
    for (size_t i = 0; i < SPEC_MOST_WORDS; i++) {
        spec.environment[i] = "A=b";
    }
    assert_true(spec_pack(&spec, &text));
    assert_true(spec_unpack(text.data, text.length, &read));
    assert_null(read.environment[SPEC_MOST_WORDS]);
    spec.environment[SPEC_MOST_WORDS] = "A=b";
    assert_false(spec_pack(&spec, &text));
    spec = example();
    spec.arguments[0] = NULL;
    assert_false(spec_pack(&spec, &text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
