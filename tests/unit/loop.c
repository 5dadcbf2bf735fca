/* SPDX-License-Identifier: Apache-2.0 */
#include "base/loop.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/util.h"
#include "test.h"

static struct loop loop;
static char trace[64]; /* who was called, in order */

static void note(char who)
{
    size_t length = strlen(trace);

    if (length < sizeof(trace) - 1) {
        trace[length] = who;
    }
}

static int open_loop(void **state)
{
    struct error err = {0};

    (void)state;
    memset(trace, 0, sizeof(trace));
    return loop_open(&loop, &err);
}

static int close_loop(void **state)
{
    (void)state;
    loop_close(&loop);
    assert_int_equal(loop.epoll, -1);
    loop_close(&loop);
    return 0;
}

static void run(void)
{
    struct error err = {0};

    assert_int_equal(loop_run(&loop, &err), 0);
}

struct named_timer {
    struct loop_timer timer;
    char name;
    struct named_timer *clear; /* cleared by the callback */
    struct named_timer *set;   /* set for now by the callback */
    bool stop;                 /* by a callback that sets nothing */
};

static void on_timer(void *data)
{
    struct named_timer *self = data;
    bool sets = self->set != NULL;

    assert_false(self->timer.armed);
    note(self->name);
    if (self->clear != NULL) {
        loop_timer_clear(&loop, &self->clear->timer);
    }
    if (self->set != NULL) {
        struct named_timer *other = self->set;

        self->set = NULL;
        loop_timer_set(&loop, &other->timer, clock_now(), on_timer, other);
    }
    if (self->stop && !sets) {
        loop.stop = true;
    }
}

static void set(struct named_timer *timer, int64_t due)
{
    loop_timer_set(&loop, &timer->timer, due, on_timer, timer);
}

static void test_timers_in_order(void **state)
{
    struct named_timer a = {.name = 'a'};
    struct named_timer b = {.name = 'b'};
    struct named_timer c = {.name = 'c'};
    struct named_timer d = {.name = 'd', .stop = true};
    int64_t now = clock_now();

    (void)state;
    set(&d, now + 5000);
    set(&c, now + 2000);
    set(&a, now - 1000);
    set(&b, now + 2000 - 1);
    run();
    assert_string_equal(trace, "abcd");
    assert_null(loop.timers);
    assert_true(clock_now() >= now + 5000); /* never early */
}

static void test_equal_times_keep_their_order(void **state)
{
    struct named_timer a = {.name = 'a'};
    struct named_timer b = {.name = 'b'};
    struct named_timer c = {.name = 'c', .stop = true};
    int64_t now = clock_now();

    (void)state;
    set(&a, now);
    set(&b, now);
    set(&c, now);
    run();
    assert_string_equal(trace, "abc");
}

static void test_timer_moved_and_cleared(void **state)
{
    struct named_timer a = {.name = 'a'};
    struct named_timer b = {.name = 'b'};
    struct named_timer c = {.name = 'c', .stop = true};
    int64_t now = clock_now();

    (void)state;
    set(&a, now);
    set(&b, now + 1000);
    set(&c, now + 3000);
    set(&a, now + 2000); /* moved behind b, once */
    run();
    assert_string_equal(trace, "bac");

    memset(trace, 0, sizeof(trace));
    set(&a, now);
    set(&b, now);
    loop_timer_clear(&loop, &a.timer);
    loop_timer_clear(&loop, &a.timer);
    assert_false(a.timer.armed);
    set(&c, now);
    run();
    assert_string_equal(trace, "bc");
}

static void test_timer_cleared_by_another(void **state)
{
    struct named_timer b = {.name = 'b'};
    struct named_timer a = {.name = 'a', .clear = &b};
    struct named_timer c = {.name = 'c', .stop = true};
    int64_t now = clock_now();

    (void)state;
    set(&a, now);
    set(&b, now);
    set(&c, now);
    run();
    assert_string_equal(trace, "ac");
}

static void test_timer_sets_itself(void **state)
{
    struct named_timer a = {.name = 'a', .stop = true};

    (void)state;
    a.set = &a;
    set(&a, clock_now());
    run();
    assert_string_equal(trace, "aa");
}

