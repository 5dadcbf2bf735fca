/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/running.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "supervise/excuse.h"
#include "supervise/keeping.h"
#include "supervise/launch.h"
#include "supervise/supervisor.h"
#include "supervise/sweep.h"
#include "supervise/tell.h"

bool running_is_up(const struct service *service)
{
    unsigned state = service->machine.state;

    return state == SERVICE_STARTING || state == SERVICE_READY || state == SERVICE_STOPPING;
}

const char *running_reason(const struct service *service, char *buffer, size_t size)
{
    char text[160] = "";

    const struct judgement *verdict = counsel_verdict(service);

    if (verdict != NULL) {
        return judgement_text(verdict, buffer, size);
    }
    if (service->machine.cause != CAUSE_NONE) {
        machine_cause_text(service->machine.cause, service->machine.last_status, text, sizeof(text));
    }
    snprintf(buffer, size, "%s%s%s", text, text[0] == '\0' || service->detail[0] == '\0' ? "" : ": ", service->detail);
    return buffer;
}

static void timer_due(void *data)
{
    running_event(data, EVENT_TIMER, CAUSE_NONE, NULL);
}

/* Liveness. */

static void watch_alive(struct service *service);

static void alive_verdict(void *data, bool good, const char *reason)
{
    struct service *service = data;
    const struct service *culprit = good ? NULL : excuse_find(service);

    if (culprit == NULL) {
        running_event(service, EVENT_UNHEALTHY, CAUSE_LIVENESS, reason);
        return;
    }
    if (!service->excused) {
        service->excused = true;
        log_warning("%s: its liveness checks fail (%s), but %s may be why: it is not restarted for that",
                    service->config->name, reason, culprit->config->name);
    }
    watch_alive(service);
    if (culprit->alive.running && culprit->alive.bad == 0) {
        check_hurry(&service->alive); /* its own check is being hurried, and soon says whether it is */
    }
}

/* CPU time that its main process used, and bytes that it wrote to its log. */
static uint64_t progress(void *data)
{
    const struct service *service = data;

    return process_cpu_ticks(service->record.pid) + forward_head(&service->log);
}

static void watchdog_due(void *data)
{
    running_event(data, EVENT_UNHEALTHY, CAUSE_WATCHDOG, NULL);
}

/* From when it was ready, or from its last WATCHDOG=1, but not from a time when nobody looked. */
void running_feed_watchdog(struct service *service)
{
    const struct notify_state *notify = &service->record.notify;
    int64_t patience =
        notify->watchdog_usec > 0 ? notify->watchdog_usec : service->config->watchdog * MICROSECONDS_PER_MILLISECOND;
    int64_t last = notify->watchdog_at > service->machine.ready_at ? notify->watchdog_at : service->machine.ready_at;

    /* What was said while nobody looked is in a record that may still be on its way. */
    last = service->looking_since > last ? service->looking_since : last;
    if (patience > 0 && service->machine.state == SERVICE_READY) {
        loop_timer_set(service->supervisor->loop, &service->watchdog, last + patience, watchdog_due, service);
    }
}

static void watch_alive(struct service *service)
{
    const struct check_calls calls = {.verdict = alive_verdict, .progress = progress, .data = service};

    if (service->config->alive.kind != CHECK_NONE) {
        check_start(&service->alive, service->supervisor->loop, &service->config->alive, CHECK_UNTIL_BAD, &calls);
    }
}

static void begin_alive(struct service *service)
{
    service->unwell_since = 0;
    service->excused = false;
    watch_alive(service);
    running_feed_watchdog(service);
}

/* Readiness: what it says itself, and what a probe says, where both are asked for. */
void running_try_ready(struct service *service)
{
    const struct service_config *config = service->config;

    if (service->machine.state == SERVICE_STARTING && service->executed == service->machine.instance &&
        (!config->ready_notify || service->record.notify.ready != 0) &&
        (config->ready.kind == CHECK_NONE || service->probed)) {
        running_event(service, EVENT_READY, CAUSE_NONE, NULL);
    }
}

