/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include <errno.h>
#include <limits.h>

#include "base/clock.h"
#include "base/util.h"

int loop_open(struct loop *loop, struct error *err)
{
    *loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC)};
    return loop->epoll < 0 ? error_system(err, errno, "epoll_create1") : 0;
}

void loop_close(struct loop *loop)
{
    if (loop->epoll >= 0) {
        close(loop->epoll);
        loop->epoll = -1;
    }
}

int loop_add(struct loop *loop, struct loop_source *source, int fd, uint32_t events,
             void (*call)(void *data, uint32_t events), void *data, struct error *err)
{
    struct epoll_event event = {.events = events, .data.ptr = source};

    *source = (struct loop_source){.fd = fd, .call = call, .data = data};
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        source->fd = -1;
        return error_system(err, errno, "watch descriptor %d", fd);
    }
    return 0;
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
    if (source->call == NULL || source->fd < 0) {
        return;
    }
    epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    source->fd = -1;
    /* Events of this round that are still to be delivered must not reach a source that is gone. */
    for (int i = 0; i < loop->batch_count; i++) {
        if (loop->batch[i].data.ptr == source) {
            loop->batch[i].data.ptr = NULL;
        }
    }
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
    if (!timer->armed) {
        return;
    }
    for (struct loop_timer **at = &loop->timers; *at != NULL; at = &(*at)->next) {
        if (*at == timer) {
            *at = timer->next;
            break;
        }
    }
    timer->armed = false;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t due, void (*call)(void *data), void *data)
{
    struct loop_timer **at = &loop->timers;

    loop_timer_clear(loop, timer);
    while (*at != NULL && (*at)->due <= due) {
        at = &(*at)->next;
    }
    *timer = (struct loop_timer){.due = due, .call = call, .data = data, .next = *at, .armed = true};
    *at = timer;
}

/* Milliseconds until the first timer, rounded up so that it is due when we wake; -1 for ever. */
static int next_timeout(const struct loop *loop)
{
    int64_t left;

    if (loop->timers == NULL) {
        return -1;
    }
    left = loop->timers->due - clock_now();
    if (left <= 0) {
        return 0;
    }
    left = (left + MICROSECONDS_PER_MILLISECOND - 1) / MICROSECONDS_PER_MILLISECOND;
    return left > INT_MAX ? INT_MAX : (int)left;
}

static void run_timers(struct loop *loop)
{
    int64_t now = clock_now();

    while (!loop->stop && loop->timers != NULL && loop->timers->due <= now) {
        struct loop_timer *timer = loop->timers;

        loop->timers = timer->next;
        timer->armed = false;
        timer->call(timer->data);
    }
}

static int run_once(struct loop *loop, int timeout, struct error *err)
{
    loop->batch_count = epoll_wait(loop->epoll, loop->batch, ARRAY_SIZE(loop->batch), timeout);
    if (loop->batch_count < 0 && errno != EINTR) {
        loop->batch_count = 0;
        return error_system(err, errno, "epoll_wait");
    }
    for (int i = 0; i < loop->batch_count && !loop->stop; i++) {
        struct loop_source *source = loop->batch[i].data.ptr;

        if (source != NULL) {
            source->call(source->data, loop->batch[i].events);
        }
    }
    loop->batch_count = 0;
    run_timers(loop);
    return 0;
}

int loop_poll(struct loop *loop, struct error *err)
{
    loop->stop = false;
    return run_once(loop, 0, err);
}

int loop_run(struct loop *loop, struct error *err)
{
    loop->stop = false;
    while (!loop->stop) {
        if (run_once(loop, next_timeout(loop), err) != 0) {
            return -1;
        }
    }
    return 0;
}
