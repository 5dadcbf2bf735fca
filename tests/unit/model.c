/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine against a world: a daemon that notes each step and then carries it out, a keeper that holds one process, a
 * person, resources, a program that comes and goes, and death of the daemon between any two of its doings. An oracle that
 * knows nothing of the table holds the machine to its invariants after every step; in the end the world turns friendly,
 * and the service must come up, and then stop. The clock is virtual.
 *
 *   MODEL_SEQUENCES=N  how many sequences (default 1,000,000; under a sanitizer 300,000)
 *   MODEL_SEED=S       one sequence alone: the number that a failure tells
 */
#include "base/util.h"
#include "world.h"

#if defined(__SANITIZE_ADDRESS__)
#define SEQUENCES 300000
#else
#define SEQUENCES 1000000
#endif

static uint64_t reached[SERVICE_STATES][EVENTS]; /* how often */

static void come_back(struct world *world);

static void do_action(struct world *world, enum machine_action action)
{
    switch (action) {
        case ACTION_COLLECT:
            keeper_collect(world);
            break;
        case ACTION_CLEAR_GROUP:
            world->clearing = true;
            break;
        case ACTION_START:
            world->in_flight = chance(world, 6);
            if (!world->in_flight) {
                keeper_start(world);
            }
            break;
        case ACTION_SIGNAL:
            keeper_signal(world, world->friendly || any(world, 2) == 0);
            break;
        case ACTION_KILL:
            keeper_signal(world, world->friendly || any(world, 8) != 0); /* it may hang in the kernel */
            break;
        case ACTION_TIMER:
            world->timer = world->machine.due;
            break;
        case ACTION_CHECK_READY:
            world->checks_ready = true;
            break;
        case ACTION_CHECK_ALIVE:
            world->checks_alive = true;
            break;
        case ACTION_WATCH_PROGRAM:
            world->watches = true;
            break;
        case ACTION_PREPARE:
            world->preparing = true;
            break;
        case ACTION_JUDGE:
            world->judging = true;
            break;
        case ACTION_CHANGED:
            break;
    }
}

static void carry_out(struct world *world, unsigned actions)
{
    for (unsigned bit = 1; bit <= ACTION_CHANGED; bit <<= 1) {
        if ((actions & bit) != 0) {
            if (chance(world, 50)) {
                come_back(world);
                return;
            }
            do_action(world, (enum machine_action)bit);
        }
    }
    observe_daemon(world);
}

/* One step of the daemon: decide, note, carry out; it may die between any two of them. */
static void feed(struct world *world, const struct machine_input *input)
{
    const struct machine before = world->machine;
    unsigned actions;

    world->timer = input->event == EVENT_TIMER ? 0 : world->timer;
    reached[before.state][input->event]++;
    actions = machine_step(&world->machine, &world->config, input, world->now);
    if (chance(world, 50)) {
        come_back(world);
        return;
    }
    world->noted = world->machine;
    MUST(world, ((actions & ACTION_CHANGED) != 0) ==
                    (before.state != world->machine.state || before.cause != world->machine.cause ||
                     before.instance != world->machine.instance));
    if (before.state != world->machine.state || before.instance != world->machine.instance) {
        world->checks_ready = world->checks_alive = world->watches = false;
    }
    /* What nobody wants to know any more. */
    world->preparing &= world->machine.state == SERVICE_WAITING && world->machine.held == CAUSE_PREPARING;
    world->judging &= world->machine.judged != world->machine.collected;
    observe(world, &before, input);
    carry_out(world, actions);
}

static void feed_event(struct world *world, enum machine_event event, enum service_cause cause)
{
    feed(world, &(struct machine_input){.event = event, .cause = cause, .instance = world->machine.instance});
}

/* What the supervisor knows about what the service waits for. */
static void tell_holds(struct world *world)
{
    static const enum service_cause causes[] = {CAUSE_RESOURCES, CAUSE_AFTER, CAUSE_CONDITION};

    if (world->blocked) {
        feed_event(world, EVENT_BLOCK, CAUSE_BLOCKED);
    } else if (!world->resources) {
        feed_event(world, EVENT_HOLD, causes[any(world, ARRAY_SIZE(causes))]);
    } else if (world->keeper.remains) {
        feed_event(world, EVENT_HOLD, CAUSE_REMAINS);
    } else if (world->machine.judged != world->machine.collected) {
        feed_event(world, EVENT_HOLD, CAUSE_JUDGING);
    } else if (world->config.prepares) {
        feed_event(world, EVENT_HOLD, CAUSE_PREPARING);
    } else {
        feed_event(world, EVENT_RELEASE, CAUSE_NONE);
    }
}

