/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says about devices that come and go, and about who it killed. */
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include "base/util.h"
#include "host/loss.h"
#include "host/memory.h"
#include "test.h"

#define EVENT(action, subsystem, rest) \
    action "@/devices/x\0ACTION=" action "\0DEVPATH=/devices/x\0SUBSYSTEM=" subsystem "\0" rest

static void test_changes(void **state)
{
    static const struct {
        const char *message;
        size_t length;
        bool is_change;
        bool gone;
    } cases[] = {
        {EVENT("remove", "block", "MAJOR=179\0MINOR=1\0"), sizeof(EVENT("remove", "block", "MAJOR=179\0MINOR=1\0")) - 1,
         true, true},
        {EVENT("add", "block", "MAJOR=179\0MINOR=1\0"), sizeof(EVENT("add", "block", "MAJOR=179\0MINOR=1\0")) - 1, true,
         false},
        {EVENT("change", "block", "MAJOR=179\0MINOR=1\0"), sizeof(EVENT("change", "block", "MAJOR=179\0MINOR=1\0")) - 1,
         false, false},
        {EVENT("remove", "net", "MAJOR=179\0MINOR=1\0"), sizeof(EVENT("remove", "net", "MAJOR=179\0MINOR=1\0")) - 1,
         false, false},
        {EVENT("remove", "block", "MAJOR=179\0"), sizeof(EVENT("remove", "block", "MAJOR=179\0")) - 1, false, false},
        {"", 0, false, false},
        {"libudev\0xxxx", 12, false, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct device_change change = {0};

        assert_int_equal(loss_parse(cases[i].message, cases[i].length, &change), cases[i].is_change);
        if (cases[i].is_change) {
            assert_int_equal(change.gone, cases[i].gone);
            assert_int_equal(change.device, makedev(179, 1));
        }
    }
}

static void test_filter(void **state)
{
    static const struct {
        const char *message;
        bool passes;
    } cases[] = {
        {"add@/devices/platform/fe2b0000.dwmmc/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1", true},
        {"remove@/devices/platform/fe2b0000.dwmmc/mmc_host/mmc1/mmc1:aaaa/block/mmcblk1/mmcblk1p1", true},
        {"add@/devices/virtual/block/dm-0", true},
        {"remove@/devices/virtual/block/loop7", true},
        {"change@/devices/virtual/block/loop7", false},
        {"add@/devices/virtual/net/veth1234567", false},
        {"remove@/devices/virtual/net/veth1234567/queues/rx-0", false},
        {"add@/devices/virtual/bdi/0:52", false},
        {"add@/module/overlay", false},
        {"removed from here, and long enough for a path", false},
        {"add@", false},
        {"libudev", false},
    };
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(loss_leave_out_others(ends[0]), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char received[128];

        assert_true(write(ends[1], cases[i].message, strlen(cases[i].message)) > 0);
        assert_int_equal(read(ends[0], received, sizeof(received)) > 0, cases[i].passes);
    }
    close(ends[0]);
    close(ends[1]);
}

static void test_lost_mounts(void **state)
{
    const struct mount_entry cover = {.type = "tmpfs", .source = LOSS_COVER, .device = makedev(0, 77)};
    const struct mount_entry tmpfs = {.type = "tmpfs", .source = "tmpfs", .device = makedev(0, 77)};
    const struct mount_entry gone = {.type = "ext4", .source = "/dev/x", .device = makedev(4000, 1)};

    (void)state;
    assert_true(loss_has_happened(&cover));
    assert_false(loss_has_happened(&tmpfs));
    assert_int_equal(loss_has_happened(&gone), access("/sys/dev/block", F_OK) == 0);
}

static void test_kills(void **state)
{
    static const struct {
        const char *record;
        pid_t pid;
        enum memory_kill kill;
    } cases[] = {
        {"3,700,5000000,-;Out of memory: Killed process 151 (dockerd) total-vm:1000kB, anon-rss:1kB\n", 151,
         MEMORY_BOARD},
        {"3,700,5000000,-;Memory cgroup out of memory: Killed process 151 (sh) total-vm:1kB\n", 151, MEMORY_GROUP},
        {"3,700,5000000,-;Out of memory: Killed process 1510 (dockerd) total-vm:1000kB\n", 151, MEMORY_NO_KILL},
        {"3,700,5000000,-;Out of memory: Killed process 151\n", 151, MEMORY_NO_KILL},
        /* before it was started: another one, of the same number */
        {"3,700,4999999,-;Out of memory: Killed process 151 (dockerd) total-vm:1000kB\n", 151, MEMORY_NO_KILL},
        {"12,700,5000000,-;Killed process 151 (that is what a user wrote)", 151, MEMORY_NO_KILL},
        {"3,700;Killed process 151 (x)", 151, MEMORY_NO_KILL},
        {";", 151, MEMORY_NO_KILL},
        {"", 151, MEMORY_NO_KILL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(memory_parse(cases[i].record, strlen(cases[i].record), cases[i].pid, 5000000), cases[i].kill);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_filter),
        cmocka_unit_test(test_lost_mounts),
        cmocka_unit_test(test_kills),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
