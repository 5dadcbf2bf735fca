/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/condition.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>

#include "base/util.h"
#include "host/facts.h"
#include "run.h"

static struct loop loop;
static struct watcher watcher;
static struct conditions conditions;
static int changes;
static int descriptors;

static void count_change(void *data)
{
    (void)data;
    changes++;
}

static int open_conditions(void **state)
{
    struct error err = {0};

    if (enter_directory(state) != 0) {
        return -1;
    }
    changes = 0;
    descriptors = count_descriptors();
    if (loop_open(&loop, &err) != 0) {
        return -1;
    }
    watcher_open(&watcher, &loop);
    conditions_open(&conditions, &loop, &watcher, count_change, NULL);
    return 0;
}

static int close_conditions(void **state)
{
    conditions_close(&conditions);
    assert_null(watcher.watches);
    watcher_close(&watcher);
    loop_close(&loop);
    assert_int_equal(count_descriptors(), descriptors);
    return leave_directory(state);
}

static struct condition_config config_of(enum condition_kind kind, const char *value)
{
    struct condition_config config = {.kind = kind, .value = value};
    const char *why = NULL;

    assert_true(condition_value_is_good(kind, value, &config.clock, &why));
    return config;
}

static void add(const struct condition_config *config)
{
    struct error err = {0};

    assert_int_equal(conditions_add(&conditions, config, 1, &err), 0);
}

static void assert_holds(const struct condition_config *config)
{
    char reason[256] = "";

    if (!condition_holds(config, reason, sizeof(reason))) {
        fail_msg("%s: %s", config->value, reason);
    }
}

static void assert_lacks(const struct condition_config *config, const char *wanted)
{
    char reason[256] = "";

    assert_false(condition_holds(config, reason, sizeof(reason)));
    assert_string_equal(reason, wanted);
}

static bool lacks_no_more(const void *data)
{
    char reason[256];

    return changes > 0 && condition_holds(data, reason, sizeof(reason));
}

/* `changed` may come before the fact is complete, and again when it is. */
static void run_until_holds(const struct condition_config *config)
{
    assert_true(run_for(&loop, RUN_LONGEST, lacks_no_more, config));
    changes = 0;
}

static bool lacks_again(const void *data)
{
    return changes > 0 && !lacks_no_more(data);
}

static void run_until_lacks(const struct condition_config *config, const char *reason)
{
    assert_true(run_for(&loop, RUN_LONGEST, lacks_again, config));
    assert_lacks(config, reason);
    changes = 0;
}

/* What a change sets in motion (duplicate address detection, link-local addresses) comes to rest. */
static void settle(void)
{
    do {
        changes = 0;
        run_for(&loop, RUN_SILENCE, NULL, NULL);
    } while (changes > 0);
}

/* A network of our own: nothing but lo, and a pair of interfaces that are each other's cable. */
static void enter_network(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        skip();
    }
    shell("command -v ip >/dev/null && ip link set lo up && ip link add d0 type veth peer name d1 && "
          "ip link set d1 up");
}

static void test_names(void **state)
{
    char name[64];

    (void)state;
    for (int kind = 0; kind < CONDITION_KINDS; kind++) {
        static const char *const names[] = {"route x", "address x", "clock x", "file x", "mount x"};
        struct condition_config config = {.kind = (enum condition_kind)kind, .value = "x"};

        assert_string_equal(condition_name(&config, name, sizeof(name)), names[kind]);
    }
}

static void test_default_route(void **state)
{
    struct condition_config any = config_of(CONDITION_ROUTE, "default");
    struct condition_config ipv4 = config_of(CONDITION_ROUTE, "0.0.0.0/0");
    struct condition_config ipv6 = config_of(CONDITION_ROUTE, "::/0");

    (void)state;
    enter_network();
    add(&any);
    assert_lacks(&any, "no default route");
    run_silently(&loop, &changes);
    shell("ip link set d0 up && ip addr add 10.1.0.1/16 dev d0 && ip route add default via 10.1.0.2");
    run_until_holds(&any);
    assert_holds(&ipv4);
    assert_lacks(&ipv6, "no route to ::/0");
    settle();
    shell("ip route del default");
    run_until_lacks(&any, "no default route");
    shell("ip route add blackhole default");
    assert_lacks(&any, "no default route");
    shell("ip route del blackhole default && ip route add 0.0.0.0/1 via 10.1.0.2 && ip route add 128.0.0.0/1 dev d0");
    run_until_holds(&any);        /* as VPNs do it */
    shell("ip link set d0 down"); /* takes the routes along without a word of them */
    run_until_lacks(&any, "no default route");
    shell("ip link set d0 up && ip -6 addr add 2001:db8::1/64 dev d0 nodad && ip -6 route add default via 2001:db8::2");
    run_until_holds(&any);
    assert_holds(&ipv6);
    assert_lacks(&ipv4, "no route to 0.0.0.0/0");
    shell("ip -6 route replace unreachable default metric 1");
    run_until_lacks(&any, "no default route");
}

