/* SPDX-License-Identifier: Apache-2.0 */
#include "control/status.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/util.h"
#include "control/about_node.h"
#include "control/show.h"
#include "edge/dockerd.h"
#include "supervise/stat_plan.h"

static void add_milliseconds(cJSON *object, const char *key, int64_t microseconds)
{
    int64_t milliseconds = microseconds / MICROSECONDS_PER_MILLISECOND;

    cJSON_AddNumberToObject(object, key, (double)milliseconds);
}

static void add_last_end(cJSON *item, const struct machine *machine)
{
    cJSON *end;
    char text[128];

    if (machine->last_end == CAUSE_NONE) {
        return;
    }
    end = cJSON_AddObjectToObject(item, "last_end");
    cJSON_AddStringToObject(end, "cause", machine_cause_name(machine->last_end));
    cJSON_AddStringToObject(end, "reason",
                            machine_cause_text(machine->last_end, machine->last_status, text, sizeof(text)));
    if (WIFEXITED(machine->last_status)) {
        cJSON_AddNumberToObject(end, "exit_code", WEXITSTATUS(machine->last_status));
    } else if (WIFSIGNALED(machine->last_status)) {
        cJSON_AddNumberToObject(end, "signal", WTERMSIG(machine->last_status));
    }
}

static void add_checks(cJSON *item, const struct service *service)
{
    if (service->record.notify.status[0] != '\0') {
        cJSON_AddStringToObject(item, "says", service->record.notify.status);
    }
    if (service->alive.running) {
        cJSON *alive = cJSON_AddObjectToObject(item, "alive");

        cJSON_AddNumberToObject(alive, "probes", (double)service->alive.probes);
        cJSON_AddNumberToObject(alive, "failed_in_a_row", (double)service->alive.bad);
        cJSON_AddStringToObject(alive, "reason", service->alive.reason);
    } else if (service->ready.running) {
        cJSON_AddStringToObject(item, "not_ready", service->ready.reason);
    }
}

/* What its profile found is more than the state and its cause. */
static void add_verdict(cJSON *item, const struct judgement *verdict)
{
    cJSON *waits;
    char text[JUDGEMENT_VALUE + 32];

    cJSON_AddStringToObject(item, "cause", verdict->code);
    cJSON_AddStringToObject(item, "reason", verdict->what);
    cJSON_AddStringToObject(item, "remedy", verdict->remedy);
    if (verdict->line[0] != '\0') {
        cJSON_AddStringToObject(item, "line", verdict->line);
    }
    waits = cJSON_AddArrayToObject(item, "waits_for");
    for (size_t i = 0; i < JUDGEMENT_WAKES && verdict->wakes[i].kind != WAKE_NONE; i++) {
        cJSON_AddItemToArray(waits, cJSON_CreateString(judgement_wake_text(&verdict->wakes[i], text, sizeof(text))));
    }
}

/* Of its last failures, while that is not the reason of its state. */
static void add_explanation(cJSON *item, const struct service *service, const struct judgement *verdict)
{
    char text[1024];

    if (service->judgement != NULL && verdict == NULL) {
        cJSON_AddStringToObject(item, "explanation", judgement_text(service->judgement, text, sizeof(text)));
    } else if (service->explanation != NULL) {
        cJSON_AddStringToObject(item, "explanation", service->explanation);
    }
}

static cJSON *service_json(const struct service *service, const cJSON *manifest)
{
    CLEANUP_FREE char *open_host = dockerd_open_host(manifest, service->config);
    const struct judgement *verdict = counsel_verdict(service);
    const struct machine *machine = &service->machine;
    cJSON *item = cJSON_CreateObject();
    int64_t now = clock_now();
    char reason[512];

    cJSON_AddStringToObject(item, "name", service->config->name);
    cJSON_AddStringToObject(item, "state", machine_state_name(machine->state));
    if (verdict != NULL) {
        add_verdict(item, verdict);
    } else {
        cJSON_AddStringToObject(item, "cause", machine_cause_name(machine->cause));
        cJSON_AddStringToObject(item, "reason", running_reason(service, reason, sizeof(reason)));
    }
    cJSON_AddNumberToObject(item, "pid", running_is_up(service) ? service->record.pid : 0);
    cJSON_AddNumberToObject(item, "keeper", service->known ? service->record.keeper_pid : 0);
    add_milliseconds(item, "since_ms", now - machine->since);
    if (running_is_up(service) && machine->started_at > 0) {
        add_milliseconds(item, "uptime_ms", now - machine->started_at);
    }
    cJSON_AddNumberToObject(item, "restarts", (double)machine->restarts);
    if ((machine->state == SERVICE_DELAYED || machine->state == SERVICE_PARKED) && machine->due != 0) {
        add_milliseconds(item, "next_try_ms", machine->due - now);
    }
    if (open_host != NULL) {
        cJSON_AddStringToObject(item, "insecure_tcp", open_host);
    }
    add_last_end(item, machine);
    add_explanation(item, service, verdict);
    if (service->config->stat_filter != STAT_NEVER && running_is_up(service)) {
        cJSON_AddStringToObject(item, "stat_filter", stat_way_name(service->record.filter));
    }
    add_checks(item, service);
    return item;
}

cJSON *status_make(const struct node_paths *paths, const struct bringup *bringup, int64_t started)
{
    struct node fresh = {0};
    bool loaded = node_load(&fresh, paths) == 0;
    cJSON *status;
    cJSON *services;
    cJSON *node = loaded ? about_node(&fresh, bringup->supervisor) : NULL;
    cJSON *self;

    if (loaded) {
        plan_probe(&fresh.plan);
    }
    status = loaded ? show_plan_json(&fresh.plan) : cJSON_CreateObject();
    cJSON_AddBoolToObject(status, "ok", 1);
    if (!loaded) {
        CLEANUP_TEXT struct text problems = {0};

        manifest_describe(&fresh.manifest, &problems);
        cJSON_AddStringToObject(status, "manifest_refused", text_string(&problems));
    }
    cJSON_AddBoolToObject(status, "applying", bringup_is_running(bringup));
    services = cJSON_AddArrayToObject(status, "services");
    for (size_t i = 0; i < bringup->supervisor->count; i++) {
        cJSON_AddItemToArray(services, service_json(bringup->supervisor->services[i], fresh.manifest.root));
    }
    if (node != NULL) {
        cJSON_AddItemToObject(status, "node", node);
    }
    self = cJSON_AddObjectToObject(status, "daemon");
    cJSON_AddNumberToObject(self, "pid", getppid());
    add_milliseconds(self, "uptime_ms", clock_now() - started);
    node_free(&fresh);
    return status;
}
