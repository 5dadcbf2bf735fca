/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/edgecore_prepare.h"

#include <errno.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"
#include "edge/edgecore_config.h"
#include "edge/edgecore_file.h"
#include "edge/edgecore_join.h"
#include "edge/edgecore_look.h"
#include "edge/edgecore_reasons.h"
#include "edge/edgecore_tidy.h"
#include "supervise/stat_filter.h"

/* The directory of edgecore's state, which nobody else may look into. */
static int open_state(const struct profile_call *call, char **directory, struct error *err)
{
    *directory = xasprintf("%s/edge", call->paths->state_dir);
    if (file_make_private(*directory, err) != 0) {
        return error_wrap(err, "keep what is known of the join");
    }
    return chmod(*directory, 0700) == 0 ? 0 : error_system(err, errno, "chmod %s", *directory);
}

/* The manifest's, or the host's if that can be one: OpenHarmony calls every board localhost. */
static bool find_name(const struct edge_config *edge, char name[HOST_NAME_MAX + 1], struct judgement *judgement)
{
    const char *why = NULL;

    name[0] = '\0';
    if (edge->node != NULL) {
        return true;
    }
    if (gethostname(name, HOST_NAME_MAX + 1) != 0 || name[0] == '\0' || streq(name, "(none)")) {
        return edgecore_hold(judgement, REASON_NO_NAME, "", "the board has no host name");
    }
    if (streq(name, "localhost") || !edge_node_name(name, &why)) {
        return edgecore_hold(judgement, REASON_NO_NAME, "", "the host name is %.64s: %s", name,
                             why == NULL ? "so is every board's" : why);
    }
    return true;
}

static const char *path_of_service(const struct service_config *service)
{
    const char *path = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(service->environment, "PATH"));

    return path == NULL ? CHILD_PATH : path;
}

static bool find_version(const struct profile_call *call, const char *directory, struct edgecore_version *version,
                         struct judgement *judgement)
{
    const char *program = call->service->command[0];
    struct error err = {0};
    char buffer[512];

    edgecore_wake(judgement, WAKE_FILE_CHANGED, program);
    if (edgecore_version_find(program, call->node->edge.version, path_of_service(call->service), directory, version,
                              &err) == 0) {
        return true;
    }
    return edgecore_hold(judgement, REASON_VERSION_UNKNOWN, "", "%.180s", error_reason(&err, buffer, sizeof(buffer)));
}

/* Where nothing can make the kernel's statistics readable for edgecore (stat_filter), it must do without them. */
static bool can_have_metrics(const struct profile_call *call)
{
    return stat_filter_expect(call->service, call->directory) != STAT_NONE;
}

static int write_config(const struct profile_call *call, const cJSON *config, const char *directory,
                        struct judgement *judgement)
{
    const char *path = call->node->edge.config;
    struct text text = {0};
    struct error err = {0};
    char parent[PATH_MAX];
    char buffer[512];
    int result;

    edgecore_wake(judgement, WAKE_NONE, "");
    edgecore_config_write(config, &text);
    result = edgecore_file_write(path, &text, directory, &err);
    explicit_bzero(text.data, text.length);
    text_free(&text);
    if (result != 0) {
        path_parent(path, parent);
        edgecore_hold(judgement, REASON_CONFIG_UNWRITABLE, parent, "%.180s",
                      error_reason(&err, buffer, sizeof(buffer)));
    }
    return 0;
}

/* Does it talk to a cloud at all? "merge" may switch that off. */
static cJSON *hub_of(cJSON *config)
{
    cJSON *hub = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(config, "modules"), "edgeHub");

    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(hub, "enable")) ? hub : NULL;
}

