/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/path.h"
#include "base/util.h"
#include "run.h"

static struct loop loop;
static struct watcher watcher;
static int descriptors; /* open before the test */

static int open_watcher(void **state)
{
    struct error err = {0};

    if (enter_directory(state) != 0) {
        return -1;
    }
    descriptors = count_descriptors();
    if (loop_open(&loop, &err) != 0) {
        return -1;
    }
    watcher_open(&watcher, &loop);
    return 0;
}

static int close_watcher(void **state)
{
    watcher_close(&watcher);
    assert_null(watcher.watches);
    assert_null(watcher.directories);
    assert_null(loop.timers);
    loop_close(&loop);
    assert_int_equal(count_descriptors(), descriptors);
    return leave_directory(state);
}

static void count_call(void *data)
{
    ++*(int *)data;
}

static struct watch *add(void **state, const char *name, int *count)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", (const char *)*state, name);
    struct error err = {0};
    struct watch *watch = watch_add(&watcher, path, count_call, count, &err);

    assert_non_null(watch);
    return watch;
}

/* What the kernel watches for us, by its own account. */
static int count_inodes(void)
{
    CLEANUP_FREE char *path = xasprintf("/proc/self/fdinfo/%d", watcher.source.fd);
    CLEANUP_FILE FILE *info = fopen(path, "re");
    char line[512];
    int count = 0;

    assert_non_null(info);
    while (fgets(line, sizeof(line), info) != NULL) {
        count += starts_with(line, "inotify ");
    }
    return count;
}

static void test_file_appears_changes_and_goes(void **state)
{
    int count = 0;

    add(state, "file", &count);
    run_silently(&loop, &count);
    shell("touch file");
    run_until_called(&loop, &count);
    run_silently(&loop, &count);
    shell("chmod 0755 file");
    run_until_called(&loop, &count);
    shell("echo more >>file");
    run_until_called(&loop, &count);
    shell("rm file");
    run_until_called(&loop, &count);
    run_silently(&loop, &count);
    shell("touch other && mv other file"); /* renamed into place, as installers do */
    run_until_called(&loop, &count);
    shell("touch other && mv other file");
    run_until_called(&loop, &count);
    shell("mv file other");
    run_until_called(&loop, &count);
    run_silently(&loop, &count);
}

static void test_other_names_call_nobody(void **state)
{
    int count = 0;

    shell("mkdir a");
    add(state, "a/file", &count);
    shell("touch a/other a/fil a/file2 b && chmod 0700 a/other && rm a/other b && mkdir c");
    run_silently(&loop, &count);
}

static void test_nested_directories_appear_and_go(void **state)
{
    int count = 0;

    add(state, "a/b/c/file", &count);
    shell("mkdir a");
    run_until_called(&loop, &count);
    run_silently(&loop, &count);
    shell("mkdir a/b");
    run_until_called(&loop, &count);
    shell("mkdir a/b/c && touch a/b/c/file"); /* both before we look: no event of the second */
    run_until_called(&loop, &count);
    run_silently(&loop, &count);
    shell("rm a/b/c/file");
    run_until_called(&loop, &count);
    shell("rm -r a");
    run_until_called(&loop, &count);
    run_silently(&loop, &count);
    shell("mkdir -p a/b/c && touch a/b/c/file");
    run_until_called(&loop, &count);
    shell("chmod 0700 a/b/c/file");
    run_until_called(&loop, &count);
}

static void test_ancestor_is_renamed(void **state)
{
    int count = 0;

    shell("mkdir -p a/b/c x/b/c && touch a/b/c/file");
    add(state, "a/b/c/file", &count);
    shell("mv a z");
    run_until_called(&loop, &count);
    shell("rm z/b/c/file"); /* not ours any more */
    run_silently(&loop, &count);
    shell("mv x a");
    run_until_called(&loop, &count);
    run_silently(&loop, &count);
    shell("touch a/b/c/file");
    run_until_called(&loop, &count);
}

