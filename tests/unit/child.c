/* SPDX-License-Identifier: Apache-2.0 */
/* A child that dies with its parent, whenever that dies. */
#include "base/child.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

#include "test.h"

/* A child of ours and one of its own, which says "x" when it is past child_die_with() and then lives on; what it says comes from
 * *said, and the end of that tells that it is dead. With `orphan` the child has died before. */
static pid_t family(bool orphan, int *said)
{
    int ends[2];
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        pid_t parent = getpid();

        if (fork() == 0) {
            while (orphan && getppid() == parent) {
                usleep(1000);
            }
            child_die_with(parent);
            if (write(ends[1], "x", 1) == 1) {
                pause();
            }
            _exit(EXIT_FAILURE);
        }
        close(ends[1]);
        if (!orphan) {
            pause();
        }
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    *said = ends[0];
    return child;
}

static void test_parent_dies(void **state)
{
    int said;
    pid_t child = family(false, &said);
    char byte;

    (void)state;
    assert_int_equal(read(said, &byte, 1), 1);
    kill(child, SIGKILL);
    assert_int_equal(read(said, &byte, 1), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(said);
}

static void test_parent_is_dead(void **state)
{
    int said;
    pid_t child = family(true, &said);
    char byte;

    (void)state;
    assert_int_equal(read(said, &byte, 1), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parent_dies),
        cmocka_unit_test(test_parent_is_dead),
    };

    return cmocka_run_group_tests_name("child", tests, NULL, NULL);
}
