/* SPDX-License-Identifier: Apache-2.0 */
#include "control/drift.h"

#include "base/log.h"
#include "base/util.h"
#include "host/loss.h"
#include "host/mounts.h"

/* What is mounted there, as the kernel tells it now. The entry's texts end with the host. */
static bool is_mounted(struct host *host, const char *target, struct mount_entry *entry)
{
    struct error ignored = {0};

    return target != NULL && mounts_at(host, target, entry, &ignored) == 1;
}

/* Cover all that was mounted from the device. Was there any? */
static bool cover_lost(const struct drift *drift, dev_t device)
{
    const struct bringup *bringup = drift->bringup;
    struct host host = {.run_dir = bringup->run_dir};
    struct mount_entry entry;
    struct error err = {0};
    char text[1024];
    bool any = false;

    for (size_t i = 0; i < bringup->outcome_count; i++) {
        if (!is_mounted(&host, bringup->mounts[i], &entry) || entry.device != device) {
            continue;
        }
        any = true;
        log_error("%s: its device is gone", bringup->names[i]);
        drift->lost(drift->data, bringup->names[i]);
        if (loss_cover(&host, bringup->mounts[i], &err) != 0) {
            log_error("%s", error_text(&err, text, sizeof(text)));
        }
    }
    mounts_forget(&host);
    return any;
}

static bool misses_mount(const struct bringup *bringup)
{
    for (size_t i = 0; i < bringup->outcome_count; i++) {
        if (bringup->mounts[i] != NULL && bringup->outcomes[i].state != STATE_IN_PLACE &&
            bringup->outcomes[i].state != STATE_APPLIED) {
            return true;
        }
    }
    return false;
}

static void events_readable(void *data, uint32_t events)
{
    struct drift *drift = data;
    struct device_change change;
    bool again = false;

    (void)events;
    while (loss_next(drift->events.fd, &change)) {
        /* A worker that waits for a device sees it coming itself. */
        again |= change.gone ? cover_lost(drift, change.device)
                             : !drift->waiting && !bringup_is_running(drift->bringup) && misses_mount(drift->bringup);
    }
    if (again) {
        drift->again(drift->data);
    }
}

void drift_open(struct drift *drift, struct bringup *bringup, void (*again)(void *data),
                void (*lost)(void *data, const char *resource), void *data)
{
    struct error err = {0};
    char text[1024];
    CLEANUP_CLOSE int fd = loss_watch(&err);

    *drift = (struct drift){.bringup = bringup, .events.fd = -1, .again = again, .lost = lost, .data = data};
    if (fd < 0 || loop_add(bringup->loop, &drift->events, fd, EPOLLIN, events_readable, drift, &err) != 0) {
        log_warning("a card that is pulled out will not be noticed: %s", error_text(&err, text, sizeof(text)));
        return;
    }
    take_fd(&fd);
}

void drift_close(struct drift *drift)
{
    int fd = drift->events.fd;

    if (drift->bringup == NULL) {
        return;
    }
    if (fd >= 0) {
        loop_remove(drift->bringup->loop, &drift->events);
        close(fd);
    }
    loop_timer_clear(drift->bringup->loop, &drift->stopped);
    *drift = (struct drift){.events.fd = -1};
}

bool drift_holds(struct drift *drift)
{
    struct bringup *bringup = drift->bringup;
    struct host host = {.run_dir = bringup->run_dir};
    struct mount_entry entry;

    for (size_t i = 0; i < bringup->outcome_count; i++) {
        if (!is_mounted(&host, bringup->mounts[i], &entry) || !loss_has_happened(&entry)) {
            continue;
        }
        for (size_t j = 0; j < bringup->service_count; j++) {
            if (bringup->needed_by[j][i]) {
                supervisor_lose(bringup->supervisor, bringup->supervisor->services[j], bringup->names[i]);
            }
        }
    }
    mounts_forget(&host);
    drift->waiting = supervisor_is_losing(bringup->supervisor);
    return drift->waiting;
}

static void all_stopped(void *data)
{
    struct drift *drift = data;

    drift->again(drift->data);
}

void drift_look(struct drift *drift)
{
    if (drift->waiting && !supervisor_is_losing(drift->bringup->supervisor)) {
        drift->waiting = false;
        loop_timer_set(drift->bringup->loop, &drift->stopped, 0, all_stopped, drift);
    }
}
