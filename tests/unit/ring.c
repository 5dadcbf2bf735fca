/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/ring.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/util.h"
#include "supervise/output.h"
#include "test.h"

static void append(struct ring *ring, const char *text)
{
    struct error err = {0};
    uint32_t lines = 0;

    for (const char *at = text; *at != '\0'; at++) {
        lines += *at == '\n';
    }
    assert_int_equal(ring_append(ring, text, strlen(text), lines, lines == 0 ? RING_CUT : 0, &err), 0);
}

static void test_append_and_read(void **state)
{
    struct ring ring;
    struct ring_reader reader;
    struct ring_cursor cursor = {0};
    struct ring_batch batch;
    char text[RING_LARGEST_BATCH];
    uint64_t lost = 1;
    struct error err = {0};
    int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    (void)state;
    assert_int_equal(ring_open(&ring, "log", 1, &err), 0);
    assert_true(ring.size == RING_SMALLEST);
    assert_int_equal(ring_reader_open(&reader, "log", &err), 0);
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 0);
    append(&ring, "one\ntwo\n");
    append(&ring, "three\n");
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 1);
    assert_int_equal(lost, 0);
    assert_int_equal(batch.lines, 2);
    assert_memory_equal(text, "one\ntwo\n", 8);
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 1);
    assert_int_equal(batch.first_line, 2);
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 0);

    /* Continued by a second writer, which knows the next line's number; what was held back is there as well. */
    ring_hold(&ring, "partial", 7);
    ring_close(&ring);
    assert_int_equal(ring_open(&ring, "log", 1, &err), 0);
    assert_int_equal(ring.next_line, 3);
    assert_int_equal(ring_held(&ring, text), 7);
    assert_memory_equal(text, "partial", 7);
    assert_true(inotify_add_watch(watch, "log", IN_MODIFY) > 0);
    append(&ring, "four\n");
    assert_true(read(watch, text, sizeof(text)) > 0);
    assert_int_equal(ring_held(&ring, text), 0);
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 1);
    assert_int_equal(batch.first_line, 3);
    close(watch);

    /* Of another size it is made anew, and who reads the old one keeps it. */
    ring_close(&ring);
    assert_int_equal(ring_open(&ring, "log", 2 * RING_SMALLEST, &err), 0);
    assert_int_equal(ring.next_line, 0);
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 0);
    ring_close(&ring);
    ring_reader_close(&reader);
}

/* Many sizes of batches, far more than fits: each line is either there once or counted as lost. */
static void test_wrap(void **state)
{
    static char line[RING_LARGEST_BATCH];
    struct ring ring;
    struct ring_reader reader;
    struct ring_cursor cursor = {0};
    struct ring_batch batch;
    char text[RING_LARGEST_BATCH];
    uint64_t lost = 0;
    uint64_t seen = 0;
    struct error err = {0};

    (void)state;
    memset(line, 'x', sizeof(line));
    assert_int_equal(ring_open(&ring, "log", RING_SMALLEST, &err), 0);
    assert_int_equal(ring_reader_open(&reader, "log", &err), 0);
    for (uint32_t i = 0; i < 20000; i++) {
        size_t length = 1 + (i * 7919U) % (i % 10 == 0 ? RING_LARGEST_BATCH : 200);

        line[length - 1] = '\n';
        assert_int_equal(ring_append(&ring, line, length, 1, 0, &err), 0);
        line[length - 1] = 'x';
        while (i % 97 == 0 && ring_next(&reader, &cursor, &batch, text, &lost) == 1) {
            seen += lost + batch.lines;
            assert_int_equal(batch.first_line + batch.lines, seen);
            assert_int_equal(text[batch.length - 1], '\n');
        }
    }
    while (ring_next(&reader, &cursor, &batch, text, &lost) == 1) {
        seen += lost + batch.lines;
    }
    assert_int_equal(seen, 20000);
    assert_int_equal(ring_append(&ring, line, 0, 0, 0, &err), -1);
    ring_close(&ring);
    ring_reader_close(&reader);
}

