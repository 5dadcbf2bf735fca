/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "host/facts.h"
#include "supervise/keeping.h"
#include "supervise/launch.h"
#include "supervise/sweep.h"

#define KEEPER_PATIENCE 1000 /* milliseconds for a keeper to end when it was told to */

struct service *supervisor_find(const struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        if (streq(supervisor->services[i]->config->name, name)) {
            return supervisor->services[i];
        }
    }
    return NULL;
}

static void gate_all(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        supervisor_gate(supervisor, supervisor->services[i]);
    }
}

static void conditions_changed(void *data)
{
    struct supervisor *supervisor = data;

    for (size_t i = 0; i < supervisor->count; i++) {
        if (supervisor->services[i]->config->condition_count > 0) {
            supervisor_gate(supervisor, supervisor->services[i]);
        }
    }
}

void supervisor_release(struct supervisor *supervisor, struct service *service)
{
    CLEANUP_TEXT struct text spec = {0};
    struct error ignored = {0};

    free(service->blocker);
    service->blocker = NULL;
    service->resources = true;
    /* Taken over from an earlier daemon, and the manifest has changed since. */
    if (running_is_up(service) && launch_spec(service->config, &spec, &ignored) == 0 &&
        !keeping_has_spec(service, &spec)) {
        running_event(service, EVENT_WANT_AGAIN, CAUSE_CHANGED, NULL);
    }
    supervisor_gate(supervisor, service);
}

void supervisor_block(struct supervisor *supervisor, struct service *service, const char *resource)
{
    free(service->blocker);
    service->blocker = xstrdup(resource);
    service->resources = false;
    supervisor_gate(supervisor, service);
}

/* A program may come with a mount, which inotify does not see. Watched only while one is missing: each mount of a container
 * would be a wake-up. */
static void mounts_changed(void *data, uint32_t events)
{
    struct supervisor *supervisor = data;
    bool parked = false;
    int fd = supervisor->mounts.fd;

    (void)events;
    watch_again(&supervisor->watcher);
    for (size_t i = 0; i < supervisor->count; i++) {
        parked |= supervisor->services[i]->machine.state == SERVICE_PARKED;
    }
    if (!parked) {
        loop_remove(supervisor->loop, &supervisor->mounts);
        close(fd);
    }
}

void supervisor_watch_mounts(struct supervisor *supervisor)
{
    struct error ignored = {0};
    CLEANUP_CLOSE int fd = supervisor->mounts.fd >= 0 ? -1 : facts_watch_mounts(&ignored);

    if (fd >= 0 &&
        loop_add(supervisor->loop, &supervisor->mounts, fd, EPOLLPRI, mounts_changed, supervisor, &ignored) == 0) {
        take_fd(&fd);
    }
}

/* Stopping everything. */

static bool has_ended(const struct service *service)
{
    return !running_is_up(service) && !service->sweeping;
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

/* One that has finished its work stays so: the next daemon must not do it again. */
static bool is_down(const struct service *service)
{
    return has_ended(service) && (service->machine.wanted_up == 0 || service->machine.state == SERVICE_FINISHED);
}

static void end_next(struct supervisor *supervisor)
{
    bool all = true;

    for (size_t i = supervisor->count; i-- > 0;) {
        struct service *service = supervisor->services[i];

        if (service->machine.wanted_up != 0 && !is_down(service) && is_free_to_stop(service)) {
            running_event(service, EVENT_WANT_DOWN, CAUSE_SHUTDOWN, NULL);
        }
        if (service->lost_all && !running_is_up(service)) {
            service->lost_all = false;
            sweep_begin(service);
        }
        all &= is_down(service);
    }
    if (all && !supervisor->ended) {
        supervisor->ended = true;
        supervisor->stopped(supervisor->data);
    }
}

void supervisor_end(struct supervisor *supervisor)
{
    if (!supervisor->ending) {
        supervisor->ending = true;
        end_next(supervisor);
    }
}

void supervisor_end_all(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        supervisor->services[i]->lost_all = true;
    }
    supervisor_end(supervisor);
}

/* Those that the manifest no longer names. */

static void tidy(void *data)
{
    struct supervisor *supervisor = data;
    size_t before = supervisor->count;
    size_t left = 0;

    for (size_t i = 0; i < supervisor->count; i++) {
        struct service *service = supervisor->services[i];

        if (!service->retired || !has_ended(service)) {
            supervisor->services[left++] = service;
            continue;
        }
        log_info("%s: no longer in the manifest, and stopped", service->config->name);
        running_remove(service, true);
        running_free(service);
    }
    supervisor->count = left;
    if (left != before && supervisor->changed != NULL) {
        supervisor->changed(supervisor->data, NULL);
    }
}

static void retire(struct service *service)
{
    struct service_config *config = xcalloc(1, sizeof(*config));

    *config = (struct service_config){
        .name = xstrdup(service->config->name),
        .restart_policy = RESTART_NEVER,
        .stop_signal = service->config->stop_signal,
        .stop_timeout = service->config->stop_timeout,
        .stop_scope = service->config->stop_scope,
        .log_size = service->config->log_size,
    };
    service->config = config;
    service->own_config = config;
    service->log.name = config->name;
    service->first_count = 0;
    service->later_count = 0;
    service->retired = true;
}

