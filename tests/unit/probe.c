/* SPDX-License-Identifier: Apache-2.0 */
/* Probes by sockets, against servers of every manner. */
#include <arpa/inet.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/util.h"
#include "check.h"

struct server {
    pid_t pid;
    char target[128];
};

/* What it does with a connection once it has the whole request. */
typedef void behave(int connection);

static void say(int connection, const char *text)
{
    if (write(connection, text, strlen(text)) < 0) {
        _exit(1);
    }
}

static void answer_good(int connection)
{
    say(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
}

static void answer_no_content(int connection)
{
    say(connection, "HTTP/1.0 204 No Content\r\n\r\n");
}

static void answer_500(int connection)
{
    say(connection, "HTTP/1.1 500 Internal Server Error\r\n\r\n");
}

static void answer_redirect(int connection)
{
    say(connection, "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n");
}

static void answer_garbage(int connection)
{
    say(connection, "SSH-2.0-OpenSSH_9.2\r\n");
}

static void answer_slowly(int connection)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";

    for (size_t i = 0; answer[i] != '\0'; i++) {
        if (write(connection, &answer[i], 1) < 0) {
            return;
        }
        usleep(2000);
    }
}

/* Until the other end has enough of it. */
static void answer_for_ever(int connection)
{
    char block[4096];

    say(connection, "HTTP/1.1 200 OK\r\n\r\n");
    memset(block, 'x', sizeof(block));
    while (write(connection, block, sizeof(block)) > 0) {
    }
}

static void answer_blanks_for_ever(int connection)
{
    char block[4096];

    say(connection, "HTTP/1.1 ");
    memset(block, ' ', sizeof(block));
    while (write(connection, block, sizeof(block)) > 0) {
    }
}

static void answer_nothing(int connection)
{
    (void)connection;
    pause();
}

static void answer_by_closing(int connection)
{
    (void)connection;
}

static void answer_half(int connection)
{
    say(connection, "HTTP/1.1 2");
}

static void answer_half_and_hang(int connection)
{
    answer_half(connection);
    pause();
}

static void serve(int listener, behave *behaviour)
{
    static const char wanted[] =
        "GET /path?a=b HTTP/1.0\r\nHost: localhost\r\nUser-Agent: edgeinit\r\nConnection: close\r\n\r\n";

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        char request[sizeof(wanted)] = "";
        size_t length = 0;
        int connection = accept(listener, NULL, NULL);
        ssize_t count;

        while (length < strlen(wanted) && (count = read(connection, request + length, strlen(wanted) - length)) > 0) {
            length += (size_t)count;
        }
        if (streq(request, wanted)) {
            behaviour(connection);
        } else {
            say(connection, "HTTP/1.0 400 Not what was agreed\r\n\r\n");
        }
        close(connection);
    }
}

static int listen_unix(const char *path, int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    unlink(path);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, backlog), 0);
    return listener;
}

static int listen_tcp(int family, unsigned *port)
{
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *address = family == AF_INET6 ? (struct sockaddr *)&ipv6 : (struct sockaddr *)&ipv4;
    socklen_t length = family == AF_INET6 ? sizeof(ipv6) : sizeof(ipv4);
    int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, address, length) != 0) {
        if (listener >= 0) {
            close(listener);
        }
        return -1;
    }
    assert_int_equal(listen(listener, 5), 0);
    assert_int_equal(getsockname(listener, address, &length), 0);
    *port = ntohs(family == AF_INET6 ? ipv6.sin6_port : ipv4.sin_port);
    return listener;
}

static void start_server(struct server *server, int listener, behave *behaviour)
{
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0) {
        serve(listener, behaviour);
        _exit(0);
    }
    close(listener);
}

static void start_unix(void **state, struct server *server, behave *behaviour)
{
    snprintf(server->target, sizeof(server->target), "unix:%s/s.sock:/path?a=b", (const char *)*state);
    start_server(server, listen_unix("s.sock", 5), behaviour);
}

