/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent DEVICE: runs commands that the tests send through a virtio-serial port, one after the other. A request is "NUMBER
 * COMMAND-LENGTH INPUT-LENGTH SECONDS\n", the command for sh -c, and its input; the answer "NUMBER STATUS OUTPUT-LENGTH\n" and
 * what the command wrote to stdout and stderr. Status 124: it took longer than SECONDS, and was killed with its session. Whoever
 * asked may have given up meanwhile, and another one reads the answer: hence the number.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The port tells of a host that is not connected (yet) with 0 bytes and POLLHUP: wait until it is. */
static void read_all(int fd, char *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t length = read(fd, data + done, size - done);

        if (length > 0) {
            done += (size_t)length;
        } else {
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        }
    }
}

static void write_all(int fd, const char *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t length = write(fd, data + done, size - done);

        if (length < 0 && errno != EINTR) {
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        } else if (length > 0) {
            done += (size_t)length;
        }
    }
}

/* Not the wall clock: tests set it. */
static time_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static int run(const char *command, int input, int output, int seconds)
{
    time_t end = now() + seconds;
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        setsid();
        dup2(input, 0);
        dup2(output, 1);
        dup2(output, 2);
        execl("/system/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    for (int pause = 1000000; waitpid(pid, &status, WNOHANG) == 0; pause += pause < 50000000 ? pause / 2 : 0) {
        if (now() > end) {
            kill(-pid, SIGKILL);
            waitpid(pid, &status, 0);
            return 124;
        }
        nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void answer(int port)
{
    char line[64] = "";
    char *rest;
    char *command;
    char *bytes;
    size_t length = 0;
    unsigned long number;
    size_t command_size;
    size_t input_size;
    int seconds;
    int input = memfd_create("input", MFD_CLOEXEC);
    int output = memfd_create("output", MFD_CLOEXEC);
    int status;

    do {
        read_all(port, line + length, 1);
    } while (line[length++] != '\n' && length < sizeof(line) - 1);
    number = strtoul(line, &rest, 10);
    command_size = strtoul(rest, &rest, 10);
    input_size = strtoul(rest, &rest, 10);
    seconds = (int)strtol(rest, NULL, 10);
    command = calloc(1, command_size + 1);
    bytes = malloc(input_size + 1);
    read_all(port, command, command_size);
    read_all(port, bytes, input_size);
    write_all(input, bytes, input_size);
    lseek(input, 0, SEEK_SET);
    free(bytes);
    status = run(command, input, output, seconds);
    free(command);
    length = (size_t)lseek(output, 0, SEEK_END);
    bytes = malloc(length + 1);
    lseek(output, 0, SEEK_SET);
    read_all(output, bytes, length);
    write_all(port, line, (size_t)snprintf(line, sizeof(line), "%lu %d %zu\n", number, status, length));
    write_all(port, bytes, length);
    free(bytes);
    close(input);
    close(output);
}

int main(int count, char **arguments)
{
    int port = count < 2 ? -1 : open(arguments[1], O_RDWR | O_CLOEXEC);

    if (port < 0) {
        return 1;
    }
    for (;;) {
        answer(port);
    }
}
