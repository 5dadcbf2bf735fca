/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the services of the bench leave behind when they start: a file that both ends map, so whoever waits for it is woken
 * by the store itself and not by looking again and again.
 */
#ifndef EDGEINIT_BENCH_STAMP_H
#define EDGEINIT_BENCH_STAMP_H

#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct stamp {
    uint32_t count; /* of starts; the futex */
    int32_t pid;
    int64_t time; /* nanoseconds, CLOCK_MONOTONIC */
};

static inline int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static inline void sleep_until(int64_t time)
{
    const struct timespec due = {.tv_sec = time / 1000000000, .tv_nsec = time % 1000000000};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) != 0) {
    }
}

static inline _Noreturn void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

/* Of this file, which is made if it is not there. */
static inline struct stamp *stamp_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    void *page;

    if (fd < 0 || ftruncate(fd, sizeof(struct stamp)) != 0) {
        die(path);
    }
    page = mmap(NULL, sizeof(struct stamp), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        die(path);
    }
    close(fd);
    return page;
}

static inline void stamp_put(struct stamp *stamp, int64_t time)
{
    stamp->pid = getpid();
    stamp->time = time;
    __atomic_add_fetch(&stamp->count, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, &stamp->count, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static inline uint32_t stamp_count(const struct stamp *stamp)
{
    return __atomic_load_n(&stamp->count, __ATOMIC_SEQ_CST);
}

/* Until there are more starts than `count`; false when five seconds have passed. */
static inline bool stamp_wait(struct stamp *stamp, uint32_t count)
{
    int64_t end = now() + INT64_C(5000000000);

    while (stamp_count(stamp) == count && now() < end) {
        const struct timespec patience = {.tv_sec = 1};

        syscall(SYS_futex, &stamp->count, FUTEX_WAIT, count, &patience, NULL, 0);
    }
    return stamp_count(stamp) != count;
}

#endif
