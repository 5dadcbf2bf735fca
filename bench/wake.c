/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake RECORD EVENT [ARGUMENT…] — do what a service waits for, and measure from just before that until the service's program
 * is executed, as its keeper's record (supervise/record.h) says: microseconds, on stdout. What was done is undone then.
 *
 *   address INTERFACE ADDRESS   the interface gets this address, beside its own
 *   route INTERFACE GATEWAY     a default route by it comes
 *   file PATH                   PATH.new becomes PATH
 *   byte PATH                   a byte is written into this FIFO
 *
 * wake ready FIFO: a service that says READY=1 when there is a byte, and lives on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "supervise/record.h"

#define PATIENCE INT64_C(20000000)

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void set_address(struct sockaddr *address, const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};

    inet_pton(AF_INET, text, &in.sin_addr);
    memcpy(address, &in, sizeof(in));
}

/* As an alias of the interface, which takes its address with it when it is put down. */
static void change_address(const char *interface, const char *address, bool comes)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {0};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%.12s:7", interface);
    if (comes) {
        set_address(&request.ifr_addr, address);
    }
    if (ioctl(fd, comes ? SIOCSIFADDR : SIOCSIFFLAGS, &request) != 0) {
        die(interface);
    }
    close(fd);
}

static void change_route(char *interface, const char *gateway, bool comes)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY, .rt_dev = interface};

    set_address(&route.rt_dst, "0.0.0.0");
    set_address(&route.rt_genmask, "0.0.0.0");
    set_address(&route.rt_gateway, gateway);
    if (ioctl(fd, comes ? SIOCADDRT : SIOCDELRT, &route) != 0) {
        die(interface);
    }
    close(fd);
}

static void put_file(const char *path)
{
    char fresh[4096];

    snprintf(fresh, sizeof(fresh), "%s.new", path);
    if (rename(fresh, path) != 0) {
        die(path);
    }
}

static void put_byte(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || write(fd, "x", 1) != 1) {
        die(path);
    }
    close(fd);
}

static void happen(char **event, bool comes)
{
    if (strcmp(event[0], "address") == 0) {
        change_address(event[1], event[2], comes);
    } else if (strcmp(event[0], "route") == 0) {
        change_route(event[1], event[2], comes);
    } else if (strcmp(event[0], "file") == 0 && comes) {
        put_file(event[1]);
    } else if (strcmp(event[0], "byte") == 0 && comes) {
        put_byte(event[1]);
    }
}

static int measure(const char *path, char **event)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    const volatile struct keeper_record *record =
        fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*record), PROT_READ, MAP_SHARED, fd, 0);
    const struct timespec moment = {.tv_nsec = 50000};
    uint64_t before;
    int64_t began;
    int64_t now;

    if (record == MAP_FAILED) {
        die(path);
    }
    before = record->instance;
    began = clock_now();
    happen(event, true);
    do {
        nanosleep(&moment, NULL);
        now = clock_now();
    } while ((record->instance == before || record->phase == PHASE_STARTING) && now - began < PATIENCE);
    happen(event, false);
    if (now - began >= PATIENCE) {
        fprintf(stderr, "wake: %s: nothing was executed\n", event[0]);
        return EXIT_FAILURE;
    }
    printf("%lld\n", (long long)(now - began));
    return EXIT_SUCCESS;
}

static int be_ready(const char *fifo)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int fd = open(fifo, O_RDWR | O_CLOEXEC);
    char byte;

    if (path == NULL || fd < 0 || read(fd, &byte, 1) != 1) {
        die(fifo);
    }
    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    if (sendto(notify, "READY=1", 7, 0, (const struct sockaddr *)&to, sizeof(to)) != 7) {
        die(path);
    }
    for (;;) {
        pause();
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "ready") == 0) {
        return be_ready(argv[2]);
    }
    if (argc < 4) {
        fputs("usage: wake RECORD EVENT ARGUMENT…, see its source\n", stderr);
        return 64;
    }
    return measure(argv[1], argv + 2);
}
