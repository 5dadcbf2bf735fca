/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/keeper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/spare.h"
#include "base/util.h"
#include "supervise/become.h"
#include "supervise/notify.h"
#include "supervise/order.h"
#include "supervise/output.h"
#include "supervise/port.h"
#include "supervise/settle.h"
#include "supervise/stat_hold.h"

/* How much of each source is worked off before the others have their turn. */
#define MOST_READS 8
#define MOST_DATAGRAMS 32
#define MOST_MESSAGES 16
#define MOST_REAPED 256

/* What is left in the pipe when the service has ended: at most all of it, more comes from others that have it open. */
#define MOST_LAST_READS 64

/* The sources in the order in which they are heard: what the service said before it ended, its end before what the daemon
 * wants next. What it asks of us comes last: it waits, and nobody else. */
enum source { FROM_NOTIFY, FROM_SIGNALS, FROM_ADOPTED, FROM_LISTENER, FROM_DAEMON, FROM_PIPE, FROM_FILTER, SOURCES };

static struct {
    struct output output;
    struct keeper_record *record;
    struct pollfd sources[SOURCES];
    struct port port;
    struct ring ring;
    struct become become;
    char notify[sizeof("NOTIFY_SOCKET=") + sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    bool quit;
    struct stat_hold hold;
} self;

static int *fd_of(enum source source)
{
    return &self.sources[source].fd;
}

static void close_source(enum source source)
{
    if (*fd_of(source) >= 0) {
        close(*fd_of(source));
        *fd_of(source) = -1;
    }
}

/* The phase is stored last at an end, and first at a start: see record.h. */
static void set_phase(enum keeper_phase phase)
{
    __atomic_store_n(&self.record->phase, (int32_t)phase, __ATOMIC_RELEASE);
}

/* ---- start and end of the service ---- */

static void drain_notify(void);

static void end(enum keeper_phase phase)
{
    self.record->ended_at = clock_now();
    stat_hold_end(&self.hold);
    set_phase(phase);
    output_read(&self.output, MOST_LAST_READS);
    output_finish(&self.output);
    port_send_record(&self.port);
}

static void begin_record(uint64_t instance)
{
    struct keeper_record *record = self.record;

    record->pid = 0;
    record->start_time = 0;
    set_phase(PHASE_STARTING);
    __atomic_store_n(&record->instance, instance, __ATOMIC_RELEASE);
    record->adopted = ADOPTION_CHILD;
    record->started_at = clock_now();
    record->ended_at = 0;
    record->wait_status = 0;
    record->step = STEP_NONE;
    record->error = 0;
    record->user_usec = 0;
    record->system_usec = 0;
    record->max_rss_kb = 0;
    memset(&record->notify, 0, sizeof(record->notify));
    record->filter = STAT_CLEAN;
}

/* Our memory is the child's too until it executes its program, as vfork(2) has it: a fork(2) took a fifth of a restart, for
 * copies of pages that execve(2) throws away. Until then we stand still, and go on with its failure, if any, in the record:
 * then its end follows. A child that is killed so early is one that ended. */
static pid_t launch(void)
{
    struct become_space *space = mmap(NULL, sizeof(*space), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pid_t pid = -1;

    self.become.space = space;
    if (space != MAP_FAILED) {
        /* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): become.h says what it does to our memory */
        pid = vfork();
    }
    if (pid == 0) {
        become_service(&self.become); /* NOLINT(clang-analyzer-unix.Vfork): as above */
    }
    if (pid < 0) {
        self.record->step = STEP_FORK;
        self.record->error = errno;
    }
    if (space != MAP_FAILED) {
        munmap(space, sizeof(*space));
    }
    return pid;
}

static void start(uint64_t instance)
{
    pid_t pid;

    begin_record(instance);
    stat_hold_begin(&self.hold);
    while ((pid = launch()) > 0 && !stat_hold_is_right(&self.hold, pid)) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0); /* it is ending, or was about to begin */
        self.record->pid = 0;
        self.record->step = STEP_NONE;
        self.record->error = 0;
    }
    if (pid < 0) {
        end(PHASE_FAILED);
        return;
    }
    self.record->pid = pid;
    self.record->start_time = process_start_time(pid);
    if (self.record->step == STEP_NONE) {
        set_phase(PHASE_RUNNING);
    }
    port_send_record(&self.port);
    spare_stack(); /* on which the child began */
}

/* The main process handed over to another one (MAINPID=) that is our child, be it born or orphaned: the instance goes on. */
static bool has_heir(void)
{
    pid_t heir = self.record->notify.main_pid;

    self.record->notify.main_pid = 0;
    if (heir <= 0 || heir == self.record->pid || process_parent(heir) != self.record->keeper_pid) {
        return false;
    }
    self.record->start_time = process_start_time(heir);
    self.record->pid = heir;
    return true;
}