/* Somebody sits in a directory that is removed and made again: its inode lives on. */
static void test_removed_directory_is_still_open(void **state)
{
    int count = 0;
    int fd;

    shell("mkdir -p a/b");
    fd = open("a/b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    add(state, "a/b/file", &count);
    shell("rmdir a/b");
    run_until_called(&loop, &count);
    shell("mkdir a/b");
    run_until_called(&loop, &count);
    shell("touch a/b/file");
    run_until_called(&loop, &count);
    close(fd);
}

static void test_symlinks(void **state)
{
    int count = 0;

    shell("mkdir -p real/b deep && ln -s ../real/b deep/link && ln -s nowhere/file dangling");
    add(state, "deep/link/file", &count);
    shell("touch real/b/file");
    run_until_called(&loop, &count);
    shell("rm real/b/file");
    run_until_called(&loop, &count);
    run_silently(&loop, &count);
    shell("mkdir real/c && touch real/c/file && ln -s ../real/c new && mv -T new deep/link"); /* ../real is elsewhere */
    run_until_called(&loop, &count);
    shell("mkdir deep/real && ln -sfn real deep/link && touch deep/real/file");
    run_until_called(&loop, &count);
    shell("rm deep/link");
    run_until_called(&loop, &count);

    add(state, "dangling", &count);
    shell("mkdir nowhere");
    run_until_called(&loop, &count);
    shell("touch nowhere/file");
    run_until_called(&loop, &count);
    run_silently(&loop, &count);
}

static void test_absolute_symlink(void **state)
{
    CLEANUP_FREE char *command = xasprintf("mkdir real && ln -s '%s/real' link", (const char *)*state);
    int count = 0;

    shell(command);
    add(state, "link/file", &count);
    shell("touch real/file");
    run_until_called(&loop, &count);
}

static void test_circle_of_symlinks(void **state)
{
    int count = 0;

    shell("ln -s two one && ln -s one two");
    add(state, "one/file", &count);
    run_silently(&loop, &count);
    shell("rm two && mkdir two && touch two/file");
    run_until_called(&loop, &count);
}

static void test_directories_are_shared(void **state)
{
    int first = 0;
    int second = 0;
    int before;
    struct watch *watch;

    shell("mkdir a");
    watch = add(state, "a/first", &first);
    before = count_inodes();
    add(state, "a/second", &second);
    assert_int_equal(count_inodes(), before);
    shell("touch a/first");
    run_until_called(&loop, &first);
    assert_int_equal(second, 0);
    assert_int_equal(count_inodes(), before + 1); /* the file itself */
    watch_remove(&watcher, watch);
    assert_int_equal(count_inodes(), before);
    shell("touch a/second");
    run_until_called(&loop, &second);
    run_silently(&loop, &second);
}

static struct watch *removed[3];
static int removals;

static void remove_all(void *data)
{
    (void)data;
    removals++;
    for (size_t i = 0; i < ARRAY_SIZE(removed); i++) {
        watch_remove(&watcher, removed[i]);
        removed[i] = NULL;
    }
}

/* All are due at once; whoever is called first removes all, itself included, and the source is closed with the last. */
static void test_removed_by_a_call(void **state)
{
    CLEANUP_FREE char *path = xasprintf("%s/file", (const char *)*state);
    struct error err = {0};
    int count = 0;

    removals = 0;
    for (size_t i = 0; i < ARRAY_SIZE(removed); i++) {
        removed[i] = watch_add(&watcher, path, remove_all, NULL, &err);
        assert_non_null(removed[i]);
    }
    shell("touch file");
    run_until_called(&loop, &removals);
    assert_int_equal(watcher.source.fd, -1);
    assert_int_equal(count_descriptors(), descriptors + 1); /* the loop's */
    add(state, "file", &count);
    shell("rm file");
    run_until_called(&loop, &count);
}

static void test_again(void **state)
{
    int first = 0;
    int second = 0;

    watch_again(&watcher);
    add(state, "a/first", &first);
    add(state, "second", &second);
    watch_again(&watcher);
    assert_int_equal(first, 1);
    assert_int_equal(second, 1);
    run_silently(&loop, &first);
}

static void test_overflow(void **state)
{
    int count = 0;

    add(state, "a/file", &count);
    shell("mkdir a");
    run_until_called(&loop, &count);
    /* More events than the queue takes (fs.inotify.max_queued_events, 16384), the one that matters after them. Equal ones
     * in a row would be one. */
    for (int i = 0; i < 4500; i++) {
        int fd = open("a/x", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        close(fd);
        assert_int_equal(rename("a/x", "a/y"), 0);
        assert_int_equal(unlink("a/y"), 0);
    }
    shell("touch a/file");
    run_until_called(&loop, &count);
    run_silently(&loop, &count);
    shell("rm a/file");
    run_until_called(&loop, &count);
}

/* A component that no file system takes: there is nothing to wait for, and nothing goes wrong. */
static void test_impossible_name(void **state)
{
    char path[PATH_LONGEST + 1];
    struct error err = {0};
    int count = 0;

    (void)state;
    memset(path, 'x', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_non_null(watch_add(&watcher, path, count_call, &count, &err));
    run_silently(&loop, &count);
}

static void limit_watches(int most)
{
    CLEANUP_FREE char *command = xasprintf("echo %d >/proc/sys/user/max_inotify_watches", most);

    shell(command);
}

/* In a user namespace of its own, where the limit is ours to set. Stays there: the last test. */
static void test_kernel_refuses(void **state)
{
    CLEANUP_FREE char *other = xasprintf("%s/x/file", (const char *)*state);
    struct error err = {0};
    int count = 0;

    if (geteuid() != 0 || unshare(CLONE_NEWUSER) != 0) {
        skip();
    }
    assert_int_equal(file_put("/proc/self/uid_map", "0 0 1", &err),
                     0); /* ourselves: exec takes the rights from nobody */
    add(state, "a/b/file", &count);
    limit_watches(count_inodes());
    shell("mkdir x");
    assert_null(watch_add(&watcher, other, count_call, NULL, &err));
    assert_int_equal(err.errnum, ENOSPC);
    assert_string_equal(err.remedy, "raise fs.inotify.max_user_watches");

    assert_false(watcher.retry.armed);
    shell("mkdir a");
    run_until_called(&loop, &count);
    assert_true(watcher.retry.armed);
    limit_watches(100);
    loop_timer_set(&loop, &watcher.retry, clock_now(), watcher.retry.call, watcher.retry.data); /* not in ten seconds */
    run_until_called(&loop, &count);
    assert_false(watcher.retry.armed);
    shell("mkdir a/b");
    run_until_called(&loop, &count);
}

#define test_in_watcher(test) cmocka_unit_test_setup_teardown(test, open_watcher, close_watcher)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_watcher(test_file_appears_changes_and_goes),
        test_in_watcher(test_other_names_call_nobody),
        test_in_watcher(test_nested_directories_appear_and_go),
        test_in_watcher(test_ancestor_is_renamed),
        test_in_watcher(test_removed_directory_is_still_open),
        test_in_watcher(test_symlinks),
        test_in_watcher(test_absolute_symlink),
        test_in_watcher(test_circle_of_symlinks),
        test_in_watcher(test_directories_are_shared),
        test_in_watcher(test_removed_by_a_call),
        test_in_watcher(test_again),
        test_in_watcher(test_overflow),
        test_in_watcher(test_impossible_name),
        test_in_watcher(test_kernel_refuses),
    };

    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
