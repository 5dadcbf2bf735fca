/* SPDX-License-Identifier: Apache-2.0 */
#include "control/publish.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "ohos/parameter.h"

#define NAMES "parameters" /* in the run directory: a line for each service that was published */
#define LOCK "parameters.lock"
#define LARGEST_NAMES (SERVICE_MOST * 2 * (SERVICE_LONGEST_NAME + 1))
#define PREFIX "edgeinit."
#define PREFIX_OF_SERVICE PREFIX "service."

static_assert(sizeof(PREFIX_OF_SERVICE) - 1 + SERVICE_LONGEST_NAME + sizeof(".cause") <= PARAMETER_SIZE,
              "the longest name of a service fits");

static const char removed[] = "removed";

static bool is_wanted(const struct publish *publish)
{
    return publish->parameters || event_is_possible();
}

static bool is_due(const struct publication *item)
{
    return item->state != item->told_state || item->cause != item->told_cause;
}

/* In the child. */

static bool set(const char *name, const char *kind, const char *value, bool quiet)
{
    char parameter[PARAMETER_SIZE];
    struct error err = {0};
    char text[1024];

    snprintf(parameter, sizeof(parameter), "%s%s%s", name == NULL ? PREFIX : PREFIX_OF_SERVICE,
             name == NULL ? "" : name, kind);
    if (parameter_set(parameter, value, &err) == 0) {
        return true;
    }
    if (!quiet) {
        log_warning("%s", error_text(&err, text, sizeof(text)));
    }
    return false;
}

static bool set_item(const struct publication *item, bool quiet)
{
    if (item->name == NULL) {
        return set(NULL, "ready", item->state, quiet);
    }
    /* The cause first: who waits for the state then reads the right one. */
    return (item->cause == item->told_cause || set(item->name, ".cause", item->cause, quiet)) &&
           (item->state == item->told_state || set(item->name, ".state", item->state, quiet));
}

