/* SPDX-License-Identifier: Apache-2.0 */
/* What the pool hands out is ours alone until it is freed, and then the kernel's. */
#include "base/pool.h"

#include <stdint.h>

#include "base/util.h"
#include "test.h"

enum { MANY = 4000, SIZE = 64 }; /* 250 kB: several pieces */

/* Is there such a mapping still? */
static bool is_mapped(const void *thing)
{
    CLEANUP_FILE FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    bool found = false;

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        char *rest = NULL;
        uintptr_t from = strtoul(line, &rest, 16);
        uintptr_t to = strtoul(rest + 1, NULL, 16);

        found |= (uintptr_t)thing >= from && (uintptr_t)thing < to;
    }
    return found;
}

static void closed_it_hands_out_nothing(void **state)
{
    int ours = 0;

    (void)state;
    assert_null(pool_allocate(16));
    assert_false(pool_free(&ours));
    assert_false(pool_free(NULL));
}

static void things_are_apart_and_go_back(void **state)
{
    static unsigned char *things[MANY];

    (void)state;
    pool_open();
    if ((things[0] = pool_allocate(SIZE)) == NULL) {
        pool_close();
        skip(); /* AddressSanitizer */
    }
    for (size_t i = 1; i < MANY; i++) {
        things[i] = pool_allocate(SIZE);
        assert_non_null(things[i]);
        assert_int_equal((uintptr_t)things[i] % 16, 0);
    }
    assert_null(pool_allocate((size_t)1024 * 1024)); /* no business of the pool's */
    pool_close();
    for (size_t i = 0; i < MANY; i++) {
        memset(things[i], (int)(i % 251), SIZE);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(things[i][0], i % 251);
        assert_int_equal(things[i][SIZE - 1], i % 251);
    }
    /* All but one: its piece stays, the others go. */
    for (size_t i = MANY - 1; i > 0; i--) {
        assert_true(pool_free(things[i]));
    }
    assert_true(is_mapped(things[0]));
    assert_false(is_mapped(things[MANY - 1]));
    assert_false(pool_free(things[MANY - 1]));
    assert_true(pool_free(things[0]));
    assert_false(is_mapped(things[0]));
}

/* A manifest that is read while another one is still there. */
static void opened_again(void **state)
{
    void *first;
    void *second;

    (void)state;
    pool_open();
    first = pool_allocate(SIZE);
    pool_close();
    if (first == NULL) {
        skip();
    }
    pool_open();
    second = pool_allocate(SIZE);
    assert_non_null(second);
    assert_ptr_not_equal(first, second);
    assert_true(pool_free(first));
    pool_close();
    assert_true(is_mapped(second));
    assert_true(pool_free(second));
    assert_false(is_mapped(second));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_it_hands_out_nothing),
        cmocka_unit_test(things_are_apart_and_go_back),
        cmocka_unit_test(opened_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
