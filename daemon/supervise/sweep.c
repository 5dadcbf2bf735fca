/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/sweep.h"

#include "base/clock.h"
#include "base/util.h"
#include "supervise/supervisor.h"

#define SWEEP_PAUSE (5 * MICROSECONDS_PER_MILLISECOND)

static void sweep(struct service *service);

void sweep_done(struct service *service)
{
    struct supervisor *supervisor = service->supervisor;

    supervisor_gate(supervisor, service);
    if (supervisor->changed != NULL) {
        supervisor->changed(supervisor->data, service);
    }
    supervisor_look(supervisor, service);
}

static void sweep_on(struct service *service)
{
    sweep(service);
    if (!service->sweeping) {
        sweep_done(service);
    }
}

static void sweep_later(void *data)
{
    sweep_on(data);
}

void sweep_end(struct service *service)
{
    int fd = service->sweep.fd;

    loop_timer_clear(service->supervisor->loop, &service->sweep_again);
    if (fd >= 0) {
        loop_remove(service->supervisor->loop, &service->sweep);
        close(fd);
        service->sweep.fd = -1;
    }
}

static void member_ended(void *data, uint32_t events)
{
    struct service *service = data;

    (void)events;
    sweep_end(service);
    sweep_on(service);
}

static void sweep(struct service *service)
{
    struct supervisor *supervisor = service->supervisor;
    struct error ignored = {0};
    int left = -1;
    size_t count = track_kill(&supervisor->track, service->config->name, service->record.keeper_pid, &left);

    service->sweeping = count > 0;
    if (left >= 0 && loop_add(supervisor->loop, &service->sweep, left, EPOLLIN, member_ended, service, &ignored) == 0) {
        return;
    }
    if (left >= 0) {
        close(left);
    }
    if (count > 0) { /* all that were there have ended while we looked, or there is no descriptor to be had */
        loop_timer_set(supervisor->loop, &service->sweep_again, clock_now() + SWEEP_PAUSE, sweep_later, service);
    }
}

/* The keeper is in the group too: before its first record we do not know which one it is. */
static bool knows_keeper(const struct service *service)
{
    return service->known || !link_is_up(&service->link);
}

void sweep_begin(struct service *service)
{
    if (service->sweeping) {
        return;
    }
    service->sweeping = true;
    if (knows_keeper(service)) {
        track_find_freezer(&service->supervisor->track);
        sweep(service);
    }
}

void sweep_know_keeper(struct service *service)
{
    if (service->sweeping && service->sweep.fd < 0 && !service->sweep_again.armed) {
        track_find_freezer(&service->supervisor->track);
        sweep_on(service);
    }
}
