/* SPDX-License-Identifier: Apache-2.0 */
/* A real edgeinit-keeper, as it lies beside the test program, in a directory of its own, driven through its socket as a
 * daemon would. */
#ifndef EDGEINIT_TESTS_UNIT_KEEPER_H
#define EDGEINIT_TESTS_UNIT_KEEPER_H

#include "supervise/record.h"

#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"
#include "supervise/ring.h"
#include "supervise/spec.h"
#include "test.h"

#define RING_SIZE "1048576"
#define PATIENCE 60000 /* milliseconds: until a test that waits in vain fails */

/* The keeper under test, and our connection to it. */
static struct {
    char program[PATH_MAX + 20];
    char directory[PATH_MAX];
    pid_t pid;
    int fd;
    uint64_t instance;
    struct keeper_record record; /* the last that came */
} keeper;

static inline void find_keeper(void)
{
    char self[PATH_MAX] = "";

    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0) {
        abort();
    }
    snprintf(keeper.program, sizeof(keeper.program), "%s/edgeinit-keeper", dirname(self));
}

static inline void pause_ms(long milliseconds)
{
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static inline pid_t spawn_keeper(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        execl(keeper.program, keeper.program, keeper.directory, RING_SIZE, NULL);
        _exit(126);
    }
    return pid;
}

static inline int try_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
        return fd;
    }
    close(fd);
    return -1;
}

static inline void send_message(const struct wire_message *message)
{
    struct wire_message full = *message;

    full.header.magic = KEEPER_MAGIC;
    full.header.version = KEEPER_VERSION;
    assert_int_equal(send(keeper.fd, &full, sizeof(full), MSG_NOSIGNAL), sizeof(full));
}

#define SEND(...) send_message(&(const struct wire_message){__VA_ARGS__})

/* The next packet: its type, and if it is one, the record is in keeper.record. 0 if there is none in time. */
static inline int receive(int patience)
{
    struct pollfd source = {.fd = keeper.fd, .events = POLLIN};
    char packet[2 * sizeof(struct keeper_record)];
    struct wire_header header = {0};
    ssize_t got;

    if (poll(&source, 1, patience) != 1) {
        return 0;
    }
    got = recv(keeper.fd, packet, sizeof(packet), 0);
    if (got < (ssize_t)sizeof(header)) {
        return -1;
    }
    memcpy(&header, packet, sizeof(header));
    if (header.type == WIRE_RECORD) {
        assert_true(record_read(packet, (size_t)got, &keeper.record));
    }
    return header.type;
}

static inline void wait_phase(enum keeper_phase phase)
{
    do {
        assert_int_equal(receive(PATIENCE), WIRE_RECORD);
    } while (keeper.record.phase != (int)phase || keeper.record.instance != keeper.instance);
}

static inline void connect_keeper(void)
{
    int64_t until = clock_now() + PATIENCE * MICROSECONDS_PER_MILLISECOND;

    if (keeper.fd >= 0) {
        close(keeper.fd);
    }
    while ((keeper.fd = try_connect()) < 0) {
        assert_true(clock_now() < until);
        pause_ms(1);
    }
    SEND(.header.type = WIRE_HELLO);
    assert_int_equal(receive(PATIENCE), WIRE_RECORD);
}

static inline void write_spec(const struct spec *spec)
{
    const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_TEXT struct text text = {0};
    struct error err = {0};

    assert_true(spec_pack(spec, &text));
    assert_int_equal(file_write("spec", text.data, text.length, &attributes, &err), 0);
}

static inline void start(const struct spec *spec)
{
    write_spec(spec);
    SEND(.header.type = WIRE_START, .instance = ++keeper.instance);
}

static inline struct spec shell(const char *script)
{
    return (struct spec){
        .arguments = {"/bin/sh", "-c", script}, .environment = {"PATH=/bin:/usr/bin"}, .directory = "/"};
}

static inline void start_shell(const char *script)
{
    struct spec spec = shell(script);

    start(&spec);
}

static inline void collect(void)
{
    SEND(.header.type = WIRE_COLLECT, .instance = keeper.instance);
    wait_phase(PHASE_IDLE);
}

/* All that is in the ring, as one text. */
static inline const char *logged(void)
{
    static char all[1 << 20];
    struct ring_reader reader;
    struct ring_cursor cursor = {0};
    struct ring_batch batch;
    char text[RING_LARGEST_BATCH];
    size_t length = 0;
    uint64_t lost;
    struct error err = {0};

    assert_int_equal(ring_reader_open(&reader, "log", &err), 0);
    while (ring_next(&reader, &cursor, &batch, text, &lost) == 1 && length + batch.length < sizeof(all)) {
        memcpy(all + length, text, batch.length);
        length += batch.length;
    }
    all[length] = '\0';
    ring_reader_close(&reader);
    return all;
}

static inline int count_fds(pid_t pid)
{
    char path[64];
    int count = 0;
    DIR *directory;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    directory = opendir(path);
    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

static inline long number_in(pid_t pid, const char *file, const char *key)
{
    CLEANUP_FREE char *data = NULL;
    char path[64];
    size_t length;
    struct error err = {0};
    const char *at;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    assert_int_equal(file_read(path, 1 << 20, &data, &length, &err), 0);
    at = strstr(data, key);
    assert_non_null(at);
    return strtol(at + strlen(key), NULL, 10);
}

/* Number of living or dead children. */
static inline int count_children(pid_t parent)
{
    DIR *directory = opendir("/proc");
    const struct dirent *entry;
    int count = 0;

    while ((entry = readdir(directory)) != NULL) {
        count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
                 process_parent((pid_t)strtol(entry->d_name, NULL, 10)) == parent;
    }
    closedir(directory);
    return count;
}

/* R, S, T, Z …; 0: there is no such process. */
static inline char process_state(pid_t pid)
{
    CLEANUP_FREE char *data = NULL;
    char path[64];
    size_t length;
    struct error err = {0};
    const char *at;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (file_read(path, 4096, &data, &length, &err) != 0 || (at = strrchr(data, ')')) == NULL) {
        return '\0';
    }
    return at[2];
}

/* Until it is in one of these states; "" is enough for one that is gone. */
static inline void wait_state(pid_t pid, const char *states)
{
    int64_t until = clock_now() + PATIENCE * MICROSECONDS_PER_MILLISECOND;

    while (strchr(states, process_state(pid)) == NULL) { /* which finds the NUL as well */
        assert_true(clock_now() < until);
        pause_ms(1);
    }
}

/* Whatever the keeper has begun, it has done when it answers. */
static inline void settle(void)
{
    SEND(.header.type = WIRE_HELLO);
    assert_int_equal(receive(PATIENCE), WIRE_RECORD);
}

static inline int begin(void **state)
{
    if (enter_directory(state) != 0) {
        return -1;
    }
    snprintf(keeper.directory, sizeof(keeper.directory), "%s", (const char *)*state);
    keeper.fd = -1;
    keeper.instance = 0;
    keeper.pid = spawn_keeper();
    connect_keeper();
    return 0;
}

static inline int finish(void **state)
{
    if (keeper.record.pid > 1 && keeper.record.phase != PHASE_ENDED) {
        kill(keeper.record.pid, SIGKILL);
    }
    kill(keeper.pid, SIGKILL);
    waitpid(keeper.pid, NULL, 0);
    if (keeper.fd >= 0) {
        close(keeper.fd);
    }
    memset(&keeper.record, 0, sizeof(keeper.record));
    return leave_directory(state);
}

#endif
