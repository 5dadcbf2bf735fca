/* SPDX-License-Identifier: Apache-2.0 */
/* What the doctor concludes from the texts of procfs and cgroupfs. */
#include "doctor/judge.h"

#include "base/util.h"
#include "test.h"

static void fields_of_a_status(void **state)
{
    static const char status[] = "Name:\tedgeinit\nCapBnd:\t000001ffffffffff\nSeccomp:\t2\nSeccomp_filters:\t1\n";
    char value[64];

    (void)state;
    assert_true(judge_status_field(status, "CapBnd", value));
    assert_string_equal(value, "000001ffffffffff");
    assert_true(judge_status_field(status, "Seccomp", value));
    assert_string_equal(value, "2");
    assert_true(judge_status_field(status, "Name", value));
    assert_string_equal(value, "edgeinit");
    assert_false(judge_status_field(status, "Cap", value));
    assert_false(judge_status_field("", "Cap", value));
}

static void check_missing(uint64_t mask, enum capability_set set, const char *wanted)
{
    CLEANUP_TEXT struct text missing = {0};

    judge_capabilities(mask, set, &missing);
    assert_string_equal(text_string(&missing), wanted);
}

static void capabilities(void **state)
{
    (void)state;
    check_missing(UINT64_MAX, CAPABILITIES_DOCKER, "");
    check_missing(UINT64_MAX, CAPABILITIES_RESOURCE, "");
    check_missing(0x1fffcffffff, CAPABILITIES_DOCKER, "");
    check_missing(0x1fffcffffff, CAPABILITIES_RESOURCE, "SYS_RESOURCE");
    check_missing(UINT64_MAX & ~(1ULL << 12) & ~(1ULL << 31), CAPABILITIES_DOCKER, "NET_ADMIN SETFCAP");
    check_missing(0, CAPABILITIES_DOCKER,
                  "CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_ADMIN NET_RAW "
                  "SYS_CHROOT SYS_ADMIN MKNOD AUDIT_WRITE SETFCAP");
}

static void contexts(void **state)
{
    (void)state;
    assert_int_equal(judge_context("u:r:edgeinit:s0"), DOMAIN_OWN);
    assert_int_equal(judge_context("u:r:init_something:s0"), DOMAIN_OWN);
    assert_int_equal(judge_context("u:r:limit_domain:s0"), DOMAIN_GENERIC);
    assert_int_equal(judge_context("u:r:init:s0\n"), DOMAIN_GENERIC);
    assert_int_equal(judge_context("u:r:chipset_init:s0"), DOMAIN_GENERIC);
    assert_int_equal(judge_context("kernel"), DOMAIN_GENERIC);
    assert_int_equal(judge_context("u:r:kernel:s0"), DOMAIN_GENERIC);
    assert_int_equal(judge_context("system_u:object_r:unlabeled"), DOMAIN_GENERIC);
    assert_int_equal(judge_context("u:r:su:s0"), DOMAIN_SHELL);
    assert_int_equal(judge_context("u:r:sh:s0"), DOMAIN_SHELL);
    assert_int_equal(judge_context("u:r:hdcd:s0"), DOMAIN_SHELL);
    assert_int_equal(judge_context("u:r:console:s0"), DOMAIN_SHELL);
    assert_int_equal(judge_context(""), DOMAIN_OWN);
}

static void the_command_line(void **state)
{
    static const struct {
        const char *cmdline;
        const char *controller;
        const char *word; /* NULL: left on */
    } cases[] = {
        {"quiet console=ttyS0\n", "memory", NULL},
        {"quiet cgroup_disable=memory console=ttyS0\n", "memory", "cgroup_disable=memory"},
        {"cgroup_disable=memory\n", "pids", NULL},
        {"cgroup_disable=pids,memory\n", "memory", "cgroup_disable=pids,memory"},
        {"cgroup_disable=memory2\n", "memory", NULL},
        {"cgroup_disable=\n", "memory", NULL},
        {"xcgroup_disable=memory\n", "memory", NULL},
        {"cgroup_no_v1=all\n", "devices", "cgroup_no_v1=all"},
        {"cgroup_no_v1=memory,cpu\n", "cpu", "cgroup_no_v1=memory,cpu"},
        {"cgroup_disable=all\n", "cpu", NULL}, /* means nothing to the kernel */
        {"cgroup_disable=memory cgroup_enable=memory\n", "memory", NULL},
        {"cgroup_enable=memory cgroup_disable=memory", "memory", "cgroup_disable=memory"},
        {"", "memory", NULL},
    };
    char word[64];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        bool disabled = judge_disabled(cases[i].cmdline, cases[i].controller, word);

        if (disabled != (cases[i].word != NULL)) {
            fail_msg("%s: %s", cases[i].cmdline, cases[i].controller);
        }
        if (disabled) {
            assert_string_equal(word, cases[i].word);
        }
    }
}

static void room_for_processes(void **state)
{
    (void)state;
    assert_int_equal(judge_process_room(100, (const int64_t[]){32768, 1000, 0}, 3), 900);
    assert_int_equal(judge_process_room(100, (const int64_t[]){32768, 1000, 150}, 3), 50);
    assert_int_equal(judge_process_room(100, (const int64_t[]){50}, 1), 0);
    assert_true(judge_process_room(100, (const int64_t[]){0, -1}, 2) > 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_a_status), cmocka_unit_test(capabilities),       cmocka_unit_test(contexts),
        cmocka_unit_test(the_command_line),   cmocka_unit_test(room_for_processes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