static void test_last(void **state)
{
    struct ring ring;
    struct ring_reader reader;
    struct ring_cursor cursor;
    uint64_t surplus;
    struct error err = {0};

    (void)state;
    assert_int_equal(ring_open(&ring, "log", RING_SMALLEST, &err), 0);
    assert_int_equal(ring_reader_open(&reader, "log", &err), 0);
    ring_last(&reader, 10, &cursor, &surplus);
    assert_int_equal(cursor.position, 0);
    append(&ring, "0\n1\n2\n");
    append(&ring, "3 begins");
    append(&ring, " and ends\n4\n");
    ring_last(&reader, UINT64_MAX, &cursor, &surplus);
    assert_int_equal(cursor.line, 0);
    assert_int_equal(surplus, 0);
    ring_last(&reader, 4, &cursor, &surplus);
    assert_int_equal(cursor.line, 0);
    assert_int_equal(surplus, 1);
    ring_last(&reader, 2, &cursor, &surplus);
    assert_int_equal(cursor.line, 3);
    assert_int_equal(cursor.position, sizeof(struct ring_batch) + 6);
    assert_int_equal(surplus, 0);
    ring_last(&reader, 0, &cursor, &surplus);
    assert_int_equal(cursor.line, 5);
    assert_int_equal(cursor.position, ring.head);
    ring_close(&ring);
    ring_reader_close(&reader);
}

/* What is no ring is refused by readers and replaced by writers; a damaged batch ends in an error, not in a loop. */
static void test_broken(void **state)
{
    struct ring ring;
    struct ring_reader reader;
    struct ring_cursor cursor = {0};
    struct ring_batch batch;
    char text[RING_LARGEST_BATCH];
    uint64_t lost;
    struct error err = {0};
    int fd = open("log", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_int_equal(ring_reader_open(&reader, "missing", &err), -1);
    assert_int_equal(ring_reader_open(&reader, "log", &err), -1);
    assert_int_equal(err.code, ERROR_INPUT);
    assert_int_equal(ftruncate(fd, RING_HEADER + RING_SMALLEST), 0);
    assert_int_equal(ring_reader_open(&reader, "log", &err), -1);
    close(fd);
    assert_int_equal(ring_open(&ring, "log", RING_SMALLEST, &err), 0);
    append(&ring, "one\n");
    append(&ring, "two\n");
    assert_int_equal(ring_reader_open(&reader, "log", &err), 0);
    assert_int_equal(pwrite(ring.fd, "X", 1, RING_HEADER), 1);
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), -1);
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 0);
    append(&ring, "three\n");
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 1);
    assert_int_equal(lost, 2);
    ring.header->tail = UINT64_MAX;
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), -1);
    ring_close(&ring);
    assert_int_equal(ring_open(&ring, "log", RING_SMALLEST, &err), 0);
    assert_int_equal(ring.head, 0);
    ring_close(&ring);
    ring_reader_close(&reader);
}

/* A writer of numbered lines, as many and as fast as it can, until it is killed. The text tells the line's number. */
static _Noreturn void write_for_ever(void)
{
    struct ring ring;
    struct error err = {0};
    char text[8192];

    if (ring_open(&ring, "log", RING_SMALLEST, &err) != 0) {
        _exit(1);
    }
    for (unsigned turn = 0;; turn++) {
        uint32_t lines = 1 + turn * 31 % 150;
        int length = 0;

        for (uint32_t i = 0; i < lines; i++) {
            length += snprintf(text + length, sizeof(text) - (size_t)length, "%llu and some text\n",
                               (unsigned long long)(ring.next_line + i));
        }
        if (ring_append(&ring, text, (size_t)length, lines, 0, &err) != 0) {
            _exit(1);
        }
    }
}

static void check_numbers(const struct ring_batch *batch, char *text)
{
    char *at = text;

    text[batch->length] = '\0';
    for (uint64_t i = 0; i < batch->lines; i++) {
        assert_int_equal(strtoull(at, &at, 10), batch->first_line + i);
        at = strchr(at, '\n') + 1;
    }
    assert_ptr_equal(at, text + batch->length);
}

