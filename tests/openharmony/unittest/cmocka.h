/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of cmocka's interface as the unit tests use, for a tree of OpenHarmony, which has no cmocka: an assertion that fails
 * says where, and ends its test; a group returns how many failed.
 */
#ifndef EDGEINIT_UNITTEST_CMOCKA_H
#define EDGEINIT_UNITTEST_CMOCKA_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
    void *initial_state;
};

/* The sources' main(), which BUILD.gn gives a name of its own. */
int main(void);

static jmp_buf cmocka_end;

__attribute__((noreturn, format(printf, 3, 4), unused)) static void cmocka_fail(const char *file, int line,
                                                                                const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    longjmp(cmocka_end, 1);
}

/* In a function, for a macro would evaluate its arguments twice. */
__attribute__((unused)) static void cmocka_compare(const char *file, int line, intmax_t a, intmax_t b, int equal,
                                                   const char *what)
{
    if ((a == b) != equal) {
        cmocka_fail(file, line, "%s: %" PRIdMAX " and %" PRIdMAX, what, a, b);
    }
}

__attribute__((unused)) static void cmocka_compare_texts(const char *file, int line, const char *a, const char *b,
                                                         int equal)
{
    if ((strcmp(a, b) == 0) != equal) {
        cmocka_fail(file, line, "\"%s\" %s \"%s\"", a, equal ? "!=" : "==", b);
    }
}

__attribute__((unused)) static void cmocka_compare_memory(const char *file, int line, const void *a, const void *b,
                                                          size_t size)
{
    if (memcmp(a, b, size) != 0) {
        cmocka_fail(file, line, "%zu bytes differ", size);
    }
}

#define assert_int_equal(a, b) cmocka_compare(__FILE__, __LINE__, (intmax_t)(a), (intmax_t)(b), 1, #a " != " #b)
#define assert_int_not_equal(a, b) cmocka_compare(__FILE__, __LINE__, (intmax_t)(a), (intmax_t)(b), 0, #a " == " #b)
#define assert_true(c) cmocka_compare(__FILE__, __LINE__, !(c), 0, 1, #c " is not true")
#define assert_false(c) cmocka_compare(__FILE__, __LINE__, !(c), 1, 1, #c " is not false")
#define assert_null(p) cmocka_compare(__FILE__, __LINE__, (p) == NULL, 1, 1, #p " is not NULL")
#define assert_non_null(p) cmocka_compare(__FILE__, __LINE__, (p) != NULL, 1, 1, #p " is NULL")
#define assert_ptr_equal(a, b) \
    cmocka_compare(__FILE__, __LINE__, (const void *)(a) == (const void *)(b), 1, 1, #a " != " #b)
#define assert_string_equal(a, b) cmocka_compare_texts(__FILE__, __LINE__, a, b, 1)
#define assert_string_not_equal(a, b) cmocka_compare_texts(__FILE__, __LINE__, a, b, 0)
#define assert_memory_equal(a, b, size) cmocka_compare_memory(__FILE__, __LINE__, a, b, size)
#define assert_in_range(v, low, high) \
    cmocka_compare(__FILE__, __LINE__, (v) >= (low) && (v) <= (high), 1, 1, #v " is not within " #low " and " #high)
#define fail_msg(...) cmocka_fail(__FILE__, __LINE__, __VA_ARGS__)
#define fail() cmocka_fail(__FILE__, __LINE__, "failed")

#define cmocka_unit_test_setup_teardown(test, setup, teardown) \
    {                                                          \
#test, test, setup, teardown, NULL                     \
    }
#define cmocka_unit_test_setup(test, setup) cmocka_unit_test_setup_teardown(test, setup, NULL)
#define cmocka_unit_test(test) cmocka_unit_test_setup_teardown(test, NULL, NULL)

/* 1: it failed. Nothing local changes between setjmp and longjmp. */
static inline int cmocka_run(const struct CMUnitTest *test, void **state)
{
    if (test->setup != NULL && test->setup(state) != 0) {
        fprintf(stderr, "%s: its setup failed\n", test->name);
        return 1;
    }
    if (setjmp(cmocka_end) != 0) {
        fprintf(stderr, "%s failed\n", test->name);
        return 1;
    }
    test->test(state);
    return test->teardown != NULL && test->teardown(state) != 0;
}

static inline int cmocka_run_all(const struct CMUnitTest *tests, size_t count)
{
    int failed = 0;

    for (size_t i = 0; i < count; i++) {
        void *state = NULL;

        failed += cmocka_run(&tests[i], &state);
    }
    return failed;
}

/* No test has a setup or teardown for its group. */
#define cmocka_run_group_tests(tests, setup, teardown) cmocka_run_all(tests, sizeof(tests) / sizeof((tests)[0]))
#define cmocka_run_group_tests_name(name, tests, setup, teardown) cmocka_run_group_tests(tests, setup, teardown)

#endif
