/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include "base/util.h"
#include "supervise/node.h"
#include "test.h"

static void load(struct node *node, const char *json, int wanted)
{
    CLEANUP_TEXT struct text problems = {0};
    CLEANUP_FREE char *whole = xasprintf("{\"version\": 1, \"host\": {\n%s}}", json);

    manifest_load_text(&node->manifest, "f", whole, strlen(whole));
    if (node_read(node) != wanted) {
        manifest_describe(&node->manifest, &problems);
        fail_msg("%s", text_string(&problems));
    }
}

/* The names in the plan's order, one a line. */
static void check_order(const char *json, const char *wanted)
{
    struct node node = {0};
    CLEANUP_TEXT struct text order = {0};

    load(&node, json, 0);
    assert_int_equal(node.plan.count, node.host.count);
    for (size_t i = 0; i < node.plan.count; i++) {
        text_format(&order, "%s\n", node.plan.entries[node.plan.order[i]].resource->name);
    }
    assert_string_equal(text_string(&order), wanted);
    node_free(&node);
}

static const struct plan_entry *find(const struct node *node, const char *name)
{
    for (size_t i = 0; i < node->plan.count; i++) {
        if (streq(node->plan.entries[i].resource->name, name)) {
            return &node->plan.entries[i];
        }
    }
    fail_msg("no %s", name);
    return NULL;
}

static bool needs(const struct node *node, const char *name, const char *other)
{
    const struct plan_entry *entry = find(node, name);

    for (size_t i = 0; i < entry->need_count; i++) {
        if (streq(node->plan.entries[entry->needs[i]].resource->name, other)) {
            return true;
        }
    }
    return false;
}

static void test_kinds_by_rank(void **state)
{
    (void)state;
    check_order("\"rules\": [{\"priority\": 1, \"table\": \"main\"}],"
                "\"files\": [{\"path\": \"/f\", \"text\": \"\"}],"
                "\"sysctls\": {\"kernel.x\": \"1\"},"
                "\"cgroups\": {\"root\": \"/c\", \"controllers\": [\"cpu\"]},"
                "\"mounts\": [{\"target\": \"/m\", \"type\": \"tmpfs\"}],"
                "\"directories\": [\"/d\"],"
                "\"modules\": [\"br_netfilter\"],"
                "\"selinux\": \"permissive\"",
                "selinux permissive\nmodule br_netfilter\ndirectory /d\nmount /m\ncgroup /c\ncgroup /c/cpu\n"
                "sysctl kernel.x\nfile /f\nrule ipv4 1 table main\n");
    check_order("\"selinux\": \"enforcing\", \"rules\": [{\"priority\": 1, \"table\": 5}], \"directories\": [\"/d\"]",
                "directory /d\nrule ipv4 1 table 5\nselinux enforcing\n");
}

/* Among equals the manifest's order stays. */
static void test_manifest_order(void **state)
{
    (void)state;
    check_order("\"directories\": [\"/c\", \"/a\", \"/b\"]", "directory /c\ndirectory /a\ndirectory /b\n");
}

static void test_paths_rule(void **state)
{
    (void)state;
    check_order("\"directories\": [\"/a/b/c\", \"/ab\", \"/a/b\", \"/a\"]",
                "directory /ab\ndirectory /a\ndirectory /a/b\ndirectory /a/b/c\n");
    /* On a mount: everything below it, a file in it, and what is bound from it. */
    check_order("\"files\": [{\"path\": \"/card/x/f\", \"text\": \"\"}],"
                "\"mounts\": [{\"target\": \"/etc/docker\", \"source\": \"/card/x\", \"type\": \"bind\"},"
                "             {\"target\": \"/card\", \"source\": \"/dev/sda\"}],"
                "\"directories\": [\"/card/x\", \"/etc/docker\", \"/card\"]",
                "directory /etc/docker\ndirectory /card\nmount /card\ndirectory /card/x\nmount /etc/docker\n"
                "file /card/x/f\n");
}

