/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "supervise/condition.h"
#include "test.h"

static void test_values(void **state)
{
    static const struct {
        enum condition_kind kind;
        const char *value;
        const char *why; /* NULL: good */
        int64_t clock;
    } cases[] = {
        {CONDITION_ROUTE, "default", NULL, 0},
        {CONDITION_ROUTE, "10.0.0.0/8", NULL, 0},
        {CONDITION_ROUTE, "0.0.0.0/0", NULL, 0},
        {CONDITION_ROUTE, "192.168.1.1", NULL, 0},
        {CONDITION_ROUTE, "2001:db8::/32", NULL, 0},
        {CONDITION_ROUTE, "::/0", NULL, 0},
        {CONDITION_ROUTE, "", "must be \"default\", an address, or a network such as 10.0.0.0/8", 0},
        {CONDITION_ROUTE, "Default", "must be \"default\", an address, or a network such as 10.0.0.0/8", 0},
        {CONDITION_ROUTE, "10.0.0", "must be \"default\", an address, or a network such as 10.0.0.0/8", 0},
        {CONDITION_ROUTE, "10.0.0.0/33", "has a prefix length that is not 0 to 32", 0},
        {CONDITION_ROUTE, "10.0.0.0/", "has a prefix length that is not 0 to 32", 0},
        {CONDITION_ROUTE, "10.0.0.0/-1", "has a prefix length that is not 0 to 32", 0},
        {CONDITION_ROUTE, "10.0.0.0/08", "has a prefix length that is not 0 to 32", 0},
        {CONDITION_ROUTE, "::/129", "has a prefix length that is not 0 to 128", 0},
        {CONDITION_ADDRESS, "wlan0", NULL, 0},
        {CONDITION_ADDRESS, "fifteen-bytes-0", NULL, 0},
        {CONDITION_ADDRESS, "", "must be an interface's name, 1 to 15 bytes", 0},
        {CONDITION_ADDRESS, "sixteen-bytes-00", "must be an interface's name, 1 to 15 bytes", 0},
        {CONDITION_ADDRESS, "a/b", "is no possible name of an interface", 0},
        {CONDITION_ADDRESS, "..", "is no possible name of an interface", 0},
        {CONDITION_FILE, "/data/token", NULL, 0},
        {CONDITION_FILE, "data", "is not absolute", 0},
        {CONDITION_MOUNT, "/mnt", NULL, 0},
        {CONDITION_MOUNT, "/mnt/", "ends in a slash", 0},
        {CONDITION_CLOCK, "1970-01-01", NULL, 0},
        {CONDITION_CLOCK, "2024-01-01", NULL, 1704067200},
        {CONDITION_CLOCK, "2024-02-29", NULL, 1709164800},
        {CONDITION_CLOCK, "2024-03-01", NULL, 1709251200},
        {CONDITION_CLOCK, "2000-03-01", NULL, 951868800},
        {CONDITION_CLOCK, "2100-03-01", NULL, 4107542400},
        {CONDITION_CLOCK, "2024-01-01T12:00:01Z", NULL, 1704110401},
        {CONDITION_CLOCK, "9999-12-31T23:59:59Z", NULL, 253402300799},
        {CONDITION_CLOCK, "2023-02-29", "names a day that there is not, or one before 1970", 0},
        {CONDITION_CLOCK, "2100-02-29", "names a day that there is not, or one before 1970", 0},
        {CONDITION_CLOCK, "2024-13-01", "names a day that there is not, or one before 1970", 0},
        {CONDITION_CLOCK, "2024-00-01", "names a day that there is not, or one before 1970", 0},
        {CONDITION_CLOCK, "2024-04-31", "names a day that there is not, or one before 1970", 0},
        {CONDITION_CLOCK, "1969-12-31", "names a day that there is not, or one before 1970", 0},
        {CONDITION_CLOCK, "2024-01-01T24:00:00Z", "names a time of day that there is not", 0},
        {CONDITION_CLOCK, "2024-01-01T12:00:00",
         "must be a day or an instant in UTC, such as 2024-01-01 or "
         "2024-01-01T12:00:00Z",
         0},
        {CONDITION_CLOCK, "2024-1-1", "must be a day or an instant in UTC, such as 2024-01-01 or 2024-01-01T12:00:00Z",
         0},
        {CONDITION_CLOCK, "", "must be a day or an instant in UTC, such as 2024-01-01 or 2024-01-01T12:00:00Z", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *why = NULL;
        int64_t clock = 0;
        bool good = condition_value_is_good(cases[i].kind, cases[i].value, &clock, &why);

        assert_int_equal(good, cases[i].why == NULL);
        if (!good) {
            assert_string_equal(why, cases[i].why);
        }
        assert_int_equal(clock, cases[i].clock);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
