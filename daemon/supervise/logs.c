/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/path.h"
#include "base/text.h"
#include "base/util.h"
#include "supervise/ring.h"

#define YEAR_2020 (INT64_C(1577836800) * MICROSECONDS_PER_SECOND)

/* A service, and the batch of it that is being shown. */
struct stream {
    char name[NAME_MAX + 1];
    struct ring_reader reader;
    ino_t inode; /* of the ring that is read; 0: none */
    struct ring_cursor cursor;
    struct ring_batch batch;
    uint64_t lost;
    const char *at; /* what is not shown yet of the text; NULL: the next batch is not read */
    const char *end;
    char *text;
};

struct logs {
    const char *directory;
    const char *service;
    FILE *out;
    bool terminal;
    uint64_t skip; /* so many lines are not shown */
    int watch;
    struct stream **streams;
    size_t count;
};

static void print_escaped(FILE *out, const char *line, size_t length)
{
    size_t bad = 0;
    bool text = text_is_utf8(line, length, &bad);

    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)line[i];
        /* U+0080 to U+009F are controls too, U+009B is ESC [ to a terminal. */
        bool wide = byte == 0xc2 && i + 1 < length && (unsigned char)line[i + 1] < 0xa0;

        if ((byte < 0x20 && byte != '\t') || byte == 0x7f || (byte >= 0x80 && !text)) {
            fprintf(out, "\\x%02x", byte);
        } else if (wide) {
            fprintf(out, "\\x%02x\\x%02x", byte, (unsigned char)line[++i]);
        } else {
            fputc(byte, out);
        }
    }
}

static void print_head(FILE *out, const char *name, int64_t realtime, int64_t monotonic)
{
    time_t seconds = (time_t)(realtime / MICROSECONDS_PER_SECOND);
    struct tm date;
    char text[64];

    if (realtime < YEAR_2020 || localtime_r(&seconds, &date) == NULL ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &date) == 0) {
        fprintf(out, "[%6lld.%03lld] ", (long long)(monotonic / MICROSECONDS_PER_SECOND),
                (long long)llabs(monotonic / MICROSECONDS_PER_MILLISECOND % 1000));
    } else {
        fprintf(out, "%s.%03lld ", text, (long long)(realtime / MICROSECONDS_PER_MILLISECOND % 1000));
    }
    if (name != NULL) {
        fprintf(out, "%s: ", name);
    }
}

void logs_print(FILE *out, bool terminal, const char *name, int64_t realtime, int64_t monotonic, const char *line,
                size_t length, bool cut)
{
    print_head(out, name, realtime, monotonic);
    if (terminal) {
        print_escaped(out, line, length);
    } else {
        fwrite(line, 1, length, out);
    }
    fputs(cut ? " \\\n" : "\n", out);
}

static void remark(const struct logs *logs, const struct stream *stream, const char *text)
{
    print_head(logs->out, logs->service == NULL ? stream->name : NULL, stream->batch.realtime, stream->batch.monotonic);
    fprintf(logs->out, "-- %s --\n", text);
}

static void stream_close(struct stream *stream)
{
    ring_reader_close(&stream->reader);
    stream->inode = 0;
    stream->at = NULL;
}

/* Is there something to show? Reads the next batch if need be. */
static bool stream_fill(const struct logs *logs, struct stream *stream)
{
    int result = 0;

    if (stream->inode == 0 || stream->at != NULL) {
        return stream->at != NULL;
    }
    result = ring_next(&stream->reader, &stream->cursor, &stream->batch, stream->text, &stream->lost);
    if (result < 0) {
        remark(logs, stream, "the log is damaged here");
    }
    if (result <= 0) {
        return false;
    }
    stream->at = stream->text;
    stream->end = stream->text + stream->batch.length;
    return true;
}

