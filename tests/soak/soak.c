/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soak kill: OpenHarmony's init at its worst. It starts the daemon the instant that it is gone, and kills it again, at
 * random instants of its life. Meanwhile it reads the services' rings and the notes about them, and complains about every
 * line and every end that is missing, doubled or wrong.
 */
#include "soak.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/util.h"
#include "supervise/notes.h"
#include "supervise/ring.h"

#define MOST_WATCHED 16
#define MOST_COMPLAINTS 20
#define LATEST_KILL 40000 /* microseconds after the start */
#define PATIENCE 60000000 /* microseconds for what must come in the end, on a machine with much else to do */
#define TICK 5            /* milliseconds between two looks at the rings */

/* One service's ring, read as it grows. */
struct tail {
    const char *name;
    struct ring_reader reader;
    struct ring_cursor cursor;
    uint64_t lines; /* read so far, all of them right */
    size_t length;  /* of a line that goes on in the next batch */
    char line[64];
};

static struct {
    const char *run_dir;
    char *const *command;
    struct soak_page *page;
    struct tail steady;
    struct tail crasher;
    struct notes notes; /* of the crasher */
    pid_t watched[MOST_WATCHED];
    int watched_fd[MOST_WATCHED];
    size_t watched_count;
    int directory; /* inotify: a new socket in the run directory */
    pid_t daemon;
    int client; /* connected, and has asked; -1 */
    unsigned wrong;
    uint64_t random;
    int64_t *answers; /* microseconds from the kill to the next daemon's answer */
    size_t answer_count;
} self;

__attribute__((format(printf, 1, 2))) static void complain(const char *format, ...)
{
    va_list arguments;

    if (self.wrong++ < MOST_COMPLAINTS) {
        va_start(arguments, format);
        vprintf(format, arguments);
        va_end(arguments);
        putchar(0x0a);
    }
}

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

/* xorshift64: the same run again with the same seed, as far as the scheduler allows. */
static int64_t random_below(int64_t most)
{
    self.random ^= self.random << 13;
    self.random ^= self.random >> 7;
    self.random ^= self.random << 17;
    return (int64_t)(self.random % (uint64_t)most);
}

/* ---- what the services wrote ---- */

static void check_line(struct tail *tail)
{
    char wanted[sizeof(tail->line)];

    tail->line[tail->length] = '\0';
    snprintf(wanted, sizeof(wanted), "%s %llu", tail->name, (unsigned long long)tail->lines);
    if (!streq(tail->line, wanted)) {
        const char *number = strchr(tail->line, ' ');

        complain("ring of %s: \"%s\" instead of \"%s\"", tail->name, tail->line, wanted);
        tail->lines = number == NULL ? tail->lines : strtoull(number, NULL, 10);
    }
    tail->lines++;
    tail->length = 0;
}

static void check_text(struct tail *tail, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            check_line(tail);
        } else if (tail->length < sizeof(tail->line) - 1) {
            tail->line[tail->length++] = text[i];
        }
    }
}

static void read_ring(struct tail *tail)
{
    static char text[RING_LARGEST_BATCH];
    struct ring_batch batch;
    uint64_t lost = 0;
    int more;

    while ((more = ring_next(&tail->reader, &tail->cursor, &batch, text, &lost)) > 0) {
        if (lost > 0) {
            complain("ring of %s: this program was too slow, %llu lines lost", tail->name, (unsigned long long)lost);
            tail->lines += lost;
        }
        if (batch.first_line != tail->lines) {
            complain("ring of %s: a batch says line %llu, it is %llu", tail->name, (unsigned long long)batch.first_line,
                     (unsigned long long)tail->lines);
        }
        check_text(tail, text, batch.length);
    }
    if (more < 0) {
        complain("ring of %s is broken", tail->name);
    }
}

static void open_ring(struct tail *tail, const char *name)
{
    CLEANUP_FREE char *path = xasprintf("%s/services/%s/log", self.run_dir, name);
    struct error err = {0};
    char text[256];

    tail->name = name;
    if (ring_reader_open(&tail->reader, path, &err) != 0) {
        fprintf(stderr, "%s\n", error_text(&err, text, sizeof(text)));
        exit(EXIT_FAILURE);
    }
}

/* ---- how the crasher ended ---- */

/* Twice the same: the daemon did not write meanwhile. */
static struct machine read_notes(void)
{
    struct machine first;
    struct machine second;

    do {
        notes_machine(&self.notes, &first);
        notes_machine(&self.notes, &second);
    } while (memcmp(&first, &second, sizeof(first)) != 0);
    return first;
}

