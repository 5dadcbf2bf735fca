/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/decide.h"

int64_t machine_add(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

int64_t machine_delay(const struct machine_config *config, uint32_t failures)
{
    int64_t delay = failures == 0 ? 0 : config->delay;

    for (uint32_t n = 1; n < failures && delay > 0 && delay < config->max_delay; n++) {
        delay = delay > config->max_delay / 2 ? config->max_delay : delay * 2;
    }
    return delay < config->max_delay ? delay : config->max_delay;
}

int64_t machine_wake_delay(const struct machine_config *config, uint32_t failures)
{
    uint32_t counted = failures > MACHINE_WOKEN_FREELY ? failures - MACHINE_WOKEN_FREELY : 0;
    int64_t delay = machine_delay(config, counted);

    delay = delay > MACHINE_WOKEN_MOST ? MACHINE_WOKEN_MOST : delay;
    return delay < MACHINE_WOKEN_LEAST ? MACHINE_WOKEN_LEAST : delay;
}

/* splitmix64: every state is followed by another, so any seed is good. */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int64_t machine_jitter(int64_t delay, uint32_t jitter, uint64_t *seed)
{
    int64_t thousandths = jitter < 1000 ? jitter : 1000;
    int64_t reach;

    delay = delay < INT64_MAX / 2 ? delay : INT64_MAX / 2;
    reach = delay / 1000 * thousandths + delay % 1000 * thousandths / 1000;

    if (reach <= 0) {
        return delay;
    }
    /* 2 * reach + 1 values; as one in 2^64 of them is more likely than another, nobody will notice */
    return delay - reach + (int64_t)(next_random(seed) % (2 * (uint64_t)reach + 1));
}
