/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spare.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* execve(2) maps so much below the program's arguments at least, and nothing else stands within a megabyte of a stack. */
#define STACK_REACH (128 * 1024)

/* No more than that is given back at a time: where a limit is none (ignore_rlimit_data), malloc() would never end. */
#define SPARE_LARGEST ((size_t)4 * 1024 * 1024)

/* What madvise(2) itself needs of the stack, a sanitizer's wrapper included. */
#define STACK_OF_CALL 1024

#ifdef __GLIBC__
void spare_heap(void)
{
    malloc_trim(0);
}
#else
/* musl's older malloc keeps what was freed. By its interface alone: while the heap must not grow, whatever can still be allocated
 * is free and is there; the pages inside it are given back, and then it is freed again. */
void spare_heap(void)
{
    struct block {
        struct block *next;
    } *blocks = NULL;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    size_t left = SPARE_LARGEST;
    struct rlimit before;
    struct rlimit none;

    if (getrlimit(RLIMIT_DATA, &before) != 0) {
        return;
    }
    none = before;
    none.rlim_cur = page; /* 0 would mean no limit (mm/mmap.c, may_expand_vm) */
    if (setrlimit(RLIMIT_DATA, &none) != 0) {
        return;
    }
    for (size_t size = 512 * 1024; size >= 2 * page; size -= page) {
        struct block *block;

        while (left >= size && (block = malloc(size)) != NULL) {
            uintptr_t begin = ((uintptr_t)(block + 1) + page - 1) & ~(page - 1);
            uintptr_t end = ((uintptr_t)block + size) & ~(page - 1);

            if (end > begin) {
                madvise((void *)begin, end - begin, MADV_DONTNEED);
            }
            block->next = blocks;
            blocks = block;
            left -= size;
        }
    }
    setrlimit(RLIMIT_DATA, &before);
    while (blocks != NULL) {
        struct block *next = blocks->next;

        free(blocks);
        blocks = next;
    }
}
#endif

void spare_stack(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t end = ((uintptr_t)__builtin_frame_address(0) - STACK_OF_CALL) & ~(page - 1);

    madvise((void *)(end - STACK_REACH), STACK_REACH, MADV_DONTNEED);
}

static int spare_object(struct dl_phdr_info *object, size_t size, void *data)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)size;
    (void)data;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        uintptr_t begin = (object->dlpi_addr + part->p_vaddr) & ~(page - 1);

        if (part->p_type == PT_LOAD && (part->p_flags & PF_W) == 0) {
            madvise((void *)begin, object->dlpi_addr + part->p_vaddr + part->p_memsz - begin, MADV_DONTNEED);
        }
    }
    return 0;
}

void spare_code(void)
{
    dl_iterate_phdr(spare_object, NULL);
}
