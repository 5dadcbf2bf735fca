/* SPDX-License-Identifier: Apache-2.0 */
/* The table of probes, and the processes that they run in. */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"
#include "doctor/probe.h"

/* Of one probe. They take some milliseconds each; but on a board that is busy booting a second is over before a probe has had a
 * processor, and "it hangs" would be wrong. Only what does hang takes that long. */
#define DEADLINE_MS 10000
#define DEADLINE (DEADLINE_MS * MICROSECONDS_PER_MILLISECOND)
#define AT_ONCE 4     /* boards have as many CPUs */
#define GRACE_MS 1000 /* for a killed process to be gone; a hung card may keep it */

/* In the order in which findings are shown. */
const struct probe *const doctor_probes[] = {
    &probe_process, &probe_policy,  &probe_system, &probe_program, &probe_helper,  &probe_names,
    &probe_groups,  &probe_storage, &probe_card,   &probe_overlay, &probe_network, &probe_kubeedge,
};
const size_t doctor_probe_count = ARRAY_SIZE(doctor_probes);

struct answers {
    const struct probe *probe;
    const struct board *board;
    struct findings *findings; /* in this process */
    int fd;                    /* or to another; -1: none */
    bool worrying;             /* nothing but what is not "yes" */
};

static void fill_code(char code[48], const char *pattern, const char *subject)
{
    const char *star = strchr(pattern, '*');

    if (star == NULL || subject == NULL) {
        snprintf(code, 48, "%s", pattern);
    } else {
        snprintf(code, 48, "%.*s%s%s", (int)(star - pattern), pattern, subject, star + 1);
    }
}

void probe_say(struct answers *answers, const struct said *said, const char *format, ...)
{
    const struct probe_row *row = &answers->probe->rows[said->row];
    struct finding finding = {.need = row->need, .answer = said->answer};
    va_list arguments;

    /* What the board does not need cannot make it unfit. */
    if (finding.answer == ANSWER_NO && !board_wants(answers->board, row->need)) {
        finding.answer = ANSWER_WARNING;
    }
    if (answers->worrying && finding.answer == ANSWER_YES) {
        return;
    }
    fill_code(finding.code, row->code, said->subject);
    va_start(arguments, format);
    vsnprintf(finding.what, sizeof(finding.what), format, arguments);
    va_end(arguments);
    if (said->answer != ANSWER_YES) {
        snprintf(finding.cost, sizeof(finding.cost), "%s", said->cost == NULL ? row->cost : said->cost);
        snprintf(finding.remedy, sizeof(finding.remedy), "%s", said->remedy == NULL ? row->remedy : said->remedy);
    }
    if (answers->fd >= 0) {
        file_write_all(answers->fd, (const char *)&finding, sizeof(finding));
    } else {
        findings_add(answers->findings, &finding);
    }
}

void probe_scratch(char name[64], pid_t pid)
{
    snprintf(name, 64, SCRATCH_PREFIX "%d", (int)pid);
}

