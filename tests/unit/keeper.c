/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper.h"

#ifdef __SANITIZE_ADDRESS__
#define SLACK 100000 /* kB: the sanitizer's own memory grows */
#else
#define SLACK 8
#endif

/* A service in C, run in a process of ours: this program with an argument. */
static struct spec role(const char *name)
{
    static char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    assert_true(length > 0);
    return (struct spec){.arguments = {self, name}, .environment = {"A=b"}, .directory = "/", .notify = true};
}

static void say(const char *text)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path == NULL ? "" : path);
    sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof(address));
    close(fd);
}

static int act_notify(void)
{
    if (fork() == 0) {
        say("STATUS=a stranger\nSTOPPING=1");
        _exit(0);
    }
    while (wait(NULL) < 0) {
    }
    say("MAINPID=1");
    say("READY=1\nSTATUS=ready");
    pause();
    return 0;
}

/* The first process ends, the second goes on as the main process, and tells so itself; it ends when that was seen. */
static int act_fork(void)
{
    char text[64];
    sigset_t seen;
    pid_t pid;

    sigemptyset(&seen);
    sigaddset(&seen, SIGUSR1);
    sigprocmask(SIG_BLOCK, &seen, NULL);
    pid = fork();
    if (pid == 0) {
        pause_ms(100);
        say("READY=1\nSTATUS=the second");
        sigwait(&seen, &(int){0});
        _exit(9);
    }
    snprintf(text, sizeof(text), "MAINPID=%d", (int)pid);
    say(text);
    return 1;
}

static int act_count(void)
{
    for (unsigned number = 0;; number++) {
        char line[64];
        int length = snprintf(line, sizeof(line), "line %u of many, many lines\n", number);

        if (write(1, line, (size_t)length) != length) {
            return 1;
        }
        if (number % 100 == 0) {
            pause_ms(1);
        }
    }
}

static void test_notify(void **state)
{
    struct spec spec = role("notify");

    (void)state;
    start(&spec);
    do {
        wait_phase(PHASE_RUNNING);
    } while (keeper.record.notify.ready == 0);
    assert_string_equal(keeper.record.notify.status, "ready");
    assert_int_equal(keeper.record.notify.stopping, 0);
    assert_int_equal(keeper.record.notify.main_pid, 0);
}

static void test_main_pid(void **state)
{
    struct spec spec = role("fork");
    pid_t first;

    (void)state;
    start(&spec);
    wait_phase(PHASE_RUNNING);
    first = keeper.record.pid;
    do {
        wait_phase(PHASE_RUNNING);
    } while (keeper.record.notify.ready == 0);
    assert_int_not_equal(keeper.record.pid, first);
    assert_string_equal(keeper.record.notify.status, "the second");
    kill(keeper.record.pid, SIGUSR1);
    wait_phase(PHASE_ENDED);
    assert_int_equal(WEXITSTATUS(keeper.record.wait_status), 9);
}

static void test_second_keeper(void **state)
{
    pid_t second = spawn_keeper();
    int status = 0;

    (void)state;
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_int_equal(WEXITSTATUS(status), 3);
    SEND(.header.type = WIRE_HELLO);
    assert_int_equal(receive(PATIENCE), WIRE_RECORD);
}

static void replace_keeper(void)
{
    kill(keeper.pid, SIGKILL);
    assert_int_equal(waitpid(keeper.pid, NULL, 0), keeper.pid);
    keeper.pid = spawn_keeper();
    connect_keeper();
}

static void check_lines(unsigned least)
{
    const char *at = logged();
    unsigned number = 0;

    for (; *at != '\0'; number++) {
        char *end;

        assert_int_equal(strncmp(at, "line ", 5), 0);
        assert_int_equal(strtoul(at + 5, &end, 10), number);
        assert_int_equal(strncmp(end, " of many, many lines\n", 21), 0);
        at = end + 21;
    }
    assert_true(number >= least);
}

/* Until so much is in the ring. */
static void wait_logged(size_t length)
{
    int64_t until = clock_now() + PATIENCE * MICROSECONDS_PER_MILLISECOND;

    while (strlen(logged()) < length) {
        assert_true(clock_now() < until);
        pause_ms(5);
    }
}

/* The keeper dies, the service lives and talks on: the next one takes over, and no line is lost. What a keeper holds between
 * read(2) and the ring for some microseconds may be: the service pauses so that this is not what is tested. */
