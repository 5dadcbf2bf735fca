/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor PROGRAM DIRECTORY… — the least that a supervisor can do: start PROGRAM with DIRECTORY/stamp for each directory, and
 * again whenever one ends, by posix_spawn(3), with nothing noted, looked at or told.
 */
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "stamp.h"

#define MOST 64

static pid_t start(const char *program, const char *directory, const posix_spawnattr_t *attributes)
{
    char path[PATH_MAX];
    char *const arguments[] = {(char *)program, path, NULL};
    char *const environment[] = {NULL};
    pid_t pid;

    snprintf(path, sizeof(path), "%s/stamp", directory);
    if (posix_spawn(&pid, program, NULL, attributes, arguments, environment) != 0) {
        die(program);
    }
    return pid;
}

int main(int argc, char **argv)
{
    struct signalfd_siginfo info;
    posix_spawnattr_t attributes;
    pid_t pids[MOST] = {0};
    sigset_t mask;
    int signals;

    if (argc < 3 || argc > MOST) {
        fprintf(stderr, "floor PROGRAM DIRECTORY...\n");
        return EXIT_FAILURE;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    posix_spawnattr_init(&attributes);
    sigemptyset(&mask);
    posix_spawnattr_setsigmask(&attributes, &mask);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    signals = signalfd(-1, &mask, SFD_CLOEXEC);
    for (int i = 2; i < argc; i++) {
        pids[i] = start(argv[1], argv[i], &attributes);
    }
    while (read(signals, &info, sizeof(info)) > 0) {
        pid_t ended;

        while ((ended = waitpid(-1, NULL, WNOHANG)) > 0) {
            for (int i = 2; i < argc; i++) {
                pids[i] = pids[i] == ended ? start(argv[1], argv[i], &attributes) : pids[i];
            }
        }
    }
    return EXIT_FAILURE;
}
