/* SPDX-License-Identifier: Apache-2.0 */
#include "control/bringup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "control/drift.h"
#include "control/show.h"
#include "host/window.h"
#include "plan/apply.h"

#define WORKER_PATIENCE 1000  /* milliseconds for a killed worker to be gone */
#define SUMMARY_PATIENCE 1000 /* milliseconds for a full terminal */
#define LONGEST_LINE 1023

#define MOST_PENDING 16384 /* bytes that the worker keeps to itself; less than a pipe holds */

/* What the worker tells of one entry, followed by the line for the log. */
struct record {
    uint32_t index;
    enum plan_state state;
    uint32_t blocker;
    uint32_t length; /* of the line; 0 for none */
};

void bringup_open(struct bringup *bringup, struct loop *loop, struct supervisor *supervisor,
                  struct recording *recording, const char *run_dir)
{
    *bringup = (struct bringup){
        .loop = loop,
        .supervisor = supervisor,
        .recording = recording,
        .run_dir = run_dir,
        .journal.fd = -1,
        .turn = -1,
        .drift = bringup->drift,
    };
}

bool bringup_is_running(const struct bringup *bringup)
{
    return bringup->journal.fd >= 0;
}

/* In the worker. */

struct reporting {
    int pipe_fd;
    struct recording *recording;
    struct text pending; /* records that are not told yet */
};

/* All that is pending, in one go: the daemon is woken once, and not in the middle of the work. */
static void tell(struct reporting *reporting)
{
    if (reporting->pending.length > 0) {
        recording_flush(reporting->recording); /* before the services are released by what follows */
        file_write_all(reporting->pipe_fd, reporting->pending.data, reporting->pending.length);
        text_free(&reporting->pending);
    }
}

/* Nothing is changed before the daemon lets it: before it hears of devices that are lost. */
static void wait_for_daemon(void *data)
{
    const struct reporting *reporting = data;
    ssize_t length;
    char byte;

    do {
        length = read(reporting->recording->turn, &byte, 1);
    } while (length < 0 && errno == EINTR);
    if (length != 1) {
        _exit(EXIT_FAILURE); /* it has ended */
    }
}

/* What is in place waits until there is nothing else to do; all else is told at once. */
static void report(void *data, const struct plan *plan, const struct plan_entry *entry)
{
    struct reporting *reporting = data;
    CLEANUP_TEXT struct text line = {0};
    struct record record = {0};

    if (entry == NULL) {
        tell(reporting);
        return;
    }
    recording_entry(reporting->recording, plan, entry);
    show_apply_entry(plan, entry, false, &line);
    record.index = (uint32_t)(entry - plan->entries);
    record.state = entry->state;
    record.blocker = (uint32_t)entry->blocker;
    record.length = (uint32_t)(line.length > LONGEST_LINE ? LONGEST_LINE : line.length);
    record.length -= record.length > 0; /* its newline */
    text_append(&reporting->pending, (const char *)&record, sizeof(record));
    text_append(&reporting->pending, text_string(&line), record.length);
    if ((entry->state != STATE_IN_PLACE && entry->state != STATE_APPLIED) || reporting->pending.length > MOST_PENDING) {
        tell(reporting);
    }
}

static void apply_and_exit(const struct node *node, int pipe_fd, struct recording *recording, pid_t parent)
{
    CLEANUP_TEXT struct text summary = {0};
    struct reporting reporting = {.pipe_fd = pipe_fd, .recording = recording};
    struct plan plan = node->plan;
    struct error err = {0};
    char text[1024];
    int64_t started = clock_now();
    sigset_t none;

    child_die_with(parent);
    prctl(PR_SET_NAME, "edgeinit-apply");
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    plan.measure = true;
    plan.begin = wait_for_daemon;
    if (apply_run(&plan, report, NULL, &reporting, &err) != 0) {
        log_error("%s", error_text(&err, text, sizeof(text)));
        _exit(EXIT_FAILURE);
    }
    tell(&reporting);
    recording_applied(recording, &plan);
    show_apply_summary(&plan, clock_now() - started, false, &summary);
    summary.data[summary.length - 1] = '\0';
    log_have_patience(SUMMARY_PATIENCE);
    log_info("%s", text_string(&summary));
    _exit(EXIT_SUCCESS);
}

/* In the daemon. */

/* What keeps this service: 1 and nothing while a resource is not settled yet, 1 and the culprit if one failed, else 0. */
static bool is_held(const struct bringup *bringup, size_t service, bool ended, const char **culprit)
{
    bool open = false;

    *culprit = NULL;
    for (size_t j = 0; j < bringup->outcome_count; j++) {
        enum plan_state state = bringup->outcomes[j].state;
        bool is_settled = state >= STATE_IN_PLACE || ended;

        if (state == STATE_IN_PLACE || state == STATE_APPLIED ||
            (!bringup->needed_by[service][j] && (is_settled || !bringup->no_place[j]))) {
            continue;
        }
        if (is_settled && *culprit == NULL) {
            *culprit = bringup->names[bringup->outcomes[j].blocker];
        }
        open |= !is_settled;
    }
    return open || *culprit != NULL;
}