static void test_adoption(void **state)
{
    struct spec spec = role("count");
    pid_t pid;

    (void)state;
    start(&spec);
    wait_phase(PHASE_RUNNING);
    pid = keeper.record.pid;
    for (int i = 0; i < 3; i++) {
        kill(pid, SIGSTOP);
        wait_state(pid, "T");
        wait_state(keeper.pid, "S"); /* it has nothing to do any more */
        replace_keeper();
        kill(pid, SIGCONT);
        assert_int_equal(keeper.record.phase, PHASE_RUNNING);
        assert_int_equal(keeper.record.adopted, ADOPTION_ORPHAN);
        assert_int_equal(keeper.record.pid, pid);
        /* Neither started again nor signalled before it is adopted. */
        SEND(.header.type = WIRE_SIGNAL, .instance = keeper.instance, .signal = SIGKILL);
        SEND(.header.type = WIRE_START, .instance = keeper.instance + 1);
        wait_phase(PHASE_RUNNING);
        SEND(.header.type = WIRE_ADOPT, .instance = keeper.instance, .pid = pid,
             .start_time = keeper.record.start_time);
        wait_phase(PHASE_RUNNING);
        assert_int_equal(keeper.record.adopted, ADOPTION_ADOPTED);
        wait_logged(strlen(logged()) + (size_t)400 * 30);
    }
    SEND(.header.type = WIRE_SIGNAL, .instance = keeper.instance, .signal = SIGKILL);
    wait_phase(PHASE_ENDED);
    assert_int_equal(keeper.record.adopted, ADOPTION_ADOPTED);
    check_lines(1000);
    collect();
    start_shell("exit 5");
    wait_phase(PHASE_ENDED);
    assert_int_equal(keeper.record.adopted, ADOPTION_CHILD);
    /* An end that is recorded outlives the keeper, exactly. */
    replace_keeper();
    assert_int_equal(keeper.record.phase, PHASE_ENDED);
    assert_int_equal(WEXITSTATUS(keeper.record.wait_status), 5);
    /* One that came while there was none is known as such. */
    collect();
    start_shell("sleep 100");
    wait_phase(PHASE_RUNNING);
    kill(keeper.pid, SIGKILL);
    kill(keeper.record.pid, SIGKILL);
    wait_state(keeper.pid, "Z");
    wait_state(keeper.record.pid, "Z");
    replace_keeper();
    assert_int_equal(keeper.record.phase, PHASE_ENDED);
    assert_int_equal(keeper.record.adopted, ADOPTION_ADOPTED);
}

/* The record is gone with its directory's content; the daemon still knows the process. */
static void test_adoption_by_name(void **state)
{
    pid_t child;

    (void)state;
    child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    keeper.instance = 7;
    SEND(.header.type = WIRE_ADOPT, .instance = 7, .pid = child, .start_time = process_start_time(child));
    wait_phase(PHASE_RUNNING);
    kill(child, SIGKILL);
    wait_phase(PHASE_ENDED);
    waitpid(child, NULL, 0);
    keeper.instance = 8;
    SEND(.header.type = WIRE_ADOPT, .instance = 8, .pid = getpid(), .start_time = 1);
    wait_phase(PHASE_ENDED);
}

static void test_orphans(void **state)
{
    (void)state;
    start_shell("(sleep 0.05 & sleep 0.1 &) ; (sh -c 'sleep 0.1 & exit 0' &); exit 0");
    wait_phase(PHASE_ENDED);
    pause_ms(200); /* they are orphans by then, and not all at once */
    for (int64_t until = clock_now() + PATIENCE * MICROSECONDS_PER_MILLISECOND; count_children(keeper.pid) > 0;) {
        assert_true(clock_now() < until);
        pause_ms(5);
    }
}