/* Show one line of the stream's batch. */
static void stream_show(struct logs *logs, struct stream *stream)
{
    size_t rest = (size_t)(stream->end - stream->at);
    const char *newline = memchr(stream->at, '\n', rest);
    size_t length = newline == NULL ? rest : (size_t)(newline - stream->at);

    if (stream->lost > 0) {
        char text[64];

        snprintf(text, sizeof(text), "%llu line%s lost here", (unsigned long long)stream->lost,
                 stream->lost == 1 ? "" : "s");
        remark(logs, stream, text);
        stream->lost = 0;
    }
    if (logs->skip > 0) {
        logs->skip -= newline != NULL;
    } else {
        logs_print(logs->out, logs->terminal, logs->service == NULL ? stream->name : NULL, stream->batch.realtime,
                   stream->batch.monotonic, stream->at, length, newline == NULL);
    }
    stream->at += length + (newline != NULL);
    if (stream->at == stream->end) {
        stream->at = NULL;
    }
}

/* All there is now, the oldest first. A batch stays whole, unless that of another service came between. */
static void show_all(struct logs *logs)
{
    for (;;) {
        struct stream *first = NULL;

        for (size_t i = 0; i < logs->count; i++) {
            struct stream *stream = logs->streams[i];

            if (stream_fill(logs, stream) && (first == NULL || stream->batch.monotonic < first->batch.monotonic)) {
                first = stream;
            }
        }
        if (first == NULL || ferror(logs->out) != 0) {
            return;
        }
        while (first->at != NULL) {
            stream_show(logs, first);
        }
    }
}

/* Drop what is not among the newest `lines` of all together. */
static void skip_old(struct logs *logs, uint64_t lines)
{
    uint64_t total = 0;

    for (size_t i = 0; i < logs->count; i++) {
        struct stream *stream = logs->streams[i];
        uint64_t surplus = 0;
        struct ring_cursor end;
        uint64_t none = 0;

        if (stream->inode == 0) {
            continue;
        }
        ring_last(&stream->reader, lines, &stream->cursor, &surplus);
        ring_last(&stream->reader, 0, &end, &none);
        /* Skipped here, for in the merged order they are not all before the lines of others. */
        while (surplus > 0 && stream_fill(logs, stream)) {
            const char *newline = memchr(stream->at, '\n', (size_t)(stream->end - stream->at));

            stream->at = newline == NULL || newline + 1 == stream->end ? NULL : newline + 1;
            surplus--;
        }
        if (end.line > stream->cursor.line) {
            total += end.line - stream->cursor.line;
        }
        for (const char *at = stream->at; at != NULL && (at = memchr(at, '\n', (size_t)(stream->end - at))) != NULL;) {
            at++;
            total++;
        }
    }
    logs->skip = total > lines ? total - lines : 0;
}

static void path_of(const struct logs *logs, const char *name, const char *file, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s%s%s", logs->directory, name, file == NULL ? "" : "/", file == NULL ? "" : file);
}

static struct stream *stream_add(struct logs *logs, const char *name)
{
    struct stream *stream = NULL;
    char path[PATH_MAX];

    for (size_t i = 0; i < logs->count; i++) {
        if (streq(logs->streams[i]->name, name)) {
            stream = logs->streams[i];
        }
    }
    if (stream == NULL) {
        stream = xcalloc(1, sizeof(*stream));
        snprintf(stream->name, sizeof(stream->name), "%s", name);
        stream->text = xmalloc(RING_LARGEST_BATCH);
        stream->reader.fd = -1;
        logs->streams = xrealloc(logs->streams, (logs->count + 1) * sizeof(*logs->streams));
        logs->streams[logs->count++] = stream;
    }
    if (logs->watch >= 0) {
        path_of(logs, name, NULL, path);
        inotify_add_watch(logs->watch, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    }
    return stream;
}

/* Open the ring, or the one that has taken its place. A service that has none yet is no error. */
static void stream_open(struct logs *logs, struct stream *stream)
{
    struct error ignored = {0};
    struct stat status;
    char path[PATH_MAX];

    path_of(logs, stream->name, "log", path);
    if (stat(path, &status) != 0 || status.st_ino == stream->inode) {
        return;
    }
    stream_close(stream);
    if (ring_reader_open(&stream->reader, path, &ignored) == 0 && fstat(stream->reader.fd, &status) == 0) {
        stream->inode = status.st_ino;
        stream->cursor = (struct ring_cursor){0};
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((*(struct stream *const *)a))->name, ((*(struct stream *const *)b))->name);
}

/* All services that there are, or the one that was asked for. */
static int find_services(struct logs *logs, struct error *err)
{
    CLEANUP_DIR DIR *directory = opendir(logs->directory);
    CLEANUP_TEXT struct text names = {0};
    const struct dirent *entry;
    bool found = logs->service == NULL;

    if (directory == NULL) {
        error_system(err, errno, "open %s", logs->directory);
        return error_remedy(err, "start the daemon, which makes it, or name another directory with --run-dir");
    }
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (logs->service == NULL || streq(entry->d_name, logs->service)) {
            found = true;
            stream_open(logs, stream_add(logs, entry->d_name));
        }
        text_format(&names, "%s%s", names.length == 0 ? "" : ", ", entry->d_name);
    }
    if (!found) {
        error_set(err, ERROR_INPUT, 0, "there is no log of a service \"%s\"", logs->service);
        return names.length == 0 ? error_remedy(err, "no service has been started yet")
                                 : error_remedy(err, "there are: %s", text_string(&names));
    }
    if (logs->count > 0) {
        qsort(logs->streams, logs->count, sizeof(struct stream *), by_name);
    }
    return 0;
}