/* Release or block the services whose resources are all settled. `ended`: no more news will come. */
static void settle_services(struct bringup *bringup, bool ended)
{
    for (size_t i = 0; i < bringup->service_count; i++) {
        struct service *service = bringup->supervisor->services[i];
        const char *culprit = NULL;
        bool held = bringup->settled[i] || is_held(bringup, i, ended, &culprit);

        if (bringup->settled[i] || (held && culprit == NULL)) {
            continue;
        }
        bringup->settled[i] = true;
        if (culprit == NULL) {
            supervisor_release(bringup->supervisor, service);
        } else {
            CLEANUP_FREE char *cause = xasprintf("%s failed; mend it, then \"edgeinit reload\"", culprit);

            supervisor_block(bringup->supervisor, service, cause);
        }
    }
}

static void close_turn(struct bringup *bringup)
{
    if (bringup->turn >= 0) {
        close(bringup->turn);
        bringup->turn = -1;
    }
}

static void close_journal(struct bringup *bringup)
{
    int fd = bringup->journal.fd;

    if (fd >= 0) {
        loop_remove(bringup->loop, &bringup->journal);
        close(fd);
        bringup->journal.fd = -1;
    }
    text_free(&bringup->heard);
}

static void take_record(const struct bringup *bringup, const struct record *record, const char *line)
{
    /* Of a failure, what its mark says is said by the level. */
    bool failed = record->state == STATE_FAILED || record->state == STATE_BLOCKED;
    uint32_t skipped = failed && record->length >= 2 ? 2 : 0;

    if (record->index >= bringup->outcome_count || record->blocker >= bringup->outcome_count) {
        return;
    }
    bringup->outcomes[record->index] = (struct outcome){.state = record->state, .blocker = record->blocker};
    if (record->length > 0) {
        (failed ? log_error : log_info)("%.*s", (int)(record->length - skipped), line + skipped);
    }
}

/* Every record that has come as a whole. */
static void take_records(struct bringup *bringup)
{
    struct text *heard = &bringup->heard;
    struct record record;
    size_t at = 0;

    while (heard->length - at >= sizeof(record)) {
        memcpy(&record, heard->data + at, sizeof(record));
        if (heard->length - at - sizeof(record) < record.length) {
            break;
        }
        take_record(bringup, &record, heard->data + at + sizeof(record));
        at += sizeof(record) + record.length;
    }
    heard->length -= at;
    memmove(heard->data, heard->data + at, heard->length + 1);
    settle_services(bringup, false);
}

static void journal_readable(void *data, uint32_t events)
{
    struct bringup *bringup = data;
    char bytes[4096];
    ssize_t length = read(bringup->journal.fd, bytes, sizeof(bytes));

    (void)events;
    if (length <= 0) {
        close_journal(bringup);
        settle_services(bringup, true);
        if (bringup->supervisor->changed != NULL) { /* who waits for the end of it waits for this, not for the worker */
            bringup->supervisor->changed(bringup->supervisor->data, NULL);
        }
        return;
    }
    text_append(&bringup->heard, bytes, (size_t)length);
    log_hold(); /* what it tells may release a service, and to say so can wait */
    take_records(bringup);
    log_flush();
}

static void forget(struct bringup *bringup)
{
    for (size_t i = 0; i < bringup->service_count; i++) {
        free(bringup->needed_by[i]);
    }
    for (size_t i = 0; i < bringup->outcome_count; i++) {
        free(bringup->names[i]);
        free(bringup->mounts[i]);
    }
    free(bringup->outcomes);
    free(bringup->names);
    free(bringup->mounts);
    free(bringup->needed_by);
    free(bringup->no_place);
    free(bringup->settled);
    bringup_open(bringup, bringup->loop, bringup->supervisor, bringup->recording, bringup->run_dir);
}

/* What a service needs stands on more: the card under a bind from it. */
static void note_service_needs(const struct plan *plan, const struct service_config *service, bool *needed)
{
    for (size_t j = 0; j < plan->count; j++) {
        needed[j] = node_service_needs(service, &plan->entries[j]);
    }
    for (size_t j = plan->count; j-- > 0;) {
        const struct plan_entry *entry = &plan->entries[plan->order[j]];

        for (size_t k = 0; needed[plan->order[j]] && k < entry->need_count; k++) {
            needed[entry->needs[k]] = true;
        }
    }
}

