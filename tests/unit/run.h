/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of what lives in the event loop: run it until something has come true, or to see that nothing happens. Only
 * the length of silence is a time; what must happen may take as long as a busy machine needs. */
#ifndef EDGEINIT_TESTS_UNIT_RUN_H
#define EDGEINIT_TESTS_UNIT_RUN_H

#include <dirent.h>

#include "base/clock.h"
#include "base/loop.h"
#include "test.h"

#define RUN_LONGEST (30 * MICROSECONDS_PER_SECOND)
#define RUN_LOOK (2 * MICROSECONDS_PER_MILLISECOND)
#define RUN_SILENCE (300 * MICROSECONDS_PER_MILLISECOND)

struct run {
    struct loop *loop;
    struct loop_timer timer;
    bool (*is_done)(const void *data);
    const void *data;
    int64_t end;
    bool done;
};

static inline void run_look(void *data)
{
    struct run *run = data;

    run->done = run->is_done != NULL && run->is_done(run->data);
    if (run->done || clock_now() >= run->end) {
        run->loop->stop = true;
    } else {
        int64_t next = run->is_done == NULL ? run->end : clock_now() + RUN_LOOK;

        loop_timer_set(run->loop, &run->timer, next, run_look, run);
    }
}

static inline bool run_for(struct loop *loop, int64_t time, bool (*is_done)(const void *data), const void *data)
{
    struct run run = {.loop = loop, .is_done = is_done, .data = data, .end = clock_now() + time};
    struct error err = {0};

    run_look(&run);
    if (!run.done) {
        assert_int_equal(loop_run(loop, &err), 0);
    }
    loop_timer_clear(loop, &run.timer);
    return run.done;
}

static inline bool run_is_counted(const void *data)
{
    return *(const int *)data > 0;
}

/* Run until `count` is above zero, and set it back. */
static inline void run_until_called(struct loop *loop, int *count)
{
    assert_true(run_for(loop, RUN_LONGEST, run_is_counted, count));
    *count = 0;
}

/* Run for a while, in which the count must stay as it is. */
static inline void run_silently(struct loop *loop, const int *count)
{
    int before = *count;

    run_for(loop, RUN_SILENCE, NULL, NULL);
    assert_int_equal(*count, before);
}

/* Our open descriptors. */
static inline int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

/* A shell command that must succeed. */
static inline void shell(const char *command)
{
    /* NOLINTNEXTLINE(cert-env33-c): the commands are ours */
    int status = system(command);

    if (status != 0) {
        fail_msg("%s: status %d", command, status);
    }
}

#endif