static void test_needs(void **state)
{
    struct node node = {0};

    (void)state;
    load(&node,
         "\"directories\": [\"/m\", \"/m/d\", \"/other\"],"
         "\"mounts\": [{\"target\": \"/m\", \"source\": \"/dev/sda\"}],"
         "\"files\": [{\"path\": \"/m/d/f\", \"text\": \"\"}],"
         "\"sysctls\": {\"net.bridge.x\": \"1\", \"net.ipv4.x\": \"1\"},"
         "\"modules\": [\"br_netfilter\", \"/m/d/x.ko\"]",
         0);
    /* At one path the mount needs the directory that it covers, not the other way round. */
    assert_true(needs(&node, "mount /m", "directory /m"));
    assert_false(needs(&node, "directory /m", "mount /m"));
    assert_true(needs(&node, "directory /m/d", "mount /m"));
    assert_true(needs(&node, "file /m/d/f", "directory /m/d"));
    assert_true(needs(&node, "file /m/d/f", "mount /m"));
    assert_false(needs(&node, "file /m/d/f", "directory /other"));
    assert_int_equal(find(&node, "directory /other")->need_count, 0);
    assert_true(needs(&node, "sysctl net.bridge.x", "module br_netfilter"));
    assert_false(needs(&node, "sysctl net.ipv4.x", "module br_netfilter"));
    assert_true(needs(&node, "module x", "mount /m"));
    /* A device may hang; what stands on it then hangs as well, all else must not. */
    assert_true(find(&node, "mount /m")->in_worker);
    assert_true(find(&node, "file /m/d/f")->in_worker);
    assert_false(find(&node, "directory /m")->in_worker);
    assert_false(find(&node, "directory /other")->in_worker);
    node_free(&node);
}

static void check_problem(const char *json, const char *wanted)
{
    struct node node = {0};
    CLEANUP_TEXT struct text problems = {0};

    load(&node, json, -1);
    manifest_describe(&node.manifest, &problems);
    assert_string_equal(text_string(&problems), wanted);
    node_free(&node);
}

static void test_cycles(void **state)
{
    (void)state;
    check_problem("\"directories\": [\"/x\", \"/a/sub\"], \"mounts\": ["
                  "{\"target\": \"/a\", \"source\": \"/b/1\", \"type\": \"bind\"},"
                  "{\"target\": \"/b\", \"source\": \"/c/2\", \"type\": \"bind\"},"
                  "{\"target\": \"/c\", \"source\": \"/a/3\", \"type\": \"bind\"}]",
                  "f:1:24: host: the manifest goes round in a circle: mount /a needs mount /b needs mount /c needs "
                  "mount /a; change one of these sources or targets\n");
    /* Below itself is one as well. */
    check_problem("\"mounts\": [{\"target\": \"/a\", \"source\": \"/b/x\", \"type\": \"bind\"},"
                  "{\"target\": \"/b\", \"source\": \"/a\", \"type\": \"bind\"}]",
                  "f:1:24: host: the manifest goes round in a circle: mount /a needs mount /b needs mount /a; change "
                  "one of these sources or targets\n");
    /* A very long one is cut, and still one line. */
    {
        CLEANUP_TEXT struct text json = {0};
        struct node node = {0};

        text_add(&json, "\"mounts\": [");
        for (int i = 0; i < 100; i++) {
            text_format(&json, "%s{\"target\": \"/m%d\", \"source\": \"/m%d/x\", \"type\": \"bind\"}", i > 0 ? "," : "",
                        i, (i + 1) % 100);
        }
        text_add(&json, "]");
        load(&node, text_string(&json), -1);
        assert_int_equal(node.manifest.mistakes, 1);
        assert_true(strlen(node.manifest.problems[0].what) < 600);
        node_free(&node);
    }
}

static void test_touches(void **state)
{
    struct node node = {0};

    (void)state;
    load(&node, "\"directories\": [\"/var/run\"], \"modules\": [\"m\"]", 0);
    assert_true(plan_touches(find(&node, "directory /var/run"), "/var/run"));
    assert_true(plan_touches(find(&node, "directory /var/run"), "/var"));
    assert_true(plan_touches(find(&node, "directory /var/run"), "/var/run/docker.sock"));
    assert_false(plan_touches(find(&node, "directory /var/run"), "/var/running"));
    assert_false(plan_touches(find(&node, "directory /var/run"), "/etc"));
    assert_false(plan_touches(find(&node, "module m"), "/"));
    node_free(&node);
}

struct fake_spec {
    enum verdict verdict;
    enum error_code code; /* of what makes it impossible */
};

/* A kind that finds whatever its resource's spec says. */
static enum verdict fake_probe(struct resource *resource, struct host *host)
{
    const struct fake_spec *spec = resource->spec;
    struct error err = {0};

