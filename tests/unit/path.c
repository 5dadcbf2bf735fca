/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"
#include "test.h"

static void test_normal(void **state)
{
    static const char *const good[] = {"/", "/a", "/a/b", "/...", "/.a", "/a.", "/a..b", "/..a", "/a b", "/\xc3\xa9"};
    static const struct {
        const char *path;
        const char *why;
    } bad[] = {
        {"", "is not absolute"},
        {"a", "is not absolute"},
        {"./a", "is not absolute"},
        {"/a/", "ends in a slash"},
        {"//", "ends in a slash"},
        {"//a", "has an empty component"},
        {"/a//b", "has an empty component"},
        {"/.", "has a \".\" or \"..\" component"},
        {"/..", "has a \".\" or \"..\" component"},
        {"/../a", "has a \".\" or \"..\" component"},
        {"/a/./b", "has a \".\" or \"..\" component"},
        {"/a/..", "has a \".\" or \"..\" component"},
        {"/a\nb", "has a control character"},
        {"/a\x1f", "has a control character"},
        {"/\x7f", "has a control character"},
    };
    char longest[PATH_LONGEST + 2];
    const char *why = NULL;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(path_is_normal(good[i], &why));
        assert_null(why);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(path_is_normal(bad[i].path, &why));
        assert_string_equal(why, bad[i].why);
    }
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[PATH_LONGEST] = '\0';
    assert_true(path_is_normal(longest, &why));
    longest[PATH_LONGEST] = 'a';
    longest[PATH_LONGEST + 1] = '\0';
    assert_false(path_is_normal(longest, &why));
    assert_string_equal(why, "is longer than 1024 bytes");
}

static void test_below(void **state)
{
    (void)state;
    assert_true(path_is_below("/a", "/"));
    assert_true(path_is_below("/a/b", "/a"));
    assert_true(path_is_below("/a/b/c", "/a"));
    assert_false(path_is_below("/", "/"));
    assert_false(path_is_below("/a", "/a"));
    assert_false(path_is_below("/ab", "/a"));
    assert_false(path_is_below("/a", "/a/b"));
}

static void test_parts(void **state)
{
    char parent[PATH_MAX];

    (void)state;
    path_parent("/etc/docker/daemon.json", parent);
    assert_string_equal(parent, "/etc/docker");
    path_parent("/etc", parent);
    assert_string_equal(parent, "/");
    path_parent("/", parent);
    assert_string_equal(parent, "/");
    path_parent("word", parent);
    assert_string_equal(parent, ".");
    snprintf(parent, sizeof(parent), "/a/b");
    assert_true(path_up(parent));
    assert_string_equal(parent, "/a");
    assert_true(path_up(parent));
    assert_string_equal(parent, "/");
    assert_false(path_up(parent));
    assert_string_equal(parent, "/");
    assert_string_equal(path_name("/etc/hosts"), "hosts");
    assert_string_equal(path_name("hosts"), "hosts");
}

/* Follow NAME of the test's directory; `wanted` is relative to it, too, unless absolute. */
static void check_follow(const char *directory, const char *name, const char *wanted)
{
    char path[PATH_MAX];
    char expected[PATH_MAX];
    char resolved[PATH_MAX];
    struct error err = {0};

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    snprintf(expected, sizeof(expected), "%s%s%s", wanted[0] == '/' ? "" : directory, wanted[0] == '/' ? "" : "/",
             wanted);
    if (path_follow(path, resolved, &err) != 0) {
        fail_msg("%s: %s: %s", path, err.what, strerror(err.errnum));
    }
    assert_string_equal(resolved, expected);
}

static int follow_error(const char *path)
{
    char resolved[PATH_MAX];
    struct error err = {0};

    return path_follow(path, resolved, &err) == 0 ? 0 : err.errnum;
}

static void test_follow(void **state)
{
    const char *directory = *state;
    char target[PATH_MAX];

    assert_int_equal(mkdir("real", 0755), 0);
    assert_int_equal(mkdir("real/sub", 0755), 0);
    assert_int_equal(fclose(fopen("real/file", "w")), 0);
    assert_int_equal(symlink("real", "dir"), 0);
    assert_int_equal(symlink("file", "real/to-file"), 0);
    assert_int_equal(symlink("../missing", "real/sub/to-missing"), 0);
    assert_int_equal(symlink("dir/sub/to-missing", "chain"), 0);
    snprintf(target, sizeof(target), "%s/dir/absolute", directory);
    assert_int_equal(symlink(target, "to-absolute"), 0);
    assert_int_equal(symlink("/", "root"), 0);
    assert_int_equal(symlink("gone/file", "into-gone"), 0);

    check_follow(directory, "real/file", "real/file");
    check_follow(directory, "dir/to-file", "real/file");
    check_follow(directory, "dir/new", "real/new");
    check_follow(directory, "real/sub/to-missing", "real/missing");
    check_follow(directory, "chain", "real/missing");
    check_follow(directory, "to-absolute", "real/absolute");
    /* Where the directory is missing as well: the place where it would be made. */
    check_follow(directory, "gone/new/file", "gone/new/file");
    check_follow(directory, "into-gone", "gone/file");
    check_follow(directory, "root", "/");
    check_follow(directory, "root/edgeinit-missing", "/edgeinit-missing");
}

static void test_follow_errors(void **state)
{
    (void)state;
    assert_int_equal(symlink("b", "a"), 0);
    assert_int_equal(symlink("a", "b"), 0);
    assert_int_equal(fclose(fopen("file", "w")), 0);
    assert_int_equal(follow_error("a"), ELOOP);
    assert_int_equal(follow_error("file/below"), ENOTDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal),  cmocka_unit_test(test_below),          cmocka_unit_test(test_parts),
        test_in_directory(test_follow), test_in_directory(test_follow_errors),
    };

    return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
