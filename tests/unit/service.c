/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/service.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/util.h"
#include "supervise/limit.h"
#include "supervise/node.h"
#include "supervise/supervisor.h"
#include "test.h"

static void load(struct node *node, const char *services, int wanted)
{
    CLEANUP_TEXT struct text problems = {0};
    CLEANUP_FREE char *whole = xasprintf("{\"version\": 1, \"services\":\n%s}", services);

    manifest_load_text(&node->manifest, "f", whole, strlen(whole));
    if (node_read(node) != wanted) {
        manifest_describe(&node->manifest, &problems);
        fail_msg("%s", text_string(&problems));
    }
}

static void check_order(const char *services, const char *wanted)
{
    struct node node = {0};
    CLEANUP_TEXT struct text order = {0};

    load(&node, services, 0);
    for (size_t i = 0; i < node.services.count; i++) {
        text_format(&order, "%s ", node.services.items[i].name);
    }
    assert_string_equal(text_string(&order), wanted);
    node_free(&node);
}

static void test_order(void **state)
{
    (void)state;
    check_order("{\"c\": {\"command\": [\"/c\"]}, \"a\": {\"command\": [\"/a\"]}, \"b\": {\"command\": [\"/b\"]}}",
                "c a b ");
    check_order("{\"a\": {\"command\": [\"/a\"], \"after\": [\"c\", \"b\"]},"
                "\"b\": {\"command\": [\"/b\"], \"after\": [\"c\"]}, \"c\": {\"command\": [\"/c\"]},"
                "\"d\": {\"command\": [\"/d\"]}}",
                "c b a d ");
}

static void check_problem(const char *services, const char *wanted)
{
    struct node node = {0};
    CLEANUP_TEXT struct text problems = {0};

    load(&node, services, -1);
    manifest_describe(&node.manifest, &problems);
    assert_string_equal(text_string(&problems), wanted);
    node_free(&node);
}

static void test_after_mistakes(void **state)
{
    (void)state;
    check_problem("{\"a\": {\"command\": [\"/a\"], \"after\": [\"b\"]},\n"
                  "\"b\": {\"command\": [\"/b\"], \"after\": [\"a\"]}, \"c\": {\"command\": [\"/c\"]}}",
                  "f:2:36: services.a.after: these services wait for each other: a after b after a; "
                  "take one name out of an \"after\"\n");
    check_problem("{\"dockerd\": {\"command\": [\"/a\"], \"after\": [\"dockerd\"]}}",
                  "f:2:42: services.dockerd.after: these services wait for each other: dockerd after dockerd; "
                  "take one name out of an \"after\"\n");
    /* Only those of the circle are named, not what waits for them. */
    check_problem("{\"a\": {\"command\": [\"/a\"], \"after\": [\"b\"]},\n"
                  "\"b\": {\"command\": [\"/b\"], \"after\": [\"c\"]},\n"
                  "\"c\": {\"command\": [\"/b\"], \"after\": [\"b\"]}}",
                  "f:3:35: services.b.after: these services wait for each other: b after c after b; "
                  "take one name out of an \"after\"\n");
    /* A key that stands twice, and both are read. */
    check_problem("{\"a\": {\"command\": [\"/a\"], \"after\": [],\n\"after\": [\"b\"]}}",
                  "f:3:1: after: this key stands twice in one object; keep one of them\n"
                  "f:3:11: services.a.after[0]: there is no service \"b\"; name a service of this manifest\n");
    check_problem(
        "{\"dockerd\": {\"command\": [\"/a\"]},\n\"x\": {\"command\": [\"/x\"], \"after\": [\"dockrd\", \"y\"]}}",
        "f:3:36: services.x.after[0]: there is no service \"dockrd\"; did you mean \"dockerd\"?\n"
        "f:3:46: services.x.after[1]: there is no service \"y\"; name a service of this manifest\n");
}

static void collect(void *data, const char *path)
{
    text_format(data, "%s ", path);
}

static void check_paths(const char *command_and_more, const char *wanted)
{
    struct node node = {0};
    CLEANUP_TEXT struct text paths = {0};
    CLEANUP_FREE char *services = xasprintf("{\"a\": {\"command\": %s}}", command_and_more);

    load(&node, services, 0);
    assert_int_equal(node.services.count, 1);
    service_paths(&node.services.items[0], collect, &paths);
    assert_string_equal(text_string(&paths), wanted);
    node_free(&node);
}

