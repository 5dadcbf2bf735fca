/* SPDX-License-Identifier: Apache-2.0 */
/* How a static Go program finds a name: net/conf_test.go's cases, as far as they are about static programs on Linux. */
#include "doctor/resolve.h"

#include "base/util.h"
#include "test.h"

static const struct {
    const char *nsswitch;
    const char *name;
    enum resolve_order old;
    enum resolve_order new;
} cases[] = {
    /* No file, or nothing in it about hosts: the rule that changed with Go 1.16. */
    {NULL, "localhost", RESOLVE_DNS_FILES, RESOLVE_FILES_DNS},
    {"", "localhost", RESOLVE_DNS_FILES, RESOLVE_FILES_DNS},
    {"# hosts: files\npasswd: files\n", "localhost", RESOLVE_DNS_FILES, RESOLVE_FILES_DNS},
    {"hosts:\n", "localhost", RESOLVE_DNS_FILES, RESOLVE_FILES_DNS},
    {"hosts: # files\n", "localhost", RESOLVE_DNS_FILES, RESOLVE_FILES_DNS},
    /* Said plainly. */
    {"hosts: files dns\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"passwd: x\nhosts:\tfiles\tdns", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"  hosts : files dns", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"hosts: dns files\n", "localhost", RESOLVE_DNS_FILES, RESOLVE_DNS_FILES},
    {"hosts: dns\n", "localhost", RESOLVE_DNS, RESOLVE_DNS},
    {"hosts: files\n", "localhost", RESOLVE_FILES, RESOLVE_FILES},
    {"hosts: files\nhosts: dns\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"hosts: dns files # files dns\n", "localhost", RESOLVE_DNS_FILES, RESOLVE_DNS_FILES},
    /* Criteria that change nothing, and others: then a static program falls back to files, dns. */
    {"hosts: dns [!UNAVAIL=return] files\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"hosts: dns [NOTFOUND=continue] files\n", "localhost", RESOLVE_DNS_FILES, RESOLVE_DNS_FILES},
    {"hosts: dns [success=return notfound=continue] files\n", "localhost", RESOLVE_DNS_FILES, RESOLVE_DNS_FILES},
    {"hosts: dns [notfound=return] files\n", "localhost", RESOLVE_DNS_FILES, RESOLVE_DNS_FILES},
    {"hosts: dns [notfound=return unavail=continue] files\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"hosts: dns [success=continue] files\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"hosts: dns [whatever=return] files\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"hosts: dns[notfound=continue] files\n", "localhost", RESOLVE_DNS_FILES, RESOLVE_DNS_FILES},
    {"hosts: dns [notfound=continue files\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"hosts: dns [notfound] files\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    /* Sources that it knows, and others. */
    {"hosts: mdns4_minimal dns files\n", "localhost", RESOLVE_DNS_FILES, RESOLVE_DNS_FILES},
    {"hosts: myhostname dns files\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"hosts: myhostname dns files\n", "BOARD", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"hosts: myhostname dns files\n", "other", RESOLVE_DNS_FILES, RESOLVE_DNS_FILES},
    {"hosts: resolve dns files\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {"hosts: mdns\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    /* A file that does not parse, and a name that is not for DNS. */
    {"hosts dns\n", "localhost", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
    {NULL, "printer.local", RESOLVE_FILES_DNS, RESOLVE_FILES_DNS},
};

static void order(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        enum resolve_order old = resolve_order(cases[i].nsswitch, cases[i].name, "board", GO_BEFORE_1_16);
        enum resolve_order new = resolve_order(cases[i].nsswitch, cases[i].name, "board", GO_SINCE_1_16);

        if (old != cases[i].old || new != cases[i].new) {
            fail_msg("case %zu: %s: %d, %d", i, cases[i].nsswitch == NULL ? "no file" : cases[i].nsswitch, old, new);
        }
    }
}

static void hosts(void **state)
{
    static const char text[] = "# 127.0.0.1 comment\n"
                               "127.0.0.1\tLocalhost  loopback # here\n"
                               "::1 localhost ip6-localhost\r\n"
                               "nonsense board\n"
                               "10.0.0.1\n"
                               "10.0.0.2 board #board2\n";
    char address[64] = "";

    (void)state;
    assert_true(resolve_in_hosts(text, "localhost", address));
    assert_string_equal(address, "127.0.0.1");
    assert_true(resolve_in_hosts(text, "ip6-localhost", address));
    assert_string_equal(address, "::1");
    assert_true(resolve_in_hosts(text, "board", address));
    assert_string_equal(address, "10.0.0.2");
    assert_false(resolve_in_hosts(text, "comment", address));
    assert_false(resolve_in_hosts(text, "here", address));
    assert_false(resolve_in_hosts(text, "board2", address));
    assert_false(resolve_in_hosts(text, "local", address));
    assert_false(resolve_in_hosts("", "localhost", address));
    assert_false(resolve_in_hosts(NULL, "localhost", address));
    /* The tutorial's broken line: echo "0" > 127.0.0.1 localhost. */
    assert_false(resolve_in_hosts("0\n", "localhost", address));
}

static void patience(void **state)
{
    (void)state;
    assert_int_equal(resolve_patience(NULL), 0);
    assert_int_equal(resolve_patience(""), 0);
    assert_int_equal(resolve_patience("nameserver 8.8.8.8\n"), 10);
    assert_int_equal(resolve_patience("nameserver 114.114.114.114\nnameserver 8.8.8.8\n"), 20);
    assert_int_equal(resolve_patience("nameserver a\nnameserver b\nnameserver c\nnameserver d\n"), 30);
    assert_int_equal(resolve_patience("options timeout:1 attempts:3\nnameserver 8.8.8.8\n"), 3);
    assert_int_equal(resolve_patience("options timeout:0 attempts:0\nnameserver 8.8.8.8\n"), 1);
    assert_int_equal(resolve_patience("options timeout:100 rotate\nnameserver 8.8.8.8\n"), 60);
    assert_int_equal(resolve_patience("; nameserver 8.8.8.8\n#nameserver 8.8.8.8\nnameserver\n"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order), cmocka_unit_test(hosts), cmocka_unit_test(patience)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