static int64_t usec(const struct timeval *time)
{
    return time->tv_sec * MICROSECONDS_PER_SECOND + time->tv_usec;
}

static void main_ended(int status, const struct rusage *usage)
{
    /* Its last words came before its end, whatever poll(2) saw first. */
    drain_notify();
    if (self.record->step == STEP_NONE && has_heir()) {
        port_send_record(&self.port);
        return;
    }
    self.record->wait_status = status;
    self.record->user_usec = usec(&usage->ru_utime);
    self.record->system_usec = usec(&usage->ru_stime);
    self.record->max_rss_kb = usage->ru_maxrss;
    end(self.record->step == STEP_NONE ? PHASE_ENDED : PHASE_FAILED);
}

/* The service's orphans come to us too, and are forgotten. */
static void hear_signals(void)
{
    struct rusage usage;
    char ignored[1024]; /* struct signalfd_siginfo, several */
    int status;
    pid_t pid = 1;

    (void)!read(*fd_of(FROM_SIGNALS), ignored, sizeof(ignored));
    for (int i = 0; i < MOST_REAPED && (pid = wait4(-1, &status, WNOHANG, &usage)) > 0; i++) {
        if (pid == self.record->pid && record_is_running(self.record) && self.record->adopted == ADOPTION_CHILD) {
            main_ended(status, &usage);
        } else if (pid == self.record->notify.main_pid) {
            self.record->notify.main_pid = 0;
        }
    }
    if (pid > 0) {
        raise(SIGCHLD); /* there may be more: again, after the others had their turn */
    }
}

/* ---- a process of a keeper that died ---- */

static void hear_adopted(void)
{
    drain_notify();
    close_source(FROM_ADOPTED);
    self.record->adopted = ADOPTION_ADOPTED;
    end(PHASE_ENDED);
}

/* Hold on to a process by pid, and only then see whether it is still the same (0: any): false if it is not. */
static bool watch(pid_t pid, uint64_t start_time)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    uint64_t now = process_start_time(pid);

    if (fd < 0 || now == 0 || (start_time != 0 && now != start_time)) {
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    close_source(FROM_ADOPTED);
    *fd_of(FROM_ADOPTED) = fd;
    self.record->start_time = now;
    return true;
}

static void adopt(const struct wire_message *message)
{
    begin_record(message->instance);
    self.record->adopted = ADOPTION_ADOPTED;
    self.record->pid = message->pid;
    self.record->start_time = message->start_time;
    if (!watch(message->pid, message->start_time)) {
        end(PHASE_ENDED);
        return;
    }
    set_phase(PHASE_RUNNING);
    port_send_record(&self.port);
}

static void keep(void)
{
    self.record->adopted = ADOPTION_ADOPTED;
    set_phase(PHASE_RUNNING);
    port_send_record(&self.port);
}

/* What the keeper before us left behind. */
static void go_on_from(const struct keeper_record *found)
{
    output_read(&self.output, MOST_LAST_READS);
    if (!record_is_running(found)) {
        output_finish(&self.output);
        return;
    }
    self.record->adopted = ADOPTION_ORPHAN;
    stat_hold_resume(&self.hold);
    if (found->pid <= 1 || !watch(found->pid, found->start_time)) {
        self.record->adopted = ADOPTION_ADOPTED;
        end(PHASE_ENDED);
    }
}

/* ---- from the daemon ---- */

static void send_signal(int number)
{
    if (self.record->adopted == ADOPTION_CHILD) {
        kill(self.record->pid, number); /* not reaped, so it is this one */
    } else {
        syscall(SYS_pidfd_send_signal, *fd_of(FROM_ADOPTED), number, NULL, 0);
    }
}

static void obey(const struct wire_message *message)
{
    switch (order_of(self.record, message)) {
        case ORDER_START:
            start(message->instance);
            break;
        case ORDER_SIGNAL:
            send_signal(message->signal);
            break;
        case ORDER_ADOPT:
            adopt(message);
            break;
        case ORDER_KEEP:
            keep();
            break;
        case ORDER_COLLECT:
            set_phase(PHASE_IDLE);
            self.record->pid = 0;
            port_send_record(&self.port);
            break;
        case ORDER_LISTEN:
            port_listen(&self.port, message->position);
            break;
        case ORDER_QUIT:
            self.quit = true;
            break;
        case ORDER_ANSWER:
            port_send_record(&self.port);
            break;
        default:
            break;
    }
}

