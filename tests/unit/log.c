/* SPDX-License-Identifier: Apache-2.0 */
/* Lines on a terminal that is full, for nobody reads it or somebody else writes to it: what a board's console is at boot. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>

#include "base/util.h"
#include "test.h"

#define LINES 1500
#define PATIENCE 60000 /* milliseconds: no bound is tested by this */

/* A terminal of our own; returns the end that a person would read at, `slave` is the other. */
static int open_terminal(int *slave)
{
    struct termios settings;
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    *slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(*slave >= 0);
    assert_int_equal(tcgetattr(*slave, &settings), 0);
    settings.c_oflag &= ~(tcflag_t)OPOST; /* what is written is what is read */
    assert_int_equal(tcsetattr(*slave, TCSANOW, &settings), 0);
    return master;
}

/* Of different lengths, so that the terminal is full at any byte of one. */
static void write_numbered(const char *tag, int number)
{
    char text[300];
    char exes[150];
    int length;

    memset(exes, 'x', sizeof(exes));
    length = snprintf(text, sizeof(text), "%d %.*s %d", number, number % 150, exes, number);
    log_line(tag, text, (size_t)length);
}

static void take_terminal(int slave)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(slave, STDERR_FILENO);
    log_never_block();
}

/* In a process of its own, whose stderr the terminal is. It tells on `step` when half of them are written, and goes on
 * when it is told; -1: it does not ask. */
static pid_t start(int slave, const char *tag, int milliseconds, int step)
{
    pid_t child = fork();
    char byte = 0;

    if (child == 0) {
        take_terminal(slave);
        if (milliseconds > 0) {
            log_have_patience(milliseconds);
        }
        for (int i = 0; i < LINES; i++) {
            if (i == LINES - 1 && step >= 0) {
                log_have_patience(PATIENCE); /* all that was dropped is told */
            }
            write_numbered(tag, i);
            if (i == LINES / 2 && step >= 0 && (write(step, &byte, 1) != 1 || read(step, &byte, 1) != 1)) {
                _exit(1);
            }
        }
        _exit(0);
    }
    assert_true(child > 0);
    return child;
}

struct seen {
    int whole;
    int dropped; /* as told */
};

static void take_line(struct seen *seen, const char *line, const char *tag)
{
    static const char told[] = "edgeinit: warning: ";
    const char *own = strstr(line, tag);
    char *end = NULL;
    long first;
    long last;
    size_t exes;

    if (strncmp(line, told, strlen(told)) == 0) {
        seen->dropped += (int)strtol(line + strlen(told), NULL, 10);
        return;
    }
    if (own == NULL) {
        return; /* of somebody else */
    }
    first = strtol(own + strlen(tag) + 1, &end, 10);
    exes = *end == ' ' ? strspn(end + 1, "x") : SIZE_MAX;
    last = exes == SIZE_MAX ? -1 : strtol(end + 1 + exes, &end, 10);
    if (first != last || *end != '\0' || exes != (size_t)first % 150) {
        fail_msg("not a whole line: %s", line);
    }
    seen->whole++;
}

/* All that comes until nobody has the terminal open. Tells on `step` when there is some room. */
static struct seen read_lines(int master, const char *tag, int step)
{
    struct seen seen = {0};
    char text[8192];
    size_t length = 0;

    for (;;) {
        struct pollfd watched = {.fd = master, .events = POLLIN};
        ssize_t part;

        assert_true(poll(&watched, 1, PATIENCE) > 0);
        part = read(master, text + length, sizeof(text) - 1 - length);
        if (part <= 0) {
            break;
        }
        length += (size_t)part;
        text[length] = '\0';
        for (char *newline; (newline = memchr(text, '\n', length)) != NULL;) {
            *newline = '\0';
            take_line(&seen, text, tag);
            length -= (size_t)(newline + 1 - text);
            memmove(text, newline + 1, length + 1);
        }
        if (step >= 0 && seen.whole > 20) {
            assert_int_equal(write(step, "", 1), 1);
            step = -1;
        }
    }
    return seen;
}

static struct seen run_one(int milliseconds)
{
    int slave;
    int master = open_terminal(&slave);
    int steps[2] = {-1, -1};
    struct seen seen;
    char byte;
    pid_t child;
    int status;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, steps), 0);
    child = start(slave, "one", milliseconds, milliseconds == 0 ? steps[1] : -1);
    close(slave);
    if (milliseconds == 0) {
        assert_int_equal(read(steps[0], &byte, 1), 1); /* half of them: more than any terminal holds */
    }
    seen = read_lines(master, "one", milliseconds == 0 ? steps[0] : -1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(master);
    close(steps[0]);
    close(steps[1]);
    return seen;
}

static void test_full(void **state)
{
    struct seen seen = run_one(0);

    (void)state;
    assert_int_equal(seen.whole + seen.dropped, LINES);
    assert_true(seen.dropped > 0);
}