static void note_needs(struct bringup *bringup, const struct node *node)
{
    const struct plan *plan = &node->plan;

    if (bringup->outcomes != NULL) {
        return;
    }
    bringup->outcome_count = plan->count;
    bringup->service_count = node->services.count;
    bringup->outcomes = xcalloc(plan->count, sizeof(*bringup->outcomes));
    bringup->names = xcalloc(plan->count, sizeof(*bringup->names));
    bringup->mounts = xcalloc(plan->count, sizeof(*bringup->mounts));
    bringup->needed_by = xcalloc(node->services.count, sizeof(*bringup->needed_by));
    bringup->no_place = xcalloc(plan->count, sizeof(*bringup->no_place));
    bringup->settled = xcalloc(node->services.count, sizeof(*bringup->settled));
    for (size_t i = 0; i < plan->count; i++) {
        bringup->names[i] = xstrdup(plan->entries[i].resource->name);
        bringup->mounts[i] =
            streq(plan->entries[i].resource->kind->name, "mount") ? xstrdup(plan->entries[i].resource->path) : NULL;
        bringup->no_place[i] = plan->entries[i].resource->path == NULL;
        bringup->outcomes[i].blocker = (uint32_t)i;
    }
    for (size_t i = 0; i < node->services.count; i++) {
        bringup->needed_by[i] = xcalloc(plan->count, sizeof(**bringup->needed_by));
        note_service_needs(plan, &node->services.items[i], bringup->needed_by[i]);
    }
}

/* The worker is to begin at once: what it need not wait for is done meanwhile, in bringup_proceed(). A byte of this pipe lets it
 * change the board, its end says that what comes before its first word is noted. */
static int start_worker(struct bringup *bringup, const struct node *node, int journal, struct error *err)
{
    pid_t parent = getpid();
    int turn[2];

    if (pipe2(turn, O_CLOEXEC) != 0) {
        return error_system(err, errno, "pipe");
    }
    bringup->began = clock_now();
    bringup->worker = fork();
    if (bringup->worker == 0) {
        close(turn[1]);
        bringup->recording->turn = turn[0];
        apply_and_exit(node, journal, bringup->recording, parent);
    }
    close(turn[0]);
    bringup->turn = turn[1];
    if (bringup->worker < 0) {
        bringup->worker = 0;
        return error_system(err, errno, "fork the apply worker");
    }
    return 0;
}

int bringup_begin(struct bringup *bringup, const struct node *node, struct error *err)
{
    int ends[2];
    int result;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return error_system(err, errno, "pipe");
    }
    result = start_worker(bringup, node, ends[1], err);
    close(ends[1]);
    if (result != 0 ||
        loop_add(bringup->loop, &bringup->journal, ends[0], EPOLLIN, journal_readable, bringup, err) != 0) {
        close(ends[0]);
        close_turn(bringup); /* it ends */
        return error_wrap(err, "start the apply worker");
    }
    return 0;
}

void bringup_proceed(struct bringup *bringup, const struct node *node)
{
    file_write_all(bringup->turn, "g", 1); /* in vain if it is gone, which its journal tells */
    recording_begin(bringup->recording);
    recording_bringup(bringup->recording, node, bringup->began);
    close_turn(bringup);
    note_needs(bringup, node);
}

int bringup_start(struct bringup *bringup, const struct node *node, struct error *err)
{
    bringup_close(bringup);
    if (bringup->drift != NULL && bringup->drift->bringup != NULL && bringup->supervisor->count > 0) {
        note_needs(bringup, node);
        if (drift_holds(bringup->drift)) {
            return 0;
        }
    }
    if (bringup_begin(bringup, node, err) != 0) {
        return -1;
    }
    bringup_proceed(bringup, node);
    return 0;
}

bool bringup_reap(struct bringup *bringup, pid_t pid, int status)
{
    if (bringup->worker == 0 || pid != bringup->worker) {
        return false;
    }
    bringup->worker = 0;
    if (WIFSIGNALED(status)) {
        log_error("the apply worker was killed by signal %d", WTERMSIG(status));
    }
    return true;
}

/* A worker that hangs with a broken card cannot be waited for; it is reaped whenever it ends. */
static void end_worker(struct bringup *bringup)
{
    CLEANUP_CLOSE int fd = bringup->worker == 0 ? -1 : (int)syscall(SYS_pidfd_open, bringup->worker, 0);
    struct pollfd watched = {.fd = fd, .events = POLLIN};

    if (bringup->worker > 0) {
        kill(bringup->worker, SIGKILL);
        poll(&watched, 1, WORKER_PATIENCE);
        waitpid(bringup->worker, NULL, WNOHANG);
        bringup->worker = 0;
    }
}

void bringup_close(struct bringup *bringup)
{
    struct host host = {.run_dir = bringup->run_dir};
    struct error err = {0};
    char text[1024];

    end_worker(bringup);
    if (window_recover(&host, &err) != 0) {
        log_error("%s", error_text(&err, text, sizeof(text)));
    }
    host_free(&host);
    close_turn(bringup);
    close_journal(bringup);
    forget(bringup);
}