static void test_paths(void **state)
{
    (void)state;
    check_paths("[\"/system/bin/dockerd\", \"--config-file\", \"/etc/docker/daemon.json\"]",
                "/system/bin/dockerd /etc/docker/daemon.json ");
    check_paths("[\"/d\", \"-H\", \"unix:///var/run/docker.sock\", \"-H\", \"fd:///run/x\"]",
                "/d /var/run/docker.sock /run/x ");
    check_paths("[\"/d\", \"--config=/etc/x\", \"key:/etc/y\"]", "/d /etc/x /etc/y ");
    /* No paths: addresses, URLs, relative ones, options with a slash, and what is not normal. */
    check_paths(
        "[\"/d\", \"10.0.0.0/8\", \"tcp://0.0.0.0:2375/x\", \"http://a/b\", \"a/b\", \"-x/y\", \"/a//b\", \"/a/../b\","
        "\"/a/\", \"\", \"word\"]",
        "/d ");
    check_paths("[\"/d\"], \"needs\": [\"/mnt/f2fs\", \"/var\"]", "/mnt/f2fs /var /d ");
    check_paths("[\"/d\", \"/x\"], \"directory\": \"/data\", \"needs\": [\"/y\"]", "/y /data /d /x ");
}

static void test_defaults(void **state)
{
    struct node node = {0};
    const struct service_config *service;

    (void)state;
    load(&node, "{\"a\": {\"command\": [\"/a\", \"\"]}}", 0);
    service = &node.services.items[0];
    assert_int_equal(service->command_count, 2);
    assert_string_equal(service->command[1], "");
    assert_null(service->command[2]);
    assert_int_equal(service->restart_policy, RESTART_ALWAYS);
    assert_int_equal(service->restart_delay, 200);
    assert_int_equal(service->restart_max_delay, 60000);
    assert_true(service->restart_jitter == 0.2);
    assert_int_equal(service->restart_reset_after, 60000);
    assert_false(service->ready_notify);
    assert_int_equal(service->ready.kind, CHECK_NONE);
    assert_int_equal(service->ready.interval, 1000);
    assert_int_equal(service->ready.timeout, 5000);
    assert_int_equal(service->start_timeout, 300000);
    assert_int_equal(service->alive.kind, CHECK_NONE);
    assert_int_equal(service->alive.interval, 30000);
    assert_int_equal(service->alive.timeout, 10000);
    assert_int_equal(service->alive.failures, 3);
    assert_int_equal(service->watchdog, 0);
    assert_int_equal(service->stop_signal, SIGTERM);
    assert_int_equal(service->stop_timeout, 10000);
    assert_int_equal(service->stop_scope, SCOPE_PROCESS);
    assert_int_equal(service->orphan, ORPHAN_ADOPT);
    assert_int_equal(service->log_size, 256 * 1024);
    assert_int_equal(service->nice, 0);
    assert_false(service->has_oom_score_adj);
    assert_int_equal(service->condition_count, 0);
    assert_null(service->user);
    assert_null(service->group);
    assert_null(service->directory);
    assert_null(service->context);
    assert_null(service->environment);
    assert_null(service->rlimits);
    assert_null(service->cgroup);
    assert_null(node.control_group);
    assert_null(node.control_readers);
    node_free(&node);
}

