/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle of model.c: what must be true of the machine, worked out from what happened to it and from nothing that the
 * machine's own sources say.
 */
#ifndef EDGEINIT_TESTS_UNIT_ORACLE_H
#define EDGEINIT_TESTS_UNIT_ORACLE_H

#include "supervise/machine.h"

#include "base/util.h"
#include "test.h"

#define MS INT64_C(1000)
#define SECOND (1000 * MS)

enum phase { IDLE, FORKED, RUNNING, ENDED, FAILED };

struct keeper {
    enum phase phase;
    uint64_t instance;
    int status;
    bool status_known;
    bool missing; /* FAILED: the program was not there */
    bool doomed;  /* a signal will end it */
    bool remains; /* processes of an ended instance are still there */
};

/* What must be true of the machine, from what happened to it. */
struct oracle {
    bool wanted;
    bool shutdown; /* wanted down by the daemon's end alone */
    bool again;
    uint32_t held; /* CAUSE_NONE: released */
    bool unjudged; /* its last end is being looked into */
    bool free;     /* the next start needs no delay */
    uint32_t failures;
    uint64_t starts;
    uint64_t ends;
    int64_t failed_at;
    int64_t least;   /* delay */
    int64_t entered; /* its state, or had a start */
    int64_t from;    /* when the present delay began */
    int64_t woken;   /* when it may start, whatever the delay; 0: never */
    int64_t ready_at;
};

struct world {
    struct machine_config config;
    struct keeper keeper;
    struct keeper told; /* its last record that the daemon read */
    struct oracle oracle;
    struct machine machine; /* in the daemon's memory */
    struct machine noted;   /* in its file */
    int64_t timer;          /* of the daemon; 0: none */
    bool checks_ready;
    bool checks_alive;
    bool watches;
    bool preparing; /* somebody was asked */
    bool judging;
    bool clearing;  /* the group */
    bool in_flight; /* ACTION_START is on its way to the keeper */
    bool friendly;  /* no death, nothing fails */
    bool resources;
    bool blocked;
    bool program;
    int64_t now;
    uint64_t random;
    uint64_t seed;
};

