/* SPDX-License-Identifier: Apache-2.0 */
#include "dump.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/clock.h"
#include "base/util.h"
#include "control/protocol.h"
#include "control/show_status.h"

#define SMALL_WRITE 512 /* bytes: where poll(2) says "writable", a pipe takes so many without blocking (PIPE_BUF) */
#define LONGEST_WORD_SHOWN 40

struct question {
    const char *run_dir;
    int64_t deadline;
    bool json;
};

static int64_t milliseconds_left(int64_t deadline)
{
    int64_t left = (deadline - clock_now()) / MICROSECONDS_PER_MILLISECOND;

    return left < 0 ? 0 : left;
}

static void answer_help(const struct question *question, struct text *out)
{
    (void)question;
    text_add(out, "edgeinit: the board and its services, as \"edgeinit status\" shows them\n"
                  "  -a \"status\"          for people; the same without -a\n"
                  "  -a \"status --json\"   for programs\n"
                  "  -a \"-h\"              this text\n");
}

static void complain(const struct error *err, struct text *out)
{
    char text[1024];

    text_format(out, "error: %s\n", error_text(err, text, sizeof(text)));
}

static void answer_status(const struct question *question, struct text *out)
{
    CLEANUP_JSON cJSON *request = cJSON_CreateObject();
    CLEANUP_JSON cJSON *answer = NULL;
    struct error err = {0};

    cJSON_AddStringToObject(request, "verb", "status");
    answer = control_ask(question->run_dir, request, milliseconds_left(question->deadline), &err);
    if (answer == NULL) {
        complain(&err, out);
    } else if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"))) {
        const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "error"));

        text_format(out, "error: %s\n", reason == NULL ? "the daemon refused" : reason);
    } else if (question->json) {
        json_write(answer, out);
    } else {
        show_status(answer, false, out);
    }
}

/* Of what somebody typed: short, and nothing that a terminal would act upon. */
static void refuse_word(const char *word, struct text *out)
{
    char shown[LONGEST_WORD_SHOWN + 1];
    size_t length = 0;

    for (; length < LONGEST_WORD_SHOWN && word[length] != '\0'; length++) {
        shown[length] = (char)(word[length] > ' ' && word[length] < 0x7f ? word[length] : '?');
    }
    shown[length] = '\0';
    text_format(out, "error: \"%s%s\" is nothing that can be asked here; known: status, status --json, -h\n", shown,
                word[length] == '\0' ? "" : "...");
}

static const struct {
    const char *name;
    void (*answer)(const struct question *question, struct text *out);
    bool takes_json;
} verbs[] = {
    {"status", answer_status, true},
    {"-h", answer_help, false},
    {"--help", answer_help, false},
};

static void answer(struct question *question, const char *const *words, size_t count, struct text *out)
{
    const char *name = count == 0 ? "status" : words[0];

    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (!streq(name, verbs[i].name)) {
            continue;
        }
        for (size_t k = 1; k < count; k++) {
            if (!verbs[i].takes_json || !streq(words[k], "--json")) {
                refuse_word(words[k], out);
                return;
            }
            question->json = true;
        }
        verbs[i].answer(question, out);
        return;
    }
    refuse_word(name, out);
}

/* The descriptor is shared with hidumper, so it cannot be made non-blocking: small writes, each when it fits. */
static int write_until(int fd, const struct text *out, int64_t deadline)
{
    size_t done = 0;

    while (done < out->length) {
        struct pollfd watched = {.fd = fd, .events = POLLOUT};
        size_t piece = out->length - done < SMALL_WRITE ? out->length - done : SMALL_WRITE;
        int ready = poll(&watched, 1, (int)milliseconds_left(deadline));
        ssize_t written = ready > 0 ? write(fd, out->data + done, piece) : -1;

        if (ready == 0 || (written < 0 && errno != EINTR)) {
            return -1;
        }
        done += written < 0 ? 0 : (size_t)written;
    }
    return 0;
}

/* A reader that goes away must not end the process, and whose process this is decides about SIGPIPE: so it is held back for
 * this thread, and the one that came of our write is taken off before others see it. */
static int write_out(int fd, const struct text *out, int64_t deadline)
{
    const struct timespec no_time = {0};
    sigset_t broken_pipe;
    sigset_t pending;
    sigset_t before;
    int result;

    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    result = write_until(fd, out, deadline);
    if (result != 0 && sigismember(&pending, SIGPIPE) == 0) {
        sigtimedwait(&broken_pipe, NULL, &no_time);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

int dump_answer(int fd, const char *run_dir, const char *const *words, size_t count)
{
    struct question question = {.run_dir = run_dir,
                                .deadline = clock_now() + DUMP_PATIENCE * MICROSECONDS_PER_MILLISECOND};
    CLEANUP_TEXT struct text out = {0};

    json_setup();
    answer(&question, words, count, &out);
    return write_out(fd, &out, question.deadline);
}

int dump_refuse(int fd, const char *reason)
{
    CLEANUP_TEXT struct text out = {0};

    text_format(&out, "error: %s\n", reason);
    return write_out(fd, &out, clock_now() + DUMP_PATIENCE * MICROSECONDS_PER_MILLISECOND);
}