void supervisor_look(struct supervisor *supervisor, struct service *service)
{
    for (size_t i = 0; i < service->later_count && !supervisor->ending; i++) {
        supervisor_gate(supervisor, service->later[i]);
    }
    for (size_t i = 0; i < supervisor->count && service->machine.state == SERVICE_READY; i++) {
        if (supervisor->services[i]->waking != NULL) {
            waking_look(supervisor->services[i]->waking);
        }
    }
    if (supervisor->ending) {
        end_next(supervisor);
    } else {
        supervisor_lose_next(supervisor);
    }
    if (service->retired && has_ended(service)) {
        loop_timer_set(supervisor->loop, &supervisor->tidy, 0, tidy, supervisor);
    }
}

/* Coming into being. */

static void connect_services(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        supervisor->services[i]->first_count = 0;
        supervisor->services[i]->later_count = 0;
    }
    for (size_t i = 0; i < supervisor->count; i++) {
        struct service *service = supervisor->services[i];

        service->first = xrealloc(service->first, (service->config->after_count + 1) * sizeof(struct service *));
        for (size_t j = 0; j < service->config->after_count; j++) {
            struct service *first = supervisor_find(supervisor, service->config->after[j]);

            if (first == NULL) {
                continue;
            }
            service->first[service->first_count++] = first;
            first->later = xrealloc(first->later, (first->later_count + 1) * sizeof(struct service *));
            first->later[first->later_count++] = service;
        }
    }
}

static void watch_conditions(struct supervisor *supervisor)
{
    struct error err = {0};
    char text[1024];

    conditions_clear(&supervisor->conditions);
    for (size_t i = 0; i < supervisor->count; i++) {
        const struct service_config *config = supervisor->services[i]->config;

        if (conditions_add(&supervisor->conditions, config->conditions, config->condition_count, &err) != 0) {
            log_error("%s: %s", config->name, error_text(&err, text, sizeof(text)));
        }
    }
}

static struct service *add_service(struct supervisor *supervisor, const struct service_config *config,
                                   struct error *err)
{
    struct service *service = running_new(supervisor, config, err);

    if (service != NULL) {
        supervisor->services = xrealloc(supervisor->services, (supervisor->count + 1) * sizeof(*supervisor->services));
        supervisor->services[supervisor->count++] = service;
    }
    return service;
}

/* Its keeper and its state, as an earlier daemon left them. */
static int take_up(struct service *service, struct error *err)
{
    if (keeping_find(service, err) < 0) {
        return -1;
    }
    running_resume(service);
    if (running_is_up(service) && !link_is_up(&service->link)) {
        keeping_replace(service); /* it was killed with the daemon */
    }
    return 0;
}

/* Directories of services that the manifest does not name: stop what runs there. */
static int take_up_strays(struct supervisor *supervisor, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/services", supervisor->run_dir);
    CLEANUP_DIR DIR *directory = opendir(path);
    const struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        const struct service_config some = {
            .name = entry->d_name, .stop_signal = SIGTERM, .stop_timeout = 10000, .log_size = RING_SMALLEST};
        struct service *service;
        CLEANUP_FREE char *state = xasprintf("%s/%s/state", path, entry->d_name);

        if (entry->d_name[0] == '.' || access(state, F_OK) != 0 || supervisor_find(supervisor, entry->d_name) != NULL) {
            continue;
        }
        service = add_service(supervisor, &some, err);
        if (service == NULL) {
            return -1;
        }
        retire(service);
        if (take_up(service, err) != 0) {
            return -1;
        }
        running_event(service, EVENT_WANT_DOWN, CAUSE_SHUTDOWN, NULL);
        supervisor_look(supervisor, service);
    }
    return 0;
}