static void check_ends(void)
{
    struct machine machine = read_notes();
    uint64_t seen = self.page->seen;

    if (machine.restarts + 1 != machine.instance) {
        complain("%llu restarts of instance %llu", (unsigned long long)machine.restarts,
                 (unsigned long long)machine.instance);
    }
    if (machine.collected == seen) {
        return;
    }
    if (machine.collected != seen + 1 || self.page->ends != seen + 1) {
        complain("end %llu is counted, the last was %llu, and it ended %llu times",
                 (unsigned long long)machine.collected, (unsigned long long)seen, (unsigned long long)self.page->ends);
    } else if (machine.last_status != self.page->plan) {
        complain("end %llu: status %x instead of %x, cause %s", (unsigned long long)seen + 1,
                 (unsigned)machine.last_status, (unsigned)self.page->plan, machine_cause_name(machine.last_end));
    }
    self.page->seen = machine.collected;
}

/* ---- the daemon ---- */

static void start_daemon(void)
{
    self.daemon = fork();
    if (self.daemon == 0) {
        execv(self.command[0], self.command);
        _exit(127);
    }
    if (self.daemon < 0) {
        give_up("fork");
    }
}

static void hang_up(void)
{
    if (self.client >= 0) {
        close(self.client);
        self.client = -1;
    }
}

static void kill_daemon(void)
{
    int status = 0;

    kill(self.daemon, SIGKILL);
    if (waitpid(self.daemon, &status, 0) != self.daemon || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        complain("the daemon ended by itself, status %x", (unsigned)status);
    }
    hang_up();
}