/* Sleep until something happens in a service's directory. False when nobody reads our output any more. */
static bool wait_for_news(struct logs *logs, bool *appeared)
{
    struct pollfd sources[] = {{.fd = logs->watch, .events = POLLIN}, {.fd = fileno(logs->out), .events = 0}};
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    ssize_t got;

    *appeared = false;
    if (fflush(logs->out) != 0 || poll(sources, 2, -1) < 0) {
        return false;
    }
    if ((sources[1].revents & (POLLERR | POLLNVAL)) != 0) {
        return false;
    }
    got = read(logs->watch, events, sizeof(events));
    for (ssize_t at = 0; at < got;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)(events + at);

        *appeared |= (event->mask & (uint32_t)~IN_MODIFY) != 0;
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    return true;
}

static int show(struct logs *logs, uint64_t lines, bool follow, struct error *err)
{
    bool appeared = false;

    if (follow) {
        logs->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (logs->watch < 0) {
            return error_system(err, errno, "inotify");
        }
        inotify_add_watch(logs->watch, logs->directory, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
    }
    if (find_services(logs, err) != 0) {
        return -1;
    }
    skip_old(logs, lines);
    show_all(logs);
    logs->skip = 0;
    while (follow && wait_for_news(logs, &appeared)) {
        /* What the old ring still has comes before the new one. */
        show_all(logs);
        if (appeared && find_services(logs, err) == 0) {
            show_all(logs);
        }
    }
    return fflush(logs->out) == 0 && ferror(logs->out) == 0 ? 0 : error_system(err, errno, "write the log");
}

int logs_show(const char *run_dir, const char *service, uint64_t lines, bool follow, FILE *out, struct error *err)
{
    CLEANUP_FREE char *directory = xasprintf("%s/services", run_dir);
    struct logs logs = {
        .directory = directory,
        .service = service,
        .out = out,
        .terminal = isatty(fileno(out)) == 1,
        .watch = -1,
    };
    int result = show(&logs, lines, follow, err);

    for (size_t i = 0; i < logs.count; i++) {
        stream_close(logs.streams[i]);
        free(logs.streams[i]->text);
        free(logs.streams[i]);
    }
    free(logs.streams);
    if (logs.watch >= 0) {
        close(logs.watch);
    }
    return result;
}

void logs_last(const char *directory, uint64_t lines, int64_t since, struct text *out)
{
    CLEANUP_FREE char *path = xasprintf("%s/log", directory);
    CLEANUP_FREE char *text = xmalloc(RING_LARGEST_BATCH);
    struct ring_cursor cursor = {0};
    struct ring_reader reader;
    struct ring_batch batch;
    struct error ignored = {0};
    uint64_t surplus = 0;
    uint64_t lost = 0;

    if (ring_reader_open(&reader, path, &ignored) != 0) {
        return;
    }
    ring_last(&reader, lines, &cursor, &surplus);
    while (ring_next(&reader, &cursor, &batch, text, &lost) > 0) {
        if (batch.monotonic >= since) {
            text_append(out, text, batch.length);
        }
    }
    ring_reader_close(&reader);
}
