/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/service.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/util.h"
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
                  "f:2:1: services: these services wait for each other: a, b; take one name out of an \"after\"\n");
    check_problem("{\"dockerd\": {\"command\": [\"/a\"], \"after\": [\"dockerd\"]}}",
                  "f:2:1: services: these services wait for each other: dockerd; take one name out of an \"after\"\n");
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
    assert_int_equal(service->restart_delay, 200);
    assert_int_equal(service->stop_signal, SIGTERM);
    assert_int_equal(service->stop_timeout, 10000);
    assert_false(service->ready_notify);
    assert_false(service->has_oom_score_adj);
    assert_null(service->environment);
    node_free(&node);
}

static void test_values(void **state)
{
    struct node node = {0};
    const struct service_config *service;

    (void)state;
    load(&node,
         "{\"a\": {\"command\": [\"/a\"], \"environment\": {\"X\": \"1\"}, \"cgroup\": {\"cpu.shares\": \"2\"},"
         "\"rlimits\": {\"nofile\": 1024}, \"restart\": {\"policy\": \"always\", \"delay\": \"3s\"},"
         "\"ready\": {\"notify\": true}, \"stop\": {\"signal\": \"INT\", \"timeout\": \"5s\", \"scope\": \"process\"},"
         "\"oom_score_adj\": 0}}",
         0);
    assert_int_equal(node.manifest.problem_count, 0);
    service = &node.services.items[0];
    assert_string_equal(service->environment->child->valuestring, "1");
    assert_string_equal(service->cgroup->child->string, "cpu.shares");
    assert_int_equal((int)service->rlimits->child->valuedouble, 1024);
    assert_int_equal(service->restart_delay, 3000);
    assert_true(service->ready_notify);
    assert_int_equal(service->stop_signal, SIGINT);
    assert_int_equal(service->stop_timeout, 5000);
    assert_true(service->has_oom_score_adj);
    assert_int_equal(service->oom_score_adj, 0);
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
        int number = service_rlimit(names[i]);

        assert_in_range(number, 0, RLIM_NLIMITS - 1);
        assert_false(seen[number]);
        seen[number] = true;
    }
    assert_int_equal(service_rlimit("nofile"), RLIMIT_NOFILE);
    assert_int_equal(service_rlimit("NOFILE"), -1);
    assert_int_equal(service_rlimit(""), -1);
}

/* What is asked for and not acted on yet is said, once for each key. */
static void test_not_yet(void **state)
{
    struct node node = {0};
    CLEANUP_TEXT struct text problems = {0};

    (void)state;
    load(&node,
         "{\"a\": {\"command\": [\"/a\"],\n\"restart\": {\"policy\": \"never\"},\n\"stop\": {\"scope\": \"group\"},\n"
         "\"conditions\": [{\"route\": \"default\"}],\n\"alive\": {\"failures\": 3}}}",
         0);
    manifest_describe(&node.manifest, &problems);
    assert_string_equal(
        text_string(&problems),
        "f:3:23: warning: services.a.restart.policy: is checked, but this version does not act on it yet\n"
        "f:4:19: warning: services.a.stop.scope: is checked, but this version does not act on it yet\n"
        "f:5:15: warning: services.a.conditions: is checked, but this version does not act on it yet\n"
        "f:6:23: warning: services.a.alive.failures: is checked, but this version does not act on it yet\n");
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

static void test_every_state_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < SERVICE_STATES; i++) {
        const char *name = service_state_name((enum service_state)i);

        assert_non_null(name);
        assert_true(name[0] != '\0');
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(name, service_state_name((enum service_state)j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),           cmocka_unit_test(test_after_mistakes),
        cmocka_unit_test(test_paths),           cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),          cmocka_unit_test(test_signals),
        cmocka_unit_test(test_rlimits),         cmocka_unit_test(test_not_yet),
        cmocka_unit_test(test_needs_resources), cmocka_unit_test(test_every_state_has_a_name),
    };

    json_setup();
    return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