static void ready_verdict(void *data, bool good, const char *reason)
{
    struct service *service = data;

    (void)reason;
    service->probed = good;
    running_try_ready(service);
}

static void begin_ready(struct service *service)
{
    const struct check_calls calls = {.verdict = ready_verdict, .data = service};

    if (service->config->ready.kind != CHECK_NONE && !service->probed) {
        check_start(&service->ready, service->supervisor->loop, &service->config->ready, CHECK_UNTIL_GOOD, &calls);
    }
}

/* A program that is missing. */

static void program_changed(void *data)
{
    struct service *service = data;

    if (access(service->config->command[0], X_OK) == 0) {
        running_event(service, EVENT_APPEARED, CAUSE_NONE, NULL);
    }
}

static void forget_program(struct service *service)
{
    if (service->program != NULL) {
        watch_remove(&service->supervisor->watcher, service->program);
        service->program = NULL;
    }
}

static void watch_program(struct service *service)
{
    struct error err = {0};
    char text[1024];

    forget_program(service);
    service->program =
        watch_add(&service->supervisor->watcher, service->config->command[0], program_changed, service, &err);
    if (service->program == NULL) {
        log_error("%s: %s", service->config->name, error_text(&err, text, sizeof(text)));
    }
    supervisor_watch_mounts(service->supervisor);
    program_changed(service); /* it may have appeared before we looked */
}

/* Carrying out what the machine decides. */

static void signal_service(struct service *service, int number)
{
    struct wire_message message = {.header.type = WIRE_SIGNAL, .instance = service->machine.instance, .signal = number};

    keeping_send(service, &message);
}

static void kill_service(struct service *service)
{
    log_warning("%s: does not stop within %lld ms, killed", service->config->name,
                (long long)service->config->stop_timeout);
    if (!link_is_up(&service->link)) {
        keeping_replace(service); /* there is nobody to do it: the next keeper tells what is left */
    }
    signal_service(service, SIGKILL);
    if (service->config->stop_scope == SCOPE_GROUP) {
        sweep_begin(service);
    }
}

/* Again at each start only where it depends on more than the manifest. */
static int describe_to_keeper(struct service *service, struct error *err)
{
    CLEANUP_TEXT struct text spec = {0};

    if (service->described && !launch_depends_on_board(service->config)) {
        return 0;
    }
    service->described =
        launch_spec(service->config, &spec, err) == 0 && launch_write_spec(service->directory, &spec, NULL, err) == 0;
    return service->described ? 0 : -1;
}

/* Not where a start depends on what is still to be brought up: users, control groups. Whatever fails is told by the start. */
void running_expect(struct service *service)
{
    struct error ignored = {0};

    if (!launch_depends_on_board(service->config) && describe_to_keeper(service, &ignored) == 0) {
        keeping_expect(service);
    }
}

static void start_service(struct service *service)
{
    struct error err = {0};
    char text[sizeof(service->detail)];

    service->probed = false;
    if (describe_to_keeper(service, &err) != 0 || keeping_start_instance(service, &err) != 0) {
        log_error("%s: %s", service->config->name, error_text(&err, text, sizeof(text)));
        running_event(service, EVENT_FAILED, CAUSE_CANNOT_START, text);
    }
}

static void set_timer(struct service *service)
{
    struct loop *loop = service->supervisor->loop;

    if (service->machine.due != 0) {
        loop_timer_set(loop, &service->timer, service->machine.due, timer_due, service);
    } else {
        loop_timer_clear(loop, &service->timer);
    }
}

static void leave_state(struct service *service)
{
    check_stop(&service->ready);
    check_stop(&service->alive);
    loop_timer_clear(service->supervisor->loop, &service->watchdog);
    forget_program(service);
}

