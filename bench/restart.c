/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart SAMPLES RESULTS NAME=DIRECTORY… — kill services with SIGKILL, and measure from just before that until the next
 * process is at main(). Each DIRECTORY has one directory for each service of that contestant, with its `stamp`. A line of
 * microseconds for each sample goes to RESULTS/NAME. Contestants take turns, and so do a contestant's services: each one
 * has run for a little more than a second when it is killed, for s6-supervise and runsv wait until it has.
 */
#include <dirent.h>
#include <signal.h>
#include <string.h>

#include "stamp.h"

#define MOST_CONTESTANTS 8
#define MOST_SERVICES 1024
#define HAS_RUN INT64_C(1100000000)
#define QUIET INT64_C(4000000) /* between two samples */

struct contestant {
    char name[64];
    FILE *results;
    struct stamp *services[MOST_SERVICES];
    int count;
};

static struct contestant contestants[MOST_CONTESTANTS];

static void open_contestant(struct contestant *contestant, const char *results, const char *argument)
{
    const char *directory = strchr(argument, '=');
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *list = directory == NULL ? NULL : opendir(directory + 1);

    if (list == NULL) {
        die(argument);
    }
    snprintf(contestant->name, sizeof(contestant->name), "%.*s", (int)(directory - argument), argument);
    snprintf(path, sizeof(path), "%s/%s", results, contestant->name);
    contestant->results = fopen(path, "w");
    if (contestant->results == NULL) {
        die(path);
    }
    while ((entry = readdir(list)) != NULL && contestant->count < MOST_SERVICES) {
        if (entry->d_name[0] != '.') {
            struct stamp *service;

            snprintf(path, sizeof(path), "%s/%s/stamp", directory + 1, entry->d_name);
            service = stamp_map(path);
            contestant->services[contestant->count++] = service;
            if (!stamp_wait(service, 0)) {
                fprintf(stderr, "restart: %s was not started\n", path);
                exit(EXIT_FAILURE);
            }
        }
    }
    closedir(list);
}

/* Nanoseconds. */
static int64_t sample(const struct contestant *contestant, struct stamp *service)
{
    uint32_t count = stamp_count(service);
    int64_t killed;

    sleep_until(service->time + HAS_RUN);
    sleep_until(now() + QUIET);
    killed = now();
    if (kill(service->pid, SIGKILL) != 0) {
        die("kill");
    }
    if (!stamp_wait(service, count)) {
        fprintf(stderr, "restart: %s does not start process %d again\n", contestant->name, service->pid);
        exit(EXIT_FAILURE);
    }
    return service->time - killed;
}

int main(int argc, char **argv)
{
    int samples = argc > 3 ? atoi(argv[1]) : 0;
    int count = argc - 3;

    if (samples <= 0 || count > MOST_CONTESTANTS) {
        fprintf(stderr, "restart SAMPLES RESULTS NAME=DIRECTORY...\n");
        return EXIT_FAILURE;
    }
    for (int i = 0; i < count; i++) {
        open_contestant(&contestants[i], argv[2], argv[i + 3]);
    }
    /* The first turn warms up. */
    for (int i = -1; i < samples; i++) {
        for (int j = 0; j < count; j++) {
            struct contestant *contestant = &contestants[(i + 1 + j) % count];
            int64_t took = sample(contestant, contestant->services[(i + 1) % contestant->count]);

            if (i >= 0) {
                fprintf(contestant->results, "%.1f\n", (double)took / 1e3);
            }
        }
    }
    for (int i = 0; i < count; i++) {
        fclose(contestants[i].results);
    }
    return EXIT_SUCCESS;
}