/* With all that has to be known of the board. */
static int prepare_with(const struct profile_call *call, const struct board *board, const char *directory,
                        const struct edgecore_facts *facts, struct judgement *judgement, struct error *err)
{
    const struct edge_config *edge = &call->node->edge;
    CLEANUP_TOKEN char *token = NULL;
    CLEANUP_JSON cJSON *config = edgecore_config_make(edge, facts);
    cJSON *hub = hub_of(config);
    const char *name = edgecore_config_string(config, "modules.edged.hostnameOverride", facts->node);
    int joined;

    if (!edgecore_look_at_cgroup_driver(config, &facts->version, board, judgement)) {
        return 0;
    }
    edgecore_tidy(config);
    if (!edgecore_look_at_board(call, path_of_service(call->service), judgement) ||
        (hub != NULL && !edgecore_has_joined(config) && !edgecore_look_at_clock(judgement))) {
        return 0;
    }
    joined = hub == NULL ? 1 : edgecore_join(call, directory, name, config, &token, judgement, err);
    if (joined <= 0) {
        return joined;
    }
    edgecore_look_for_warnings(config, edge, &facts->version);
    if (token != NULL) {
        cJSON_ReplaceItemInObjectCaseSensitive(hub, "token", cJSON_CreateString(token));
    }
    joined = write_config(call, config, directory, judgement);
    if (token != NULL) {
        char *copy = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(hub, "token"));

        explicit_bzero(copy, strlen(copy));
    }
    return joined;
}

/* Wakes are for one who waits. */
static void let_go(struct judgement *judgement)
{
    if (judgement->hold == JUDGEMENT_NONE) {
        *judgement = (struct judgement){0};
    }
}

int edgecore_prepare(const struct profile_call *call, struct judgement *judgement, struct error *err)
{
    const struct edge_config *edge = &call->node->edge;
    CLEANUP_FREE char *directory = NULL;
    struct edgecore_facts facts = {.metrics = can_have_metrics(call)};
    struct board board;
    char name[HOST_NAME_MAX + 1];
    char address[EDGECORE_ADDRESS];
    int result = 0;

    prctl(PR_SET_DUMPABLE, 0); /* no core file with a token in it */
    if (!edge->present) {
        edgecore_hold(judgement, REASON_NOT_CONFIGURED, "", "the manifest has no \"edge\" section");
        return 0;
    }
    if (open_state(call, &directory, err) != 0) {
        return -1;
    }
    if (find_name(edge, name, judgement) && find_version(call, directory, &facts.version, judgement) &&
        edgecore_look_for_address(edge, address, judgement)) {
        board_open(&board, call->node->manifest.root, NULL);
        facts.node = edge->node != NULL ? edge->node : name;
        facts.address = address;
        facts.cgroup_driver = board.cgroup_driver[0] == '\0' ? "cgroupfs" : board.cgroup_driver;
        result = prepare_with(call, &board, directory, &facts, judgement, err);
    }
    let_go(judgement);
    return result;
}

void edgecore_settle(const struct profile_call *call)
{
    const struct edge_config *edge = &call->node->edge;
    /* Where the certificates are does not depend on the version. */
    const struct edgecore_facts facts = {.version.minor = 9, .node = "", .cgroup_driver = ""};
    bool has_read = call->service->ready_notify || call->service->ready.kind != CHECK_NONE;
    CLEANUP_FREE char *directory = NULL;
    CLEANUP_JSON cJSON *config = NULL;
    struct error err = {0};
    char buffer[512];

    prctl(PR_SET_DUMPABLE, 0);
    if (!edge->present || open_state(call, &directory, &err) != 0) {
        return;
    }
    config = edgecore_config_make(edge, &facts);
    /* One that is called ready because it was executed may not have read it yet. */
    if (has_read && edgecore_file_forget_token(edge->config, directory, &err) != 0) {
        log_error("edgecore: %s", error_text(&err, buffer, sizeof(buffer)));
    }
    edgecore_join_settle(call, directory, config);
    if (!has_read && edgecore_has_joined(config) && edgecore_file_forget_token(edge->config, directory, &err) != 0) {
        log_error("edgecore: %s", error_text(&err, buffer, sizeof(buffer)));
    }
}
