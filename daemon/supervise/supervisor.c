/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "supervise/launch.h"

/* A program that is missing does not come faster for being asked for. */
#define CANNOT_START_DELAY MICROSECONDS_PER_SECOND

static void advance(struct supervisor *supervisor);
static void start(struct service *service);

const char *service_state_name(enum service_state state)
{
    static const char *const names[SERVICE_STATES] = {
        [SERVICE_WAITING] = "waiting", [SERVICE_BLOCKED] = "blocked", [SERVICE_STARTING] = "starting",
        [SERVICE_READY] = "ready",     [SERVICE_DELAYED] = "delayed", [SERVICE_STOPPING] = "stopping",
        [SERVICE_STOPPED] = "stopped",
    };

    return names[state];
}

static void set_state(struct service *service, enum service_state state, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void set_state(struct service *service, enum service_state state, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(service->cause, sizeof(service->cause), format, arguments);
    va_end(arguments);
    service->state = state;
    service->since = clock_now();
    log_info("%s: %s%s%s", service->config->name, service_state_name(state), service->cause[0] == '\0' ? "" : ": ",
             service->cause);
    if (service->supervisor->changed != NULL) {
        service->supervisor->changed(service->supervisor->data, service);
    }
}

static void flush_line(struct service *service)
{
    log_line(service->config->name, service->line, service->line_length);
    service->line_length = 0;
}

/* One chunk; false if there is none. */
static bool read_log(struct service *service)
{
    char chunk[4096];
    ssize_t length = read(service->log.fd, chunk, sizeof(chunk));

    for (ssize_t i = 0; i < length; i++) {
        if (chunk[i] == '\n') {
            flush_line(service);
            continue;
        }
        if (service->line_length == sizeof(service->line)) {
            flush_line(service); /* a line longer than the buffer goes on in the next */
        }
        service->line[service->line_length++] = chunk[i];
    }
    return length > 0;
}

static void log_readable(void *data, uint32_t events)
{
    struct service *service = data;

    (void)events;
    read_log(service);
}

/* All that a service has left in its pipe when it ended, within reason: others may hold the pipe, and write on. */
static void drain_log(struct service *service)
{
    for (int i = 0; i < 16 && read_log(service); i++) {
    }
    if (service->line_length > 0) {
        flush_line(service);
    }
}

/* sd_notify(3): one datagram of lines. Only the service's own main process may speak for it. */
static void notify_readable(void *data, uint32_t events)
{
    struct service *service = data;
    char message[1024];
    char control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec part = {.iov_base = message, .iov_len = sizeof(message) - 1};
    struct msghdr header = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t length = recvmsg(service->notify.fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *item = length < 0 ? NULL : CMSG_FIRSTHDR(&header);
    struct ucred sender = {0};
    char *rest = NULL;

    (void)events;
    if (item != NULL && item->cmsg_level == SOL_SOCKET && item->cmsg_type == SCM_CREDENTIALS) {
        memcpy(&sender, CMSG_DATA(item), sizeof(sender));
    }
    if (length <= 0 || service->pid == 0 || sender.pid != service->pid) {
        return;
    }
    message[length] = '\0';
    for (char *line = strtok_r(message, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (streq(line, "READY=1") && service->state == SERVICE_STARTING) {
            set_state(service, SERVICE_READY, "%s", "");
            advance(service->supervisor);
        }
    }
}

static int open_log(struct service *service, struct error *err)
{
    int ends[2];

    /* Non-blocking on our side alone: O_NONBLOCK belongs to the open file, and each end is one of its own. */
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        return error_system(err, errno, "make a log pipe");
    }
    service->log_write = ends[1];
    return loop_add(service->supervisor->loop, &service->log, ends[0], EPOLLIN, log_readable, service, err);
}

static int open_notify(struct service *service, const char *run_dir, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;

    service->notify_path = xasprintf("%s/%s.notify", run_dir, service->config->name);
    if (strlen(service->notify_path) >= sizeof(address.sun_path)) {
        error_set(err, ERROR_INPUT, ENAMETOOLONG, "bind %s", service->notify_path);
        return error_remedy(err, "choose a shorter --run-dir: a socket's path has at most 107 bytes");
    }
    memcpy(address.sun_path, service->notify_path, strlen(service->notify_path));
    unlink(service->notify_path);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        return error_system(err, errno, "bind %s", service->notify_path);
    }
    if (loop_add(service->supervisor->loop, &service->notify, fd, EPOLLIN, notify_readable, service, err) != 0) {
        return -1;
    }
    take_fd(&fd);
    return 0;
}

int supervisor_open(struct supervisor *supervisor, struct loop *loop, const struct service_list *list,
                    const char *run_dir, struct error *err)
{
    supervisor->loop = loop;
    supervisor->services = xcalloc(list->count, sizeof(*supervisor->services));
    supervisor->count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        struct service *service = &supervisor->services[i];

        *service = (struct service){
            .supervisor = supervisor, .config = &list->items[i], .log_write = -1, .since = clock_now()};
    }
    for (size_t i = 0; i < list->count; i++) {
        struct service *service = &supervisor->services[i];

        if (open_log(service, err) != 0 || (service->config->ready_notify && open_notify(service, run_dir, err) != 0)) {
            return error_wrap(err, "prepare service %s", service->config->name);
        }
    }
    return 0;
}