/* OpenHarmony's way: each network has a table of its own, and a rule makes one of them the default. */
static void test_default_route_by_rule(void **state)
{
    struct condition_config any = config_of(CONDITION_ROUTE, "default");

    (void)state;
    enter_network();
    add(&any);
    shell("ip link set d0 up && ip addr add 10.1.0.1/16 dev d0 && ip route add default via 10.1.0.2 table 100");
    settle();
    assert_lacks(&any, "no default route");
    shell("ip rule add priority 100 fwmark 0x0/0xffff iif lo lookup 100");
    run_until_holds(&any);
    shell("ip rule del priority 100");
    run_until_lacks(&any, "no default route");
}

static void test_routes_to_networks(void **state)
{
    static const struct {
        const char *value;
        bool holds;
    } cases[] = {
        {"10.1.0.0/16", true},      {"10.1.0.2", true},      {"10.1.5.0/24", true},
        {"10.1.0.4/31", true},      {"10.2.0.0/16", false},  {"10.1.0.1", false},
        {"10.1.0.1/32", false},     {"10.0.0.0/8", false},   {"127.0.0.0/8", false},
        {"172.16.0.9", true},       {"2001:db8::/64", true}, {"2001:db8::5", true},
        {"2001:db8:1::/64", false}, {"::1", false},          {"2001:db8:0:0:8000::/65", true},
    };

    (void)state;
    enter_network();
    shell("ip link set d0 up && ip addr add 10.1.0.1/16 dev d0 && ip addr add 10.1.0.3/16 dev d0 && "
          "ip route add 172.16.0.8/29 via 10.1.0.2 && ip -6 addr add 2001:db8::1/64 dev d0 nodad");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct condition_config config = config_of(CONDITION_ROUTE, cases[i].value);
        char reason[256];

        if (condition_holds(&config, reason, sizeof(reason)) != cases[i].holds) {
            fail_msg("%s", cases[i].value);
        }
    }
}

static void test_address(void **state)
{
    struct condition_config config = config_of(CONDITION_ADDRESS, "d0");
    struct condition_config other = config_of(CONDITION_ADDRESS, "wlan0");

    (void)state;
    enter_network();
    add(&config);
    add(&other);
    assert_lacks(&other, "there is no interface wlan0");
    assert_lacks(&config, "d0 is down");
    shell("ip addr add 10.1.0.1/16 dev d0");
    assert_lacks(&config, "d0 is down");
    shell("ip link set d0 up");
    run_until_holds(&config);
    shell("ip link set d1 down"); /* the cable is pulled */
    run_until_lacks(&config, "d0 is down");
    shell("ip link set d1 up");
    run_until_holds(&config);
    shell("ip addr del 10.1.0.1/16 dev d0");
    run_until_lacks(&config, "d0 has no address"); /* IPv6's fe80:: is of the link only */
    shell("ip addr add 10.1.0.1/16 dev d0 scope link && ip addr add 10.2.0.1/16 dev d1");
    settle();
    assert_lacks(&config, "d0 has no address");
    /* Tentative for as long as a hundred probes take. */
    shell("echo 100 >/proc/sys/net/ipv6/conf/d0/dad_transmits && ip -6 addr add 2001:db8::1/64 dev d0");
    assert_lacks(&config, "d0 has no address");
    shell("ip -6 addr add 2001:db8::2/64 dev d0 nodad preferred_lft 0"); /* deprecated */
    assert_lacks(&config, "d0 has no address");
    changes = 0;
    shell("ip -6 addr add 2001:db8::3/64 dev d0 nodad");
    run_until_holds(&config);
}

