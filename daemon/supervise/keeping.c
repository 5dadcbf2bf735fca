/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/keeping.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "host/memory.h"
#include "supervise/launch.h"
#include "supervise/order.h"
#include "supervise/spec.h"
#include "supervise/stat_filter.h"
#include "supervise/supervisor.h"
#include "supervise/sweep.h"

#define KEEPER_PAUSE MICROSECONDS_PER_SECOND /* before a keeper that could not be started is tried again */

uint64_t process_cpu_ticks(pid_t pid)
{
    char path[40];
    CLEANUP_FREE char *line = NULL;
    struct error ignored = {0};
    size_t length = 0;
    uint64_t ticks = 0;
    char *rest;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (pid <= 0 || file_read(path, 4096, &line, &length, &ignored) != 0) {
        return 0;
    }
    rest = strrchr(line, ')'); /* the name before it may hold anything */
    for (int field = 3; rest != NULL && field <= 15; field++) {
        rest = strchr(rest + 1, ' ');
        if (rest != NULL && field >= 14) {
            ticks += strtoull(rest, NULL, 10);
        }
    }
    return ticks;
}

void keeping_send(struct service *service, const struct wire_message *message)
{
    bool was_up = link_is_up(&service->link);

    if (was_up && !link_send(&service->link, message)) {
        service->link.calls.lost(service); /* as if it had told us itself */
    }
}

bool keeping_has_spec(const struct service *service, const struct text *packed)
{
    CLEANUP_FREE char *path = xasprintf("%s/spec", service->directory);
    CLEANUP_FREE char *present = NULL;
    struct error ignored = {0};
    size_t length = 0;

    return file_read(path, SPEC_LARGEST, &present, &length, &ignored) != 0 ||
           (length == packed->length && memcmp(present, packed->data, length) == 0);
}

static void ask_for_instance(struct service *service)
{
    const struct wire_message start = {.header.type = WIRE_START, .instance = service->machine.instance};

    if (service->asked != service->machine.instance) {
        service->asked = service->machine.instance;
        service->sent = service->asked;
        stat_filter_prepare(service->config, service->directory);
        keeping_send(service, &start);
    }
}

static int prepare(void *data)
{
    const struct service *service = data;
    struct error err = {0};
    char text[1024];

    if (launch_make_cgroups(service->config, &err) == 0) {
        return 0;
    }
    log_error("%s: %s", service->config->name, error_text(&err, text, sizeof(text)));
    return -1;
}

/* Of the keeper at the other end of a new link nothing is known. */
static void begin_link(struct service *service, bool started)
{
    service->known = false;
    service->adopting = false;
    service->asked = 0;
    service->started_keeper = started;
}

static int start_keeper(struct service *service, struct error *err)
{
    CLEANUP_FREE char *group = NULL;
    struct link_start start = {
        .directory = service->directory,
        .ring_size = service->config->log_size,
        .files = &service->supervisor->files,
        .context = service->config->stat_filter == STAT_NEVER ? NULL : STAT_KEEPER_CONTEXT,
        .prepare = launch_has_cgroups(service->config) ? prepare : NULL,
        .data = service,
    };
    pid_t pid = -1;

    if (track_make(&service->supervisor->track, service->config->name, &group, err) == 0) {
        start.group = group;
        pid = link_start(&service->link, &start, err);
    }
    begin_link(service, true);
    service->keeper = pid < 0 ? 0 : pid;
    return pid < 0 ? -1 : 0;
}

/* One may live that we do not know of: its daemon was killed while it started it, or gave a full link up. */
static int reach_keeper(struct service *service, struct error *err)
{
    int found = keeping_find(service, err);

    return found > 0 ? start_keeper(service, err) : found;
}

void keeping_expect(struct service *service)
{
    struct error ignored = {0};

    if (!service->renew && !link_is_up(&service->link)) {
        reach_keeper(service, &ignored);
    }
}

int keeping_start_instance(struct service *service, struct error *err)
{
    if (service->renew && link_is_up(&service->link)) {
        const struct wire_message quit = {.header.type = WIRE_QUIT};

        keeping_send(service, &quit); /* it hangs up, and lost() starts the next */
        return 0;
    }
    if (!link_is_up(&service->link)) {
        return reach_keeper(service, err);
    }
    if (service->known) {
        ask_for_instance(service); /* else its first record leads there */
    }
    return 0;
}

/* What the record says happened to the machine's instance. */

/* setexeccon's errors are as good as an answer: EINVAL is an unknown context (or no SELinux), EACCES a refused setexec. */
static const char *context_reason(int error)
{
    if (error == EINVAL) {
        return "the loaded policy does not know it, or SELinux is off";
    }
    return error == EACCES ? "the loaded policy does not let its keeper ask for it (process setexec)" : strerror(error);
}

