/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logged LINES STAMP ring FILE           wait until so many lines have gone through the ring FILE of edgeinit
 * logged LINES STAMP pipe FLOOD LOGGER…  run `FLOOD LINES STAMP` with LOGGER reading its output, until LOGGER has ended
 *
 * Prints the microseconds since the flood began, which it stamps. LINES of a ring are all since it was made.
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "stamp.h"
#include "supervise/ring.h"

#define PATIENCE INT64_C(60000000000)
#define LOOK INT64_C(200000) /* between two looks */

static uint64_t lines_so_far(struct ring_reader *reader, uint64_t *position)
{
    static char text[RING_LARGEST_BATCH];
    struct ring_cursor cursor = {.position = *position};
    struct ring_batch batch;
    uint64_t lines = 0;
    uint64_t lost;

    while (ring_next(reader, &cursor, &batch, text, &lost) == 1) {
        lines = cursor.line;
    }
    *position = cursor.position;
    return lines;
}

/* Only the head is looked at while it moves: reading along would be work that nobody asked for. */
static int64_t wait_for_ring(const char *path, uint64_t lines)
{
    struct ring_reader reader;
    struct error err = {0};
    int64_t end = now() + PATIENCE;
    int64_t moved = 0;
    uint64_t head = 0;
    uint64_t position = 0;

    if (ring_reader_open(&reader, path, &err) != 0) {
        die(path);
    }
    for (;;) {
        uint64_t current = __atomic_load_n(&reader.header->head, __ATOMIC_SEQ_CST);

        if (current != head) {
            head = current;
            moved = now();
        } else if (moved != 0 && now() - moved > 50 * LOOK) {
            uint64_t seen = lines_so_far(&reader, &position);

            if (seen == lines) {
                return moved;
            }
            if (seen > lines) {
                break;
            }
        }
        if (now() > end) {
            break;
        }
        sleep_until(now() + LOOK);
    }
    fprintf(stderr, "logged: %s has not got %llu lines\n", path, (unsigned long long)lines);
    exit(EXIT_FAILURE);
}

static pid_t run(char **command, int from, int to)
{
    pid_t pid = fork();

    if (pid == 0) {
        if (dup2(from, to) >= 0) {
            execv(command[0], command);
        }
        perror(command[0]);
        _exit(127);
    }
    return pid;
}

static int64_t wait_for_pipe(char *lines, char *stamp, char **command)
{
    char *flood[] = {command[0], lines, stamp, NULL};
    int ends[2];
    int status = 0;
    pid_t logger;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        die("pipe2");
    }
    logger = run(command + 1, ends[0], STDIN_FILENO);
    sleep_until(now() + 100000000); /* it is there, and waits */
    run(flood, ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    if (waitpid(logger, &status, 0) != logger || status != 0) {
        fprintf(stderr, "logged: %s ended with status %d\n", command[1], status);
        exit(EXIT_FAILURE);
    }
    return now();
}

int main(int argc, char **argv)
{
    const struct stamp *stamp;
    int64_t ended;

    if (argc < 5) {
        fprintf(stderr, "logged LINES STAMP ring FILE | pipe FLOOD LOGGER...\n");
        return EXIT_FAILURE;
    }
    stamp = stamp_map(argv[2]);
    ended = strcmp(argv[3], "ring") == 0 ? wait_for_ring(argv[4], strtoull(argv[1], NULL, 10))
                                         : wait_for_pipe(argv[1], argv[2], argv + 4);
    printf("%.1f\n", (double)(ended - stamp->time) / 1e3);
    return EXIT_SUCCESS;
}