static void test_stop_ends_the_round(void **state)
{
    struct named_timer a = {.name = 'a', .stop = true};
    struct named_timer b = {.name = 'b', .stop = true};
    int64_t now = clock_now();

    (void)state;
    set(&a, now);
    set(&b, now);
    run();
    assert_string_equal(trace, "a");
    run();
    assert_string_equal(trace, "ab");
}

struct named_source {
    struct loop_source source;
    int fd;
    char name;
    struct named_source *remove;
    bool stop;
};

static void on_source(void *data, uint32_t events)
{
    struct named_source *self = data;

    assert_true((events & EPOLLIN) != 0);
    note(self->name);
    if (self->remove != NULL) {
        loop_remove(&loop, &self->remove->source);
    }
    if (self->stop) {
        loop.stop = true;
    }
}

/* A descriptor that stays readable. */
static void add(struct named_source *source)
{
    struct error err = {0};

    source->fd = eventfd(1, EFD_CLOEXEC);
    assert_int_equal(loop_add(&loop, &source->source, source->fd, EPOLLIN, on_source, source, &err), 0);
    assert_int_equal(source->source.fd, source->fd);
}

/* Both are ready in one batch; whoever comes first removes the other. */
static void test_source_removed_in_the_same_batch(void **state)
{
    struct named_source a = {.name = 'a', .stop = false};
    struct named_source b = {.name = 'b', .stop = false};
    struct named_timer end = {.name = '.', .stop = true};

    (void)state;
    add(&a);
    add(&b);
    a.remove = &b;
    b.remove = &a;
    set(&end, clock_now());
    run();
    assert_int_equal(strlen(trace), 2);
    assert_true(trace[0] == 'a' || trace[0] == 'b');
    assert_int_equal(trace[1], '.');
    close(a.fd);
    close(b.fd);
}

static void test_source_removes_itself(void **state)
{
    struct named_source a = {.name = 'a'};
    struct named_timer end = {.name = '.', .stop = true};

    (void)state;
    a.remove = &a;
    add(&a);
    set(&end, clock_now() + 3000);
    run();
    assert_string_equal(trace, "a.");
    assert_int_equal(a.source.fd, -1);
    loop_remove(&loop, &a.source);                                                     /* no effect */
    assert_int_equal(write(a.fd, &(uint64_t){1}, sizeof(uint64_t)), sizeof(uint64_t)); /* not closed by the loop */
    close(a.fd);
}

static void test_never_added(void **state)
{
    struct loop_source zero = {0};
    struct loop_source source = {0};
    struct error err = {0};
    struct named_source input = {.name = 'i', .stop = true};
    struct named_timer end = {.name = '.', .stop = true};
    int saved = dup(STDIN_FILENO);

    (void)state;
    /* A source of zeros must not take descriptor 0 out, which is somebody else's. */
    input.fd = eventfd(1, EFD_CLOEXEC);
    assert_int_equal(dup2(input.fd, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(loop_add(&loop, &input.source, STDIN_FILENO, EPOLLIN, on_source, &input, &err), 0);
    loop_remove(&loop, &zero);
    set(&end, clock_now() + 2000000);
    run();
    loop_timer_clear(&loop, &end.timer);
    assert_string_equal(trace, "i");
    loop_remove(&loop, &input.source);
    if (saved >= 0) {
        dup2(saved, STDIN_FILENO);
        close(saved);
    }
    close(input.fd);

    assert_int_equal(loop_add(&loop, &source, -1, EPOLLIN, on_source, NULL, &err), -1);
    assert_int_equal(err.errnum, EBADF);
    assert_int_equal(source.fd, -1);
    loop_remove(&loop, &source);
}

#define test_in_loop(test) cmocka_unit_test_setup_teardown(test, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_loop(test_timers_in_order),
        test_in_loop(test_equal_times_keep_their_order),
        test_in_loop(test_timer_moved_and_cleared),
        test_in_loop(test_timer_cleared_by_another),
        test_in_loop(test_timer_sets_itself),
        test_in_loop(test_stop_ends_the_round),
        test_in_loop(test_source_removed_in_the_same_batch),
        test_in_loop(test_source_removes_itself),
        test_in_loop(test_never_added),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