static void test_values(void **state)
{
    struct node node = {0};
    const struct service_config *service;

    (void)state;
    load(&node,
         "{\"a\": {\"command\": [\"/a\"], \"environment\": {\"X\": \"1\"}, \"cgroup\": {\"cpu.shares\": \"2\"},"
         "\"rlimits\": {\"nofile\": 1024, \"core\": \"unlimited\"}, \"user\": \"system\", \"group\": \"1000\","
         "\"directory\": \"/data\", \"context\": \"u:r:a:s0\", \"nice\": -5,"
         "\"restart\": {\"policy\": \"on-failure\", \"delay\": \"0s\", \"max_delay\": \"5m\", \"jitter\": 0.5,"
         "\"reset_after\": \"10s\"}, \"stop\": {\"signal\": \"INT\", \"timeout\": \"5s\", \"scope\": \"group\"},"
         "\"orphan\": \"stop\", \"log\": {\"size\": \"1M\"}, \"oom_score_adj\": 0}}",
         0);
    assert_int_equal(node.manifest.problem_count, 0);
    service = &node.services.items[0];
    assert_string_equal(service->environment->child->valuestring, "1");
    assert_string_equal(service->cgroup->child->string, "cpu.shares");
    assert_int_equal((int)service->rlimits->child->valuedouble, 1024);
    assert_true(cJSON_IsString(service->rlimits->child->next));
    assert_string_equal(service->user, "system");
    assert_string_equal(service->group, "1000");
    assert_string_equal(service->directory, "/data");
    assert_string_equal(service->context, "u:r:a:s0");
    assert_int_equal(service->nice, -5);
    assert_int_equal(service->restart_policy, RESTART_ON_FAILURE);
    assert_int_equal(service->restart_delay, 0);
    assert_int_equal(service->restart_max_delay, 300000);
    assert_true(service->restart_jitter == 0.5);
    assert_int_equal(service->restart_reset_after, 10000);
    assert_int_equal(service->stop_signal, SIGINT);
    assert_int_equal(service->stop_timeout, 5000);
    assert_int_equal(service->stop_scope, SCOPE_GROUP);
    assert_int_equal(service->orphan, ORPHAN_STOP);
    assert_int_equal(service->log_size, 1 << 20);
    assert_true(service->has_oom_score_adj);
    assert_int_equal(service->oom_score_adj, 0);
    node_free(&node);
}

/* The words of a choice stand for the right number. */
static void test_policies(void **state)
{
    static const char *const words[] = {
        [RESTART_ALWAYS] = "always", [RESTART_ON_FAILURE] = "on-failure", [RESTART_NEVER] = "never"};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        CLEANUP_FREE char *services =
            xasprintf("{\"a\": {\"command\": [\"/a\"], \"restart\": {\"policy\": \"%s\"}}}", words[i]);
        struct node node = {0};

        load(&node, services, 0);
        assert_int_equal(node.services.items[0].restart_policy, i);
        node_free(&node);
    }
}

/* Where only the delay is said, and it is longer than the longest by default. */
static void test_long_delay(void **state)
{
    struct node node = {0};

    (void)state;
    load(&node, "{\"a\": {\"command\": [\"/a\"], \"restart\": {\"delay\": \"1h\"}}}", 0);
    assert_int_equal(node.services.items[0].restart_delay, 3600000);
    assert_int_equal(node.services.items[0].restart_max_delay, 3600000);
    node_free(&node);
    check_problem("{\"a\": {\"command\": [\"/a\"], \"restart\": {\"delay\": \"1h\", \"max_delay\": \"1m\"}}}",
                  "f:2:67: services.a.restart.max_delay: is below the delay, 1h; write \"1h\" or more\n");
}

static void check_check(const char *json, enum check_kind kind, const char *target)
{
    CLEANUP_FREE char *services = xasprintf("{\"a\": {\"command\": [\"/a\"], \"ready\": {%s, \"timeout\": \"0s\"}, "
                                            "\"alive\": {%s, \"failures\": 7, \"timeout\": \"2s\"}}}",
                                            json, json);
    struct node node = {0};
    const struct service_config *service;

    load(&node, services, 0);
    assert_int_equal(node.manifest.problem_count, 0);
    service = &node.services.items[0];
    assert_int_equal(service->ready.kind, kind);
    assert_int_equal(service->alive.kind, kind);
    assert_int_equal(service->ready.interval, 100);
    assert_int_equal(service->alive.interval, 100);
    assert_int_equal(service->ready.timeout, 5000);
    assert_int_equal(service->alive.timeout, 2000);
    assert_int_equal(service->alive.failures, 7);
    assert_int_equal(service->start_timeout, 0);
    if (kind == CHECK_COMMAND) {
        assert_int_equal(service->ready.command_count, 2);
        assert_string_equal(service->alive.command[0], target);
        assert_string_equal(service->alive.command[1], "-x");
        assert_null(service->alive.command[2]);
    } else {
        assert_string_equal(service->ready.target, target);
        assert_string_equal(service->alive.target, target);
    }
    node_free(&node);
}