/* Killed between any two instructions, again and again, and read meanwhile. */
static void test_killed_writers(void **state)
{
    struct ring ring;
    struct ring_reader reader;
    struct ring_cursor cursor = {0};
    struct ring_batch batch;
    char text[RING_LARGEST_BATCH + 1];
    uint64_t lost = 0;
    uint64_t seen = 0;
    struct error err = {0};

    (void)state;
    assert_int_equal(ring_open(&ring, "log", RING_SMALLEST, &err), 0);
    ring_close(&ring);
    assert_int_equal(ring_reader_open(&reader, "log", &err), 0);
    for (unsigned round = 0; round < 300; round++) {
        pid_t pid = fork();
        struct timespec nap = {0, (long)(100000 + round * 7919 % 1000 * 2000)};
        uint64_t least =
            round % 50 == 0 ? seen + 500 : 0; /* it may be killed before it has had a processor, but not always */
        int status;
        int result;

        if (pid == 0) {
            write_for_ever();
        }
        if (round % 3 == 0) {
            nanosleep(&nap, NULL);
        }
        for (unsigned i = 0;
             (i < round * 7 % 200 || seen < least) && (result = ring_next(&reader, &cursor, &batch, text, &lost)) >= 0;
             i++) {
            if (result == 1) {
                seen += lost + batch.lines;
                assert_int_equal(batch.first_line + batch.lines, seen);
                check_numbers(&batch, text);
            }
        }
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        while ((result = ring_next(&reader, &cursor, &batch, text, &lost)) == 1) {
            seen += lost + batch.lines;
            assert_int_equal(batch.first_line + batch.lines, seen);
            check_numbers(&batch, text);
        }
        assert_int_equal(result, 0);
    }
    assert_true(seen > 1000);
    /* One ring all the time: none of them had to make it anew. */
    assert_int_equal(ring_open(&ring, "log", RING_SMALLEST, &err), 0);
    assert_int_equal(ring.next_line, seen);
    ring_close(&ring);
    ring_reader_close(&reader);
}

/* Through the pipe: partial lines wait, long ones are cut, the last is ended. */
static void test_output(void **state)
{
    static struct output output;
    static char longest[2 * RING_LONGEST_LINE + 10];
    struct ring ring;
    struct ring_reader reader;
    struct ring_cursor cursor = {0};
    struct ring_batch batch;
    char text[RING_LARGEST_BATCH];
    uint64_t lost;
    struct error err = {0};
    int ends[2];

    (void)state;
    memset(longest, 'y', sizeof(longest));
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(ring_open(&ring, "log", RING_SMALLEST, &err), 0);
    assert_int_equal(ring_reader_open(&reader, "log", &err), 0);
    output_begin(&output, ends[0], &ring);
    assert_int_equal(write(ends[1], "one\ntw", 6), 6);
    output_read(&output, 8);
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 1);
    assert_int_equal(batch.length, 4);
    /* Another keeper goes on. */
    output_begin(&output, ends[0], &ring);
    assert_int_equal(write(ends[1], "o\n", 2), 2);
    output_read(&output, 8);
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 1);
    assert_memory_equal(text, "two\n", 4);
    assert_int_equal(write(ends[1], longest, sizeof(longest)), sizeof(longest));
    output_read(&output, 8);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 1);
        assert_int_equal(batch.flags, RING_CUT);
        assert_int_equal(batch.length, RING_LONGEST_LINE);
        assert_int_equal(batch.first_line, 2);
    }
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 0);
    output_finish(&output);
    assert_int_equal(ring_next(&reader, &cursor, &batch, text, &lost), 1);
    assert_int_equal(batch.length, 11);
    assert_int_equal(batch.lines, 1);
    /* Exactly as long as a piece: its end is still a line's end. */
    assert_int_equal(write(ends[1], longest, RING_LONGEST_LINE + 1), RING_LONGEST_LINE + 1);
    output_read(&output, 8);
    output_finish(&output);
    output_finish(&output);
    assert_int_equal(ring.next_line, 4);
    ring_close(&ring);
    ring_reader_close(&reader);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_directory(test_append_and_read), test_in_directory(test_wrap),           test_in_directory(test_last),
        test_in_directory(test_broken),          test_in_directory(test_killed_writers), test_in_directory(test_output),
    };

    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