static void tell(struct world *world, const struct keeper *keeper)
{
    struct machine_input input = {.instance = keeper->instance};

    switch (keeper->phase) {
        case RUNNING:
            input.event = EVENT_EXECUTED;
            break;
        case ENDED:
            input.event = EVENT_ENDED;
            input.status = keeper->status;
            input.status_known = keeper->status_known;
            break;
        case FAILED:
            input.event = EVENT_FAILED;
            input.cause = keeper->missing ? CAUSE_MISSING : CAUSE_CANNOT_START;
            break;
        default:
            return;
    }
    feed(world, &input);
}

/* What the keeper's record says. */
static void tell_record(struct world *world)
{
    const struct keeper *keeper = &world->keeper;

    world->told = any(world, 4) == 0 ? world->told : *keeper;
    if (keeper->instance < world->machine.instance && world->machine.state == SERVICE_STOPPING && !world->in_flight) {
        feed_event(world, EVENT_FAILED, CAUSE_CANNOT_START);
    } else {
        tell(world, keeper);
    }
}

/* The next daemon. What was in flight is gone: the keeper drops the connection of the one that died. */
static void come_back(struct world *world)
{
    struct machine before = world->noted;
    unsigned actions;

    world->machine = world->noted;
    world->timer = 0;
    world->checks_ready = world->checks_alive = world->watches = world->clearing = world->in_flight = false;
    world->preparing = world->judging = false;
    actions = machine_resume(&world->machine, &world->config, world->now);
    MUST(world, (actions & ACTION_CHANGED) == 0);
    before.due = world->machine.due;
    before.held = world->machine.held;
    before.cause = world->machine.state == SERVICE_WAITING ? world->machine.cause : before.cause;
    MUST(world, memcmp(&before, &world->machine, sizeof(before)) == 0);
    if (world->oracle.held == CAUSE_NONE || world->oracle.held == CAUSE_JUDGING ||
        world->oracle.held == CAUSE_PREPARING) {
        world->oracle.held = CAUSE_RESOURCES;
    }
    observe_state(world);
    if (any(world, 2) == 0) {
        world->noted = world->machine;
    }
    carry_out(world, actions);
    tell_holds(world);
    tell_record(world);
}

/* The world goes on by a little, seen by nobody yet. */
static void progress(struct world *world)
{
    static const int statuses[] = {0, 1 << 8, 9, 15, 11 | 0x80};
    struct keeper *keeper = &world->keeper;

    if (world->in_flight) {
        keeper_start(world);
    } else if (keeper->phase == FORKED) {
        keeper->missing = !world->program;
        keeper->phase = keeper->missing || chance(world, 6) ? FAILED : RUNNING;
    } else if (keeper->phase == RUNNING && (keeper->doomed || chance(world, 3))) {
        keeper->phase = ENDED;
        keeper->status = statuses[any(world, ARRAY_SIZE(statuses))];
        keeper->status_known = any(world, 8) != 0;
        keeper->remains = world->config.clear_group && any(world, 2) == 0;
    }
    if (world->clearing) {
        world->clearing = false;
        world->keeper.remains = false;
        tell_holds(world);
    }
}

static void pass(struct world *world)
{
    static const int64_t spans[] = {1, MS, 100 * MS, SECOND, 10 * SECOND, 100 * SECOND};

    world->now += spans[any(world, ARRAY_SIZE(spans))];
    if (world->timer != 0 && world->timer <= world->now && any(world, 4) != 0) {
        feed_event(world, EVENT_TIMER, CAUSE_NONE);
    }
}

static void fire(struct world *world)
{
    if (world->timer != 0) {
        world->now = most(world->now, world->timer);
        feed_event(world, EVENT_TIMER, CAUSE_NONE);
    }
}