static void test_checks(void **state)
{
    struct node node = {0};

    (void)state;
    check_check("\"http\": \"unix:/s:/_ping\", \"interval\": \"100ms\"", CHECK_HTTP, "unix:/s:/_ping");
    check_check("\"tcp\": \"127.0.0.1:80\", \"interval\": \"100ms\"", CHECK_TCP, "127.0.0.1:80");
    check_check("\"file\": \"/run/a\", \"interval\": \"100ms\"", CHECK_FILE, "/run/a");
    check_check("\"command\": [\"/bin/a\", \"-x\"], \"interval\": \"100ms\"", CHECK_COMMAND, "/bin/a");
    load(&node, "{\"a\": {\"command\": [\"/a\"], \"ready\": {\"notify\": true}, \"alive\": {\"watchdog\": \"15s\"}}}",
         0);
    assert_true(node.services.items[0].ready_notify);
    assert_int_equal(node.services.items[0].ready.kind, CHECK_NONE);
    assert_int_equal(node.services.items[0].alive.kind, CHECK_NONE);
    assert_int_equal(node.services.items[0].watchdog, 15000);
    node_free(&node);
}

/* What stands twice is a mistake, and nothing of it is lost (the sanitizer would see). */
static void test_twice(void **state)
{
    struct node node = {0};

    (void)state;
    load(
        &node,
        "{\"a\": {\"command\": [\"/a\"], \"alive\": {\"command\": [\"/a\"], \"command\": [\"/a\"]},"
        "\"ready\": {\"command\": [\"/a\"]}, \"ready\": {\"command\": [\"/a\"]}, \"needs\": [\"/a\"], \"needs\": [\"/a\"],"
        "\"conditions\": [{\"route\": \"default\"}], \"conditions\": [{\"route\": \"default\"}]},"
        "\"a\": {\"command\": [\"/a\"], \"after\": [\"a\"]}}",
        -1);
    node_free(&node);
}

static void test_conditions(void **state)
{
    static const struct {
        enum condition_kind kind;
        const char *value;
    } wanted[] = {
        {CONDITION_FILE, "/data/token"}, {CONDITION_ROUTE, "default"}, {CONDITION_CLOCK, "2024-01-01"},
        {CONDITION_ADDRESS, "wlan0"},    {CONDITION_MOUNT, "/mnt"},
    };
    struct node node = {0};
    const struct service_config *service;

    (void)state;
    load(&node,
         "{\"a\": {\"command\": [\"/a\"], \"conditions\": [{\"file\": \"/data/token\"}, {\"route\": \"default\"},"
         "{\"clock\": \"2024-01-01\"}, {\"address\": \"wlan0\"}, {\"mount\": \"/mnt\"}]}}",
         0);
    service = &node.services.items[0];
    assert_int_equal(service->condition_count, ARRAY_SIZE(wanted));
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        assert_int_equal(service->conditions[i].kind, wanted[i].kind);
        assert_string_equal(service->conditions[i].value, wanted[i].value);
    }
    assert_int_equal(service->conditions[2].clock, 1704067200);
    node_free(&node);
}

/* What the daemon could not hand to a keeper. */
static void test_too_long(void **state)
{
    enum { LONG = 100 * 1024 };
    CLEANUP_FREE char *word = xcalloc(1, LONG + 1);
    CLEANUP_FREE char *good = NULL;
    CLEANUP_FREE char *bad = NULL;
    struct node node = {0};

    (void)state;
    memset(word, 'x', LONG);
    good = xasprintf("{\"a\": {\"command\": [\"/a\", \"%s\"], \"environment\": {\"X\": \"%s\"}}}", word, word);
    bad = xasprintf("{\"a\": {\"command\": [\"/a\", \"%s\", \"%s\"], \"environment\": {\"X\": \"%s\"}}}", word, word,
                    word);
    load(&node, good, 0);
    node_free(&node);
    check_problem(bad,
                  "f:2:7: services.a: command and environment are longer than 240 KiB; put the longest into a file\n");
}