bool probe_is_stale(const char *name)
{
    int64_t pid = 0;

    return starts_with(name, SCRATCH_PREFIX) && text_parse_integer(name + strlen(SCRATCH_PREFIX), &pid) && pid > 0 &&
           kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

const struct probe_row *probe_find_row(const char *code)
{
    const struct probe_row *found = NULL;

    for (size_t i = 0; i < doctor_probe_count; i++) {
        for (size_t j = 0; j < doctor_probes[i]->count; j++) {
            const struct probe_row *row = &doctor_probes[i]->rows[j];
            const char *star = strchr(row->code, '*');

            if (streq(row->code, code)) {
                return row;
            }
            if (star != NULL && found == NULL && strncmp(row->code, code, (size_t)(star - row->code)) == 0) {
                found = row;
            }
        }
    }
    return found;
}

/* The same for all questions that have no answer yet. */
static void say_unknown(struct answers *answers, const struct findings *given, const char *what, const char *remedy)
{
    for (unsigned row = 0; row < answers->probe->count; row++) {
        const char *code = answers->probe->rows[row].code;
        size_t length = strcspn(code, "*");
        bool has_answer = false;

        for (size_t i = 0; i < given->count && !has_answer; i++) {
            has_answer = code[length] == '*' ? strncmp(code, given->items[i].code, length) == 0
                                             : streq(code, given->items[i].code);
        }
        if (!has_answer) {
            probe_say(answers, &(struct said){.row = row, .answer = ANSWER_UNKNOWN, .remedy = remedy}, "%s: %s",
                      answers->probe->rows[row].title, what);
        }
    }
}

/* A probe that runs. */
struct run {
    const struct probe *probe;
    pid_t pid; /* 0: not started, or gone */
    int fd;
    int64_t deadline;
    struct findings findings;
    bool ended;
};

/* A process that hangs outlives us: it must not hold what leads to our caller, who would wait for its end. */
static void leave_streams(void)
{
    CLEANUP_CLOSE int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && nothing >= 0; fd++) {
        dup2(nothing, fd);
    }
}

static void run_in_child(const struct probe *probe, const struct board *board, int fd, pid_t parent)
{
    static const struct findings none = {0};
    struct answers answers = {.probe = probe, .board = board, .fd = fd};
    sigset_t empty;

    leave_streams();
    child_die_with(parent);
    setpgid(0, 0); /* tools that it starts are killed with it */
    sigemptyset(&empty);
    sigprocmask(SIG_SETMASK, &empty, NULL);
    if (probe->root && geteuid() != 0) {
        say_unknown(&answers, &none, "not tried, for it takes root", "run \"edgeinit doctor\" as root");
    } else if (probe->mounts && (unshare(CLONE_NEWNS) != 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)) {
        say_unknown(&answers, &none, "not tried, for no mount namespace is to be had",
                    "run \"edgeinit doctor\" with CAP_SYS_ADMIN, and see the finding init.capabilities");
    } else {
        probe->run(&answers, board);
    }
    _exit(EXIT_SUCCESS);
}

static void start(struct run *run, const struct board *board)
{
    int ends[2] = {-1, -1};
    pid_t parent = getpid();

    run->deadline = clock_now() + DEADLINE;
    run->fd = -1;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        run->ended = true;
        return;
    }
    run->pid = fork();
    if (run->pid == 0) {
        close(ends[0]);
        run_in_child(run->probe, board, ends[1], parent);
    }
    close(ends[1]);
    run->fd = ends[0];
    if (run->pid < 0) {
        run->pid = 0;
        run->ended = true;
    }
}

/* Reap it, and wait for that no longer than this. Was it a clean end? */
static bool reap(struct run *run, int patience_ms)
{
    int status = 0;

    for (int waited = 0; run->pid > 0; waited++) {
        if (waitpid(run->pid, &status, WNOHANG) == run->pid) {
            run->pid = 0;
            return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
        }
        if (waited == patience_ms) {
            return false;
        }
        poll(NULL, 0, 1);
    }
    return false;
}

/* What the probe of process `pid` left, in a process of its own too: it may hang like the probe. */
static void clean_after(const struct run *run, const struct board *board, pid_t pid)
{
    struct run cleaner = {.fd = -1};
    pid_t parent = getpid();
    char name[64];

    if (run->probe->clean == NULL) {
        return;
    }
    probe_scratch(name, pid);
    cleaner.pid = fork();
    if (cleaner.pid == 0) {
        leave_streams();
        child_die_with(parent);
        run->probe->clean(board, name);
        _exit(EXIT_SUCCESS);
    }
    if (cleaner.pid > 0 && !reap(&cleaner, DEADLINE_MS) && cleaner.pid > 0) {
        kill(cleaner.pid, SIGKILL);
        reap(&cleaner, GRACE_MS);
    }
}