/* Each service takes a few descriptors of ours; keepers and services get the limit that we got (keeping.c). */
static void want_descriptors(struct supervisor *supervisor, size_t services)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &supervisor->files);
    limit = supervisor->files;
    if (limit.rlim_cur < services * 4 + 256) {
        limit.rlim_cur = limit.rlim_max < services * 4 + 256 ? limit.rlim_max : services * 4 + 256;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int supervisor_open(struct supervisor *supervisor, struct loop *loop, const struct service_list *list,
                    const char *run_dir, struct error *err)
{
    CLEANUP_FREE char *directory = xasprintf("%s/services", run_dir);
    char text[1024];

    supervisor->loop = loop;
    supervisor->run_dir = run_dir;
    supervisor->mounts.fd = -1;
    watcher_open(&supervisor->watcher, loop);
    conditions_open(&supervisor->conditions, loop, &supervisor->watcher, conditions_changed, supervisor);
    want_descriptors(supervisor, list->count);
    if (track_open(&supervisor->track, run_dir, err) != 0) {
        log_warning("%s", error_text(err, text, sizeof(text)));
        error_clear(err);
    }
    if ((mkdir(directory, 0711) != 0 && errno != EEXIST) || chmod(directory, 0711) != 0) {
        return error_system(err, errno, "make %s", directory);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (add_service(supervisor, &list->items[i], err) == NULL) {
            return error_wrap(err, "prepare service %s", list->items[i].name);
        }
    }
    connect_services(supervisor);
    watch_conditions(supervisor);
    for (size_t i = 0; i < list->count; i++) {
        if (take_up(supervisor->services[i], err) != 0) {
            return error_wrap(err, "take over service %s", list->items[i].name);
        }
    }
    return take_up_strays(supervisor, err);
}

void supervisor_reload(struct supervisor *supervisor, const struct service_list *list)
{
    struct service **old = supervisor->services;
    size_t old_count = supervisor->count;
    struct error err = {0};
    char text[1024];

    supervisor->services = NULL;
    supervisor->count = 0;
    /* The new order first; what is not in it goes to the end. */
    for (size_t i = 0; i < list->count; i++) {
        struct service *service = NULL;

        for (size_t j = 0; j < old_count && service == NULL; j++) {
            if (old[j] != NULL && streq(old[j]->config->name, list->items[i].name)) {
                service = old[j];
                old[j] = NULL;
            }
        }
        if (service == NULL) {
            if (add_service(supervisor, &list->items[i], &err) == NULL) {
                log_error("%s: %s", list->items[i].name, error_text(&err, text, sizeof(text)));
            }
            continue;
        }
        supervisor->services = xrealloc(supervisor->services, (supervisor->count + 1) * sizeof(*supervisor->services));
        supervisor->services[supervisor->count++] = service;
        service->resources = false;
        service->log.name = list->items[i].name;
        running_configure(service, &list->items[i]);
        if (service->retired) {
            service->retired = false; /* it is back before it was gone */
            running_event(service, EVENT_WANT_UP, CAUSE_CHANGED, NULL);
        }
    }
    for (size_t j = 0; j < old_count; j++) {
        if (old[j] != NULL) {
            supervisor->services =
                xrealloc(supervisor->services, (supervisor->count + 1) * sizeof(*supervisor->services));
            supervisor->services[supervisor->count++] = old[j];
            retire(old[j]);
        }
    }
    free(old);
    connect_services(supervisor);
    watch_conditions(supervisor);
    gate_all(supervisor);
    /* Whoever reads the manifest anew has changed something: what is parked by a judgement is judged anew. */
    for (size_t i = 0; i < list->count && i < supervisor->count; i++) {
        if (supervisor->services[i]->machine.state == SERVICE_PARKED &&
            counsel_verdict(supervisor->services[i]) != NULL) {
            running_event(supervisor->services[i], EVENT_WAKE, CAUSE_NONE, NULL);
        }
    }
    for (size_t i = list->count; i < supervisor->count; i++) {
        running_event(supervisor->services[i], EVENT_WANT_DOWN, CAUSE_SHUTDOWN, NULL);
        supervisor_look(supervisor, supervisor->services[i]);
    }
}

void supervisor_renew(struct service *service)
{
    running_event(service, EVENT_WANT_AGAIN, CAUSE_CHANGED, NULL);
}

bool supervisor_reap(struct supervisor *supervisor, pid_t pid, int status)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        if (supervisor->services[i]->keeper == pid) {
            supervisor->services[i]->keeper = 0; /* the end of the link says the rest */
            return true;
        }
    }
    return check_reap(pid, status);
}

/* Until the process has left its groups. Only at the very end, when nobody waits for us but init. */
static void wait_for_end(pid_t pid)
{
    CLEANUP_CLOSE int fd = pid <= 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd watched = {.fd = fd, .events = POLLIN};

    if (fd >= 0) {
        poll(&watched, 1, KEEPER_PATIENCE);
    }
}

/* And not by itself, or because a person stopped it: that is to be remembered. */
static bool ended_with_us(const struct service *service)
{
    return service->machine.down_cause == CAUSE_SHUTDOWN;
}

/* After an orderly end nothing stays but the logs, and who was down before. */
static void remove_services(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct service *service = supervisor->services[i];

        forward_run(&service->log, service->directory);
        running_remove(service, ended_with_us(service));
    }
    for (size_t i = 0; i < supervisor->count; i++) {
        wait_for_end(supervisor->services[i]->record.keeper_pid);
        track_remove(&supervisor->track, supervisor->services[i]->config->name);
    }
    track_unmake(&supervisor->track, supervisor->run_dir);
}

void supervisor_close(struct supervisor *supervisor)
{
    if (supervisor->loop == NULL) {
        return;
    }
    loop_timer_clear(supervisor->loop, &supervisor->tidy);
    if (supervisor->ended) {
        remove_services(supervisor);
    }
    for (size_t i = 0; i < supervisor->count; i++) {
        running_free(supervisor->services[i]);
    }
    if (supervisor->mounts.fd >= 0) {
        close(supervisor->mounts.fd);
    }
    free(supervisor->services);
    track_close(&supervisor->track);
    conditions_close(&supervisor->conditions);
    watcher_close(&supervisor->watcher);
    *supervisor = (struct supervisor){0};
}
