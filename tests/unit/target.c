/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/check.h"

#include "base/util.h"
#include "test.h"

static void test_status(void **state)
{
    static const struct {
        const char *bytes;
        int status;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n", 200},
        {"HTTP/1.0 200", 200},
        {"HTTP/1.1 204 No Content\r\n", 204},
        {"HTTP/1.0  404\n", 404},
        {"HTTP/1.1 599", 599},
        {"HTTP/1.1 600", -1},
        {"HTTP/1.1 099", -1},
        {"", 0},
        {"H", 0},
        {"HTTP/1.1", 0},
        {"HTTP/1.1 ", 0},
        {"HTTP/1.1    ", 0},
        {"HTTP/1.1 20", 0},
        {"HTTP/1.1 2x", -1},
        {"HTTP/1.1 200", 200},
        {"HTTP/2 200", -1},
        {"HTTP/1.x 200", -1},
        {"http/1.1 200", -1},
        {"HTTP/1.1\r\n200", -1},
        {"<html>", -1},
        {"\r\nHTTP/1.1 200", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(http_status(cases[i].bytes, strlen(cases[i].bytes)), cases[i].status);
    }
}

static void test_targets(void **state)
{
    static const char form[] = "must be unix:/socket:/path or http://address:port/path";
    static const char number[] = "needs an address in numbers, such as 127.0.0.1 or [::1], or localhost: names are not "
                                 "looked up";
    static const char escape[] = "has a path with a blank or another character that HTTP wants escaped (%20)";
    static const char range[] = "has a port that is not 1 to 65535";
    static const struct {
        enum check_kind kind;
        const char *target;
        const char *why; /* NULL: good */
    } cases[] = {
        {CHECK_HTTP, "unix:/var/run/docker.sock:/_ping", NULL},
        {CHECK_HTTP, "http://127.0.0.1:10350/healthz", NULL},
        {CHECK_HTTP, "http://[::1]:80/", NULL},
        {CHECK_HTTP, "http://localhost:80", NULL},
        {CHECK_HTTP, "unix:/s:/x?u=http://y:1/:/", NULL},
        {CHECK_HTTP, "", form},
        {CHECK_HTTP, "https://127.0.0.1:1/", form},
        {CHECK_HTTP, "/var/run/docker.sock", form},
        {CHECK_HTTP, "unix:/var/run/docker.sock", "names no path to ask for: unix:/socket:/path"},
        {CHECK_HTTP, "unix:run/docker.sock:/x", "names a socket whose path is not absolute and normal"},
        {CHECK_HTTP, "unix::/x", "names a socket whose path is not absolute and normal"},
        {CHECK_HTTP,
         "unix:/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
         "012345678:/x",
         "names a socket whose path is longer than 107 bytes"},
        {CHECK_HTTP, "http://127.0.0.1/healthz", "names no port"},
        {CHECK_HTTP, "http://[::1]/", "names no port"},
        {CHECK_HTTP, "http:///", "names no port"},
        {CHECK_HTTP, "http://example.com:80/", number},
        {CHECK_HTTP, "http://:80/", number},
        {CHECK_HTTP, "http://::1:80/", number},
        {CHECK_HTTP, "http://[127.0.0.1]:80/", number},
        {CHECK_HTTP, "http://127.0.0.1:0/", range},
        {CHECK_HTTP, "http://127.0.0.1:65536/", range},
        {CHECK_HTTP, "http://127.0.0.1:/", range},
        {CHECK_HTTP, "http://127.0.0.1:+80/", range},
        {CHECK_HTTP, "http://127.0.0.1:80/a b", escape},
        {CHECK_HTTP, "unix:/s:/a\r\nX: y", escape},
        {CHECK_TCP, "127.0.0.1:10350", NULL},
        {CHECK_TCP, "[::1]:80", NULL},
        {CHECK_TCP, "localhost:65535", NULL},
        {CHECK_TCP, "10350", "names no port"},
        {CHECK_TCP, "127.0.0.1:80/", range},
        {CHECK_TCP, "[::1%lo]:80", number},
        {CHECK_FILE, "/run/ready", NULL},
        {CHECK_FILE, "run/ready", "is not absolute"},
        {CHECK_COMMAND, "/bin/true", NULL},
        {CHECK_COMMAND, "true", "is not absolute"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *why = NULL;

        assert_int_equal(check_target_is_good(cases[i].kind, cases[i].target, &why), cases[i].why == NULL);
        if (cases[i].why != NULL) {
            assert_string_equal(why, cases[i].why);
        } else {
            assert_null(why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_targets),
    };

    return cmocka_run_group_tests_name("target", tests, NULL, NULL);
}