static void finish(struct run *run, const struct board *board, bool is_late)
{
    struct answers answers = {.probe = run->probe, .board = board, .findings = &run->findings, .fd = -1};
    pid_t pid = run->pid;
    bool good = false;

    if (is_late && pid > 0) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL); /* before it is a group's leader */
    }
    good = pid > 0 && reap(run, is_late ? GRACE_MS : DEADLINE_MS);
    if (run->fd >= 0) {
        close(run->fd);
    }
    run->fd = -1;
    run->ended = true;
    if (is_late) {
        say_unknown(&answers, &run->findings, "no answer within 10 s",
                    "a device, a file system or a program hangs: read the kernel log, and try again");
    } else if (!good) {
        say_unknown(&answers, &run->findings, "the probe itself ended early",
                    "try again; if it stays so, report it with the output of \"edgeinit doctor --json\"");
    }
    if (pid > 0 && (is_late || !good)) {
        clean_after(run, board, pid);
    }
}

/* A finding is smaller than PIPE_BUF, so it comes whole. */
static void receive(struct run *run, const struct board *board)
{
    struct finding finding;
    ssize_t length = read(run->fd, &finding, sizeof(finding));

    if (length == (ssize_t)sizeof(finding)) {
        findings_add(&run->findings, &finding);
    } else if (length >= 0 || errno != EINTR) {
        finish(run, board, false);
    }
}

/* Wait for news of those that run, and see to those that are late. */
static void attend(struct run *runs, size_t count, const struct board *board)
{
    struct pollfd fds[AT_ONCE];
    struct run *owners[AT_ONCE];
    int64_t first = clock_now() + DEADLINE;
    nfds_t running = 0;

    for (size_t i = 0; i < count; i++) {
        if (runs[i].fd >= 0) {
            fds[running] = (struct pollfd){.fd = runs[i].fd, .events = POLLIN};
            owners[running++] = &runs[i];
            first = runs[i].deadline < first ? runs[i].deadline : first;
        }
    }
    first = (first - clock_now()) / MICROSECONDS_PER_MILLISECOND + 1;
    poll(fds, running, first < 0 ? 0 : (int)first);
    for (nfds_t i = 0; i < running; i++) {
        if (fds[i].revents != 0) {
            receive(owners[i], board);
        } else if (clock_now() >= owners[i]->deadline) {
            finish(owners[i], board, true);
        }
    }
}

void doctor_probe(const struct board *board, struct findings *findings)
{
    struct run runs[ARRAY_SIZE(doctor_probes)] = {0};
    size_t started = 0;
    size_t running = 0;
    sigset_t asking;
    sigset_t before;

    /* Who is asked to end meanwhile does so a moment later, and leaves nothing behind. */
    sigemptyset(&asking);
    sigaddset(&asking, SIGINT);
    sigaddset(&asking, SIGTERM);
    sigaddset(&asking, SIGHUP);
    sigprocmask(SIG_BLOCK, &asking, &before);
    do {
        running = 0;
        for (size_t i = 0; i < started; i++) {
            running += !runs[i].ended;
        }
        while (started < doctor_probe_count && running < AT_ONCE) {
            runs[started] = (struct run){.probe = doctor_probes[started], .fd = -1};
            start(&runs[started], board);
            if (runs[started].ended) {
                finish(&runs[started], board, false);
            } else {
                running++;
            }
            started++;
        }
        if (running > 0) {
            attend(runs, started, board);
        }
    } while (running > 0 || started < doctor_probe_count);
    for (size_t i = 0; i < doctor_probe_count; i++) {
        for (size_t j = 0; j < runs[i].findings.count; j++) {
            findings_add(findings, &runs[i].findings.items[j]);
        }
        findings_free(&runs[i].findings);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
}

void doctor_quick(const struct board *board, struct findings *findings)
{
    for (size_t i = 0; i < doctor_probe_count; i++) {
        struct answers answers = {
            .probe = doctor_probes[i], .board = board, .findings = findings, .fd = -1, .worrying = true};

        if (doctor_probes[i]->quick != NULL) {
            doctor_probes[i]->quick(&answers, board);
        }
    }
}