static const char *failure_text(const struct service *service, char *buffer, size_t size)
{
    const struct keeper_record *record = &service->record;
    const char *program = service->config->command[0];

    if (record->step == STEP_CONTEXT && service->config->context != NULL) {
        snprintf(buffer, size, "SELinux context %s: %s", service->config->context, context_reason(record->error));
        return buffer;
    }
    if (record->step == STEP_EXECUTE && record->error == EACCES && access(program, X_OK) == 0) {
        /* It may be executed as far as modes go: what is left is noexec and the policy. */
        snprintf(buffer, size, "%s: %s; look for \"avc: denied\" in the kernel log", program, strerror(EACCES));
        return buffer;
    }
    snprintf(buffer, size, "%s: %s", record->step == STEP_EXECUTE ? program : step_text(record->step),
             strerror(record->error));
    return buffer;
}

static void hear_failure(struct service *service)
{
    const struct keeper_record *record = &service->record;
    bool missing = record->step == STEP_EXECUTE && access(service->config->command[0], X_OK) != 0;
    struct machine_input input = {.event = EVENT_FAILED, .instance = record->instance};

    service->described &= record->step != STEP_SPEC;
    input.cause = missing ? CAUSE_MISSING : CAUSE_CANNOT_START;
    failure_text(service, service->detail, sizeof(service->detail));
    running_step(service, &input);
}

/* The kernel kills with SIGKILL, as anybody may; so did we, if it was being stopped. */
static enum service_cause cause_of_kill(struct service *service)
{
    static const char *const where[] = {
        [MEMORY_GROUP] = "its control group was at its limit", [MEMORY_BOARD] = "the board had none left"};
    const struct keeper_record *record = &service->record;
    enum memory_kill kill = MEMORY_NO_KILL;

    if (record->adopted == ADOPTION_CHILD && WIFSIGNALED(record->wait_status) &&
        WTERMSIG(record->wait_status) == SIGKILL) {
        kill = memory_killed(record->pid, service->machine.started_at);
    }
    if (kill == MEMORY_NO_KILL) {
        return CAUSE_NONE;
    }
    snprintf(service->detail, sizeof(service->detail), "%s", where[kill]);
    return CAUSE_OUT_OF_MEMORY;
}

static void hear_end(struct service *service)
{
    const struct keeper_record *record = &service->record;
    struct machine_input input = {
        .event = EVENT_ENDED,
        .instance = record->instance,
        .status = record->wait_status,
        .status_known = record->adopted == ADOPTION_CHILD,
    };

    if (service->machine.state != SERVICE_STOPPING) {
        service->detail[0] = '\0'; /* else it says why it was stopped */
        input.cause = cause_of_kill(service);
    }
    running_step(service, &input);
}

static void hear_execution(struct service *service)
{
    if (service->executed != service->record.instance) {
        service->executed = service->record.instance;
        if (service->asked == service->executed) {
            stat_filter_tell(service->config, &service->record);
        }
        running_event(service, EVENT_EXECUTED, CAUSE_NONE, service->detail[0] == '\0' ? NULL : "");
    }
}

static void hear_notify(struct service *service, const struct notify_state *before)
{
    const struct notify_state *now = &service->record.notify;

    if (now->extend_until != before->extend_until) {
        const struct machine_input input = {
            .event = EVENT_EXTEND, .instance = service->record.instance, .until = now->extend_until};

        running_step(service, &input);
    }
    if (now->watchdog_at != before->watchdog_at || now->watchdog_usec != before->watchdog_usec) {
        running_feed_watchdog(service);
    }
    if (now->trigger != 0 && before->trigger == 0) {
        running_event(service, EVENT_UNHEALTHY, CAUSE_WATCHDOG, "it asked to be restarted");
    }
    running_try_ready(service);
}

/* The keeper of an earlier time was killed, and this one tells what that one left. */
static void take_over(struct service *service)
{
    const struct keeper_record *record = &service->record;
    const struct wire_message adopt = {
        .header.type = WIRE_ADOPT,
        .instance = record->instance,
        .pid = record->pid,
        .start_time = record->start_time,
    };
    /* Without answers it can read no statistics any more: see stat_hold.h. */
    bool deaf = record->filter == STAT_NOTIFY;

    service->adopting = true;
    log_warning("%s: its keeper was killed; process %d goes on under keeper %d%s, its exit status will not be known",
                service->config->name, record->pid, record->keeper_pid,
                deaf ? " until it is started anew, for nobody answers its openat2(2) calls" : "");
    keeping_send(service, &adopt);
    if (service->config->orphan == ORPHAN_STOP || deaf) {
        running_event(service, EVENT_UNHEALTHY, CAUSE_KEEPER_LOST, NULL);
    }
}

/* The notes of this service are lost, and its keeper knows more: go on from that. */
static void catch_up(struct service *service)
{
    struct machine next = service->machine;

    log_warning("%s: its notes are older than what its keeper knows; going on from there", service->config->name);
    next.instance = service->record.instance;
    next.collected = service->record.instance - 1;
    next.judged = next.collected;
    next.state = SERVICE_STARTING;
    next.started_at = service->record.started_at;
    notes_set_machine(&service->notes, &next);
    service->machine = next;
}

/* An instance that was given up when its keeper was killed, for that one had told nothing of it; and it lives all the same. What
 * comes after it waits until it has ended. */
