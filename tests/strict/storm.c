/* SPDX-License-Identifier: Apache-2.0 */
/* storm: reading in a process that is interrupted all the time. */
#include "strict.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define THREADS 4

static atomic_int over;
static atomic_long reads;
static atomic_long wrong;

static void ignore(int number)
{
    (void)number;
}

static void *read_on(void *unused)
{
    while (!atomic_load(&over)) {
        atomic_fetch_add(&reads, 1);
        atomic_fetch_add(&wrong, read_statistics(0, "", false) < 0);
    }
    return unused;
}

static int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (directory != NULL && readdir(directory) != NULL) {
        count++;
    }
    if (directory != NULL) {
        closedir(directory);
    }
    return count;
}

/* As Go's scheduler does it: signals to single threads, whose calls are restarted. */
int mode_storm(char **words)
{
    const struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    const struct timespec pause = {.tv_nsec = 50000};
    int descriptors = count_descriptors();
    pthread_t threads[THREADS];
    time_t end = time(NULL) + strtol(words[0], NULL, 10);

    sigaction(SIGURG, &action, NULL);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, read_on, NULL) != 0) {
            return 1;
        }
    }
    for (int i = 0; time(NULL) < end; i++) {
        pthread_kill(threads[i % THREADS], SIGURG);
        nanosleep(&pause, NULL);
    }
    atomic_store(&over, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("storm %ld %ld %d\n", atomic_load(&reads), atomic_load(&wrong), count_descriptors() - descriptors);
    return 0;
}
