/* SPDX-License-Identifier: Apache-2.0 */
/* turns: what opening costs, of two processes side by side. */
#include "strict.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_TURNS 1000
#define MOST_LOOPS 1000 /* fewer than a process may have open */
#define WARMING 10      /* turns of each side that do not count */

struct table {
    atomic_uint turn; /* how many were taken */
    double each[2][MOST_TURNS];
};

/* 0 1 1 0 0 1 1 0 …: what grows or shrinks meanwhile does so for both. */
static unsigned side_of(unsigned turn)
{
    return (turn + 1) / 2 % 2;
}

static void wait_for_turn(struct table *table, unsigned turn)
{
    unsigned now;

    while ((now = atomic_load(&table->turn)) != turn) {
        syscall(SYS_futex, &table->turn, FUTEX_WAIT, now, NULL, NULL, 0);
    }
}

static int compare(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;

    return (difference > 0) - (difference < 0);
}

static double median(const double *values, long count)
{
    double sorted[MOST_TURNS];

    memcpy(sorted, values, (size_t)count * sizeof(values[0]));
    qsort(sorted, (size_t)count, sizeof(sorted[0]), compare);
    return sorted[count / 2];
}

static void tell(const struct table *table, long turns)
{
    double ratio[MOST_TURNS];

    for (long i = WARMING; i < turns; i++) {
        ratio[i - WARMING] = table->each[1][i] / table->each[0][i];
    }
    printf("turns %.0f %.0f %.0f\n", median(table->each[0] + WARMING, turns - WARMING),
           median(table->each[1] + WARMING, turns - WARMING), 10000 * median(ratio, turns - WARMING));
}

/* One turn; nanoseconds of each, negative if the path cannot be opened. */
static double take_turn(const char *what, long loops, const char *path)
{
    static int fds[MOST_LOOPS];
    bool closes = strcmp(what, "open") != 0;
    double took = now();
    bool good = true;

    for (long i = 0; i < loops && good; i++) {
        if (closes) {
            good = act("openat", path) == 0;
        } else {
            fds[i] = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
            good = fds[i] >= 0;
        }
    }
    took = now() - took;
    for (long i = 0; i < loops && good && !closes; i++) {
        close(fds[i]);
    }
    return good ? took / (double)loops : -1;
}

/* The table, which the first of the two makes. Nothing else is written to: a file of another size is somebody's. */
static struct table *open_table(const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct table *table = MAP_FAILED;
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size != 0 && status.st_size != (off_t)sizeof(*table)) {
        errno = EEXIST;
    } else if (fd >= 0 && ftruncate(fd, sizeof(*table)) == 0) {
        table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    return table;
}

static bool stay_on_one_processor(void)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &one);
    return sched_setaffinity(0, sizeof(one), &one) == 0;
}

int mode_turns(char **words)
{
    unsigned side = words[0][0] == '1';
    const char *what = words[1];
    long loops = strtol(words[2], NULL, 10);
    long turns = strtol(words[3], NULL, 10);
    const char *path = words[4];
    const char *name = words[5];
    struct table *table;

    if (turns <= WARMING || turns > MOST_TURNS || loops > MOST_LOOPS) {
        fprintf(stderr, "strict: more than %d turns, up to %d, and up to %d loops\n", WARMING, MOST_TURNS, MOST_LOOPS);
        return 64;
    }
    table = open_table(name);
    if (table == MAP_FAILED || !stay_on_one_processor()) {
        perror(name);
        return 1;
    }
    for (unsigned turn = 0; turn < 2 * (unsigned)turns; turn++) {
        if (side_of(turn) != side) {
            continue;
        }
        wait_for_turn(table, turn);
        act("openat", path); /* what the other has pushed out of the caches */
        table->each[side][turn / 2] = take_turn(what, loops, path);
        if (table->each[side][turn / 2] < 0) {
            perror(path);
            return 1;
        }
        atomic_store(&table->turn, turn + 1);
        syscall(SYS_futex, &table->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    if (side == 1) {
        wait_for_turn(table, 2 * (unsigned)turns);
        tell(table, turns);
    }
    return 0;
}
