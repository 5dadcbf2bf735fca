/* SPDX-License-Identifier: Apache-2.0 */
#include "host/label.h"

#include <stdlib.h>

#include "base/util.h"
#include "test.h"

static void test_asked(void **state)
{
    static const struct {
        const char *options;
        bool asked;
    } cases[] = {
        {NULL, false},
        {"", false},
        {"noatime", false},
        {"context", false},
        {"context=", false},
        {"nocontext=x", false},
        {"context=u:object_r:x:s0", true},
        {"noatime,defcontext=u:object_r:x:s0", true},
        {"fscontext=a,ro", true},
        {"rootcontext=a", true},
        {"data=\"a,context=b\"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(label_is_asked(cases[i].options), cases[i].asked);
    }
}

/* As a kernel 5.10 shows them (selinux_sb_show_options): quotes where a comma is inside. */
static void test_missing(void **state)
{
    static const struct {
        const char *wanted;
        const char *shown;
        const char *missing;
    } cases[] = {
        {"noatime", "rw,lazytime", NULL},
        {"context=u:object_r:x:s0", "rw,lazytime,context=u:object_r:x:s0,background_gc=on", NULL},
        {"noatime,context=u:object_r:x:s0", "rw,seclabel", "context=u:object_r:x:s0"},
        {"context=u:object_r:x:s0", "rw,context=u:object_r:y:s0", "context=u:object_r:x:s0"},
        {"context=u:object_r:x:s0", "rw,context=u:object_r:x:s0:c1", "context=u:object_r:x:s0"},
        {"context=\"u:object_r:x:s0:c1,c2\"", "rw,context=\"u:object_r:x:s0:c1,c2\",ro", NULL},
        {"context=\"u:object_r:x:s0\"", "rw,context=u:object_r:x:s0", NULL},
        {"defcontext=u:object_r:x:s0", "rw,seclabel,defcontext=u:object_r:x:s0", NULL},
        {"defcontext=u:object_r:x:s0", "rw,context=u:object_r:x:s0", "defcontext=u:object_r:x:s0"},
        {"context=a,rootcontext=b", "context=a", "rootcontext=b"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *missing = label_missing(cases[i].wanted, cases[i].shown);

        if (cases[i].missing == NULL) {
            assert_null(missing);
        } else {
            assert_non_null(missing);
            assert_string_equal(missing, cases[i].missing);
        }
    }
}

static void test_options(void **state)
{
    static const struct {
        const char *options;
        const char *without; /* on a kernel without SELinux */
    } cases[] = {
        {"noatime,nodev", "noatime,nodev"},
        {"context=u:object_r:x:s0", ""},
        {"noatime,context=\"u:object_r:x:s0:c1,c2\",nodev", "noatime,nodev"},
        {"context=a,defcontext=b,ro", "ro"},
    };

    (void)state;
    assert_null(label_options(NULL));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *options = label_options(cases[i].options);

        assert_string_equal(options, label_is_used() ? cases[i].options : cases[i].without);
    }
}

/* A quoted one is what the kernel shows of a label with a comma. */
static void test_there(void **state)
{
    static const struct {
        const char *label;
        const char *shown;
        bool there;
    } cases[] = {
        {"u:object_r:x:s0", "rw,context=u:object_r:x:s0,background_gc=on", true},
        {"u:object_r:x:s0", "rw,seclabel,defcontext=u:object_r:x:s0", true},
        {"u:object_r:x:s0", "rw,seclabel", false},
        {"u:object_r:x:s0", "rw,fscontext=u:object_r:x:s0", false},
        {"u:object_r:x:s0", "rw,context=u:object_r:x:s0:c1", false},
        {"u:object_r:x:s0:c1,c2", "rw,context=\"u:object_r:x:s0:c1,c2\"", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(label_is_there(cases[i].label, cases[i].shown), cases[i].there);
    }
}

/* On a kernel without SELinux, and on one whose policy is not OpenHarmony's, "label" means nothing: tests/board/70-selinux.t
 * is where it does. */
static void test_join(void **state)
{
    static const struct {
        const char *options;
        const char *label;
        const char *joined;
    } cases[] = {
        {NULL, NULL, NULL},
        {"noatime", NULL, "noatime"},
        {NULL, "u:object_r:edge_content_file:s0", NULL},
        {"noatime", "u:object_r:edge_content_file:s0", "noatime"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_FREE char *joined = label_join(cases[i].options, cases[i].label);

        if (cases[i].joined == NULL) {
            assert_null(joined);
        } else {
            assert_string_equal(joined, cases[i].joined);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asked), cmocka_unit_test(test_missing), cmocka_unit_test(test_options),
        cmocka_unit_test(test_there), cmocka_unit_test(test_join),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
