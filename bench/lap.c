/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lap ROOT PROGRAM [ARGUMENT...] — run the program in ROOT, its output thrown away, and print the microseconds between
 * posix_spawn(3) and the return of waitpid(2). Exit code: the program's. It runs at the highest of the ordinary
 * priorities, so that what else this PC does disturbs it less.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    static char *environment[] = {"PATH=/system/bin", NULL};
    posix_spawn_file_actions_t actions;
    double started;
    double ended;
    pid_t child;
    int status = 0;
    int result;

    if (argc < 3 || chroot(argv[1]) != 0 || chdir("/") != 0) {
        perror("lap ROOT PROGRAM [ARGUMENT...]");
        return EXIT_FAILURE;
    }
    setpriority(PRIO_PROCESS, 0, -20); /* may not: then it is noisier */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    started = now();
    result = posix_spawn(&child, argv[2], &actions, NULL, argv + 2, environment);
    if (result != 0) {
        fprintf(stderr, "lap: %s: %s\n", argv[2], strerror(result));
        return EXIT_FAILURE;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    ended = now();
    printf("%.0f\n", ended - started);
    posix_spawn_file_actions_destroy(&actions);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