static void stop_server(const struct server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
}

static void test_http_good(void **state)
{
    static behave *const behaviours[] = {answer_good, answer_no_content, answer_slowly, answer_for_ever};

    for (size_t i = 0; i < ARRAY_SIZE(behaviours); i++) {
        struct server server;
        struct check_config config;

        start_unix(state, &server, behaviours[i]);
        config = config_of(CHECK_HTTP, server.target);
        assert_good(&config);
        stop_server(&server);
    }
}

/* All of several must be good; the first that is not is named. */
static void test_http_of_several(void **state)
{
    struct server good;
    struct server bad;
    const char *targets[3];
    CLEANUP_FREE char *reason = NULL;
    struct check_config config;

    start_unix(state, &good, answer_good);
    snprintf(bad.target, sizeof(bad.target), "unix:%s/b.sock:/path?a=b", (const char *)*state);
    start_server(&bad, listen_unix("b.sock", 5), answer_500);
    config = config_of(CHECK_HTTP, good.target);
    config.targets = targets;
    config.target_count = 3;
    targets[0] = targets[1] = targets[2] = good.target;
    assert_good(&config);
    reason = xasprintf("%.80s: it answers with status 500", bad.target);
    for (size_t i = 0; i < 3; i++) {
        targets[i] = bad.target;
        assert_bad(&config, reason);
        targets[i] = good.target;
    }
    assert_good(&config);
    stop_server(&good);
    stop_server(&bad);
}

/* One more status is good, and no other. */
static void test_http_accepts(void **state)
{
    struct server server;
    struct check_config config;

    start_unix(state, &server, answer_500);
    config = config_of(CHECK_HTTP, server.target);
    config.accept = 500;
    assert_good(&config);
    config.accept = 501;
    assert_bad(&config, "it answers with status 500");
    stop_server(&server);
    start_unix(state, &server, answer_good);
    assert_good(&config);
    stop_server(&server);
    start_unix(state, &server, answer_garbage);
    config.accept = 0;
    assert_bad(&config, "its answer is no HTTP");
    stop_server(&server);
}

