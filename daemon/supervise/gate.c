/* SPDX-License-Identifier: Apache-2.0 */
/* Who may start: one look at all that a service waits for, whenever one of these things changes. */
#include <string.h>

#include "base/util.h"
#include "supervise/keeping.h"
#include "supervise/supervisor.h"

static enum service_cause missing_condition(const struct service *service, char *detail, size_t size)
{
    for (size_t i = 0; i < service->config->condition_count; i++) {
        if (!condition_holds(&service->config->conditions[i], detail, size)) {
            return CAUSE_CONDITION;
        }
    }
    return CAUSE_NONE;
}

static enum service_cause missing_service(const struct service *service, char *detail, size_t size)
{
    for (size_t i = 0; i < service->first_count; i++) {
        if (service->first[i]->machine.state != SERVICE_READY) {
            snprintf(detail, size, "%s is not ready", service->first[i]->config->name);
            return CAUSE_AFTER;
        }
    }
    return CAUSE_NONE;
}

/* The last things before a start: its last end is known, and it is prepared. */
static enum service_cause missing_counsel(const struct service *service)
{
    if (service->policy.judges && service->machine.judged != service->machine.collected) {
        return CAUSE_JUDGING;
    }
    return service->policy.prepares && !service->prepared ? CAUSE_PREPARING : CAUSE_NONE;
}

/* What keeps it from being started, CAUSE_NONE if nothing does. */
static enum service_cause what_is_missing(const struct service *service, char *detail, size_t size)
{
    enum service_cause cause = CAUSE_NONE;

    detail[0] = '\0';
    if (!service->resources) {
        return CAUSE_RESOURCES;
    }
    if (service->sweeping) {
        return CAUSE_REMAINS;
    }
    cause = missing_condition(service, detail, size);
    cause = cause != CAUSE_NONE ? cause : missing_service(service, detail, size);
    return cause != CAUSE_NONE ? cause : missing_counsel(service);
}

bool supervisor_waits_for_resources(const struct service *service)
{
    char detail[sizeof(service->detail)];

    return service->machine.state == SERVICE_WAITING && service->machine.wanted_up != 0 && !service->resources &&
           service->blocker == NULL && !service->sweeping &&
           missing_condition(service, detail, sizeof(detail)) == CAUSE_NONE &&
           missing_service(service, detail, sizeof(detail)) == CAUSE_NONE;
}

void supervisor_expect(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        if (supervisor_waits_for_resources(supervisor->services[i])) {
            running_expect(supervisor->services[i]);
        }
    }
}

void supervisor_gate(struct supervisor *supervisor, struct service *service)
{
    struct machine_input input = {.event = EVENT_RELEASE, .instance = service->machine.instance};
    bool waits = service->machine.state == SERVICE_WAITING || service->machine.state == SERVICE_BLOCKED;
    char detail[sizeof(service->detail)];

    (void)supervisor;
    if (service->blocker != NULL) {
        input.event = EVENT_BLOCK;
        input.cause = CAUSE_BLOCKED;
        snprintf(detail, sizeof(detail), "%s", service->blocker);
    } else {
        input.cause = what_is_missing(service, detail, sizeof(detail));
        input.event = input.cause == CAUSE_NONE ? EVENT_RELEASE : EVENT_HOLD;
        if (input.cause == (enum service_cause)service->machine.held && (!waits || streq(detail, service->detail))) {
            return; /* no news */
        }
    }
    if (waits) {
        memcpy(service->detail, detail, sizeof(detail));
    }
    running_step(service, &input);
}