static void test_many_crashes(void **state)
{
    struct spec spec = shell("echo crash; kill -KILL $$");
    const char *rounds = getenv("KEEPER_CRASHES");
    unsigned long most = rounds == NULL ? 1000 : strtoul(rounds, NULL, 10);
    int fds = 0;
    long memory = 0; /* kB */

    (void)state;
    for (unsigned long i = 0; i < most; i++) {
        if (i == 20) {
            settle();
            fds = count_fds(keeper.pid);
            memory = number_in(keeper.pid, "smaps_rollup", "Private_Dirty:");
        }
        start(&spec);
        wait_phase(PHASE_ENDED);
        assert_int_equal(WTERMSIG(keeper.record.wait_status), SIGKILL);
    }
    settle();
    assert_int_equal(count_fds(keeper.pid), fds);
    assert_int_equal(count_children(keeper.pid), 0);
    assert_true(number_in(keeper.pid, "smaps_rollup", "Private_Dirty:") <= memory + SLACK);
}

static void test_clients(void **state)
{
    char garbage[600];
    int old;
    char byte;

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        memset(garbage, (int)i, sizeof(garbage));
        assert_true(send(keeper.fd, garbage, 1 + i % sizeof(garbage), MSG_NOSIGNAL) > 0);
    }
    /* One that never reads: the keeper goes on, and gives the record as it is then. */
    for (unsigned i = 0; i < 3000; i++) {
        SEND(.header.type = WIRE_HELLO);
    }
    start_shell("exit 4");
    while (access("log", F_OK) != 0) {
        pause_ms(1);
    }
    pause_ms(200);
    wait_phase(PHASE_ENDED);
    /* The newest daemon wins. */
    old = keeper.fd;
    keeper.fd = -1;
    connect_keeper();
    while (recv(old, &byte, 1, 0) > 0) {
    }
    close(old);
    assert_int_equal(keeper.record.phase, PHASE_ENDED);
    /* And who hangs up at once does no harm. */
    for (int i = 0; i < 100; i++) {
        close(try_connect());
    }
    connect_keeper();
}

static void test_descriptors_are_not_kept(void **state)
{
    int before = count_fds(keeper.pid);

    (void)state;
    for (int i = 0; i < 50; i++) {
        struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "notify"};
        union {
            struct cmsghdr header;
            char space[CMSG_SPACE(sizeof(int))];
        } control = {0};
        struct iovec part = {(char[]){"FDSTORE=1"}, 9};
        struct msghdr message = {&address, sizeof(address), &part, 1, &control, sizeof(control), 0};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        control.header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
        assert_int_equal(sendmsg(fd, &message, 0), 9);
        message.msg_name = NULL;
        message.msg_namelen = 0;
        assert_int_equal(sendmsg(keeper.fd, &message, 0), 9);
        close(fd);
    }
    SEND(.header.type = WIRE_HELLO);
    assert_int_equal(receive(PATIENCE), WIRE_RECORD);
    assert_int_equal(count_fds(keeper.pid), before);
}

static void test_flood(void **state)
{
    int64_t asked;

    (void)state;
    start_shell("exec yes 'a line of a service that never stops talking'");
    wait_phase(PHASE_RUNNING);
    SEND(.header.type = WIRE_LISTEN, .position = 100000);
    assert_int_equal(receive(PATIENCE), WIRE_LOG);
    pause_ms(300);
    asked = clock_now();
    SEND(.header.type = WIRE_SIGNAL, .instance = keeper.instance, .signal = SIGTERM);
    wait_phase(PHASE_ENDED);
    assert_true(clock_now() - asked < 30 * MICROSECONDS_PER_SECOND); /* it is asked between two blocks, not after all */
    assert_int_equal(WTERMSIG(keeper.record.wait_status), SIGTERM);
}

static int play(const char *name)
{
    return streq(name, "notify") ? act_notify() : streq(name, "fork") ? act_fork() : act_count();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_notify, begin, finish),
        cmocka_unit_test_setup_teardown(test_main_pid, begin, finish),
        cmocka_unit_test_setup_teardown(test_second_keeper, begin, finish),
        cmocka_unit_test_setup_teardown(test_adoption, begin, finish),
        cmocka_unit_test_setup_teardown(test_adoption_by_name, begin, finish),
        cmocka_unit_test_setup_teardown(test_orphans, begin, finish),
        cmocka_unit_test_setup_teardown(test_many_crashes, begin, finish),
        cmocka_unit_test_setup_teardown(test_clients, begin, finish),
        cmocka_unit_test_setup_teardown(test_descriptors_are_not_kept, begin, finish),
        cmocka_unit_test_setup_teardown(test_flood, begin, finish),
    };

    if (argc == 2) {
        return play(argv[1]);
    }
    find_keeper();
    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