    (void)host;
    if (spec->verdict == VERDICT_IMPOSSIBLE) {
        error_set(&err, spec->code, 0, "no way");
        return resource_impossible(resource, &err);
    }
    return spec->verdict;
}

static void fake_needs(const struct resource *resource, struct need_list *list)
{
    if (resource->path != NULL) {
        need_path(list, resource->path);
    }
}

static const struct resource_kind fake = {.name = "fake", .needs = fake_needs, .probe = fake_probe};

static void add_fake(struct host *host, const char *path, enum verdict verdict, enum error_code code)
{
    struct fake_spec *spec = xcalloc(1, sizeof(*spec));
    struct reader nobody = {0};

    *spec = (struct fake_spec){.verdict = verdict, .code = code};
    host_add(host, &nobody, &fake, path, path, spec);
}

/* Each verdict has its action: a row that was forgotten would read "in place". */
static void test_actions(void **state)
{
    static const enum plan_action wanted[] = {
        [VERDICT_UNKNOWN] = ACTION_IMPOSSIBLE,    [VERDICT_IN_PLACE] = ACTION_NONE,  [VERDICT_LEFT_OUT] = ACTION_NONE,
        [VERDICT_ABSENT] = ACTION_CREATE,         [VERDICT_DIFFERS] = ACTION_CHANGE, [VERDICT_BLIND] = ACTION_CHANGE,
        [VERDICT_IMPOSSIBLE] = ACTION_IMPOSSIBLE,
    };

    (void)state;
    assert_int_equal(ARRAY_SIZE(wanted), VERDICTS);
    for (int verdict = 0; verdict < VERDICTS; verdict++) {
        struct host host = {0};
        struct plan plan = {0};
        struct error err = {0};

        add_fake(&host, "/a", (enum verdict)verdict, ERROR_SYSTEM);
        assert_int_equal(plan_make(&plan, &host, &err), 0);
        plan_probe(&plan);
        assert_int_equal(plan.entries[0].action, wanted[verdict]);
        assert_int_equal(plan.entries[0].state, STATE_PENDING);
        plan_free(&plan);
        host_free(&host);
    }
}

static void test_blocked(void **state)
{
    struct host host = {0};
    struct plan plan = {0};
    struct error err = {0};

    (void)state;
    add_fake(&host, "/a/b", VERDICT_ABSENT, ERROR_NONE);
    add_fake(&host, "/a", VERDICT_IMPOSSIBLE, ERROR_SYSTEM);
    add_fake(&host, "/a/b/c", VERDICT_IN_PLACE, ERROR_NONE);
    add_fake(&host, "/x", VERDICT_ABSENT, ERROR_NONE);
    /* Cannot be seen yet, for what it stands on is still to be made; but what the kernel lacks it will lack then too. */
    add_fake(&host, "/x/y", VERDICT_IMPOSSIBLE, ERROR_SYSTEM);
    add_fake(&host, "/x/z", VERDICT_IMPOSSIBLE, ERROR_UNSUPPORTED);
    assert_int_equal(plan_make(&plan, &host, &err), 0);
    plan_probe(&plan);
    assert_int_equal(plan.entries[0].action, ACTION_IMPOSSIBLE);
    assert_int_equal(plan.entries[0].blocker, 1);
    assert_int_equal(plan.entries[1].action, ACTION_IMPOSSIBLE);
    assert_int_equal(plan.entries[1].blocker, 1);
    assert_int_equal(plan.entries[2].action, ACTION_IMPOSSIBLE);
    assert_int_equal(plan.entries[2].blocker, 1); /* the cause, not the one between */
    assert_int_equal(plan.entries[3].action, ACTION_CREATE);
    assert_int_equal(plan.entries[4].action, ACTION_CREATE);
    assert_string_equal(host.resources[4].detail, "after fake /x");
    assert_int_equal(plan.entries[5].action, ACTION_IMPOSSIBLE);
    assert_int_equal(plan.entries[5].blocker, 5);
    plan_free(&plan);
    host_free(&host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_by_rank), cmocka_unit_test(test_manifest_order), cmocka_unit_test(test_paths_rule),
        cmocka_unit_test(test_needs),         cmocka_unit_test(test_cycles),         cmocka_unit_test(test_touches),
        cmocka_unit_test(test_actions),       cmocka_unit_test(test_blocked),
    };

    json_setup();
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
