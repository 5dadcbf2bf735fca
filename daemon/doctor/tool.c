/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/util.h"

/* Says by the pipe why it could not be executed. */
static void execute(const char *program, const char *const argv[], const char *path, int output, int failure,
                    pid_t parent)
{
    char variable[1024];
    char *environment[] = {variable, NULL};
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    snprintf(variable, sizeof(variable), "PATH=%s", path);
    child_die_with(parent);
    child_reset_signals();
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execve(program, (char *const *)argv, environment);
    if (write(failure, &errno, sizeof(errno)) < 0) {
        _exit(EXIT_FAILURE);
    }
    _exit(EXIT_FAILURE);
}

/* Is there something to read, or its end, before the time is over (clock_now(); -1: there is none)? */
static bool comes_in_time(int fd, int64_t end)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int64_t left = end < 0 ? -1 : (end - clock_now()) / MICROSECONDS_PER_MILLISECOND;

    errno = 0;
    return (end < 0 || left > 0) && (poll(&poll_fd, 1, (int)left) > 0 || errno == EINTR);
}

/* Its output up to the end; of a long one the last part is kept. False: it took too long. */
static bool collect(int fd, int64_t end, char *said, size_t size)
{
    char buffer[1024];
    size_t used = 0;
    ssize_t length = 1;
    bool in_time = true;
    const char *line;

    while ((in_time = comes_in_time(fd, end)) &&
           ((length = read(fd, buffer + used, sizeof(buffer) - 1 - used)) > 0 || (length < 0 && errno == EINTR))) {
        used += length < 0 ? 0 : (size_t)length;
        if (used == sizeof(buffer) - 1) {
            memmove(buffer, buffer + used / 2, used - used / 2);
            used -= used / 2;
        }
    }
    while (used > 0 && strchr(" \n\r\t", buffer[used - 1]) != NULL) {
        used--;
    }
    buffer[used] = '\0';
    line = strrchr(buffer, '\n');
    snprintf(said, size, "%s", line == NULL ? buffer : line + 1);
    return in_time;
}

int tool_run(const char *program, const char *const argv[], const char *path, int timeout, char *said, size_t size)
{
    int64_t end = timeout < 0 ? -1 : clock_now() + timeout * MICROSECONDS_PER_MILLISECOND;
    int output[2] = {-1, -1};
    int failure[2] = {-1, -1};
    int status = 0;
    int why = 0;
    ssize_t length;
    pid_t parent = getpid(), pid;

    said[0] = '\0';
    if (pipe2(output, O_CLOEXEC) != 0) {
        return -1;
    }
    if (pipe2(failure, O_CLOEXEC) != 0) {
        close(output[0]);
        close(output[1]);
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        execute(program, argv, path, output[1], failure[1], parent);
    }
    why = pid < 0 ? errno : 0;
    close(output[1]);
    close(failure[1]);
    if (!collect(output[0], end, said, size) && pid > 0) {
        kill(pid, SIGKILL);
        why = ETIMEDOUT;
    }
    length = why != 0 ? 0 : read(failure[0], &why, sizeof(why)); /* nothing, once it has executed */
    close(output[0]);
    close(failure[0]);
    if (pid > 0) {
        waitpid(pid, &status, 0);
    }
    if (why != 0 || length > 0) {
        errno = why;
        return -1;
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