static void timer_due(void *data)
{
    struct service *service = data;

    if (service->state == SERVICE_STOPPING) {
        log_warning("%s: does not stop, killed", service->config->name);
        kill(service->pid, SIGKILL);
    } else {
        service->state = SERVICE_WAITING; /* for what it comes after, which may have gone away meanwhile */
        advance(service->supervisor);
    }
}

static void delay(struct service *service, int64_t least)
{
    int64_t pause = service->config->restart_delay * MICROSECONDS_PER_MILLISECOND;

    pause = pause < least ? least : pause;
    loop_timer_set(service->supervisor->loop, &service->timer, clock_now() + pause, timer_due, service);
}

static void start(struct service *service)
{
    const struct service_config *config = service->config;
    struct error err = {0};
    char reason[sizeof(service->cause)];

    /* Not ours until we know the pid: no child is reaped before we are back in the loop. */
    service->pid = 0;
    if (access(config->command[0], X_OK) != 0) {
        error_system(&err, errno, "%s", config->command[0]);
    } else {
        service->pid = launch_service(config, service->log_write, service->notify_path, &err);
    }
    if (service->pid <= 0) {
        service->pid = 0;
        set_state(service, SERVICE_DELAYED, "%s", error_reason(&err, reason, sizeof(reason)));
        delay(service, CANNOT_START_DELAY);
        return;
    }
    set_state(service, config->ready_notify ? SERVICE_STARTING : SERVICE_READY, "%s", "");
    advance(service->supervisor);
}

static const struct service *find(const struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        if (streq(supervisor->services[i].config->name, name)) {
            return &supervisor->services[i];
        }
    }
    return NULL;
}

/* Start what can start now. A start may make the next one possible, so it calls us again. */
static void advance(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count && !supervisor->stopping; i++) {
        struct service *service = &supervisor->services[i];
        bool ready = service->state == SERVICE_WAITING && service->released;

        for (size_t j = 0; j < service->config->after_count; j++) {
            const struct service *first = find(supervisor, service->config->after[j]);

            ready &= first != NULL && first->state == SERVICE_READY;
        }
        if (ready) {
            start(service);
        }
    }
}

void supervisor_release(struct supervisor *supervisor, size_t index)
{
    supervisor->services[index].released = true;
    advance(supervisor);
}

void supervisor_block(struct supervisor *supervisor, size_t index, const char *cause)
{
    set_state(&supervisor->services[index], SERVICE_BLOCKED, "%s", cause);
}

/* Signal those that nobody who still runs comes after. */
static void stop_next(struct supervisor *supervisor)
{
    size_t running = 0;

    for (size_t i = supervisor->count; i-- > 0;) {
        struct service *service = &supervisor->services[i];
        bool free_to_stop = true;

        running += service->pid != 0;
        if (service->pid == 0 || service->state == SERVICE_STOPPING) {
            continue;
        }
        for (size_t j = i + 1; j < supervisor->count; j++) {
            const struct service *later = &supervisor->services[j];

            for (size_t k = 0; k < later->config->after_count; k++) {
                free_to_stop &= later->pid == 0 || !streq(later->config->after[k], service->config->name);
            }
        }
        if (free_to_stop) {
            set_state(service, SERVICE_STOPPING, "%s", "");
            kill(service->pid, service->config->stop_signal);
            loop_timer_set(supervisor->loop, &service->timer,
                           clock_now() + service->config->stop_timeout * MICROSECONDS_PER_MILLISECOND, timer_due,
                           service);
        }
    }
    if (running == 0) {
        supervisor->stopped(supervisor->data);
    }
}

void supervisor_stop(struct supervisor *supervisor)
{
    if (supervisor->stopping) {
        return;
    }
    supervisor->stopping = true;
    for (size_t i = 0; i < supervisor->count; i++) {
        struct service *service = &supervisor->services[i];

        loop_timer_clear(supervisor->loop, &service->timer);
        if (service->pid == 0) {
            set_state(service, SERVICE_STOPPED, "%s", "");
        }
    }
    stop_next(supervisor);
}

static void describe_exit(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status)) {
        snprintf(text, size, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        snprintf(text, size, "exit code %d", WEXITSTATUS(status));
    }
}

bool supervisor_reap(struct supervisor *supervisor, pid_t pid, int status)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct service *service = &supervisor->services[i];
        char cause[128];

        if (service->pid != pid) {
            continue;
        }
        describe_exit(status, cause, sizeof(cause));
        drain_log(service);
        service->pid = 0;
        loop_timer_clear(supervisor->loop, &service->timer);
        if (supervisor->stopping) {
            set_state(service, SERVICE_STOPPED, "%s", cause);
            stop_next(supervisor);
        } else {
            service->restarts++;
            set_state(service, SERVICE_DELAYED, "%s", cause);
            delay(service, 0);
        }
        return true;
    }
    return false;
}

void supervisor_close(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct service *service = &supervisor->services[i];
        int fds[] = {service->log.fd, service->notify.fd, service->log_write};

        loop_timer_clear(supervisor->loop, &service->timer);
        loop_remove(supervisor->loop, &service->log);
        loop_remove(supervisor->loop, &service->notify);
        for (size_t j = 0; j < ARRAY_SIZE(fds); j++) {
            if (fds[j] > STDERR_FILENO) {
                close(fds[j]);
            }
        }
        if (service->notify_path != NULL) {
            unlink(service->notify_path);
            free(service->notify_path);
        }
    }
    free(supervisor->services);
    *supervisor = (struct supervisor){0};
}
