/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "control/server.h"
#include "control/show.h"
#include "host/window.h"
#include "plan/apply.h"
#include "supervise/supervisor.h"

#define LOCK_NAME "daemon.lock"

/* What the worker tells of one entry; smaller than PIPE_BUF, so it arrives whole. */
struct record {
    uint32_t index;
    enum plan_state state;
    uint32_t blocker;
    char text[1024]; /* the line for the log; "" for none */
};

/* What the daemon keeps of a resource once it is settled. */
struct outcome {
    enum plan_state state;
    uint32_t blocker;
};

struct daemon {
    const struct node_paths *paths;
    struct node *node;
    struct loop loop;
    struct supervisor supervisor;
    struct server server;
    struct loop_source signals;
    struct loop_source journal; /* the apply worker's pipe */
    pid_t worker;
    struct outcome *outcomes;
    size_t outcome_count;
    char **names;     /* of the resources */
    bool **needed_by; /* [service][resource]: it must be in place */
    bool *no_place;   /* [resource]: modules, rules, SELinux: all services wait until it is settled, well or badly */
    bool *settled;    /* [service]: released or blocked */
    int64_t started;
};

static void report(void *data, const struct plan *plan, const struct plan_entry *entry)
{
    const int *pipe_fd = data;
    CLEANUP_TEXT struct text line = {0};
    struct record record = {0};

    if (entry == NULL) {
        return;
    }
    record.index = (uint32_t)(entry - plan->entries);
    record.state = entry->state;
    record.blocker = (uint32_t)entry->blocker;
    show_apply_entry(plan, entry, false, &line);
    if (line.length > 0) {
        line.data[line.length - 1] = '\0';
    }
    snprintf(record.text, sizeof(record.text), "%s", text_string(&line));
    file_write_all(*pipe_fd, (const char *)&record, sizeof(record));
}

/* In the worker. */
static void apply_and_exit(struct daemon *daemon, int pipe_fd)
{
    CLEANUP_TEXT struct text summary = {0};
    struct error err = {0};
    char text[1024];
    int64_t started = clock_now();
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "edgeinit-apply");
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (apply_run(&daemon->node->plan, report, NULL, &pipe_fd, &err) != 0) {
        log_error("%s", error_text(&err, text, sizeof(text)));
        _exit(EXIT_FAILURE);
    }
    show_apply_summary(&daemon->node->plan, clock_now() - started, false, &summary);
    summary.data[summary.length - 1] = '\0';
    log_info("%s", text_string(&summary));
    _exit(EXIT_SUCCESS);
}

/* Release or block the services whose resources are all settled. `ended`: no more news will come. */
static void settle_services(struct daemon *daemon, bool ended)
{
    for (size_t i = 0; i < daemon->supervisor.count; i++) {
        const char *culprit = NULL;
        bool open = false;

        for (size_t j = 0; j < daemon->outcome_count && !daemon->settled[i]; j++) {
            enum plan_state state = daemon->outcomes[j].state;

            bool is_settled = state >= STATE_IN_PLACE || ended;

            if (state == STATE_IN_PLACE || state == STATE_APPLIED ||
                (!daemon->needed_by[i][j] && (is_settled || !daemon->no_place[j]))) {
                continue;
            }
            if (is_settled && culprit == NULL) {
                culprit = daemon->names[daemon->outcomes[j].blocker];
            }
            open |= !is_settled;
        }
        if (daemon->settled[i] || (culprit == NULL && open)) {
            continue;
        }
        daemon->settled[i] = true;
        if (culprit == NULL) {
            supervisor_release(&daemon->supervisor, i);
        } else {
            CLEANUP_FREE char *cause = xasprintf("%s failed; mend it, then restart edgeinit", culprit);

            supervisor_block(&daemon->supervisor, i, cause);
        }
    }
}

static void journal_readable(void *data, uint32_t events)
{
    struct daemon *daemon = data;
    struct record record;
    ssize_t length = read(daemon->journal.fd, &record, sizeof(record));

    (void)events;
    if (length != (ssize_t)sizeof(record)) {
        int fd = daemon->journal.fd;

        loop_remove(&daemon->loop, &daemon->journal);
        close(fd);
        settle_services(daemon, true);
        return;
    }
    if (record.index >= daemon->outcome_count || record.blocker >= daemon->outcome_count) {
        return;
    }
    record.text[sizeof(record.text) - 1] = '\0';
    daemon->outcomes[record.index] = (struct outcome){.state = record.state, .blocker = record.blocker};
    if (record.state == STATE_FAILED || record.state == STATE_BLOCKED) {
        log_error("%s", record.text + 2);
    } else if (record.text[0] != '\0') {
        log_info("%s", record.text);
    }
    settle_services(daemon, false);
}

