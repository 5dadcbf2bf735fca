/* SPDX-License-Identifier: Apache-2.0 */
/* One system call by a process that shares our memory: it is made, its errno is told and ours left alone, and it dies with us. */
#include "base/beside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define OUR_ERRNO 4711
#define NOWHERE 8 /* an address that could be a program's, and is not: what no program may have is refused at once */

/* The exit code of a process that makes this call. */
static int made(long number, long a, long b, long c, int unwanted)
{
    const long arguments[5] = {a, b, c};
    pid_t pid;
    struct beside *beside = beside_start(number, arguments, unwanted, &pid);
    int status = -1;

    assert_non_null(beside);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    beside_free(beside);
    return WEXITSTATUS(status);
}

static void it_makes_the_call_and_tells_its_errno(void **state)
{
    char directory[] = "/tmp/unit-beside.XXXXXX";
    char path[sizeof(directory) + 4];
    struct stat status;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/new", directory);
    assert_int_equal(made(SYS_mkdirat, AT_FDCWD, (long)path, 0700, -1), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(made(SYS_mkdirat, AT_FDCWD, (long)path, 0700, -1), EEXIST);
    assert_int_equal(made(SYS_mkdirat, AT_FDCWD, (long)"/nowhere/new", 0700, -1), ENOENT);
    assert_int_equal(made(-1, 0, 0, 0, -1), ENOSYS);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(directory), 0);
}

static void it_has_descriptors_of_its_own_without_the_unwanted(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(made(SYS_fcntl, ends[1], F_GETFD, 0, -1), 0);
    assert_int_equal(made(SYS_fcntl, ends[1], F_GETFD, 0, ends[1]), EBADF);
    assert_int_equal(fcntl(ends[1], F_GETFD), 0);
    close(ends[0]);
    close(ends[1]);
}

/* read(2) fails once there is something to read, and no sooner: then, we had our errno already. */
static void our_errno_is_left_alone(void **state)
{
    int ends[2];
    int status;
    pid_t pid;
    struct beside *beside;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    beside = beside_start(SYS_read, (const long[5]){ends[0], NOWHERE, 1}, -1, &pid);
    assert_non_null(beside);
    errno = OUR_ERRNO;
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(errno, OUR_ERRNO);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EFAULT);
    beside_free(beside);
    close(ends[0]);
    close(ends[1]);
}

/* While it is under way we go on; a signal ends it. */
static void it_is_a_process_of_its_own(void **state)
{
    int ends[2];
    char byte = 0;
    struct beside *beside;
    pid_t pid;
    int status;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    beside = beside_start(SYS_read, (const long[5]){ends[0], (long)&byte, 1}, ends[1], &pid);
    assert_non_null(beside);
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(byte, 'x'); /* into our memory */
    beside_free(beside);

    beside = beside_start(SYS_read, (const long[5]){ends[0], (long)&byte, 1}, ends[1], &pid);
    assert_non_null(beside);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    beside_free(beside);
    close(ends[0]);
    close(ends[1]);
}

/* Its end is seen by that of a pipe which it alone still holds. */
static void it_dies_with_its_parent(void **state)
{
    struct pollfd ended = {.events = POLLIN};
    char byte = 0;
    int held[2];
    int never[2];
    int status;
    pid_t parent;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(held), 0);
    assert_int_equal(pipe(never), 0);
    parent = fork();
    if (parent == 0) {
        if (beside_start(SYS_read, (const long[5]){never[0], (long)&byte, 1}, held[0], &pid) != NULL &&
            write(held[1], "x", 1) == 1 && close(held[1]) == 0) {
            pause();
        }
        _exit(EXIT_FAILURE);
    }
    close(held[1]);
    ended.fd = held[0];
    assert_int_equal(read(held[0], &byte, 1), 1);
    assert_int_equal(poll(&ended, 1, 0), 0);
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(poll(&ended, 1, 30000), 1);
    assert_int_equal(read(held[0], &byte, 1), 0);
    close(held[0]);
    close(never[0]);
    close(never[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_makes_the_call_and_tells_its_errno),
        cmocka_unit_test(it_has_descriptors_of_its_own_without_the_unwanted),
        cmocka_unit_test(our_errno_is_left_alone),
        cmocka_unit_test(it_is_a_process_of_its_own),
        cmocka_unit_test(it_dies_with_its_parent),
    };

    return beside_is_possible() ? cmocka_run_group_tests_name("beside", tests, NULL, NULL) : EXIT_SUCCESS;
}
