/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/check.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/util.h"
#include "supervise/probe.h"

#define FIRST_DELAY INT64_C(10) /* milliseconds */
#define HURRIED_DELAY INT64_C(250)

const char *check_target(const struct check *check)
{
    return check->config->target_count > 0 ? check->config->targets[check->at] : check->config->target;
}

static void probe_file(struct check *check)
{
    if (access(check->config->target, F_OK) == 0) {
        probe_good(check);
    } else if (errno == ENOENT || errno == ENOTDIR) {
        probe_bad(check, "%s is not there", check->config->target);
    } else {
        probe_bad(check, "%s: %s", check->config->target, strerror(errno));
    }
}

static void (*const probes[])(struct check *check) = {
    [CHECK_HTTP] = probe_socket,
    [CHECK_TCP] = probe_socket,
    [CHECK_FILE] = probe_file,
    [CHECK_COMMAND] = probe_command,
};
static_assert(ARRAY_SIZE(probes) == CHECK_KINDS, "a probe for each kind of check");

static void on_deadline(void *data)
{
    struct check *check = data;
    int64_t timeout = check->config->timeout;

    probe_kill_command(check);
    if (timeout % 1000 == 0) {
        probe_bad(check, "no answer within %" PRId64 " s", timeout / 1000);
    } else {
        probe_bad(check, "no answer within %" PRId64 " ms", timeout);
    }
}

static void ask_target(struct check *check)
{
    check->in_flight = true;
    check->connected = false;
    check->sent = 0;
    check->answer_length = 0;
    loop_timer_set(check->loop, &check->timer, clock_now() + check->config->timeout * MICROSECONDS_PER_MILLISECOND,
                   on_deadline, check);
    probes[check->config->kind](check);
}

static uint64_t progress_of(const struct check *check)
{
    return check->calls.progress == NULL ? 0 : check->calls.progress(check->calls.data);
}

/* The witness is taken before the probe that may be the first to fail, so that also a single failure has one: what the service
 * did while that probe waited. */
static void make_probe(void *data)
{
    struct check *check = data;

    if (check->bad == 0) {
        check->witness = progress_of(check);
    }
    check->probes++;
    check->began = clock_now();
    check->at = 0;
    ask_target(check);
}

static void end_probe(struct check *check)
{
    probe_close_source(check);
    loop_timer_clear(check->loop, &check->timer);
    check->in_flight = false;
}

/* Until good: 10 ms, 20 ms, 40 ms, … after the first, second, third probe. */
static void wait_for_next(struct check *check)
{
    int64_t delay = check->config->interval;

    if (check->mode == CHECK_UNTIL_GOOD && check->probes > 0 && check->probes < 32 &&
        FIRST_DELAY << (check->probes - 1) < delay) {
        delay = FIRST_DELAY << (check->probes - 1);
    }
    if (check->hurried && check->bad > 0 && delay > HURRIED_DELAY) {
        delay = HURRIED_DELAY;
    }
    loop_timer_set(check->loop, &check->timer, clock_now() + delay * MICROSECONDS_PER_MILLISECOND, make_probe, check);
}

/* The reason is copied: the owner may start the check again while reading it. */
static void give_verdict(struct check *check, bool good)
{
    struct check_calls calls = check->calls;
    char reason[sizeof(check->reason)];

    memcpy(reason, check->reason, sizeof(reason));
    check_stop(check);
    calls.verdict(calls.data, good, reason);
}

void probe_good(struct check *check)
{
    end_probe(check);
    if (check->at + 1 < check->config->target_count) {
        check->at++;
        ask_target(check);
        return;
    }
    check->bad = 0;
    check->good_at = check->began;
    check->hurried = false;
    check->reason[0] = '\0';
    if (check->mode == CHECK_UNTIL_GOOD) {
        give_verdict(check, true);
    } else {
        wait_for_next(check);
    }
}

/* `failures` in a row, `enough`, are one too many: unless the service made progress meanwhile. Then the next as many
 * decide, by a new witness: what was busy once and hangs since is not spared ten times as long. */
static bool is_dead(struct check *check, int64_t enough)
{
    uint64_t now;

    if (check->bad % enough != 0) {
        return false;
    }
    now = progress_of(check);
    if (now == check->witness || check->bad / enough >= CHECK_PATIENCE) {
        return true;
    }
    check->witness = now;
    return false;
}

static void count_failure(struct check *check)
{
    char reason[sizeof(check->reason)];
    int64_t enough = check->config->failures < 1 ? 1 : check->config->failures;

    if (check->bad++ == 0) {
        check->bad_since = check->began;
    }
    if (is_dead(check, enough)) {
        give_verdict(check, false);
        return;
    }
    if (check->bad >= enough) {
        memcpy(reason, check->reason, sizeof(reason));
        snprintf(check->reason, sizeof(check->reason), "slow: %.150s", reason);
    }
    wait_for_next(check);
}

void probe_bad(struct check *check, const char *format, ...)
{
    va_list arguments;
    size_t length = 0;

    if (check->config->target_count > 1) {
        length = (size_t)snprintf(check->reason, sizeof(check->reason), "%.80s: ", check_target(check));
    }
    va_start(arguments, format);
    vsnprintf(check->reason + length, sizeof(check->reason) - length, format, arguments);
    va_end(arguments);
    end_probe(check);
    if (check->mode == CHECK_UNTIL_BAD) {
        count_failure(check);
    } else {
        check->bad++;
        wait_for_next(check);
    }
}

void check_start(struct check *check, struct loop *loop, const struct check_config *config, enum check_mode mode,
                 const struct check_calls *calls)
{
    check_stop(check);
    *check = (struct check){.loop = loop, .config = config, .mode = mode, .calls = *calls, .running = true};
    check->source.fd = -1;
    if (mode == CHECK_UNTIL_GOOD) {
        loop_timer_set(loop, &check->timer, clock_now(), make_probe, check);
    } else {
        wait_for_next(check);
    }
}

void check_hurry(struct check *check)
{
    if (check->running && check->mode == CHECK_UNTIL_BAD) {
        check->hurried = true;
        if (!check->in_flight) {
            loop_timer_set(check->loop, &check->timer, clock_now(), make_probe, check);
        }
    }
}

void check_stop(struct check *check)
{
    if (!check->running) {
        return;
    }
    check->running = false;
    end_probe(check);
    probe_kill_command(check);
    probe_forget_command(check);
}