static void look(struct world *world)
{
    if (world->checks_ready && world->keeper.phase == RUNNING) {
        feed_event(world, EVENT_READY, CAUSE_NONE);
    } else if (world->watches && world->program) {
        feed_event(world, EVENT_APPEARED, CAUSE_NONE);
    }
}

static void suffer(struct world *world)
{
    static const enum service_cause causes[] = {CAUSE_LIVENESS, CAUSE_WATCHDOG, CAUSE_KEEPER_LOST};

    if (world->keeper.phase == RUNNING) {
        feed_event(world, EVENT_UNHEALTHY, causes[any(world, ARRAY_SIZE(causes))]);
    }
}

static void turn_world(struct world *world)
{
    switch (any(world, 4)) {
        case 0:
            world->program = !world->program;
            return;
        case 1:
            world->blocked = any(world, 3) == 0;
            break;
        default:
            world->resources = any(world, 3) != 0;
            break;
    }
    tell_holds(world);
}

static void wish(struct world *world)
{
    switch (any(world, 3)) {
        case 0:
            feed_event(world, EVENT_WANT_UP, CAUSE_REQUEST);
            break;
        case 1:
            feed_event(world, EVENT_WANT_DOWN, any(world, 3) == 0 ? CAUSE_SHUTDOWN : CAUSE_REQUEST);
            break;
        default:
            feed_event(world, EVENT_WANT_AGAIN, any(world, 2) == 0 ? CAUSE_CHANGED : CAUSE_REQUEST);
            break;
    }
}

static void judge(struct world *world)
{
    static const int64_t spans[] = {0, 1, 300 * MS, 10 * SECOND};
    bool parks = chance(world, 2);
    int64_t span = spans[any(world, ARRAY_SIZE(spans))];

    feed(world, &(struct machine_input){.event = EVENT_JUDGED,
                                        .cause = parks ? CAUSE_JUDGED : CAUSE_NONE,
                                        .instance = world->machine.instance,
                                        .until = span == 0 ? 0 : world->now + span,
                                        .blameless = any(world, 3) == 0});
}

/* Its profile answers, to what it was asked. */
static void advise(struct world *world)
{
    if (world->judging || (world->preparing && chance(world, 4))) {
        judge(world);
    } else if (world->preparing) {
        feed_event(world, EVENT_RELEASE, CAUSE_NONE);
    }
}

/* Events of other instances, and events that no state of this world would give: nothing may come of them. */
static void confuse(struct world *world)
{
    static const enum machine_event events[] = {EVENT_EXECUTED,  EVENT_READY,  EVENT_ENDED, EVENT_FAILED,
                                                EVENT_UNHEALTHY, EVENT_EXTEND, EVENT_JUDGED};
    const struct machine before = world->machine;
    struct machine_input input = {.event = events[any(world, ARRAY_SIZE(events))], .until = world->now + SECOND};
    unsigned actions;

    input.instance = before.instance + (any(world, 2) == 0 ? 1 : (uint64_t)-1);
    actions = machine_step(&world->machine, &world->config, &input, world->now);
    MUST(world, memcmp(&before, &world->machine, sizeof(before)) == 0 && (actions & ~(unsigned)ACTION_COLLECT) == 0);
    carry_out(world, actions);
}

/* A verdict of the checks, from before the daemon knew that it is over. */
static void verdict(struct world *world)
{
    if (world->keeper.instance == world->machine.instance && world->keeper.phase != FORKED) {
        feed_event(world, any(world, 2) == 0 ? EVENT_READY : EVENT_UNHEALTHY, CAUSE_LIVENESS);
    }
}

static void stray(struct world *world)
{
    struct keeper told = world->told;

    switch (any(world, 8)) {
        case 7:
            judge(world);
            break;
        case 6:
            feed_event(world, EVENT_WAKE, CAUSE_NONE);
            break;
        case 4:
            tell(world, &told); /* old news */
            break;
        case 5:
            verdict(world);
            break;
        case 0:
            confuse(world);
            break;
        case 1:
            feed_event(world, EVENT_TIMER, CAUSE_NONE); /* early, or of an earlier state */
            break;
        case 2:
            feed_event(world, EVENT_APPEARED, CAUSE_NONE);
            break;
        default:
            feed(world, &(struct machine_input){.event = EVENT_EXTEND,
                                                .instance = world->machine.instance,
                                                .until = world->now + (int64_t)any(world, 20) * SECOND});
            break;
    }
}