static void end_given_up(struct service *service)
{
    const struct keeper_record *record = &service->record;
    const struct wire_message message = {.header.type = WIRE_SIGNAL, .instance = record->instance, .signal = SIGKILL};

    if (record_is_running(record) && record->adopted != ADOPTION_ORPHAN &&
        record->instance <= service->machine.collected) {
        log_warning("%s: process %d, whose start was given up, runs all the same, and is killed", service->config->name,
                    record->pid);
        keeping_send(service, &message);
    }
}

static void hear_phase(struct service *service)
{
    const struct keeper_record *record = &service->record;
    uint64_t instance = service->machine.instance;
    bool wanted = service->machine.state == SERVICE_STARTING && record->instance < instance;

    switch (record->phase) {
        case PHASE_RUNNING:
            if (record->instance == instance) {
                hear_execution(service);
            }
            break;
        case PHASE_ENDED:
            hear_end(service);
            break;
        case PHASE_FAILED:
            hear_failure(service);
            break;
        default:
            break;
    }
    if (service->machine.state == SERVICE_STOPPING && record->instance < service->machine.instance &&
        service->asked != service->machine.instance && record->phase == PHASE_IDLE) {
        running_event(service, EVENT_FAILED, CAUSE_CANNOT_START, "its start was lost with the daemon");
    }
    /* Asked for, and it has not reached the keeper: the keeper is new, or we are. */
    if (wanted && record->phase != PHASE_RUNNING && record->phase != PHASE_STARTING &&
        service->machine.instance == instance) {
        ask_for_instance(service);
    }
    end_given_up(service);
}

static void record_came(void *data, const struct keeper_record *record)
{
    struct service *service = data;
    struct notify_state before = service->record.notify;
    bool refused = service->known && record->filter_refused != service->record.filter_refused;
    bool first = !service->known;

    if (first || record->instance != service->record.instance) {
        memset(&before, 0, sizeof(before));
    }
    service->record = *record;
    service->known = true;
    service->renew = first ? false : service->renew;
    if (refused) {
        stat_filter_tell_refused(service->config, record);
    }
    if (record->instance > service->machine.instance) {
        catch_up(service);
    }
    if (record->adopted == ADOPTION_ORPHAN && !service->adopting) {
        take_over(service);
    }
    if (service->again) { /* what was said to the keeper that is gone may be lost */
        service->again = false;
        running_resume(service);
        supervisor_gate(service->supervisor, service);
    }
    hear_phase(service);
    if (service->record.phase == PHASE_RUNNING && service->record.instance == service->machine.instance) {
        hear_notify(service, &before);
    }
    if (first) {
        sweep_know_keeper(service);
        forward_run(&service->log, service->directory);
    }
}

static void patience_over(void *data)
{
    keeping_replace(data);
}

void keeping_replace(struct service *service)
{
    struct error err = {0};
    char text[1024];

    service->again = true;
    if (link_is_up(&service->link)) {
        return;
    }
    if (reach_keeper(service, &err) != 0) {
        log_error("%s: %s", service->config->name, error_text(&err, text, sizeof(text)));
        loop_timer_set(service->supervisor->loop, &service->patience, clock_now() + KEEPER_PAUSE, patience_over,
                       service);
    }
}

/* The keeper has hung up. Only a service that runs, or is to, needs the next one now. */
static void keeper_lost(void *data)
{
    struct service *service = data;
    /* One that we connected to and that hung up at once was dead already: a child of it still had its socket. */
    bool worked = service->known || !service->started_keeper;
    struct error ignored = {0};

    service->known = false;
    service->asked = 0;
    service->keeper = 0;
    sweep_know_keeper(service);
    if (!running_is_up(service)) {
        return;
    }
    if (!worked && keeping_find(service, &ignored) == 0) {
        service->again = true; /* another one was faster, and has the lock */
        return;
    }
    /* What an earlier keeper was asked to start may run: only the next one knows. */
    if (!worked && service->sent != service->machine.instance && service->executed != service->machine.instance &&
        service->machine.state != SERVICE_READY) {
        running_event(service, EVENT_FAILED, CAUSE_CANNOT_START,
                      "its keeper could not be started, see the lines before");
        return;
    }
    loop_timer_set(service->supervisor->loop, &service->patience, clock_now() + (worked ? 0 : KEEPER_PAUSE),
                   patience_over, service);
}

static void log_grew(void *data)
{
    struct service *service = data;

    forward_run(&service->log, service->directory);
}

static void listen_on(void *data, uint64_t position)
{
    const struct wire_message message = {.header.type = WIRE_LISTEN, .position = position};

    keeping_send(data, &message);
}

void keeping_open(struct service *service)
{
    const struct link_calls calls = {.record = record_came, .log = log_grew, .lost = keeper_lost, .data = service};

    link_open(&service->link, service->supervisor->loop, &calls);
    forward_open(&service->log, service->supervisor->loop, service->config->name, &service->notes, listen_on, service);
}

int keeping_find(struct service *service, struct error *err)
{
    begin_link(service, false);
    return link_connect(&service->link, service->directory, err);
}
