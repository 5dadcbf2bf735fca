/* SPDX-License-Identifier: Apache-2.0 */
#include "soak.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/util.h"

struct soak_page *soak_page_open(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct soak_page *page = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, sizeof(*page)) == 0) {
        page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (page == MAP_FAILED) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    return page;
}

static void pause_for(long microseconds)
{
    const struct timespec time = {.tv_nsec = microseconds * 1000};

    nanosleep(&time, NULL);
}

static void say(const char *name, uint64_t number, const char *end)
{
    char line[64];
    int length = snprintf(line, sizeof(line), "%s %llu%s", name, (unsigned long long)number, end);
    ssize_t written = write(STDOUT_FILENO, line, (size_t)length);

    if (written != length) {
        _exit(99); /* the killer did not plan this end */
    }
}

void soak_steady(struct soak_page *page)
{
    page->steady_starts++;
    for (;;) {
        if (!page->quiet) {
            say("steady", page->steady_lines, "\n");
            page->steady_lines++;
        }
        pause_for(1000);
    }
}

static void say_ready(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const char *path = getenv("NOTIFY_SOCKET");

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path == NULL ? "" : path);
    if (sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&address, sizeof(address)) != 7) {
        _exit(98);
    }
}

/* Wait statuses: exit codes and signals. */
static const int ends[] = {3 << 8, 1 << 8, SIGKILL, 0, 255 << 8, SIGTERM, SIGUSR1, 77 << 8, SIGSEGV};

static _Noreturn void end_as(int status)
{
    const struct rlimit no_core = {0, 0};

    setrlimit(RLIMIT_CORE, &no_core);
    if ((status & 0x7f) != 0) {
        signal(status, SIG_DFL);
        raise(status);
    }
    _exit(status >> 8);
}

void soak_crasher(struct soak_page *page)
{
    unsigned number = (unsigned)page->crasher_starts++;
    unsigned lines = 3 + number * 7 % 20;
    bool cut = number % 3 == 0; /* its last line has no newline */

    for (unsigned i = 1;; i++) {
        bool last = i > lines && page->seen == page->ends && !page->quiet;

        if (i == 3) {
            say_ready();
        }
        if (!page->quiet) {
            say("crasher", page->crasher_lines, last && cut ? "" : "\n");
            page->crasher_lines++;
        }
        if (last) {
            page->plan = ends[number % ARRAY_SIZE(ends)];
            page->ends++;
            end_as(page->plan);
        }
        pause_for(1000);
    }
}