static void test_burst_and_overrun(void **state)
{
    struct condition_config config = config_of(CONDITION_ROUTE, "172.16.200.1");
    int small = 1;

    (void)state;
    enter_network();
    shell("echo 0 >/proc/sys/net/ipv6/conf/d0/accept_dad && ip link set d0 up && ip addr add 10.1.0.1/16 dev d0 && "
          "for i in $(seq 1 250); do echo route add 172.16.$i.0/24 via 10.1.0.2; done >batch");
    add(&config);
    settle();
    shell("ip -batch batch");
    run_for(&loop, RUN_SILENCE, NULL, NULL);
    assert_true(changes >= 1 && changes <= 3); /* the link has something to say of its own, at times */
    assert_holds(&config);

    shell("sed -i s/add/del/ batch");
    assert_int_equal(setsockopt(conditions.network.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    changes = 0;
    shell("ip -batch batch"); /* more than fits */
    run_for(&loop, RUN_SILENCE, NULL, NULL);
    assert_true(changes >= 1 && changes <= 3); /* the link has something to say of its own, at times */
    assert_lacks(&config, "no route to 172.16.200.1");
    shell("ip route add 172.16.200.0/24 via 10.1.0.2"); /* the socket is as good as before */
    run_until_holds(&config);
}

/* A driver tells of a scan as a change of its link that carries an event of the wireless extensions. */
static void test_scans_are_left_out(void **state)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg link;
        struct rtattr attribute;
        char value[8];
    } message = {
        .header = {.nlmsg_len = sizeof(message), .nlmsg_type = RTM_NEWLINK},
        .attribute = {.rta_len = sizeof(struct rtattr) + 8, .rta_type = IFLA_WIRELESS},
    };
    char answer[256];
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(facts_leave_out_wireless(pair[1]), 0);
    send(pair[0], &message, sizeof(message), 0);
    assert_int_equal(recv(pair[1], answer, sizeof(answer), 0), -1);
    message.attribute.rta_type = IFLA_MTU;
    assert_int_equal(send(pair[0], &message, sizeof(message), 0), sizeof(message));
    assert_int_equal(recv(pair[1], answer, sizeof(answer), 0), sizeof(message));
    message.attribute.rta_type = IFLA_WIRELESS;
    message.header.nlmsg_type = RTM_NEWADDR;
    assert_int_equal(send(pair[0], &message, sizeof(message), 0), sizeof(message));
    assert_int_equal(recv(pair[1], answer, sizeof(answer), 0), sizeof(message));
    close(pair[0]);
    close(pair[1]);
}

static void test_clock(void **state)
{
    struct condition_config past = config_of(CONDITION_CLOCK, "2001-01-01");
    struct condition_config future = config_of(CONDITION_CLOCK, "9999-01-01");
    struct condition_config late = config_of(CONDITION_CLOCK, "9999-01-01T00:00:00Z");
    struct condition_config soon = {.kind = CONDITION_CLOCK, .value = "soon"};
    char reason[128];

    (void)state;
    add(&past);
    add(&future);
    assert_holds(&past);
    assert_false(condition_holds(&future, reason, sizeof(reason)));
    assert_true(starts_with(reason, "the clock says 20") && strstr(reason, ", before 9999-01-01") != NULL);
    assert_null(strchr(reason, ':'));
    assert_false(condition_holds(&late, reason, sizeof(reason)));
    assert_non_null(strchr(reason, 'Z'));
    run_silently(&loop, &changes);

    soon.clock = time(NULL) + 2;
    add(&soon); /* comes before the one that was added earlier */
    assert_false(condition_holds(&soon, reason, sizeof(reason)));
    run_until_called(&loop, &changes);
    assert_true(condition_holds(&soon, reason, sizeof(reason)));
    run_silently(&loop, &changes);
}

static void test_file(void **state)
{
    CLEANUP_FREE char *path = xasprintf("%s/a/b/token", (const char *)*state);
    CLEANUP_FREE char *missing = xasprintf("%s is not there", path);
    struct condition_config config = config_of(CONDITION_FILE, path);

    add(&config);
    assert_lacks(&config, missing);
    run_silently(&loop, &changes);
    shell("mkdir -p a/b && touch a/b/token");
    run_until_holds(&config);
    shell("rm -r a");
    run_until_lacks(&config, missing);
    conditions_clear(&conditions);
    assert_null(watcher.watches);
    shell("mkdir -p a/b && touch a/b/token");
    run_silently(&loop, &changes);
    assert_holds(&config);
}

