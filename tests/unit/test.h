/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test includes: cmocka with the headers that it wants before it, and a directory of one's own. */
#ifndef EDGEINIT_TESTS_UNIT_TEST_H
#define EDGEINIT_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* setup and teardown: run the test in an empty directory, whose real path *state is. */
static inline int enter_directory(void **state)
{
    char *path = NULL;
    char *made = strdup("/tmp/edgeinit-unit-XXXXXX");

    if (made == NULL || mkdtemp(made) == NULL || chdir(made) != 0) {
        free(made);
        return -1;
    }
    path = realpath(made, NULL);
    free(made);
    *state = path;
    return path == NULL ? -1 : 0;
}

static inline int leave_directory(void **state)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s'", (const char *)*state);
    free(*state);
    /* NOLINTNEXTLINE(cert-env33-c): the path is ours */
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

#define test_in_directory(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)

#endif