static void ask(void)
{
    static const char request[] = "{\"verb\":\"wait-ready\",\"service\":\"steady\"}\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    hang_up();
    self.client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/control.sock", self.run_dir);
    if (connect(self.client, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        send(self.client, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0) {
        hang_up(); /* of the one before */
    }
}

/* True once it has answered. */
static bool hear_answer(void)
{
    char answer[512];
    ssize_t length = recv(self.client, answer, sizeof(answer) - 1, MSG_DONTWAIT);

    if (length < 0 && errno == EAGAIN) {
        return false;
    }
    hang_up();
    if (length > 0) {
        answer[length] = '\0';
        if (strstr(answer, "no request came in time") != NULL) {
            ask(); /* this program got no processor for so long */
            return false;
        }
        if (strstr(answer, "\"ok\":true") == NULL) {
            complain("the daemon answers %s", answer);
        }
    }
    return length > 0;
}

static void check_watched(void)
{
    for (size_t i = 0; i < self.watched_count; i++) {
        struct pollfd end = {.fd = self.watched_fd[i], .events = POLLIN};

        if (self.watched_fd[i] >= 0 && poll(&end, 1, 0) > 0) {
            complain("process %d, which had to live, has ended", self.watched[i]);
            self.watched_fd[i] = -1;
        }
    }
}

static void look_at_services(void)
{
    read_ring(&self.steady);
    read_ring(&self.crasher);
    check_ends();
}

/* Wait for a socket, for an answer, or a tick. True once the daemon has answered. */
static bool wait_a_little(int64_t left)
{
    struct pollfd news[] = {{.fd = self.directory, .events = POLLIN}, {.fd = self.client, .events = POLLIN}};
    const struct timespec time = {.tv_nsec = left < TICK * 1000 ? left * 1000 : TICK * 1000000L};
    char ignored[4096];
    bool answered;

    if (ppoll(news, ARRAY_SIZE(news), &time, NULL) > 0 && news[0].revents != 0) {
        (void)!read(self.directory, ignored, sizeof(ignored));
        ask();
    }
    answered = self.client >= 0 && hear_answer();
    look_at_services();
    return answered;
}

/* One life of the daemon: until it was killed. `patient`: it may answer first. */
static void live(int64_t killed, bool patient)
{
    int64_t started = clock_now();
    int64_t end = started + random_below(LATEST_KILL);
    int64_t now;
    bool answered = false;

    start_daemon();
    while ((now = clock_now()) < end || (patient && !answered)) {
        if (wait_a_little(now < end ? end - now : TICK * 1000) && !answered) {
            answered = true;
            if (patient && killed != 0) {
                self.answers[self.answer_count++] = clock_now() - killed;
            }
        }
        if (!answered && now - started > PATIENCE) {
            complain("the daemon does not answer");
            break;
        }
    }
}

static void kill_many(unsigned kills)
{
    int64_t killed = 0;

    for (unsigned i = 0; i < kills; i++) {
        live(killed, i % 2 == 0);
        killed = clock_now();
        kill_daemon();
        check_watched();
        if (self.wrong > MOST_COMPLAINTS) {
            break;
        }
    }
}

/* The services fall silent; one last daemon, which stays, notes all that is open. */
static void come_to_rest(void)
{
    int64_t began = clock_now();
    bool answered = false;
    bool done = false;

    self.page->quiet = 1;
    start_daemon();
    while (!done && clock_now() - began < PATIENCE) {
        answered |= wait_a_little(TICK * 1000);
        done = answered && self.steady.lines == self.page->steady_lines &&
               self.crasher.lines == self.page->crasher_lines && self.page->seen == self.page->ends &&
               read_notes().state == SERVICE_READY;
    }
    if (!answered) {
        complain("the last daemon does not answer");
    }
    if (self.steady.lines != self.page->steady_lines || self.crasher.lines != self.page->crasher_lines) {
        complain("%llu and %llu lines were written, %llu and %llu are in the rings",
                 (unsigned long long)self.page->steady_lines, (unsigned long long)self.page->crasher_lines,
                 (unsigned long long)self.steady.lines, (unsigned long long)self.crasher.lines);
    }
    if (self.page->seen != self.page->ends || read_notes().instance != self.page->crasher_starts) {
        complain("%llu starts and %llu ends, %llu and %llu are counted", (unsigned long long)self.page->crasher_starts,
                 (unsigned long long)self.page->ends, (unsigned long long)read_notes().instance,
                 (unsigned long long)self.page->seen);
    }
    if (self.page->steady_starts != 1) {
        complain("the steady service was started %llu times", (unsigned long long)self.page->steady_starts);
    }
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void report(unsigned kills)
{
    size_t count = self.answer_count;

    qsort(self.answers, count, sizeof(self.answers[0]), compare);
    printf("kills %u\n", kills);
    printf("wrong %u\n", self.wrong);
    printf("lines %llu\n", (unsigned long long)(self.steady.lines + self.crasher.lines));
    printf("ends %llu\n", (unsigned long long)self.page->seen);
    printf("starts %llu\n", (unsigned long long)self.page->crasher_starts);
    if (count > 0) {
        printf("p50_us %lld\n", (long long)self.answers[count / 2]);
        printf("p99_us %lld\n", (long long)self.answers[count * 99 / 100]);
        printf("max_us %lld\n", (long long)self.answers[count - 1]);
    }
}

static int soak_kill(int argc, char **argv)
{
    CLEANUP_FREE char *notes = NULL;
    struct error err = {0};
    bool fresh = false;
    unsigned kills = (unsigned)strtoul(argv[1], NULL, 10);
    int at = 4;

    self.page = soak_page_open(argv[2]);
    self.run_dir = argv[3];
    self.random = (uint64_t)clock_now() | 1;
    self.client = -1;
    for (; at < argc && !streq(argv[at], "--") && self.watched_count < MOST_WATCHED; at++) {
        size_t i = self.watched_count++;

        self.watched[i] = (pid_t)strtol(argv[at], NULL, 10);
        self.watched_fd[i] = (int)syscall(SYS_pidfd_open, self.watched[i], 0);
        if (self.watched_fd[i] < 0) {
            complain("there is no process %s to be watched", argv[at]);
        }
    }
    if (at >= argc - 1) {
        return EXIT_FAILURE;
    }
    self.command = argv + at + 1;
    self.answers = xcalloc(kills + 1, sizeof(self.answers[0]));
    notes = xasprintf("%s/services/crasher/state", self.run_dir);
    open_ring(&self.steady, "steady");
    open_ring(&self.crasher, "crasher");
    self.directory = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (notes_open(&self.notes, notes, 0, &fresh, &err) != 0 || fresh) {
        give_up("the crasher's notes");
    }
    if (inotify_add_watch(self.directory, self.run_dir, IN_MOVED_TO | IN_ONLYDIR) < 0) {
        give_up("inotify_add_watch");
    }
    kill_many(kills);
    come_to_rest();
    report(kills);
    return self.wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && streq(argv[1], "steady")) {
        soak_steady(soak_page_open(argv[2]));
    }
    if (argc == 3 && streq(argv[1], "crasher")) {
        soak_crasher(soak_page_open(argv[2]));
    }
    if (argc > 6 && streq(argv[1], "kill")) {
        return soak_kill(argc - 1, argv + 1);
    }
    fprintf(stderr, "usage: soak kill TIMES PAGE RUN_DIR [PID...] -- DAEMON...\n"
                    "       soak steady PAGE\n"
                    "       soak crasher PAGE\n");
    return 64;
}