static void test_patience(void **state)
{
    struct seen seen = run_one(PATIENCE);

    (void)state;
    assert_int_equal(seen.whole, LINES);
    assert_int_equal(seen.dropped, 0);
}

/* Beside one that has none: it writes what there is room for, and that may end in the middle of a line; ours are whole. */
static void test_two(void **state)
{
    int slave;
    int master = open_terminal(&slave);
    pid_t children[2];
    struct seen seen;
    int status;

    (void)state;
    children[0] = start(slave, "patient", PATIENCE, -1);
    children[1] = start(slave, "other", 0, -1);
    close(slave);
    seen = read_lines(master, "patient", -1);
    for (size_t i = 0; i < ARRAY_SIZE(children); i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(seen.whole, LINES);
    close(master);
}

static void note_full(void *data)
{
    *(bool *)data = true;
}

/* More than the terminal takes; then what is kept is written as it is read. Tells on `step` how many they are. */
static void write_kept(int step)
{
    struct pollfd watched = {.events = POLLOUT};
    bool is_full = false;
    int more = 200;
    int count = 0;

    log_keep(note_full, &is_full);
    for (; more > 0; count++) {
        write_numbered("kept", count);
        more -= is_full;
    }
    if (write(step, &count, sizeof(count)) != sizeof(count)) {
        _exit(1);
    }
    watched.fd = log_fd();
    while (!log_flush()) {
        poll(&watched, 1, PATIENCE);
    }
    _exit(0);
}

static void test_kept(void **state)
{
    int slave;
    int master = open_terminal(&slave);
    int steps[2];
    struct seen seen;
    int count;
    pid_t child;
    int status;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, steps), 0);
    child = fork();
    if (child == 0) {
        take_terminal(slave);
        write_kept(steps[1]);
    }
    close(slave);
    assert_int_equal(read(steps[0], &count, sizeof(count)), sizeof(count));
    seen = read_lines(master, "kept", -1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(seen.whole, count);
    assert_int_equal(seen.dropped, 0);
    close(master);
    close(steps[0]);
    close(steps[1]);
}

static void test_deadline(void **state)
{
    int slave;
    int master = open_terminal(&slave);
    pid_t child = start(slave, "late", 1, -1);
    int status;

    (void)state;
    assert_int_equal(waitpid(child, &status, 0), child); /* though nobody reads */
    assert_int_equal(status, 0);
    close(slave);
    close(master);
}

/* Lines that are held: in a file, which is never full. */
static void expect_lines(int file, int first, int count)
{
    char wanted[64];
    char line[400];
    FILE *lines = fdopen(dup(file), "r");

    assert_non_null(lines);
    rewind(lines);
    for (int i = 0; i < count; i++) {
        snprintf(wanted, sizeof(wanted), "held: %d ", first + i);
        assert_non_null(fgets(line, sizeof(line), lines));
        assert_memory_equal(line, wanted, strlen(wanted));
    }
    assert_null(fgets(line, sizeof(line), lines));
    fclose(lines);
}

static void hold_lines(int file)
{
    bool is_full = false;
    pid_t child;
    int status;

    take_terminal(file);
    log_keep(note_full, &is_full);
    log_hold();
    for (int i = 0; i < 3; i++) {
        write_numbered("held", i);
    }
    expect_lines(file, 0, 0);
    child = fork();
    if (child == 0) {
        write_numbered("held", 7); /* its own, and none of its parent's */
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    expect_lines(file, 7, 1);
    assert_int_equal(ftruncate(file, 0), 0);
    assert_true(log_flush());
    write_numbered("held", 3);
    expect_lines(file, 0, 4);
    /* More than is kept: the first of them are written then. */
    assert_int_equal(ftruncate(file, 0), 0);
    log_hold();
    for (int i = 0; i < 1000; i++) {
        write_numbered("held", i);
    }
    assert_true(log_flush());
    expect_lines(file, 0, 1000);
    assert_false(is_full);
    log_keep(NULL, NULL);
    log_hold(); /* nobody keeps them */
    assert_int_equal(ftruncate(file, 0), 0);
    write_numbered("held", 5);
    expect_lines(file, 5, 1);
    _exit(0);
}

static void test_held(void **state)
{
    char path[] = "/tmp/unit-log.XXXXXX";
    int file = mkostemp(path, O_APPEND | O_CLOEXEC);
    pid_t child;
    int status;

    (void)state;
    assert_true(file >= 0);
    unlink(path);
    child = fork();
    if (child == 0) {
        hold_lines(file);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full), cmocka_unit_test(test_patience), cmocka_unit_test(test_two),
        cmocka_unit_test(test_kept), cmocka_unit_test(test_held),     cmocka_unit_test(test_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