static void hear_daemon(void)
{
    struct wire_message message;

    if ((self.sources[FROM_DAEMON].revents & POLLOUT) != 0) {
        port_send_due(&self.port);
    }
    for (int i = 0; i < MOST_MESSAGES && !self.quit && port_receive(&self.port, &message); i++) {
        obey(&message);
    }
}

static void hear_listener(void)
{
    port_accept(&self.port, *fd_of(FROM_LISTENER));
}

/* ---- from the service ---- */

static bool may_be_main(pid_t pid)
{
    pid_t parent = process_parent(pid);

    return parent > 0 && (parent == self.record->keeper_pid || parent == self.record->pid);
}

static void hear_datagram(const char *text, size_t length, pid_t sender)
{
    struct notify_state *state = &self.record->notify;
    pid_t main_pid = state->main_pid;

    if (sender <= 0 || (sender != self.record->pid && sender != main_pid) || !record_is_running(self.record) ||
        !notify_apply(state, text, length, clock_now())) {
        return;
    }
    if (state->main_pid != main_pid && state->main_pid != self.record->pid && !may_be_main(state->main_pid)) {
        state->main_pid = main_pid;
    }
    self.port.record_due = *fd_of(FROM_DAEMON) >= 0;
}

static void drain_notify(void)
{
    char text[NOTIFY_LARGEST];
    size_t length;
    pid_t sender;

    for (int i = 0; i < MOST_DATAGRAMS && datagram_receive(*fd_of(FROM_NOTIFY), text, sizeof(text), &length, &sender);
         i++) {
        hear_datagram(text, length, sender);
    }
}

static void hear_notify(void)
{
    drain_notify();
    port_send_due(&self.port);
}

static void hear_pipe(void)
{
    output_read(&self.output, MOST_READS);
    port_send_due(&self.port);
}

static void hear_filter(void)
{
    if (stat_hold_serve(&self.hold)) {
        port_send_record(&self.port);
    }
}

/* ---- the process ---- */

void keeper_run(void)
{
    static void (*const hear[])(void) = {
        [FROM_NOTIFY] = hear_notify,     [FROM_SIGNALS] = hear_signals, [FROM_ADOPTED] = hear_adopted,
        [FROM_LISTENER] = hear_listener, [FROM_DAEMON] = hear_daemon,   [FROM_PIPE] = hear_pipe,
        [FROM_FILTER] = hear_filter,
    };
    int ready;

    static_assert(ARRAY_SIZE(hear) == SOURCES, "every source is heard");
    spare_stack();
    while (!self.quit) {
        ready = poll(self.sources, SOURCES, stat_copies_wait(&self.hold.copies));
        stat_copies_refresh(&self.hold.copies);
        for (int source = 0; ready > 0 && source < SOURCES; source++) {
            if (self.sources[source].revents != 0 && *fd_of(source) >= 0) {
                hear[source]();
            }
        }
    }
    unlink("socket");
}

int keeper_settle(const char *directory, uint64_t ring_size, int daemon_fd, struct error *err)
{
    struct keeper_record found;
    int locked;

    if (chdir(directory) != 0) {
        error_system(err, errno, "enter %s", directory);
        return error_remedy(err, "the daemon makes it; start that");
    }
    locked = settle_lock(err);
    if (locked == 1) {
        return 1;
    }
    for (int source = 0; source < SOURCES; source++) {
        self.sources[source] = (struct pollfd){.fd = -1, .events = POLLIN};
    }
    if (locked < 0 || (*fd_of(FROM_SIGNALS) = settle_signals(err)) < 0 || (*fd_of(FROM_PIPE) = settle_pipe(err)) < 0 ||
        ring_open(&self.ring, "log", ring_size, err) != 0 ||
        (*fd_of(FROM_NOTIFY) = settle_socket("notify", SOCK_DGRAM, 0666, err)) < 0 ||
        (self.record = settle_record(&found, err)) == NULL) {
        return -1;
    }
    *fd_of(FROM_DAEMON) = daemon_fd;
    self.port = (struct port){.source = &self.sources[FROM_DAEMON], .record = self.record, .head = &self.ring.head};
    output_begin(&self.output, *fd_of(FROM_PIPE), &self.ring);
    stat_hold_open(&self.hold, self.record, &self.sources[FROM_FILTER]);
    go_on_from(&found);
    snprintf(self.notify, sizeof(self.notify), "NOTIFY_SOCKET=%s/notify", directory);
    self.become = (struct become){
        .record = self.record, .notify = self.notify, .filter = &self.hold.entry, .oom_score_adj = settle_oom_score()};
    /* Whoever sees this name finds all the rest. */
    *fd_of(FROM_LISTENER) = settle_socket("socket", SOCK_SEQPACKET, 0600, err);
    return *fd_of(FROM_LISTENER) < 0 ? -1 : 0;
}