/* `before` is the machine before the step, NULL if there was none. */
static void carry_out(struct service *service, unsigned actions, const struct machine *before)
{
    unsigned turn = service->turn;

    if (before != NULL && (service->machine.state != before->state || service->machine.instance != before->instance)) {
        leave_state(service);
    }
    /* A start collects what ended before it: one message less on the way from an end to the next start. */
    if ((actions & ACTION_COLLECT) != 0 && (actions & ACTION_START) == 0) {
        const struct wire_message message = {.header.type = WIRE_COLLECT, .instance = service->machine.collected};

        keeping_send(service, &message);
    }
    if ((actions & ACTION_CLEAR_GROUP) != 0) {
        sweep_begin(service);
    }
    if ((actions & ACTION_START) != 0) {
        start_service(service);
    }
    if (service->turn != turn) {
        return; /* it could not be started: that was an event of its own, and all is done */
    }
    if ((actions & ACTION_SIGNAL) != 0) {
        signal_service(service, service->config->stop_signal);
    }
    if ((actions & ACTION_KILL) != 0) {
        kill_service(service);
    }
    set_timer(service);
    if ((actions & ACTION_CHECK_READY) != 0) {
        begin_ready(service);
    }
    if ((actions & ACTION_CHECK_ALIVE) != 0) {
        begin_alive(service);
    }
    if ((actions & ACTION_CHANGED) != 0) {
        tell_step(service, before);
        supervisor_look(service->supervisor, service);
    }
    if ((actions & ACTION_WATCH_PROGRAM) != 0) {
        watch_program(service);
    }
    counsel_follow(service, actions);
    if ((actions & ACTION_CLEAR_GROUP) != 0 && !service->sweeping) {
        sweep_done(service); /* there was nothing */
    }
}

void running_step(struct service *service, const struct machine_input *input)
{
    struct machine before = service->machine;
    struct machine next = before;
    unsigned actions = machine_step(&next, &service->policy, input, clock_now());

    notes_set_machine(&service->notes, &next);
    service->machine = next;
    service->turn++;
    if (next.failures == 0 && service->explanation != NULL) {
        free(take_pointer(&service->explanation)); /* it has run well since */
    }
    carry_out(service, actions, &before);
}

void running_event(struct service *service, enum machine_event event, enum service_cause cause, const char *detail)
{
    const struct machine_input input = {.event = event, .cause = cause, .instance = service->machine.instance};

    snprintf(service->detail, sizeof(service->detail), "%s", detail == NULL ? "" : detail);
    running_step(service, &input);
}

void running_resume(struct service *service)
{
    struct machine next = service->machine;
    unsigned actions = machine_resume(&next, &service->policy, clock_now());

    service->looking_since = clock_now();
    service->sent = service->machine.instance; /* maybe, by the daemon before */
    notes_set_machine(&service->notes, &next);
    service->machine = next;
    carry_out(service, actions & ~(unsigned)ACTION_CHANGED, NULL);
    if (service->machine.wanted_up == 0 && service->machine.down_cause == CAUSE_SHUTDOWN) {
        running_event(service, EVENT_WANT_UP, CAUSE_REQUEST, NULL); /* stopped with the last daemon, not by a person */
    }
}

/* Coming and going. */

static bool knows(const struct service *service, enum question question)
{
    const struct counsel_calls *calls = &service->supervisor->counsel;

    return service->config->profile != PROFILE_NONE && calls->has != NULL && calls->has(service->config, question);
}

static void fill_policy(struct service *service)
{
    const struct service_config *config = service->config;

    service->policy = (struct machine_config){
        .restart = config->restart_policy,
        .delay = config->restart_delay * MICROSECONDS_PER_MILLISECOND,
        .max_delay = config->restart_max_delay * MICROSECONDS_PER_MILLISECOND,
        .reset_after = config->restart_reset_after * MICROSECONDS_PER_MILLISECOND,
        .start_timeout = config->start_timeout * MICROSECONDS_PER_MILLISECOND,
        .stop_timeout = config->stop_timeout * MICROSECONDS_PER_MILLISECOND,
        .jitter = (uint32_t)(config->restart_jitter * 1000),
        .has_ready_check = config->ready_notify || config->ready.kind != CHECK_NONE,
        .has_alive_check = config->alive.kind != CHECK_NONE || config->watchdog > 0,
        .clear_group = config->stop_scope == SCOPE_GROUP,
        .prepares = knows(service, QUESTION_PREPARE),
        .judges = knows(service, QUESTION_JUDGE),
    };
}