static void test_control_group(void **state)
{
    static const char json[] = "{\"version\": 1, \"control\": {\"group\": \"shell\", \"readers\": \"6318\"}}";
    struct node node = {0};

    (void)state;
    assert_int_equal(manifest_load_text(&node.manifest, "f", json, strlen(json)), 0);
    assert_int_equal(node_read(&node), 0);
    assert_string_equal(node.control_group, "shell");
    assert_string_equal(node.control_readers, "6318");
    node_free(&node);
}

/* Every signal that can be written is the one that is sent. */
static void test_signals(void **state)
{
    static const struct {
        const char *word;
        int number;
    } signals[] = {{"TERM", SIGTERM}, {"INT", SIGINT},   {"HUP", SIGHUP},  {"QUIT", SIGQUIT},
                   {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"KILL", SIGKILL}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        CLEANUP_FREE char *services =
            xasprintf("{\"a\": {\"command\": [\"/a\"], \"stop\": {\"signal\": \"%s\"}}}", signals[i].word);
        struct node node = {0};

        load(&node, services, 0);
        assert_int_equal(node.services.items[0].stop_signal, signals[i].number);
        node_free(&node);
    }
}

static void test_rlimits(void **state)
{
    static const char *const names[] = {"as",   "core",   "cpu",   "data",   "fsize",      "memlock", "msgqueue",
                                        "nice", "nofile", "nproc", "rtprio", "sigpending", "stack"};
    bool seen[RLIM_NLIMITS] = {false};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        int number = limit_number(names[i]);

        assert_in_range(number, 0, RLIM_NLIMITS - 1);
        assert_false(seen[number]);
        seen[number] = true;
    }
    assert_int_equal(limit_number("nofile"), RLIMIT_NOFILE);
    assert_int_equal(limit_number("NOFILE"), -1);
    assert_int_equal(limit_number(""), -1);
}

/* Accepted, but said, once for each key. */
static void test_idle_keys(void **state)
{
    struct node node = {0};
    CLEANUP_TEXT struct text problems = {0};

    (void)state;
    load(&node,
         "{\"a\": {\"command\": [\"/a\"],\n\"ready\": {\"interval\": \"1s\", \"notify\": true, \"timeout\": \"1s\"},\n"
         "\"alive\": {\"failures\": 3, \"watchdog\": \"1s\"}},\n"
         "\"b\": {\"command\": [\"/b\"], \"ready\": {\"tcp\": \"[::1]:80\", \"accept\": 405}}}",
         0);
    manifest_describe(&node.manifest, &problems);
    assert_string_equal(
        text_string(&problems),
        "f:3:23: warning: services.a.ready.interval: does nothing here; it is the pause between two "
        "checks: add http, tcp, file or command\n"
        "f:4:23: warning: services.a.alive.failures: does nothing here; a watchdog has none: add http, "
        "tcp, file or command\n"
        "f:5:65: warning: services.b.ready.accept: does nothing here; it is a status of HTTP: add http\n");
    node_free(&node);
}

static void test_needs_resources(void **state)
{
    static const char json[] =
        "{\"version\": 1, \"host\": {\"directories\": [\"/var\", \"/var/lib/x\", \"/etc\", \"/mnt\"], \"modules\": [\"m\"]},"
        "\"services\": {\"a\": {\"command\": [\"/bin/a\", \"--root=/var/lib\"], \"needs\": [\"/mnt/f2fs\"]}}}";
    static const bool wanted[] = {true, true, false, true, false};
    struct node node = {0};

    (void)state;
    assert_int_equal(manifest_load_text(&node.manifest, "f", json, strlen(json)), 0);
    assert_int_equal(node_read(&node), 0);
    assert_int_equal(node.plan.count, ARRAY_SIZE(wanted));
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        assert_int_equal(node_service_needs(&node.services.items[0], &node.plan.entries[i]), wanted[i]);
    }
    node_free(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),      cmocka_unit_test(test_after_mistakes),
        cmocka_unit_test(test_paths),      cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),     cmocka_unit_test(test_policies),
        cmocka_unit_test(test_long_delay), cmocka_unit_test(test_checks),
        cmocka_unit_test(test_twice),      cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_too_long),   cmocka_unit_test(test_control_group),
        cmocka_unit_test(test_signals),    cmocka_unit_test(test_rlimits),
        cmocka_unit_test(test_idle_keys),  cmocka_unit_test(test_needs_resources),
    };

    json_setup();
    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
