/* SPDX-License-Identifier: Apache-2.0 */
/* Services that lost a resource: stopped in reverse order, each only when those that come after it have ended. Of one that
 * used the resource itself, whatever its scope, nothing may be left: a container on a card that is gone is dead, and as long as
 * its processes are there the kernel keeps the dead file system, and does not mount the card again (f2fs: EEXIST). */
#include "base/log.h"
#include "base/util.h"
#include "supervise/supervisor.h"
#include "supervise/sweep.h"

static bool has_ended(const struct service *service)
{
    return !running_is_up(service) && !service->sweeping;
}

static void mark(struct service *service, const char *why)
{
    if (service->lost != NULL) {
        return;
    }
    service->lost = xstrdup(why);
    if (!has_ended(service)) {
        log_warning("%s: stopped, for it needs %s", service->config->name, why);
    }
    for (size_t i = 0; i < service->later_count; i++) {
        mark(service->later[i], service->config->name);
    }
}

void supervisor_lose(struct supervisor *supervisor, struct service *service, const char *resource)
{
    mark(service, resource);
    service->lost_all = true;
    supervisor_lose_next(supervisor);
}

bool supervisor_is_losing(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        if (supervisor->services[i]->lost != NULL && !has_ended(supervisor->services[i])) {
            return true;
        }
    }
    return false;
}

static bool is_free_to_stop(const struct service *service)
{
    for (size_t i = 0; i < service->later_count; i++) {
        if (!has_ended(service->later[i])) {
            return false;
        }
    }
    return true;
}

void supervisor_lose_next(struct supervisor *supervisor)
{
    bool any = false;

    /* Carrying an event out comes back to here: each step starts from what is true then. */
    for (size_t i = supervisor->count; i-- > 0;) {
        struct service *service = supervisor->services[i];

        if (service->lost == NULL) {
            continue;
        }
        any = true;
        if (service->lost_all && !running_is_up(service)) {
            service->lost_all = false;
            sweep_begin(service);
        }
        if (has_ended(service)) {
            free(service->lost);
            service->lost = NULL;
        } else if (running_is_up(service) && service->machine.state != SERVICE_STOPPING && is_free_to_stop(service)) {
            running_event(service, EVENT_WANT_AGAIN, CAUSE_BLOCKED, service->lost);
        }
    }
    if (any && !supervisor_is_losing(supervisor) && supervisor->changed != NULL) {
        supervisor->changed(supervisor->data, NULL);
    }
}