static void test_mount(void **state)
{
    CLEANUP_FREE char *path = xasprintf("%s/target", (const char *)*state);
    CLEANUP_FREE char *missing = xasprintf("nothing is mounted at %s", path);
    CLEANUP_FREE char *token = xasprintf("%s/target/sub/token", (const char *)*state);
    CLEANUP_FREE char *no_token = xasprintf("%s is not there", token);
    struct condition_config mounted = config_of(CONDITION_MOUNT, path);
    struct condition_config there = config_of(CONDITION_FILE, token);

    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0) {
        skip();
    }
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    shell("mkdir -p target elsewhere/sub && touch elsewhere/sub/token");
    add(&mounted);
    add(&there);
    assert_lacks(&mounted, missing);
    assert_lacks(&there, no_token);
    run_silently(&loop, &changes);
    shell("mount --bind elsewhere target"); /* no event of inotify: the file comes with the mount */
    run_until_called(&loop, &changes);
    assert_holds(&mounted);
    assert_holds(&there);
    run_silently(&loop, &changes);
    shell("rm target/sub/token"); /* the watch is below the mount now */
    run_until_lacks(&there, no_token);
    shell("touch elsewhere/sub/token && umount target");
    run_until_lacks(&mounted, missing);
    assert_lacks(&there, no_token);
}

static void clear_and_add(void *data)
{
    const struct condition_config *config = data;

    changes++;
    conditions_clear(&conditions);
    add(config);
}

/* As a reload does it, from within the call. */
static void test_cleared_by_the_call(void **state)
{
    CLEANUP_FREE char *path = xasprintf("%s/token", (const char *)*state);
    struct condition_config config = config_of(CONDITION_FILE, path);

    conditions_close(&conditions);
    conditions_open(&conditions, &loop, &watcher, clear_and_add, &config);
    add(&config);
    for (int i = 0; i < 3; i++) {
        shell("touch token");
        run_until_called(&loop, &changes);
        shell("rm token");
        run_until_called(&loop, &changes);
    }
    if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0) {
        assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        conditions_clear(&conditions); /* the mount table of our new namespace */
        add(&config);
        shell("mkdir d && mount -t tmpfs none d");
        run_until_called(&loop, &changes);
        shell("umount d");
        run_until_called(&loop, &changes);
    }
}

static void test_all_together_are_silent(void **state)
{
    struct condition_config configs[] = {
        config_of(CONDITION_ROUTE, "default"),    config_of(CONDITION_ROUTE, "10.0.0.0/8"),
        config_of(CONDITION_ADDRESS, "wlan0"),    config_of(CONDITION_CLOCK, "2024-01-01"),
        config_of(CONDITION_CLOCK, "9999-01-01"), config_of(CONDITION_FILE, "/nowhere/at/all"),
        config_of(CONDITION_MOUNT, "/nowhere"),
    };
    struct error err = {0};

    (void)state;
    if (geteuid() == 0) { /* alone, so that nobody else's changes are told */
        assert_int_equal(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
    }
    assert_int_equal(conditions_add(&conditions, configs, ARRAY_SIZE(configs), &err), 0);
    assert_int_equal(count_descriptors(), descriptors + 5); /* loop, network, clock, mounts, watcher */
    run_silently(&loop, &changes);
}

/* What could not be watched is told, the rest is. */
static void test_error_leaves_the_rest(void **state)
{
    CLEANUP_FREE char *path = xasprintf("%s/token", (const char *)*state);
    struct condition_config configs[] = {
        config_of(CONDITION_CLOCK, "9999-01-01"),
        config_of(CONDITION_FILE, path),
    };
    struct error err = {0};
    char reason[512];

    conditions.clock.fd = STDERR_FILENO; /* no timer: its call fails */
    assert_int_equal(conditions_add(&conditions, configs, ARRAY_SIZE(configs), &err), -1);
    conditions.clock.fd = -1;
    assert_string_equal(error_reason(&err, reason, sizeof(reason)),
                        "watch condition clock 9999-01-01: set a timer of the clock: Invalid argument");
    shell("touch token");
    run_until_called(&loop, &changes);
}

#define test_in_conditions(test) cmocka_unit_test_setup_teardown(test, open_conditions, close_conditions)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_conditions(test_names),
        test_in_conditions(test_default_route),
        test_in_conditions(test_default_route_by_rule),
        test_in_conditions(test_routes_to_networks),
        test_in_conditions(test_address),
        test_in_conditions(test_burst_and_overrun),
        test_in_conditions(test_scans_are_left_out),
        test_in_conditions(test_clock),
        test_in_conditions(test_file),
        test_in_conditions(test_mount),
        test_in_conditions(test_cleared_by_the_call),
        test_in_conditions(test_all_together_are_silent),
        test_in_conditions(test_error_leaves_the_rest),
    };

    return cmocka_run_group_tests_name("condition", tests, NULL, NULL);
}