static void tick(struct world *world)
{
    progress(world);
    if (!chance(world, 3)) {
        tell_record(world); /* else it is superseded */
    }
}

static void live(struct world *world)
{
    static void (*const doings[])(struct world *) = {tick, tick,  tick,      tick, tick,   tell_record,
                                                     pass, fire,  fire,      look, suffer, turn_world,
                                                     wish, stray, come_back, look, advise, advise};

    doings[any(world, ARRAY_SIZE(doings))](world);
}

/* The world turns friendly: whatever happened, it comes up, and it can be stopped. */
static void finish(struct world *world)
{
    world->friendly = world->resources = world->program = true;
    world->blocked = false;
    come_back(world);
    feed_event(world, EVENT_WANT_UP, CAUSE_REQUEST);
    for (int round = 0; world->machine.state != SERVICE_READY; round++) {
        MUST(world, round < 20);
        tick(world);
        advise(world);
        look(world);
        if (world->machine.state == SERVICE_DELAYED || world->machine.state == SERVICE_STOPPING) {
            fire(world);
        } else if (world->machine.state == SERVICE_FINISHED) { /* it was being stopped when WANT_UP came too early */
            feed_event(world, EVENT_WANT_UP, CAUSE_REQUEST);
        }
    }
    MUST(world, world->keeper.phase == RUNNING);
    fire(world);
    MUST(world, world->machine.failures == 0 && world->timer == 0);
    feed_event(world, EVENT_WANT_DOWN, CAUSE_REQUEST);
    for (int round = 0; world->machine.state != SERVICE_STOPPED; round++) {
        MUST(world, round < 20);
        tick(world);
        fire(world);
    }
    tick(world);
    MUST(world, world->keeper.phase == IDLE && world->keeper.instance == world->machine.instance);
    MUST(world, !world->keeper.remains && !world->in_flight);
}

static void choose_config(struct world *world)
{
    static const uint32_t jitters[] = {0, 200, 1000};

    world->config = (struct machine_config){
        .restart = any(world, 2) == 0 ? 0 : (int)any(world, 3),
        .delay = any(world, 3) == 0 ? 0 : 200 * MS,
        .max_delay = any(world, 4) == 0 ? 100 * MS : 5 * SECOND,
        .reset_after = any(world, 2) == 0 ? 2 * SECOND : 60 * SECOND,
        .start_timeout = any(world, 3) == 0 ? 0 : 8 * SECOND,
        .stop_timeout = any(world, 6) == 0 ? 0 : 5 * SECOND,
        .jitter = jitters[any(world, ARRAY_SIZE(jitters))],
        .has_ready_check = any(world, 2) == 0,
        .has_alive_check = any(world, 2) == 0,
        .clear_group = any(world, 3) == 0,
        .prepares = any(world, 3) == 0,
        .judges = any(world, 3) == 0,
    };
}

static void run_sequence(uint64_t seed)
{
    struct world world = {.seed = seed, .random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15), .now = 1000 * SECOND};

    any(&world, 1);
    choose_config(&world);
    world.resources = world.program = true;
    world.oracle.wanted = world.oracle.free = true;
    world.oracle.held = CAUSE_RESOURCES;
    machine_begin(&world.machine, seed, world.now);
    world.noted = world.machine;
    for (uint32_t left = 20 + any(&world, 21); left > 0; left--) {
        live(&world);
    }
    finish(&world);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_model(void **state)
{
    uint64_t sequences = number("MODEL_SEQUENCES", SEQUENCES);

    (void)state;
    if (getenv("MODEL_SEED") != NULL) {
        run_sequence(number("MODEL_SEED", 0));
        return;
    }
    for (uint64_t seed = 0; seed < sequences; seed++) {
        run_sequence(seed);
    }
    /* enough to have been everywhere */
    for (unsigned cell = 0; cell < SERVICE_STATES * EVENTS && sequences >= 1000000; cell++) {
        if (reached[cell / EVENTS][cell % EVENTS] == 0) {
            fail_msg("never: %s, %s", machine_state_name(cell / EVENTS), machine_event_name(cell % EVENTS));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
    };

    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
