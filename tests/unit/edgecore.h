/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of edgecore's judge: a board that is as a test says, an edgecore that ended on it, and what is made of that.
 */
#ifndef EDGEINIT_TESTS_UNIT_EDGECORE_H
#define EDGEINIT_TESTS_UNIT_EDGECORE_H

#include <signal.h>
#include <sys/wait.h>

#include "base/util.h"
#include "edge/edgecore_judge.h"
#include "test.h"

#define EXIT(code) ((code) << 8)
#define TOKEN "1f2e.eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE2NDU4Njc4OTB9.c2lnbmF0dXJl" /* until 1645867890 */
#define BEFORE_EXPIRY 1645867889
#define AFTER_EXPIRY 1645867890

static enum docker_state docker = DOCKER_ANSWERS;
static bool memory_was_short;
static int64_t now = BEFORE_EXPIRY;
static char asked_for[32];

static bool has_dockershim = true;

static bool see_version(const struct profile_call *call)
{
    (void)call;
    return has_dockershim;
}

static enum docker_state see_docker(void)
{
    return docker;
}

static void see_holder(int port, char *text, size_t size)
{
    snprintf(text, size, "pid 812 (holder of %d)", port);
}

static bool see_memory(const char *name)
{
    snprintf(asked_for, sizeof(asked_for), "%s", name);
    return memory_was_short;
}

static int64_t see_seconds(void)
{
    return now;
}

static const struct edgecore_eyes eyes = {
    .docker = see_docker,
    .uses_docker = see_version,
    .holder = see_holder,
    .out_of_memory = see_memory,
    .seconds = see_seconds,
};

static const char *const manifests[] = {"/etc/base.json", "/etc/last.json"};
static const struct node_paths paths = {.manifests = manifests, .manifest_count = 2};
static const char *edgecore_command[] = {"/system/bin/edgecore", NULL};
static struct service_config services[] = {
    {.name = "engine", .profile = PROFILE_DOCKERD},
    {.name = "edgecore", .profile = PROFILE_EDGECORE, .command = edgecore_command, .command_count = 1},
};

static struct node node = {
    .services = {.items = services, .count = 2},
    .edge = {.present = true,
             .cloud = "10.0.0.5",
             .https_port = 10002,
             .token = TOKEN,
             .config = "/etc/kubeedge/config/edgecore.yaml"},
};

static inline int set_up(void **state)
{
    (void)state;
    docker = DOCKER_ANSWERS;
    has_dockershim = true;
    memory_was_short = false;
    now = BEFORE_EXPIRY;
    node.edge.token = TOKEN;
    node.edge.token_file = "/data/token";
    node.services.count = 2;
    return 0;
}

static inline struct judgement judge(enum service_cause end, int status, int64_t lived, const char *log,
                                     const struct judgement *before)
{
    struct judgement judgement = {0};
    struct profile_call call = {.node = &node,
                                .paths = &paths,
                                .service = &services[1],
                                .directory = "/nowhere",
                                .end = end,
                                .status = status,
                                .lived = lived,
                                .log = log};

    edgecore_judge_with(&call, &eyes, before, &judgement);
    return judgement;
}

static inline struct judgement judge_exit(const char *log)
{
    return judge(CAUSE_EXITED, EXIT(1), 250, log, NULL);
}

static inline bool wakes_at(const struct judgement *judgement, enum wake_kind kind, const char *value)
{
    for (size_t i = 0; i < JUDGEMENT_WAKES && judgement->wakes[i].kind != WAKE_NONE; i++) {
        if (judgement->wakes[i].kind == (int32_t)kind && streq(judgement->wakes[i].value, value)) {
            return true;
        }
    }
    return false;
}

#define KLOG(letter, place) letter "1122 11:58:17.267565     218 " place "] "
#define JOIN KLOG("F", "certmanager.go:93") "Error: "
#define GET_CA JOIN "failed to get CA certificate, err: Get \"https://10.0.0.5:10002/ca.crt\": "
#define GET_CERT JOIN "failed to get edge certificate from the cloudcore, error: "

#endif
