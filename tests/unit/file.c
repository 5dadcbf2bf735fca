/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/util.h"
#include "test.h"

static const struct file_attributes plain = {.mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1};

static void check_content(const char *path, const char *wanted)
{
    CLEANUP_FREE char *data = NULL;
    size_t length = 0;
    struct error err = {0};

    assert_int_equal(file_read(path, 1 << 20, &data, &length, &err), 0);
    assert_int_equal(length, strlen(wanted));
    assert_string_equal(data, wanted);
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static void test_write(void **state)
{
    struct file_attributes secret = plain;
    struct error err = {0};
    struct stat before;
    struct stat after;

    (void)state;
    secret.mode = 0600;
    assert_int_equal(file_write("new", "one", 3, &plain, &err), 0);
    check_content("new", "one");
    assert_int_equal(mode_of("new"), 0644);
    assert_int_equal(stat("new", &before), 0);

    /* Replaced, not written over: who has the old one open keeps it whole. */
    assert_int_equal(file_write("new", "three", 5, &secret, &err), 0);
    check_content("new", "three");
    assert_int_equal(mode_of("new"), 0600);
    assert_int_equal(stat("new", &after), 0);
    assert_true(before.st_ino != after.st_ino);
    assert_int_equal(access(".new.edgeinit-new", F_OK), -1);

    assert_int_equal(file_write("empty", "", 0, &plain, &err), 0);
    check_content("empty", "");
}

static void test_write_ignores_umask(void **state)
{
    struct file_attributes open = plain;
    struct error err = {0};
    mode_t mask = umask(077);

    (void)state;
    open.mode = 0666;
    assert_int_equal(file_write("open", "x", 1, &open, &err), 0);
    umask(mask);
    assert_int_equal(mode_of("open"), 0666);
}

/* A killed process left something aside: longer than the new content, and secret. */
static void test_write_over_leftover(void **state)
{
    struct error err = {0};
    int fd = open(".file.edgeinit-new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_int_equal(write(fd, "left over by a killed one", 25), 25);
    close(fd);
    assert_int_equal(file_write("file", "new", 3, &plain, &err), 0);
    check_content("file", "new");
    assert_int_equal(mode_of("file"), 0644);
    assert_int_equal(access(".file.edgeinit-new", F_OK), -1);

    /* What somebody planted aside, a symlink or a second name of another file, is replaced and never written into. */
    assert_int_equal(symlink("victim", ".file.edgeinit-new"), 0);
    assert_int_equal(file_write("file", "newer", 5, &plain, &err), 0);
    assert_int_equal(access("victim", F_OK), -1);
    check_content("file", "newer");
    assert_int_equal(file_write("victim", "mine", 4, &plain, &err), 0);
    assert_int_equal(link("victim", ".file.edgeinit-new"), 0);
    assert_int_equal(file_write("file", "newest", 6, &plain, &err), 0);
    check_content("file", "newest");
    check_content("victim", "mine");
}

/* A kernel without SELinux keeps the attribute as it would any other, for root. */
static void test_write_keeps_label(void **state)
{
    static const char label[] = "u:object_r:edge_etc_file:s0";
    struct error err = {0};
    char found[64] = "";

    (void)state;
    assert_int_equal(file_write("hosts", "one", 3, &plain, &err), 0);
    if (setxattr("hosts", "security.selinux", label, sizeof(label), 0) != 0) {
        print_message("no label can be set here: %s\n", strerror(errno));
        skip();
    }
    assert_int_equal(file_write("hosts", "two", 3, &plain, &err), 0);
    check_content("hosts", "two");
    assert_int_equal(getxattr("hosts", "security.selinux", found, sizeof(found)), sizeof(label));
    assert_string_equal(found, label);

    /* Another file, made afterwards, has nothing of it. */
    assert_int_equal(file_write("other", "x", 1, &plain, &err), 0);
    assert_int_equal(getxattr("other", "security.selinux", found, sizeof(found)), -1);
}

static void test_write_errors(void **state)
{
    struct error err = {0};
    char name[NAME_MAX + 1];

    (void)state;
    assert_int_equal(file_write("missing/file", "x", 1, &plain, &err), -1);
    assert_int_equal(err.errnum, ENOENT);
    assert_non_null(strstr(err.what, "missing"));

    assert_int_equal(mkdir("directory", 0755), 0);
    assert_int_equal(file_write("directory", "x", 1, &plain, &err), -1);
    assert_int_equal(err.errnum, EISDIR);
    assert_int_equal(access(".directory.edgeinit-new", F_OK), -1);

    memset(name, 'n', sizeof(name));
    name[NAME_MAX] = '\0';
    assert_int_equal(file_write(name, "x", 1, &plain, &err), -1);
    assert_int_equal(err.errnum, ENAMETOOLONG);
}

static void test_read(void **state)
{
    CLEANUP_FREE char *data = NULL;
    char big[10000];
    size_t length = 0;
    struct error err = {0};

    (void)state;
    memset(big, 'b', sizeof(big));
    assert_int_equal(file_write("big", big, sizeof(big), &plain, &err), 0);
    assert_int_equal(file_read("big", sizeof(big), &data, &length, &err), 0);
    assert_int_equal(length, sizeof(big));
    assert_memory_equal(data, big, sizeof(big));
    assert_int_equal(data[length], '\0');
    free(data);
    data = NULL;
    assert_int_equal(file_read("big", sizeof(big) - 1, &data, &length, &err), -1);
    assert_int_equal(err.errnum, EFBIG);
    assert_null(data);

    assert_int_equal(file_read("missing", 10, &data, &length, &err), -1);
    assert_int_equal(err.errnum, ENOENT);
    assert_int_equal(file_read(".", 10, &data, &length, &err), -1);
    assert_int_equal(err.errnum, EISDIR);
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(file_read("fifo", 10, &data, &length, &err), -1);
    assert_int_equal(err.errnum, EINVAL);

    /* A kernel file: its size is said to be 0. */
    assert_int_equal(file_read("/proc/self/status", 1 << 16, &data, &length, &err), 0);
    assert_true(length > 100);
    assert_int_equal(strlen(data), length);
}

static void test_put(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(file_write("value", "12345", 5, &plain, &err), 0);
    assert_int_equal(file_put("value", "99", &err), 0);
    check_content("value", "99345");
    assert_int_equal(file_put("missing", "1", &err), -1);
    assert_int_equal(err.errnum, ENOENT);
    assert_int_equal(file_put("/dev/full", "1", &err), -1);
    assert_int_equal(err.errnum, ENOSPC);
    assert_string_equal(err.what, "write \"1\" to /dev/full");
}

static void test_make_parents(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(file_make_parents("a/b/c", &err), 0);
    assert_int_equal(file_make_parents("a/b/c", &err), 0);
    assert_int_equal(access("a/b/c", F_OK), 0);
    assert_int_equal(file_write("file", "", 0, &plain, &err), 0);
    assert_int_equal(file_make_parents("file/x", &err), -1);
    assert_int_equal(err.errnum, ENOTDIR);
    assert_int_equal(file_make_parents("file", &err), -1);
    assert_int_equal(err.errnum, ENOTDIR);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    assert_int_equal(file_make_parents("dangling", &err), -1);
    assert_int_equal(err.errnum, ENOTDIR);
    assert_true(err.remedy[0] != '\0');
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(file_make_parents("link/d", &err), 0);
    assert_int_equal(access("a/d", F_OK), 0);
}

static void test_make_private(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(file_make_private("p/q", &err), 0);
    assert_int_equal(mode_of("p"), 0755);
    assert_int_equal(mode_of("p/q"), 0711);
    assert_int_equal(chmod("p/q", 0777), 0);
    assert_int_equal(file_make_private("p/q", &err), 0);
    assert_int_equal(mode_of("p/q"), 0711);
    assert_int_equal(symlink("p/q", "link"), 0);
    assert_int_equal(file_make_private("link", &err), -1);
    assert_int_equal(err.code, ERROR_INPUT);
    assert_int_equal(file_write("file", "", 0, &plain, &err), 0);
    assert_int_equal(file_make_private("file", &err), -1);
    if (geteuid() == 0) {
        assert_int_equal(mkdir("theirs", 0700), 0);
        assert_int_equal(chown("theirs", 12345, 12345), 0);
        assert_int_equal(file_make_private("theirs", &err), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_directory(test_write),
        test_in_directory(test_write_ignores_umask),
        test_in_directory(test_read),
        test_in_directory(test_write_over_leftover),
        test_in_directory(test_put),
        test_in_directory(test_write_errors),
        test_in_directory(test_write_keeps_label),
        test_in_directory(test_make_parents),
        test_in_directory(test_make_private),
    };

    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
