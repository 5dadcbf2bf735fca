/* SPDX-License-Identifier: Apache-2.0 */
/* The line about the node, from what was found. */
#include "edge/node_line.h"

#include <time.h>

#include "base/util.h"
#include "test.h"

#define SINCE 1645884131 /* 2022-02-26 14:02:11 UTC */

static const struct edge_config edge = {.present = true, .cloud = "10.0.0.5", .websocket_port = 10000};
static const struct judgement refused = {.hold = JUDGEMENT_PARK,
                                         .code = "token-refused",
                                         .what = "the cloud refused the token",
                                         .remedy = "make a new one with keadm gettoken and write it to /data/token"};
static const struct judgement missing = {.hold = JUDGEMENT_PARK,
                                         .code = "token-missing",
                                         .what = "not joined yet, and /data/token holds no token",
                                         .remedy = "write it"};
static const struct judgement nothing = {.hold = JUDGEMENT_NONE};

#define WELL                                                                     \
    {                                                                            \
        .joined = true, .connected = true, .pods = 3, .ready = 1, .since = SINCE \
    }

static const struct {
    enum service_state service;
    const struct judgement *judgement;
    const char *reason;
    struct node_facts facts;
    int after; /* seconds since the change */
    enum node_state state;
    const char *line;
} cases[] = {
    {SERVICE_READY, NULL, "", WELL, 60, NODE_READY, "Ready since 14:02:11, joined cloud 10.0.0.5, 3 pods"},
    {SERVICE_READY, &refused, "", WELL, 60, NODE_READY, "Ready since 14:02:11, joined cloud 10.0.0.5, 3 pods"},
    {SERVICE_STARTING,
     NULL,
     "",
     {.joined = true, .connected = true, .pods = 1, .ready = 1, .since = SINCE},
     90000,
     NODE_READY,
     "Ready since 2022-02-26 14:02:11, joined cloud 10.0.0.5, 1 pod"},
    {SERVICE_READY,
     NULL,
     "",
     {.joined = true, .connected = true, .pods = 0, .ready = 1},
     -60,
     NODE_READY,
     "Ready, joined cloud 10.0.0.5, 0 pods"},
    {SERVICE_READY,
     NULL,
     "",
     {.joined = true,
      .connected = true,
      .runtime_fails = true,
      .pods = -1,
      .ready = 0,
      .since = SINCE,
      .complaint = "edge is not ready"},
     60,
     NODE_NOT_READY,
     "not Ready since 14:02:11: edge is not ready, joined cloud 10.0.0.5, and the container runtime does not answer edgecore"},
    {SERVICE_READY,
     NULL,
     "",
     {.joined = true, .connected = true, .pods = 2, .ready = -1},
     60,
     NODE_NOT_READY,
     "connected to cloud 10.0.0.5, which does not say yet how the node is, 2 pods"},
    {SERVICE_READY,
     NULL,
     "",
     {.joined = true, .pods = 2, .ready = 1, .since = SINCE},
     60,
     NODE_OFFLINE,
     "offline: joined cloud 10.0.0.5, which edgecore is not connected to; it tries every 30 s, 2 pods"},
    {SERVICE_STARTING, &refused, "", {.pods = -1, .ready = -1}, 60, NODE_JOINING, "joining cloud 10.0.0.5"},
    {SERVICE_PARKED,
     &refused,
     "x",
     {.pods = -1, .ready = -1},
     60,
     NODE_NOT_JOINED,
     "not joined: the cloud refused the token; make a new one with keadm gettoken and write it to /data/token"},
    {SERVICE_PARKED,
     &missing,
     "x",
     {.pods = -1, .ready = -1},
     60,
     NODE_NOT_JOINED,
     "not joined yet, and /data/token holds no token; write it"},
    {SERVICE_DELAYED,
     &refused,
     "x",
     {.joined = true, .pods = -1, .ready = -1},
     60,
     NODE_DOWN,
     "down: the cloud refused the token; make a new one with keadm gettoken and write it to /data/token"},
    {SERVICE_WAITING,
     &refused,
     "waits for a condition: no default route",
     {.pods = -1, .ready = -1},
     60,
     NODE_NOT_JOINED,
     "not joined: edgecore waiting: waits for a condition: no default route"},
    {SERVICE_DELAYED,
     &nothing,
     "exit code 1",
     {.joined = true, .pods = -1, .ready = -1},
     60,
     NODE_DOWN,
     "down: edgecore delayed: exit code 1"},
    {SERVICE_STOPPED, &refused, "", {.joined = true, .pods = -1, .ready = -1}, 60, NODE_DOWN, "down: edgecore stopped"},
};

static void each_line(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_TEXT struct text line = {0};
        struct node_view view = {.edge = &edge,
                                 .name = "edge-07",
                                 .service = cases[i].service,
                                 .service_name = "edgecore",
                                 .reason = cases[i].reason,
                                 .judgement = cases[i].judgement};

        assert_int_equal(node_line_tell(&view, &cases[i].facts, SINCE + cases[i].after, &line), cases[i].state);
        assert_string_equal(text_string(&line), cases[i].line);
    }
}

static void pods(void **state)
{
    (void)state;
    assert_int_equal(node_pods_of("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":null}"), 0);
    assert_int_equal(node_pods_of("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[{},{}]}"), 2);
    assert_int_equal(node_pods_of("{\"kind\":\"Status\"}"), -1);
    assert_int_equal(node_pods_of("{\"items\":[]}"), -1);
    assert_int_equal(node_pods_of("[]"), -1);
    assert_int_equal(node_pods_of("runtime is down"), -1);
    assert_int_equal(node_pods_of(""), -1);
}

static void conditions(void **state)
{
    struct node_facts facts = {.ready = -1};

    (void)state;
    node_condition_of(
        "{\"kind\":\"Node\",\"status\":{\"conditions\":[{\"type\":\"MemoryPressure\",\"status\":\"False\"},"
        "{\"type\":\"Ready\",\"status\":\"True\",\"message\":\"edge is ready\","
        "\"lastTransitionTime\":\"2022-02-26T14:02:11Z\"}]}}",
        &facts);
    assert_int_equal(facts.ready, 1);
    assert_int_equal(facts.since, SINCE);
    assert_string_equal(facts.complaint, "");
    node_condition_of(
        "{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"Unknown\",\"message\":\"gone\\nfor ever\","
        "\"lastTransitionTime\":7}]}}",
        &facts);
    assert_int_equal(facts.ready, 0);
    assert_string_equal(facts.complaint, "gone");
    facts = (struct node_facts){.ready = -1};
    node_condition_of("{\"status\":{\"conditions\":{}}}", &facts);
    node_condition_of("{\"status\":[1]}", &facts);
    node_condition_of("no JSON", &facts);
    assert_int_equal(facts.ready, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line),
        cmocka_unit_test(pods),
        cmocka_unit_test(conditions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
