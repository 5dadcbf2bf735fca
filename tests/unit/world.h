/* SPDX-License-Identifier: Apache-2.0 */
/* Around the daemon of model.c: chance, and the keeper, which holds one process. */
#ifndef EDGEINIT_TESTS_UNIT_WORLD_H
#define EDGEINIT_TESTS_UNIT_WORLD_H

#include "oracle.h"

static uint32_t any(struct world *world, uint32_t count)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (uint32_t)((world->random >> 32) % count);
}

static bool chance(struct world *world, uint32_t of)
{
    return !world->friendly && any(world, of) == 0;
}

/* The keeper's side of the messages. */
static void keeper_start(struct world *world)
{
    struct keeper *keeper = &world->keeper;

    world->in_flight = false;
    if (keeper->instance < world->machine.instance) {
        MUST(world, keeper->phase == IDLE); /* never two, and none that was not collected */
        keeper->instance = world->machine.instance;
        keeper->phase = FORKED;
        keeper->doomed = false;
    }
}

/* An instance that was never started and is collected can never be started any more. */
static void keeper_collect(struct world *world)
{
    struct keeper *keeper = &world->keeper;

    if (keeper->instance <= world->machine.collected) {
        MUST(world, keeper->phase != FORKED && keeper->phase != RUNNING);
        keeper->instance = world->machine.collected;
        keeper->phase = IDLE;
    }
}

static void keeper_signal(struct world *world, bool ends)
{
    struct keeper *keeper = &world->keeper;

    if (keeper->phase == RUNNING && keeper->instance == world->machine.instance) {
        keeper->doomed |= ends;
    }
}

#endif
