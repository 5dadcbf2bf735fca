/* SPDX-License-Identifier: Apache-2.0 */
/* time: what opening costs, of one process. */
#include "strict.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 20

int act(const char *what, const char *path)
{
    int fd = strcmp(what, "openat") == 0 ? openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC)
                                         : open_as_runc(AT_FDCWD, path, O_RDONLY, 0);
    char text[65536];
    ssize_t got = fd < 0 ? -1 : strncmp(what, "open", 4) == 0 ? 0 : 1;

    while (got > 0) {
        got = read(fd, text, sizeof(text));
    }
    return fd < 0 || close(fd) != 0 || got < 0 ? -1 : 0;
}

double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int mode_time(char **words)
{
    const char *what = words[0];
    long loops = strtol(words[1], NULL, 10);
    const char *path = words[2];
    double best = 0;

    for (int batch = 0; batch < BATCHES; batch++) {
        double began = now();
        double each;

        for (long i = 0; i < loops; i++) {
            if (act(what, path) != 0) {
                perror(path);
                return 1;
            }
        }
        each = (now() - began) / (double)loops;
        best = batch == 0 || each < best ? each : best;
    }
    printf("%s %.0f\n", what, best);
    return 0;
}
