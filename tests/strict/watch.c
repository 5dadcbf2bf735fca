/* SPDX-License-Identifier: Apache-2.0 */
/* once, watch: reading and nothing else. */
#include "strict.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int mode_once(char **words)
{
    const char *group = words[0] == NULL ? "" : words[0];

    for (size_t i = 0; i < FILES; i++) {
        if (is_mounted(i) && read_statistics(i, group, true) < 0) {
            return 1;
        }
    }
    return 0;
}

int mode_watch(char **words)
{
    const char *counters = words[0];
    const char *group = words[1] == NULL ? "" : words[1];
    int fd = open(counters, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    uint64_t *page = MAP_FAILED;
    int64_t before[FILES] = {0};

    if (fd >= 0 && ftruncate(fd, 4096) == 0) {
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (page == MAP_FAILED) {
        perror(counters);
        return 1;
    }
    for (;;) {
        const struct timespec pause = {.tv_nsec = 200000};

        for (size_t i = 0; i < FILES; i++) {
            int64_t sum = is_mounted(i) ? read_statistics(i, group, false) : 0;

            if (sum < 0) {
                return 1;
            }
            page[0]++;
            page[1] += sum != before[i];
            before[i] = sum;
        }
        page[2] = (uint64_t)before[0];
        nanosleep(&pause, NULL);
    }
}
