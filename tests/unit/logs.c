/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/logs.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "base/text.h"
#include "base/util.h"
#include "supervise/ring.h"
#include "test.h"

static struct ring open_ring(const char *name)
{
    CLEANUP_FREE char *directory = xasprintf("run/services/%s", name);
    CLEANUP_FREE char *path = xasprintf("%s/log", directory);
    struct ring ring;
    struct error err = {0};

    assert_int_equal(file_make_parents(directory, &err), 0);
    assert_int_equal(ring_open(&ring, path, RING_SMALLEST, &err), 0);
    return ring;
}

static void append(struct ring *ring, const char *text)
{
    struct error err = {0};
    uint32_t lines = 0;

    for (const char *at = text; *at != '\0'; at++) {
        lines += *at == '\n';
    }
    assert_int_equal(ring_append(ring, text, strlen(text), lines, lines == 0 ? RING_CUT : 0, &err), 0);
    usleep(10); /* the order is by time */
}

/* What is shown, without the times: these are of one form. */
static void check_shown(const char *service, uint64_t lines, const char *wanted)
{
    char all[100000] = "";
    CLEANUP_FILE FILE *out = fopen("shown", "w+e");
    CLEANUP_TEXT struct text text = {0};
    struct error err = {0};
    char *line;
    char *rest = all;

    assert_int_equal(logs_show("run", service, lines, false, out, &err), 0);
    rewind(out);
    all[fread(all, 1, sizeof(all) - 1, out)] = '\0';
    while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
        assert_true(strlen(line) >= 24);
        assert_int_equal(line[10], 'T');
        assert_int_equal(line[19], '.');
        assert_int_equal(line[23], ' ');
        text_format(&text, "%s\n", line + 24);
    }
    assert_string_equal(text_string(&text), wanted);
}

static void test_show(void **state)
{
    struct ring a = open_ring("alpha");
    struct ring b = open_ring("beta");

    (void)state;
    append(&a, "a0\na1\n");
    append(&b, "b0\n");
    append(&a, "a2 begins");
    append(&a, " and ends\na3\n");
    append(&b, "b1\nb2\n");
    check_shown("alpha", UINT64_MAX, "a0\na1\na2 begins \\\n and ends\na3\n");
    check_shown("alpha", 1, "a3\n");
    check_shown("alpha", 3, "a1\na2 begins \\\n and ends\na3\n");
    check_shown("alpha", 0, "");
    check_shown(
        NULL, UINT64_MAX,
        "alpha: a0\nalpha: a1\nbeta: b0\nalpha: a2 begins \\\nalpha:  and ends\nalpha: a3\nbeta: b1\nbeta: b2\n");
    check_shown(NULL, 3, "alpha: a3\nbeta: b1\nbeta: b2\n");
    check_shown(NULL, 1, "beta: b2\n");
    ring_close(&a);
    ring_close(&b);
}

static void test_errors(void **state)
{
    struct ring a;
    struct error err = {0};

    (void)state;
    assert_int_equal(logs_show("missing", NULL, 1, false, stdout, &err), -1);
    assert_non_null(strstr(err.remedy, "--run-dir"));
    a = open_ring("alpha");
    assert_int_equal(logs_show("run", "gamma", 1, false, stdout, &err), -1);
    assert_non_null(strstr(err.what, "gamma"));
    assert_non_null(strstr(err.remedy, "alpha"));
    ring_close(&a);
}

static void test_print(void **state)
{
    static const struct {
        bool terminal;
        int64_t realtime;
        const char *line;
        const char *wanted;
    } cases[] = {
        {true, 5, "a\x1b[31m\tb\x7f", "[    12.345] x: a\\x1b[31m\tb\\x7f\n"},
        {false, 5, "a\x1b[31m", "[    12.345] x: a\x1b[31m\n"},
        {true, 5, "gr\xc3\xbc\xc3\x9f \xc2\x9b", "[    12.345] x: gr\xc3\xbc\xc3\x9f \\xc2\\x9b\n"},
        {true, 5, "\xff\xc3\xbc", "[    12.345] x: \\xff\\xc3\\xbc\n"},
        {true, INT64_C(1795334400123456), "day", "2026-11-22T08:00:00.123 x: day\n"},
    };

    (void)state;
    setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char shown[256] = "";
        FILE *out = fmemopen(shown, sizeof(shown), "w");

        logs_print(out, cases[i].terminal, "x", cases[i].realtime, 12345678, cases[i].line, strlen(cases[i].line),
                   false);
        fclose(out);
        assert_string_equal(shown, cases[i].wanted);
    }
}

static void expect(int fd, const char *wanted)
{
    char seen[4096] = "";
    size_t length = 0;

    while (strstr(seen, wanted) == NULL) {
        struct pollfd source = {.fd = fd, .events = POLLIN};
        ssize_t got;

        assert_int_equal(poll(&source, 1, 10000), 1);
        got = read(fd, seen + length, sizeof(seen) - 1 - length);
        assert_true(got > 0);
        length += (size_t)got;
        seen[length] = '\0';
    }
}

/* New lines, a ring made anew, a new service, lines that were too fast; and it ends when nobody reads any more. */
static void test_follow(void **state)
{
    struct ring a = open_ring("alpha");
    struct ring b;
    struct error err = {0};
    char line[1000];
    int ends[2];
    pid_t pid;
    int status = 0;

    (void)state;
    append(&a, "old\n");
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        FILE *out = fdopen(ends[1], "w");

        close(ends[0]);
        signal(SIGPIPE, SIG_IGN);
        _exit(logs_show("run", NULL, 1, true, out, &err) == 0 ? 0 : 1);
    }
    close(ends[1]);
    expect(ends[0], "alpha: old\n");
    append(&a, "new\n");
    expect(ends[0], "alpha: new\n");
    b = open_ring("beta");
    append(&b, "first\n");
    expect(ends[0], "beta: first\n");
    append(&b, "second\n");
    expect(ends[0], "beta: second\n");
    ring_close(&a);
    assert_int_equal(ring_open(&a, "run/services/alpha/log", 2 * RING_SMALLEST, &err), 0);
    append(&a, "anew\n");
    expect(ends[0], "alpha: anew\n");
    kill(pid, SIGSTOP);
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\n';
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(ring_append(&b, line, sizeof(line), 1, 0, &err), 0);
    }
    kill(pid, SIGCONT);
    expect(ends[0], "lines lost here --\n");
    close(ends[0]);
    append(&b, "nobody reads\n");
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    ring_close(&a);
    ring_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_directory(test_show),
        test_in_directory(test_errors),
        test_in_directory(test_print),
        test_in_directory(test_follow),
    };

    return cmocka_run_group_tests_name("logs", tests, NULL, NULL);
}
