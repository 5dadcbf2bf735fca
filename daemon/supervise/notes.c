/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/notes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "base/file.h"
#include "base/util.h"
#include "supervise/record.h"

#define NOTES_MAGIC 0x534e4445U /* "EDNS" in memory */
#define NOTES_VERSION 2
#define NOTES_SIZE 4096

struct notes_page {
    uint32_t magic;
    uint32_t version;
    char boot_id[40];
    _Atomic uint32_t machine_turn; /* its lowest bit says which copy is good */
    _Atomic uint32_t cursor_turn;
    struct machine machine[2];
    struct ring_cursor cursor[2];
};

_Static_assert(sizeof(struct notes_page) <= NOTES_SIZE, "the notes of a service are one page");

static bool is_good(const struct notes_page *page)
{
    char boot_id[40];

    boot_id_read(boot_id);
    return page->magic == NOTES_MAGIC && page->version == NOTES_VERSION &&
           strncmp(page->boot_id, boot_id, sizeof(boot_id)) == 0 &&
           machine_is_valid(&page->machine[page->machine_turn & 1]);
}

static void make_anew(struct notes_page *page, int64_t now)
{
    memset(page, 0, sizeof(*page));
    machine_begin(&page->machine[0], (uint64_t)now, now);
    boot_id_read(page->boot_id);
    page->version = NOTES_VERSION;
    atomic_thread_fence(memory_order_release);
    page->magic = NOTES_MAGIC;
}

int notes_open(struct notes *notes, const char *path, int64_t now, bool *fresh, struct error *err)
{
    CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct notes_page *page;

    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    /* The page is there from now on: a store into a hole of a full tmpfs would be a SIGBUS. */
    errno = posix_fallocate(fd, 0, NOTES_SIZE);
    if (errno != 0) {
        error_system(err, errno, "make room for %s", path);
        return error_remedy(err, "see what fills the run directory's tmpfs");
    }
    page = mmap(NULL, NOTES_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        return error_system(err, errno, "map %s", path);
    }
    /* No child of ours looks at it, and with hundreds of services most of a fork is the copying of such mappings. */
    madvise(page, NOTES_SIZE, MADV_DONTFORK);
    *fresh = !is_good(page);
    if (*fresh) {
        make_anew(page, now);
    }
    notes->page = page;
    return 0;
}

void notes_close(struct notes *notes)
{
    if (notes->page != NULL) {
        munmap(notes->page, NOTES_SIZE);
        notes->page = NULL;
    }
}

void notes_machine(const struct notes *notes, struct machine *machine)
{
    *machine = notes->page->machine[notes->page->machine_turn & 1];
}

void notes_set_machine(struct notes *notes, const struct machine *machine)
{
    uint32_t turn = notes->page->machine_turn + 1;

    notes->page->machine[turn & 1] = *machine;
    atomic_store_explicit(&notes->page->machine_turn, turn, memory_order_release);
}

void notes_cursor(const struct notes *notes, struct ring_cursor *cursor)
{
    *cursor = notes->page->cursor[notes->page->cursor_turn & 1];
}

void notes_set_cursor(struct notes *notes, const struct ring_cursor *cursor)
{
    uint32_t turn = notes->page->cursor_turn + 1;

    notes->page->cursor[turn & 1] = *cursor;
    atomic_store_explicit(&notes->page->cursor_turn, turn, memory_order_release);
}