struct service *running_new(struct supervisor *supervisor, const struct service_config *config, struct error *err)
{
    struct service *service = xcalloc(1, sizeof(*service));
    CLEANUP_FREE char *state = NULL;
    bool fresh = false;

    service->supervisor = supervisor;
    service->config = config;
    service->sweep.fd = -1;
    service->directory = xasprintf("%s/services/%s", supervisor->run_dir, config->name);
    state = xasprintf("%s/state", service->directory);
    fill_policy(service);
    keeping_open(service);
    /* A service that runs as somebody else reaches its notify socket here, and nothing else. */
    if ((mkdir(service->directory, 0711) != 0 && errno != EEXIST) || chmod(service->directory, 0711) != 0) {
        error_system(err, errno, "make %s", service->directory);
    } else if (notes_open(&service->notes, state, clock_now(), &fresh, err) == 0) {
        notes_machine(&service->notes, &service->machine);
        counsel_open(service);
        return service;
    }
    running_free(service);
    return NULL;
}

void running_configure(struct service *service, const struct service_config *config)
{
    CLEANUP_TEXT struct text spec = {0};
    CLEANUP_TEXT struct text before = {0};
    CLEANUP_TEXT struct text after = {0};
    struct error ignored = {0};
    unsigned actions;
    struct machine same;
    bool changed = false;

    if (service->config->cgroup != NULL) {
        json_write_line(service->config->cgroup, &before);
    }
    if (config->cgroup != NULL) {
        json_write_line(config->cgroup, &after);
    }
    changed = service->config->log_size != config->log_size || !streq(text_string(&before), text_string(&after));
    service->renew |= changed;
    service->config = config;
    service->described = false;
    if (service->own_config != NULL) {
        free((char *)service->own_config->name);
        free(take_pointer(&service->own_config));
    }
    fill_policy(service);
    if (!changed && service->machine.instance > 0 && launch_spec(config, &spec, &ignored) == 0) {
        changed = !keeping_has_spec(service, &spec);
    }
    if (changed && service->machine.instance > 0) {
        running_event(service, EVENT_WANT_AGAIN, CAUSE_CHANGED, NULL);
        return;
    }
    /* The checks go on with their new numbers. */
    leave_state(service);
    same = service->machine;
    actions = machine_resume(&same, &service->policy, clock_now());
    carry_out(service, actions & (ACTION_CHECK_READY | ACTION_CHECK_ALIVE | ACTION_WATCH_PROGRAM), NULL);
}

void running_free(struct service *service)
{
    struct loop *loop = service->supervisor->loop;

    leave_state(service);
    counsel_close(service);
    sweep_end(service);
    loop_timer_clear(loop, &service->timer);
    loop_timer_clear(loop, &service->patience);
    forward_close(&service->log);
    link_close(&service->link);
    notes_close(&service->notes);
    if (service->own_config != NULL) {
        free((char *)service->own_config->name);
        free(service->own_config);
    }
    free(service->blocker);
    free(service->lost);
    free(service->explanation);
    free(service->first);
    free(service->later);
    free(service->directory);
    free(service);
}

void running_remove(struct service *service, bool forget)
{
    static const char *const names[] = {"record", "spec",      "pipe",   "notify", "socket", "lock",
                                        "filter", "judgement", "stat.0", "stat.1", "state"};
    const struct wire_message quit = {.header.type = WIRE_QUIT};

    keeping_send(service, &quit);
    for (size_t i = 0; i < ARRAY_SIZE(names) - !forget; i++) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", service->directory, names[i]);

        unlink(path);
    }
}