static int start_apply(struct daemon *daemon, struct error *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return error_system(err, errno, "pipe");
    }
    daemon->worker = fork();
    if (daemon->worker == 0) {
        apply_and_exit(daemon, ends[1]);
    }
    close(ends[1]);
    if (daemon->worker < 0 ||
        loop_add(&daemon->loop, &daemon->journal, ends[0], EPOLLIN, journal_readable, daemon, err) != 0) {
        close(ends[0]);
        return error_system(err, errno, "start the apply worker");
    }
    return 0;
}

static void add_milliseconds(cJSON *object, const char *key, int64_t microseconds)
{
    int64_t milliseconds = microseconds / MICROSECONDS_PER_MILLISECOND;

    cJSON_AddNumberToObject(object, key, (double)milliseconds);
}

static cJSON *service_json(const struct service *service)
{
    cJSON *item = cJSON_CreateObject();
    int64_t now = clock_now();

    cJSON_AddStringToObject(item, "name", service->config->name);
    cJSON_AddStringToObject(item, "state", service_state_name(service->state));
    cJSON_AddStringToObject(item, "cause", service->cause);
    cJSON_AddNumberToObject(item, "pid", service->pid);
    add_milliseconds(item, "since_ms", now - service->since);
    cJSON_AddNumberToObject(item, "restarts", service->restarts);
    if (service->state == SERVICE_DELAYED && service->timer.armed) {
        add_milliseconds(item, "next_try_ms", service->timer.due - now);
    }
    return item;
}

/* In a worker: look at the board as it is now. */
static cJSON *make_status(void *data)
{
    struct daemon *daemon = data;
    struct node fresh = {0};
    cJSON *status;
    cJSON *self;
    cJSON *services;
    bool loaded = node_load(&fresh, daemon->paths) == 0;

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
    cJSON_AddBoolToObject(status, "applying", daemon->journal.fd >= 0);
    services = cJSON_AddArrayToObject(status, "services");
    for (size_t i = 0; i < daemon->supervisor.count; i++) {
        cJSON_AddItemToArray(services, service_json(&daemon->supervisor.services[i]));
    }
    self = cJSON_AddObjectToObject(status, "daemon");
    cJSON_AddNumberToObject(self, "pid", getppid());
    add_milliseconds(self, "uptime_ms", clock_now() - daemon->started);
    node_free(&fresh);
    return status;
}

/* Is what a client waits for there? 1 yes, 0 not yet, -1 never, with the reason. */
static int is_ready(void *data, const char *name, char *reason, size_t size)
{
    const struct daemon *daemon = data;
    bool found = name == NULL;
    int ready = 1;

    if (name == NULL && daemon->journal.fd >= 0) {
        ready = 0;
    }
    for (size_t i = 0; i < daemon->supervisor.count; i++) {
        const struct service *service = &daemon->supervisor.services[i];

        if (name != NULL && !streq(service->config->name, name)) {
            continue;
        }
        found = true;
        if (service->state == SERVICE_BLOCKED) {
            snprintf(reason, size, "%s is blocked: %s", service->config->name, service->cause);
            return -1;
        }
        if (service->state != SERVICE_READY) {
            ready = 0;
        }
    }
    if (!found) {
        snprintf(reason, size, "there is no service \"%s\" in the manifest", name);
        return -1;
    }
    return ready;
}

static void service_changed(void *data, const struct service *service)
{
    struct daemon *daemon = data;

    (void)service;
    server_look_again(&daemon->server);
}

static void all_stopped(void *data)
{
    ((struct daemon *)data)->loop.stop = true;
}

static void reap(struct daemon *daemon)
{
    int status = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (supervisor_reap(&daemon->supervisor, pid, status)) {
            continue;
        }
        if (pid == daemon->worker) {
            daemon->worker = 0;
            if (WIFSIGNALED(status)) {
                log_error("the apply worker was killed by signal %d", WTERMSIG(status));
            }
        }
        server_look_again(&daemon->server); /* "all ready" includes that apply has ended */
    }
}

static void signal_readable(void *data, uint32_t events)
{
    struct daemon *daemon = data;
    struct signalfd_siginfo info;

    (void)events;
    while (read(daemon->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) {
            reap(daemon);
        } else {
            log_info("stopping on %s", strsignal((int)info.ssi_signo));
            if (daemon->worker > 0) {
                kill(daemon->worker, SIGKILL);
            }
            supervisor_stop(&daemon->supervisor);
        }
    }
}

static int watch_signals(struct daemon *daemon, struct error *err)
{
    sigset_t signals;
    int fd;

    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGCHLD, SIG_DFL); /* left ignored by whoever started us, no child could be waited for */
    fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? error_system(err, errno, "signalfd")
                  : loop_add(&daemon->loop, &daemon->signals, fd, EPOLLIN, signal_readable, daemon, err);
}

