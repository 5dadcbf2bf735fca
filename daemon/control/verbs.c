/* SPDX-License-Identifier: Apache-2.0 */
#include "control/verbs.h"

#include "base/util.h"

static bool ended_well(const struct service *service)
{
    return service->machine.state == SERVICE_FINISHED && service->machine.last_end == CAUSE_EXITED &&
           service->machine.last_status == 0;
}

static int explain(const struct service *service, char *reason, size_t size)
{
    char text[384];

    running_reason(service, text, sizeof(text));
    snprintf(reason, size, "%s is %s%s%s; \"edgeinit status\" and \"edgeinit logs %s\" say more", service->config->name,
             machine_state_name(service->machine.state), text[0] == '\0' ? "" : ": ", text, service->config->name);
    return -1;
}

static int is_ready(const struct service *service, uint64_t ticket, char *reason, size_t size)
{
    unsigned state = service->machine.state;

    (void)ticket;
    if (state == SERVICE_READY || ended_well(service)) {
        return 1;
    }
    return state == SERVICE_BLOCKED || state == SERVICE_STOPPED || state == SERVICE_FINISHED
               ? explain(service, reason, size)
               : 0;
}

/* A person waits for this start: the first failure is the answer, though the supervisor goes on trying. */
static int is_started(const struct service *service, uint64_t ticket, char *reason, size_t size)
{
    unsigned state = service->machine.state;

    if (service->machine.instance > ticket && (state == SERVICE_READY || ended_well(service))) {
        return 1;
    }
    return state == SERVICE_DELAYED || state == SERVICE_PARKED || state == SERVICE_BLOCKED ||
                   (state == SERVICE_FINISHED && service->machine.instance > ticket)
               ? explain(service, reason, size)
               : 0;
}

static int is_stopped(const struct service *service, uint64_t ticket, char *reason, size_t size)
{
    (void)ticket;
    if (service->machine.wanted_up != 0) {
        snprintf(reason, size, "somebody started %s meanwhile", service->config->name);
        return -1;
    }
    return service->machine.state == SERVICE_STOPPED && !service->sweeping ? 1 : 0;
}

static void begin_start(struct service *service, uint64_t *ticket, char *note, size_t size)
{
    note[0] = '\0';
    (void)size;
    *ticket = running_is_up(service) && service->machine.state != SERVICE_STOPPING ? 0 : service->machine.instance;
    running_event(service, EVENT_WANT_UP, CAUSE_REQUEST, NULL);
}

static void begin_stop(struct service *service, uint64_t *ticket, char *note, size_t size)
{
    size_t length = 0;

    *ticket = 0;
    for (size_t i = 0; i < service->later_count && length < size; i++) {
        if (running_is_up(service->later[i])) {
            length += (size_t)snprintf(note + length, size - length, "%s%s", length == 0 ? "" : ", ",
                                       service->later[i]->config->name);
        }
    }
    if (length > 0 && length < size) {
        snprintf(note + length, size - length, " still run%s, and need%s %s", strchr(note, ',') == NULL ? "s" : "",
                 strchr(note, ',') == NULL ? "s" : "", service->config->name);
    }
    running_event(service, EVENT_WANT_DOWN, CAUSE_REQUEST, NULL);
}

static void begin_restart(struct service *service, uint64_t *ticket, char *note, size_t size)
{
    note[0] = '\0';
    (void)size;
    *ticket = service->machine.instance;
    running_event(service, EVENT_WANT_AGAIN, CAUSE_REQUEST, NULL);
}

static const struct {
    const char *name;
    void (*begin)(struct service *service, uint64_t *ticket, char *note, size_t size); /* NULL: nothing to do */
    int (*is_done)(const struct service *service, uint64_t ticket, char *reason, size_t size);
} verbs[] = {
    {"wait-ready", NULL, is_ready},
    {"start", begin_start, is_started},
    {"stop", begin_stop, is_stopped},
    {"restart", begin_restart, is_started},
};

/* One that a reload retired still ends; who waits for its end may go on doing so, and everybody else is late. */
static struct service *find(const struct bringup *bringup, const struct request *request, char *reason, size_t size)
{
    struct service *service = supervisor_find(bringup->supervisor, request->service);

    if (service == NULL || (service->retired && !streq(request->verb, "stop"))) {
        snprintf(reason, size, "there is no service \"%s\" in the manifest", request->service);
        return NULL;
    }
    return service;
}

int verbs_begin(const struct bringup *bringup, const struct request *request, uint64_t *ticket, char *note, size_t size)
{
    struct service *service = NULL;

    *ticket = 0;
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (!streq(request->verb, verbs[i].name)) {
            continue;
        }
        if (verbs[i].begin == NULL) {
            return 0;
        }
        service = find(bringup, request, note, size);
        if (service != NULL && bringup->supervisor->ending) {
            snprintf(note, size, "the daemon is ending");
            service = NULL;
        }
        if (service != NULL) {
            verbs[i].begin(service, ticket, note, size);
        }
        return service == NULL ? -1 : 0;
    }
    snprintf(note, size, "unknown verb; known: status, wait-ready, start, stop, restart, reload");
    return -1;
}

/* All that the manifest names, and the board. */
static int all_ready(const struct bringup *bringup, char *reason, size_t size)
{
    int result = bringup_is_running(bringup) ? 0 : 1;

    for (size_t i = 0; i < bringup->supervisor->count; i++) {
        const struct service *service = bringup->supervisor->services[i];
        int ready = service->retired ? 1 : is_ready(service, 0, reason, size);

        if (ready < 0) {
            return -1;
        }
        result = ready == 0 ? 0 : result;
    }
    return result;
}

bool verbs_all_ready(const struct bringup *bringup)
{
    char ignored[512];

    return all_ready(bringup, ignored, sizeof(ignored)) == 1;
}

int verbs_is_done(const struct bringup *bringup, const struct request *request, uint64_t ticket, char *reason,
                  size_t size)
{
    const struct service *service;

    if (request->service[0] == '\0') {
        return all_ready(bringup, reason, size);
    }
    service = find(bringup, request, reason, size);
    for (size_t i = 0; i < ARRAY_SIZE(verbs) && service != NULL; i++) {
        if (streq(request->verb, verbs[i].name)) {
            return verbs[i].is_done(service, ticket, reason, size);
        }
    }
    return -1;
}