/* assert_true() costs a call and tells no seed. */
#define MUST(world, condition)                   \
    do {                                         \
        if (!(condition)) {                      \
            broken(world, #condition, __LINE__); \
        }                                        \
    } while (0)

__attribute__((noreturn)) static void broken(const struct world *world, const char *condition, int line)
{
    print_error("line %d: %s; %s, %s; MODEL_SEED=%llu\n", line, condition, machine_state_name(world->machine.state),
                machine_cause_name(world->machine.cause), (unsigned long long)world->seed);
    fail();
    abort();
}

/* The law, written another way than in delay.c. */
static inline int64_t law(const struct machine_config *config, uint32_t failures, int thousandths)
{
    double delay = (double)config->delay;

    for (uint32_t n = 1; n < failures && n < 64; n++) {
        delay *= 2;
    }
    delay = delay > (double)config->max_delay ? (double)config->max_delay : delay;
    return (int64_t)(delay * thousandths / 1000);
}

/* The same for a start that a wake brings: free for five failures, then as slow as the first, and so on. */
static inline int64_t wake_law(const struct machine_config *config, uint32_t failures)
{
    int64_t delay = failures > 5 ? law(config, failures - 5, 1000) : 0;

    delay = delay > 30 * SECOND ? 30 * SECOND : delay;
    return delay < 100 * MS ? 100 * MS : delay;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool runs(const struct machine *machine)
{
    return machine->state == SERVICE_STARTING || machine->state == SERVICE_READY || machine->state == SERVICE_STOPPING;
}

/* Nobody looks into its last end any more. */
static void end_judging(struct world *world)
{
    struct oracle *oracle = &world->oracle;

    oracle->unjudged = false;
    if (oracle->held == CAUSE_JUDGING) {
        oracle->held = world->config.prepares ? CAUSE_PREPARING : CAUSE_NONE;
    }
}

/* Its profile has spoken. */
static void observe_judgement(struct world *world, const struct machine *before, const struct machine_input *input)
{
    const struct machine *after = &world->machine;
    struct oracle *oracle = &world->oracle;
    bool parked = before->state == SERVICE_PARKED;

    if (runs(before) || before->state == SERVICE_STOPPED || before->state == SERVICE_FINISHED ||
        (parked && before->cause == CAUSE_MISSING)) {
        MUST(world, memcmp(before, after, sizeof(*before)) == 0);
        return;
    }
    if (oracle->unjudged && input->blameless) {
        oracle->failures -= oracle->failures > 0;
        oracle->least = SECOND;
        oracle->from = oracle->entered;
    }
    end_judging(world);
    if (input->cause == CAUSE_JUDGED) {
        MUST(world, after->state == SERVICE_PARKED && after->cause == CAUSE_JUDGED && after->due == input->until);
        oracle->woken = input->until;
    } else {
        MUST(world, parked == (after->state == SERVICE_PARKED));
    }
}

static void observe_wake(struct world *world, const struct machine *before)
{
    struct oracle *oracle = &world->oracle;
    bool parked = before->state == SERVICE_PARKED && before->cause == CAUSE_JUDGED;

    if (parked || before->state == SERVICE_DELAYED) {
        int64_t due = oracle->entered + wake_law(&world->config, oracle->failures);

        oracle->from = oracle->entered;
        oracle->woken = parked || oracle->woken == 0 || due < oracle->woken ? due : oracle->woken;
        MUST(world, due > world->now || !parked || world->machine.state != SERVICE_PARKED);
        MUST(world, due > world->now || world->machine.state != SERVICE_DELAYED || before->due <= due);
    } else {
        MUST(world, memcmp(before, &world->machine, sizeof(*before)) == 0);
    }
}

/* A wish was noted. */
static void observe_wish(struct world *world, const struct machine *before, const struct machine_input *input)
{
    struct oracle *oracle = &world->oracle;
    bool running = before->state == SERVICE_STARTING || before->state == SERVICE_READY;
    bool waiting = before->state == SERVICE_WAITING || before->state == SERVICE_BLOCKED;

    if (input->event == EVENT_WANT_DOWN) {
        bool shutdown = input->cause == CAUSE_SHUTDOWN;

        if (shutdown && before->state == SERVICE_FINISHED) {
            return;
        }
        end_judging(world);
        oracle->shutdown = shutdown && (oracle->wanted || oracle->shutdown);
        oracle->wanted = false;
        oracle->again = false;
        return;
    }
    if (waiting || (running && input->event == EVENT_WANT_UP) ||
        (input->event == EVENT_WANT_AGAIN && input->cause == CAUSE_CHANGED && !oracle->wanted)) {
        return;
    }
    end_judging(world);
    oracle->wanted = true;
    oracle->shutdown = false;
    oracle->failures = 0;
    oracle->free = !running;
    oracle->again = running || before->state == SERVICE_STOPPING;
}

static void observe_end(struct world *world, const struct machine *before, const struct machine_input *input)
{
    const struct machine *after = &world->machine;
    const struct keeper *keeper = &world->keeper;
    struct oracle *oracle = &world->oracle;
    bool stopping = before->state == SERVICE_STOPPING;
    bool failed = input->event == EVENT_FAILED;
    bool missing = failed && !stopping && input->cause == CAUSE_MISSING;
    bool clean = !failed && !stopping && input->status_known && input->status == 0;
    bool final = world->config.restart == 2 || (world->config.restart == 1 && clean);

    oracle->ends++;
    oracle->woken = 0;
    MUST(world, input->event == EVENT_ENDED || failed);
    MUST(world, runs(before) && input->instance == before->instance && after->collected == before->instance);
    MUST(world, keeper->instance < before->instance || keeper->phase == ENDED || keeper->phase == FAILED);
    MUST(world, after->last_status == (input->event == EVENT_ENDED && input->status_known ? input->status : -1));
    MUST(world, !stopping || after->last_end == before->cause);
    if (!oracle->wanted) {
        MUST(world, after->state == SERVICE_STOPPED);
        MUST(world, after->cause == (oracle->shutdown ? CAUSE_SHUTDOWN : CAUSE_REQUEST));
    } else if (oracle->again) {
        MUST(world,
             after->state == SERVICE_STARTING || after->state == SERVICE_WAITING || after->state == SERVICE_BLOCKED);
        oracle->free = true;
    } else if (final && !missing) {
        MUST(world, after->state == SERVICE_FINISHED);
    } else {
        oracle->failures++;
        oracle->failed_at = oracle->from = world->now;
        oracle->unjudged = world->config.judges && (stopping || !failed);
        if (oracle->unjudged && (oracle->held == CAUSE_NONE || oracle->held == CAUSE_PREPARING)) {
            oracle->held = CAUSE_JUDGING;
        }
        oracle->least = failed && !stopping ? SECOND : 0;
        oracle->free = false;
        MUST(world, missing == (after->state == SERVICE_PARKED));
    }
    oracle->again = false;
}

static void observe_start(struct world *world, const struct machine *before, const struct machine_input *input)
{
    const struct machine *after = &world->machine;
    struct oracle *oracle = &world->oracle;
    int64_t least = most(oracle->least, law(&world->config, oracle->failures, 1000 - (int)world->config.jitter));

    oracle->starts++;
    MUST(world, after->instance == before->instance + 1 && after->collected == before->instance);
    MUST(world, oracle->wanted && oracle->held == CAUSE_NONE);
    MUST(world, !world->config.clear_group || !world->keeper.remains);
    MUST(world, oracle->free || world->now >= oracle->failed_at + least - 1 ||
                    (oracle->woken != 0 && world->now >= oracle->woken));
    MUST(world, !oracle->unjudged && (!world->config.prepares || input->event == EVENT_RELEASE));
    oracle->held = world->config.prepares ? CAUSE_PREPARING : CAUSE_NONE;
    oracle->free = false;
    oracle->entered = world->now;
    oracle->woken = 0;
}

/* What the daemon has set up must be what the state needs. */
static void observe_state(struct world *world)
{
    const struct machine *machine = &world->machine;
    const struct oracle *oracle = &world->oracle;
    const struct machine_config *config = &world->config;

    MUST(world, machine_is_valid(machine));
    MUST(world, machine->wanted_up == oracle->wanted && machine->again == oracle->again);
    MUST(world, oracle->wanted || (machine->down_cause == CAUSE_SHUTDOWN) == oracle->shutdown);
    MUST(world, machine->held == oracle->held);
    MUST(world, machine->failures == oracle->failures);
    MUST(world, machine->instance == oracle->starts && machine->collected == oracle->ends);
    MUST(world, machine->judged == oracle->ends - oracle->unjudged);
    MUST(world, machine->state != SERVICE_WAITING || machine->cause == machine->held);
    MUST(world, machine->restarts == (oracle->starts > 0 ? oracle->starts - 1 : 0));
    MUST(world, machine->state != SERVICE_STARTING || (machine->due != 0) == (config->start_timeout != 0));
    MUST(world, machine->state != SERVICE_READY || (machine->due != 0) == (oracle->failures != 0));
    MUST(world, machine->state != SERVICE_READY || machine->started_at != 0);
    MUST(world, (machine->ready_at != 0) <= (machine->started_at != 0));
    if (machine->state == SERVICE_DELAYED) {
        int64_t longest = law(config, oracle->failures, 1000 + (int)config->jitter);
        bool woken = oracle->woken != 0 && machine->due <= oracle->woken;

        MUST(world, woken || machine->due <= oracle->from + most(longest, SECOND) + 1);
        MUST(world, woken || oracle->least != 0 || machine->due <= oracle->from + longest + 1);
    }
}

/* After the actions were carried out. */
static void observe_daemon(struct world *world)
{
    const struct machine *machine = &world->machine;
    bool executed = machine->started_at != 0;

    MUST(world, world->timer == machine->due);
    MUST(world,
         world->checks_ready == (machine->state == SERVICE_STARTING && executed && world->config.has_ready_check));
    MUST(world, world->checks_alive == (machine->state == SERVICE_READY && world->config.has_alive_check));
    MUST(world, world->watches == (machine->state == SERVICE_PARKED && machine->cause == CAUSE_MISSING));
    MUST(world, world->preparing == (machine->state == SERVICE_WAITING && machine->held == CAUSE_PREPARING));
    MUST(world, world->judging == world->oracle.unjudged);
}

static void observe(struct world *world, const struct machine *before, const struct machine_input *input)
{
    const struct machine *after = &world->machine;
    struct oracle *oracle = &world->oracle;
    bool leaves = input->event == EVENT_TIMER || input->event == EVENT_ENDED || input->event == EVENT_UNHEALTHY;

    if (before->state == SERVICE_READY && before->due != 0 && leaves && input->event != EVENT_FAILED &&
        (input->event == EVENT_TIMER || input->instance == before->instance) &&
        world->now >= oracle->ready_at + world->config.reset_after) {
        oracle->failures = 0;
    }
    if (input->event == EVENT_HOLD || input->event == EVENT_BLOCK || input->event == EVENT_RELEASE) {
        oracle->held = input->cause;
    } else if (input->event >= EVENT_WANT_UP && input->event <= EVENT_WANT_AGAIN) {
        observe_wish(world, before, input);
    }
    if (before->state == SERVICE_PARKED && before->cause == CAUSE_JUDGED && after->state != SERVICE_PARKED) {
        MUST(world, input->event == EVENT_WAKE || input->event == EVENT_TIMER ||
                        (input->event >= EVENT_WANT_UP && input->event <= EVENT_WANT_AGAIN));
    }
    if (input->event == EVENT_JUDGED) {
        observe_judgement(world, before, input);
    } else if (input->event == EVENT_WAKE) {
        observe_wake(world, before);
    }
    if (after->collected != before->collected) {
        bool is_free = oracle->held == CAUSE_NONE || oracle->held == CAUSE_PREPARING;

        oracle->held = is_free && world->config.clear_group ? CAUSE_REMAINS : oracle->held;
        observe_end(world, before, input);
    }
    if (after->instance != before->instance) {
        observe_start(world, before, input);
    }
    if (after->state != before->state) {
        oracle->entered = world->now;
    }
    if (after->state == SERVICE_READY && before->state != SERVICE_READY) {
        oracle->ready_at = world->now;
    }
    observe_state(world);
}

#endif