/* One daemon at a time for a run directory: the lock dies with its holder. */
static int take_lock(const char *run_dir, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/" LOCK_NAME, run_dir);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    CLEANUP_CLOSE int fd = -1;

    if (file_make_private(run_dir, err) != 0) {
        error_wrap(err, "make the run directory");
        return error_remedy(err, "name a place on a tmpfs with --run-dir");
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    /* A lock of the process (fcntl(2)): one of flock(2) would live on in every child, and a worker that hangs with a
     * broken card would keep the next daemon out. */
    if (fcntl(fd, F_SETLK, &whole) != 0) {
        error_system(err, errno, "lock %s", path);
        return error_remedy(err, "another edgeinit daemon is running: see \"edgeinit status\"");
    }
    return take_fd(&fd);
}

/* Keep of the node what the services need, and give the rest back: the resources' part of the manifest is read anew by
 * the workers that want it. */
static void keep_little(struct daemon *daemon)
{
    struct node *node = daemon->node;

    plan_free(&node->plan);
    host_free(&node->host);
    cJSON_DeleteItemFromObjectCaseSensitive(node->manifest.root, "host");
    free(node->manifest.places.items);
    node->manifest.places = (struct place_list){0};
    malloc_trim(0);
}

static void note_needs(struct daemon *daemon)
{
    const struct node *node = daemon->node;
    const struct plan *plan = &node->plan;

    daemon->outcome_count = plan->count;
    daemon->outcomes = xcalloc(plan->count, sizeof(*daemon->outcomes));
    daemon->names = xcalloc(plan->count, sizeof(*daemon->names));
    daemon->needed_by = xcalloc(node->services.count, sizeof(*daemon->needed_by));
    daemon->no_place = xcalloc(plan->count, sizeof(*daemon->no_place));
    daemon->settled = xcalloc(node->services.count, sizeof(*daemon->settled));
    for (size_t i = 0; i < plan->count; i++) {
        daemon->names[i] = xstrdup(plan->entries[i].resource->name);
        daemon->no_place[i] = plan->entries[i].resource->path == NULL;
        daemon->outcomes[i].blocker = (uint32_t)i;
    }
    for (size_t i = 0; i < node->services.count; i++) {
        daemon->needed_by[i] = xcalloc(plan->count, sizeof(**daemon->needed_by));
        for (size_t j = 0; j < plan->count; j++) {
            daemon->needed_by[i][j] = node_service_needs(&node->services.items[i], &plan->entries[j]);
        }
    }
}

static void forget_needs(struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->node->services.count; i++) {
        free(daemon->needed_by[i]);
    }
    for (size_t i = 0; i < daemon->outcome_count; i++) {
        free(daemon->names[i]);
    }
    free(daemon->outcomes);
    free(daemon->names);
    free(daemon->needed_by);
    free(daemon->no_place);
    free(daemon->settled);
}

static int open_all(struct daemon *daemon, struct error *err)
{
    struct server_calls calls = {.status = make_status, .is_ready = is_ready, .data = daemon};

    if (loop_open(&daemon->loop, err) != 0 || watch_signals(daemon, err) != 0 ||
        supervisor_open(&daemon->supervisor, &daemon->loop, &daemon->node->services, daemon->paths->run_dir, err) !=
            0) {
        return -1;
    }
    daemon->supervisor.changed = service_changed;
    daemon->supervisor.stopped = all_stopped;
    daemon->supervisor.data = daemon;
    return server_open(&daemon->server, &daemon->loop, daemon->paths->run_dir, &calls, err);
}

/* An apply that was cut short may have left a remount window open. */
static void close_windows(struct daemon *daemon)
{
    struct host host = {.run_dir = daemon->paths->run_dir};
    struct error err = {0};
    char text[1024];

    if (daemon->worker > 0) {
        kill(daemon->worker, SIGKILL);
        waitpid(daemon->worker, NULL, 0);
    }
    if (window_recover(&host, &err) != 0) {
        log_error("%s", error_text(&err, text, sizeof(text)));
    }
    host_free(&host);
}

int daemon_run(struct node *node, const struct node_paths *paths, struct error *err)
{
    struct daemon daemon = {.paths = paths, .node = node, .started = clock_now(), .loop.epoll = -1, .journal.fd = -1};
    CLEANUP_CLOSE int lock = take_lock(paths->run_dir, err);
    int result = -1;

    if (lock < 0) {
        return -1;
    }
    log_never_block();
    note_needs(&daemon);
    if (open_all(&daemon, err) == 0 && start_apply(&daemon, err) == 0) {
        keep_little(&daemon);
        result = loop_run(&daemon.loop, err);
    }
    close_windows(&daemon);
    server_close(&daemon.server);
    supervisor_close(&daemon.supervisor);
    loop_close(&daemon.loop);
    forget_needs(&daemon);
    return result;
}