static void test_http_bad(void **state)
{
    static const struct {
        behave *behaviour;
        const char *reason;
    } cases[] = {
        {answer_500, "it answers with status 500"},
        {answer_redirect, "it answers with status 302"},
        {answer_garbage, "its answer is no HTTP"},
        {answer_blanks_for_ever, "its answer is no HTTP"},
        {answer_half, "it closed the connection without an answer"},
        {answer_by_closing, "it closed the connection without an answer"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct server server;
        struct check_config config;

        start_unix(state, &server, cases[i].behaviour);
        config = config_of(CHECK_HTTP, server.target);
        assert_bad(&config, cases[i].reason);
        stop_server(&server);
    }
}

static void test_http_hangs(void **state)
{
    struct server server;
    struct check_config config;

    start_unix(state, &server, answer_nothing);
    config = config_of(CHECK_HTTP, server.target);
    config.timeout = 50;
    assert_bad(&config, "no answer within 50 ms");
    config.timeout = 1000;
    assert_bad(&config, "no answer within 1 s");
    stop_server(&server);
}

static void test_http_over_tcp(void **state)
{
    static const struct {
        int family;
        const char *host;
    } cases[] = {{AF_INET, "127.0.0.1"}, {AF_INET, "localhost"}, {AF_INET6, "[::1]"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct server server;
        struct check_config config;
        unsigned port;
        int listener = listen_tcp(cases[i].family, &port);

        if (listener < 0) {
            continue; /* no IPv6 here */
        }
        snprintf(server.target, sizeof(server.target), "http://%s:%u/path?a=b", cases[i].host, port);
        start_server(&server, listener, answer_good);
        config = config_of(CHECK_HTTP, server.target);
        assert_good(&config);
        stop_server(&server);
        assert_bad(&config, "cannot connect: Connection refused");
    }
}

static void test_nobody_listens(void **state)
{
    CLEANUP_FREE char *target = xasprintf("unix:%s/s.sock:/x", (const char *)*state);
    struct check_config config = config_of(CHECK_HTTP, target);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s.sock"};
    int waiting[8];
    size_t count = 0;
    int listener;

    assert_bad(&config, "cannot connect: No such file or directory");
    close(listen_unix("s.sock", 1));
    assert_bad(&config, "cannot connect: Connection refused");

    /* A server that is alive and accepts nobody, its queue full. */
    listener = listen_unix("s.sock", 1);
    for (; count < ARRAY_SIZE(waiting); count++) {
        waiting[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(waiting[count], (struct sockaddr *)&address, sizeof(address)) != 0) {
            close(waiting[count]);
            break;
        }
    }
    assert_bad(&config, "it does not accept connections: its queue is full");
    while (count > 0) {
        close(waiting[--count]);
    }
    close(listener);
}

static void test_tcp(void **state)
{
    char target[64];
    unsigned port = 0;
    int listener = listen_tcp(AF_INET, &port);
    struct check_config config;

    (void)state;
    snprintf(target, sizeof(target), "127.0.0.1:%u", port);
    config = config_of(CHECK_TCP, target);
    assert_good(&config);
    close(listener);
    assert_bad(&config, "cannot connect: Connection refused");
}

/* Where the kernel has one port to give, a connection to it comes from it. */
static void test_tcp_meets_itself(void **state)
{
    struct check_config config = config_of(CHECK_TCP, "127.0.0.1:40000");

    (void)state;
    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
        skip();
    }
    shell("ip link set lo up && echo 40000 40000 >/proc/sys/net/ipv4/ip_local_port_range");
    assert_bad(&config, "cannot connect: Connection refused");
}

struct stop {
    struct loop *loop;
    struct loop_timer timer;
};

static void stop_loop(void *data)
{
    ((struct stop *)data)->loop->stop = true;
}

static bool is_sent(const void *data)
{
    (void)data;
    return check.sent > 0;
}

static bool is_answered_in_part(const void *data)
{
    (void)data;
    return check.answer_length > 0;
}

static bool is_between_probes(const void *data)
{
    (void)data;
    return check.bad > 0 && !check.in_flight;
}

static void test_stopped_at_every_stage(void **state)
{
    static const struct {
        behave *behaviour;
        bool (*is_there)(const void *data); /* NULL: just started to connect */
    } stages[] = {
        {answer_nothing, NULL},
        {answer_nothing, is_sent},
        {answer_half_and_hang, is_answered_in_part},
        {answer_500, is_between_probes},
    };

    for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
        struct stop stop = {.loop = &loop};
        struct error err = {0};
        struct check_config config;
        struct server server;

        start_unix(state, &server, stages[i].behaviour);
        config = config_of(CHECK_HTTP, server.target);
        check_start(&check, &loop, &config, CHECK_UNTIL_GOOD, &calls);
        if (stages[i].is_there == NULL) {
            loop_timer_set(&loop, &stop.timer, clock_now(), stop_loop, &stop); /* right after the probe's */
            assert_int_equal(loop_run(&loop, &err), 0);
            assert_true(check.in_flight && !check.connected);
        } else {
            assert_true(run_for(&loop, RUN_LONGEST, stages[i].is_there, NULL));
        }
        check_stop(&check);
        check_stop(&check);
        assert_null(loop.timers);
        assert_int_equal(count_descriptors(), descriptors + 1); /* the loop's */
        assert_int_equal(verdicts, 0);
        stop_server(&server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_check(test_http_good),        test_in_check(test_http_of_several),
        test_in_check(test_http_accepts),     test_in_check(test_http_bad),
        test_in_check(test_http_hangs),       test_in_check(test_http_over_tcp),
        test_in_check(test_nobody_listens),   test_in_check(test_tcp),
        test_in_check(test_tcp_meets_itself), test_in_check(test_stopped_at_every_stage),
    };

    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
