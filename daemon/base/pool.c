/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include <stdint.h>
#include <sys/mman.h>

#define PIECE ((size_t)64 * 1024)
#define MOST_PIECES 256 /* beyond that malloc(3) is as good */
#define ALIGNMENT ((size_t)16)

#if defined(__SANITIZE_ADDRESS__)
#define IS_USED false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define IS_USED false
#endif
#endif
#ifndef IS_USED
#define IS_USED true
#endif

static struct {
    bool open;
    size_t count; /* of pieces; those that are given back are NULL, and stay so while others are there */
    struct {
        char *base;
        size_t used;
        size_t living; /* things that were not freed yet */
    } pieces[MOST_PIECES];
} pool;

static void give_back(size_t index)
{
    munmap(pool.pieces[index].base, PIECE);
    pool.pieces[index].base = NULL;
    while (pool.count > 0 && pool.pieces[pool.count - 1].base == NULL) {
        pool.count--;
    }
}

void pool_open(void)
{
    pool.open = IS_USED;
}

void pool_close(void)
{
    pool.open = false;
    if (pool.count > 0 && pool.pieces[pool.count - 1].living == 0) {
        give_back(pool.count - 1);
    }
}

static bool add_piece(void)
{
    void *base;

    if (pool.count == MOST_PIECES) {
        return false;
    }
    base = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return false;
    }
    pool.pieces[pool.count].base = base;
    pool.pieces[pool.count].used = 0;
    pool.pieces[pool.count].living = 0;
    pool.count++;
    return true;
}

void *pool_allocate(size_t size)
{
    size_t room = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    size_t last = pool.count - 1;
    void *thing;

    if (!pool.open || size == 0 || size > PIECE / 4) {
        return NULL;
    }
    if (pool.count == 0 || pool.pieces[last].used + room > PIECE) {
        if (!add_piece()) {
            return NULL;
        }
        last = pool.count - 1;
    }
    thing = pool.pieces[last].base + pool.pieces[last].used;
    pool.pieces[last].used += room;
    pool.pieces[last].living++;
    return thing;
}

bool pool_free(void *pointer)
{
    for (size_t i = pool.count; i-- > 0;) {
        uintptr_t offset = (uintptr_t)pointer - (uintptr_t)pool.pieces[i].base;

        if (pool.pieces[i].base == NULL || offset >= PIECE) {
            continue;
        }
        pool.pieces[i].living--;
        if (pool.pieces[i].living == 0 && (!pool.open || i + 1 < pool.count)) {
            give_back(i);
        }
        return true;
    }
    return false;
}