/* The first failure is told, and ends it: the others would fail alike. */
static void set_all_and_exit(const struct publish *publish, bool last, pid_t parent)
{
    CLEANUP_FREE char *path = xasprintf("%s/" LOCK, publish->run_dir);
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct error err = {0};
    char text[1024];
    bool good = true;

    if (!last) {
        child_die_with(parent); /* the next daemon may have other things to say */
    }
    prctl(PR_SET_NAME, "edgeinit-say");
    child_reset_signals();
    flock(lock, LOCK_EX); /* the last one of an earlier daemon may still be at it, and its words must not be the last */
    alarm(PUBLISH_PATIENCE);
    for (const struct event *event = publish->events; event != NULL; event = event->next) {
        if (event_write(event, &err) != 0 && !publish->told) {
            log_warning("%s", error_text(&err, text, sizeof(text)));
        }
    }
    for (size_t i = 0; i < publish->count && publish->parameters && good; i++) {
        alarm(PUBLISH_PATIENCE); /* a thousand services may take longer together */
        good = !is_due(&publish->items[i]) || set_item(&publish->items[i], publish->told);
    }
    _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* In the daemon. */

static bool has_something(const struct publish *publish)
{
    bool any = publish->events != NULL;

    for (size_t i = 0; i < publish->count && publish->parameters && !any; i++) {
        any = is_due(&publish->items[i]);
    }
    return any;
}

static void begin(struct publish *publish, bool last)
{
    pid_t parent = getpid(), pid;

    if (publish->dropped > 0) {
        log_warning("%zu system events too many, not told", publish->dropped);
        publish->dropped = 0;
    }
    for (size_t i = 0; i < publish->count; i++) {
        publish->items[i].sent_state = publish->items[i].state;
        publish->items[i].sent_cause = publish->items[i].cause;
    }
    publish->sent_events = publish->event_count;
    publish->began = clock_now();
    pid = fork();
    if (pid == 0) {
        set_all_and_exit(publish, last, parent);
    }
    publish->child = pid < 0 ? 0 : pid; /* no process to be had: with the next change */
}

static void timer_due(void *data)
{
    struct publish *publish = data;

    if (publish->child == 0 && has_something(publish)) {
        begin(publish, false);
    }
}

/* Soon, and not more often than may be; one change often comes with others. */
static void plan(struct publish *publish)
{
    int64_t due = publish->began == 0 ? 0 : publish->began + PUBLISH_PAUSE;

    if (publish->child == 0 && !publish->timer.armed && has_something(publish)) {
        loop_timer_set(publish->loop, &publish->timer, due, timer_due, publish);
    }
}

/* Names that were published once. */

static void write_names(const struct publish *publish)
{
    const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *path = xasprintf("%s/" NAMES, publish->run_dir);
    CLEANUP_TEXT struct text names = {0};
    struct error ignored = {0}; /* then a service that leaves the manifest while no daemon lives is not told of */

    for (size_t i = 1; i < publish->count; i++) {
        text_format(&names, "%s\n", publish->items[i].name);
    }
    file_write(path, text_string(&names), names.length, &attributes, &ignored);
}

static struct publication *add(struct publish *publish, const char *name)
{
    struct publication *item;

    publish->items = xrealloc(publish->items, (publish->count + 1) * sizeof(*publish->items));
    item = &publish->items[publish->count++];
    *item = (struct publication){.name = name == NULL ? NULL : xstrdup(name), .gone = true};
    return item;
}

static struct publication *find(const struct publish *publish, const char *name)
{
    for (size_t i = 1; i < publish->count; i++) {
        if (streq(publish->items[i].name, name)) {
            return &publish->items[i];
        }
    }
    return NULL;
}

static void read_names(struct publish *publish)
{
    CLEANUP_FREE char *path = xasprintf("%s/" NAMES, publish->run_dir);
    CLEANUP_FREE char *names = NULL;
    struct error ignored = {0};
    size_t length = 0;
    char *rest = NULL;

    if (file_read(path, LARGEST_NAMES, &names, &length, &ignored) != 0) {
        return;
    }
    for (char *name = strtok_r(names, "\n", &rest); name != NULL; name = strtok_r(NULL, "\n", &rest)) {
        if (strlen(name) <= SERVICE_LONGEST_NAME && find(publish, name) == NULL) {
            add(publish, name);
        }
    }
}

/* Whoever is gone, and is known to be so. Nothing else changes the list while a process runs. */
static void forget_gone(struct publish *publish)
{
    size_t left = 1;

    for (size_t i = 1; i < publish->count; i++) {
        struct publication *item = &publish->items[i];

        if (item->gone && item->told_state == removed) {
            free(item->name);
        } else {
            publish->items[left++] = *item;
        }
    }
    if (left != publish->count) {
        publish->count = left;
        write_names(publish);
    }
}

void publish_open(struct publish *publish, struct loop *loop, const char *run_dir)
{
    *publish = (struct publish){.loop = loop, .run_dir = run_dir, .parameters = parameter_is_possible()};
    if (is_wanted(publish)) {
        add(publish, NULL)->state = "false";
        read_names(publish);
    }
}

void publish_services(struct publish *publish, const struct supervisor *supervisor)
{
    bool any = false;

    if (!is_wanted(publish)) {
        return;
    }
    for (size_t i = 1; i < publish->count; i++) {
        publish->items[i].gone = true;
    }
    for (size_t i = 0; i < supervisor->count; i++) {
        const struct service *service = supervisor->services[i];
        struct publication *item = find(publish, service->config->name);

        if (item == NULL) {
            item = add(publish, service->config->name);
            any = true;
        }
        if (item->state == NULL || item->state == removed) {
            item->collected = service->machine.collected; /* what was before was told before */
        }
        item->gone = false;
        publish_service(publish, service);
    }
    for (size_t i = 1; i < publish->count; i++) {
        if (publish->items[i].gone) {
            publish->items[i].state = removed;
            publish->items[i].cause = machine_cause_name(CAUSE_NONE);
        }
    }
    if (any) {
        write_names(publish); /* before any of them is published */
    }
    plan(publish);
}

/* Events. */

static void add_event(struct publish *publish, enum event_kind kind, const struct event_value *values)
{
    struct event **end = &publish->events;

    if (publish->event_count >= PUBLISH_MOST_EVENTS) {
        publish->dropped++;
        return;
    }
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = event_new(kind, values);
    publish->event_count++;
    plan(publish);
}

static void report_crash(struct publish *publish, const struct service *service)
{
    const struct machine *machine = &service->machine;
    bool exited = machine->last_status >= 0 && WIFEXITED(machine->last_status);
    bool signalled = machine->last_status >= 0 && WIFSIGNALED(machine->last_status);
    const struct event_value values[EVENT_MOST_FIELDS] = {
        {.text = service->config->name},
        {.text = machine_cause_name(machine->last_end)},
        {.number = exited ? WEXITSTATUS(machine->last_status) : -1},
        {.number = signalled ? WTERMSIG(machine->last_status) : 0},
        {.number = machine->failures},
    };

    add_event(publish, REPORT_SERVICE_CRASH, values);
}

static void report_parked(struct publish *publish, const struct service *service)
{
    char reason[SERVICE_EXPLANATION];
    const struct event_value values[EVENT_MOST_FIELDS] = {
        {.text = service->config->name},
        {.text = machine_cause_name(service->machine.cause)},
        {.text = running_reason(service, reason, sizeof(reason))},
    };

    add_event(publish, REPORT_SERVICE_PARKED, values);
}

/* Of failures in a row the 1st, 2nd, 4th, 8th …, when it is known what they were; and the one after which it is not started
 * again. */
static bool is_crash_to_tell(const struct publication *item, const struct machine *machine)
{
    bool clean = machine->last_end == CAUSE_EXITED && machine->last_status == 0;
    bool last = machine->state == SERVICE_FINISHED && !clean;

    return item->collected != machine->collected && machine->judged == machine->collected &&
           (last || (machine->failures > 0 && (machine->failures & (machine->failures - 1)) == 0));
}

void publish_service(struct publish *publish, const struct service *service)
{
    const struct machine *machine = &service->machine;
    struct publication *item = is_wanted(publish) ? find(publish, service->config->name) : NULL;
    const char *state = machine_state_name(machine->state);

    if (item == NULL || (item->gone && item->state == removed)) {
        return;
    }
    if (event_is_possible()) {
        if (is_crash_to_tell(item, machine)) {
            report_crash(publish, service);
        }
        if (machine->state == SERVICE_PARKED && item->state != NULL && item->state != state) {
            report_parked(publish, service);
        }
        item->collected = machine->judged == machine->collected ? machine->collected : item->collected;
    }
    item->state = state;
    item->cause = machine_cause_name(machine->cause);
    plan(publish);
}

void publish_ready(struct publish *publish, bool ready)
{
    if (is_wanted(publish)) {
        publish->items[0].state = ready ? "true" : "false";
        plan(publish);
    }
}

void publish_drift(struct publish *publish, const char *resource, const char *reason)
{
    const struct event_value values[EVENT_MOST_FIELDS] = {{.text = resource}, {.text = reason}};

    if (event_is_possible()) {
        add_event(publish, REPORT_DRIFT, values);
    }
}

void publish_boot(struct publish *publish, int64_t took, int64_t boot, const char *last)
{
    const struct event_value values[EVENT_MOST_FIELDS] = {
        {.number = took},
        {.number = boot},
        {.text = last},
    };

    if (event_is_possible() && took > PUBLISH_SLOW_BOOT) {
        add_event(publish, REPORT_SLOW_BOOT, values);
    }
}

/* The end of the process. */

static void take_as_told(struct publish *publish)
{
    for (size_t i = 0; i < publish->count; i++) {
        publish->items[i].told_state = publish->items[i].sent_state;
        publish->items[i].told_cause = publish->items[i].sent_cause;
    }
    forget_gone(publish);
}

/* They are not tried again: what could not be written is history. */
static void drop_events(struct publish *publish)
{
    for (; publish->sent_events > 0; publish->sent_events--) {
        struct event *event = publish->events;

        publish->events = event->next;
        publish->event_count--;
        event_free(event);
    }
}

bool publish_reap(struct publish *publish, pid_t pid, int status)
{
    if (pid != publish->child) {
        return false;
    }
    publish->child = 0;
    drop_events(publish);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS) {
        publish->failures = 0;
        publish->told = false;
        take_as_told(publish);
        plan(publish);
        return true;
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM && !publish->told) {
        log_warning("system parameters: init does not answer within %d s; given up until something changes",
                    PUBLISH_PATIENCE);
    }
    publish->told = true;
    if (publish->failures++ < PUBLISH_TRIES) {
        plan(publish);
    }
    return true;
}

/* Init may be waiting for our own end, and answer only after it: then the process goes on without us. */
static void wait_a_little(pid_t pid)
{
    CLEANUP_CLOSE int fd = pid <= 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd watched = {.fd = fd, .events = POLLIN};

    if (fd >= 0) {
        poll(&watched, 1, PUBLISH_LAST);
    }
}

void publish_close(struct publish *publish)
{
    int status = 0;

    if (publish->loop == NULL) {
        return;
    }
    loop_timer_clear(publish->loop, &publish->timer);
    if (publish->child > 0) {
        kill(publish->child, SIGKILL); /* what it has not set is set now */
        waitpid(publish->child, &status, 0);
        publish->child = 0;
    }
    if (publish->failures == 0 && has_something(publish)) {
        begin(publish, true);
        wait_a_little(publish->child);
    }
    publish->sent_events = publish->event_count;
    drop_events(publish);
    for (size_t i = 0; i < publish->count; i++) {
        free(publish->items[i].name);
    }
    free(publish->items);
    *publish = (struct publish){0};
}
