/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's text of its mounts, and the words of mount options. */
#include "host/mountinfo.h"

#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "base/util.h"
#include "test.h"

static struct mount_table parse(const char *text)
{
    struct mount_table table;

    mountinfo_parse(&table, xstrdup(text));
    return table;
}

static void fields_of_a_line(void **state)
{
    struct mount_table table =
        parse("36 35 98:1 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue\n");
    const struct mount_entry *entry = table.entries;

    (void)state;
    assert_int_equal(table.count, 1);
    assert_int_equal(entry->id, 36);
    assert_int_equal(entry->parent, 35);
    assert_true(entry->device == makedev(98, 1));
    assert_string_equal(entry->root, "/mnt1");
    assert_string_equal(entry->target, "/mnt2");
    assert_string_equal(entry->options, "rw,noatime");
    assert_string_equal(entry->propagation, "master:1 shared:7");
    assert_string_equal(entry->type, "ext3");
    assert_string_equal(entry->source, "/dev/root");
    assert_string_equal(entry->fs_options, "rw,errors=continue");
    mountinfo_free(&table);
    assert_null(table.entries);
}

static void escapes_and_empty_fields(void **state)
{
    struct mount_table table = parse("1 0 0:5 / / rw - tmpfs  rw\n"
                                     "2 1 0:6 /a\\040b /c\\134d\\011e rw - tmpfs no\\012de rw,size=4k\n");

    (void)state;
    assert_int_equal(table.count, 2);
    assert_string_equal(table.entries[0].source, "");
    assert_string_equal(table.entries[0].propagation, "");
    assert_string_equal(table.entries[0].fs_options, "rw");
    assert_string_equal(table.entries[1].root, "/a b");
    assert_string_equal(table.entries[1].target, "/c\\d\te");
    assert_string_equal(table.entries[1].source, "no\nde");
    mountinfo_free(&table);
}

static void tags(void **state)
{
    (void)state;
    assert_true(mountinfo_has_tag("shared:7", "shared"));
    assert_true(mountinfo_has_tag("master:1 shared:7", "shared"));
    assert_true(mountinfo_has_tag("shared:7 master:1", "master"));
    assert_true(mountinfo_has_tag("unbindable", "unbindable"));
    assert_false(mountinfo_has_tag("master:1 propagate_from:2", "shared"));
    assert_false(mountinfo_has_tag("sharedness:1 unshared:1", "shared"));
    assert_false(mountinfo_has_tag("", "shared"));
}

static void what_is_no_mount_is_left_out(void **state)
{
    static const char *const lines[] = {"",
                                        "\n\n",
                                        "nonsense",
                                        "1 2 3",
                                        "1 2 0:1 / /x rw master:1 ext4 /dev/x rw",
                                        " - ",
                                        "1 2 0:1 /  rw - ext4 /dev/x rw",
                                        "1 2 0:1 / /x - ext4 /dev/x rw"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct mount_table table = parse(lines[i]);

        assert_int_equal(table.count, 0);
        mountinfo_free(&table);
    }
}

static void the_kernels_own(void **state)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    struct text text = {0};
    struct mount_table table;
    size_t lines = 0;
    bool root = false;
    int c;

    (void)state;
    assert_non_null(file);
    while ((c = fgetc(file)) != EOF) {
        char byte = (char)c;

        text_append(&text, &byte, 1);
        lines += byte == '\n';
    }
    fclose(file);
    mountinfo_parse(&table, text_take(&text));
    assert_int_equal(table.count, lines);
    for (size_t i = 0; i < table.count; i++) {
        assert_true(table.entries[i].target[0] == '/');
        assert_true(table.entries[i].type[0] != '\0');
        root |= streq(table.entries[i].target, "/");
    }
    assert_true(root);
    mountinfo_free(&table);
}

static void options(void **state)
{
    static const struct {
        const char *options;
        unsigned long flags;
        const char *data;
    } rows[] = {
        {"", 0, ""},
        {"ro", MS_RDONLY, ""},
        {"noatime,size=16M,nodev,mode=0755", MS_NOATIME | MS_NODEV, "size=16M,mode=0755"},
        {"ro,rw", 0, ""},
        {"nosuid,nodev,defaults", 0, ""},
        {"remount,bind,nosuid", MS_REMOUNT | MS_BIND | MS_NOSUID, ""},
        {"nodev,noexec,nosuid,none,name=systemd", MS_NODEV | MS_NOEXEC | MS_NOSUID, "none,name=systemd"},
        {"rootcontext=u:object_r:x:s0,ro", MS_RDONLY, "rootcontext=u:object_r:x:s0"},
        {"read,roam", 0, "read,roam"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        CLEANUP_TEXT struct text data = {0};
        unsigned long flags = 0;

        mountinfo_split_options(rows[i].options, &flags, &data);
        assert_int_equal(flags, rows[i].flags);
        assert_string_equal(text_string(&data), rows[i].data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_a_line),
        cmocka_unit_test(escapes_and_empty_fields),
        cmocka_unit_test(tags),
        cmocka_unit_test(what_is_no_mount_is_left_out),
        cmocka_unit_test(the_kernels_own),
        cmocka_unit_test(options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
