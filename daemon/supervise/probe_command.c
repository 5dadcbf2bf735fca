/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes by a command: a child in a process group of its own. What keeps it from executing comes back through a pipe that
 * exec closes; it is read when the child has been reaped, so that a program on a slow card makes nobody wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/util.h"
#include "supervise/probe.h"

#define EXIT_CANNOT_EXEC 127 /* as shells do */

static struct check *children;

static void become_command(const struct check_config *config, int report, pid_t parent)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    setpgid(0, 0);
    child_die_with(parent);
    child_reset_signals();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    setenv("PATH", CHILD_PATH, 0);
    execv(config->command[0], (char *const *)config->command);
    if (write(report, &(int){errno}, sizeof(int)) < 0) {
        _exit(EXIT_CANNOT_EXEC);
    }
    _exit(EXIT_CANNOT_EXEC);
}

void probe_command(struct check *check)
{
    pid_t parent = getpid();
    int report[2];

    /* One that hangs in the kernel (a card that was pulled out) cannot be killed: do not start another beside it. */
    if (check->child != 0) {
        probe_bad(check, "the command of an earlier probe was killed, and has not ended");
        return;
    }
    if (pipe2(report, O_CLOEXEC | O_NONBLOCK) != 0) {
        probe_bad(check, "cannot start: %s", strerror(errno));
        return;
    }
    check->child = fork();
    if (check->child == 0) {
        become_command(check->config, report[1], parent);
    }
    close(report[1]);
    if (check->child < 0) {
        check->child = 0;
        close(report[0]);
        probe_bad(check, "cannot start: %s", strerror(errno));
        return;
    }
    setpgid(check->child, check->child); /* both do it: whoever is first, it is done before we may have to kill */
    check->source.fd = report[0];        /* not in the loop */
    check->next_child = children;
    children = check;
}

void probe_forget_command(struct check *check)
{
    struct check **at = &children;

    while (*at != NULL && *at != check) {
        at = &(*at)->next_child;
    }
    if (*at == check) {
        *at = check->next_child;
    }
    check->child = 0;
}

void probe_kill_command(struct check *check)
{
    if (check->child > 0) {
        kill(-check->child, SIGKILL);
    }
}

/* 0 if it was executed. */
static int exec_errnum(int report)
{
    int errnum = 0;

    return report >= 0 && read(report, &errnum, sizeof(errnum)) == (ssize_t)sizeof(errnum) ? errnum : 0;
}

static void report_end(struct check *check, int status)
{
    int errnum = exec_errnum(check->source.fd);

    if (errnum != 0) {
        probe_bad(check, "cannot execute %s: %s", check->config->command[0], strerror(errnum));
    } else if (WIFSIGNALED(status)) {
        probe_bad(check, "the command was killed by signal %d", WTERMSIG(status));
    } else if (WEXITSTATUS(status) != 0) {
        probe_bad(check, "the command ended with exit code %d", WEXITSTATUS(status));
    } else {
        probe_good(check);
    }
}

bool check_reap(pid_t pid, int status)
{
    struct check *check = children;

    while (check != NULL && check->child != pid) {
        check = check->next_child;
    }
    if (check == NULL) {
        return false;
    }
    /* What it left behind in its group goes with it. The group's number is not given to others while it has members; if it
     * has none, a whole round of pids would have to pass since the child was reaped for this to meet anybody. */
    kill(-pid, SIGKILL);
    probe_forget_command(check);
    if (check->in_flight) {
        report_end(check, status);
    }
    return true;
}
