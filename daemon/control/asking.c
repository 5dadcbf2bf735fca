/* SPDX-License-Identifier: Apache-2.0 */
#include "control/asking.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "edge/profile.h"
#include "supervise/logs.h"

/* Go writes the stacks of all goroutines when it dies of a fault: 750 lines for dockerd. */
#define LAST_LINES 1000
#define PROGRAM_START (128 * 1024) /* of a program: what execve(2) and its first instructions read */
#define HEARD_LATE MICROSECONDS_PER_SECOND
#define GRACE \
    MICROSECONDS_PER_SECOND /* beyond the child's own alarm(2), which does not reach one that hangs in the kernel */

struct ask {
    struct asking *asking;
    struct service *service;
    enum question question;
    pid_t pid; /* 0: reaped, or never there */
    struct loop_source answer;
    int go;    /* of one that is expected: a byte, and it begins */
    int early; /* and the end of its pipe, until then */
    struct loop_timer patience;
    struct ask *next;
};

/* What a child has of its pipes. */
struct child_ends {
    pid_t parent;
    int answer;
    int go; /* -1: it need not wait */
};

static const char *const doings[] = {
    [QUESTION_PREPARE] = "prepared", [QUESTION_JUDGE] = "looked into", [QUESTION_SETTLE] = "settled"};

static bool has(const struct service_config *config, enum question question)
{
    const struct profile *profile = profile_find(service_profile_words[config->profile]);

    return profile != NULL && (question == QUESTION_PREPARE  ? profile->prepare != NULL
                               : question == QUESTION_SETTLE ? profile->settle != NULL
                                                             : profile->judge != NULL);
}

/* In the child. */

static const struct service_config *find_config(const struct node *node, const char *name)
{
    for (size_t i = 0; i < node->services.count; i++) {
        if (streq(node->services.items[i].name, name)) {
            return &node->services.items[i];
        }
    }
    return NULL;
}

static void prepare(const struct profile *profile, const struct profile_call *call, struct judgement *judgement)
{
    struct error err = {0};
    char text[1024];

    if (profile->prepare(call, judgement, &err) != 0) {
        log_error("%s: could not be prepared, and is started all the same: %s", call->service->name,
                  error_text(&err, text, sizeof(text)));
        *judgement = (struct judgement){0};
    }
}

/* Why it ended: what made us stop it, if we did. */
static enum service_cause cause_of_end(const struct machine *machine)
{
    return machine->last_end == CAUSE_STOP_TIMEOUT && machine->stop_cause != CAUSE_NONE
               ? (enum service_cause)machine->stop_cause
               : (enum service_cause)machine->last_end;
}

/* The daemon hears of a start when the first lines may have been read already; the keeper's record knows better. */
static int64_t first_line_at(const struct service *service)
{
    return service->record.instance == service->machine.collected ? service->record.started_at
                                                                  : service->machine.started_at - HEARD_LATE;
}

static void judge(const struct profile *profile, struct profile_call *call, const struct service *service,
                  struct judgement *judgement)
{
    const struct machine *machine = &service->machine;
    CLEANUP_TEXT struct text log = {0};

    logs_last(call->directory, LAST_LINES, first_line_at(service), &log);
    call->end = cause_of_end(machine);
    call->status = machine->last_status;
    call->lived = machine->started_at == 0 ? -1 : (machine->since - machine->started_at) / MICROSECONDS_PER_MILLISECOND;
    call->log = text_string(&log);
    profile->judge(call, judgement);
}

/* The manifest: as it was when this child was made, or afresh. */
static const struct node *node_of(const struct ask *ask, const struct node *expected)
{
    static struct node node; /* until the process ends, which frees it at once */

    if (expected == NULL && node_load(&node, ask->asking->paths) != 0) {
        log_error("%s: cannot be %s: the manifest has mistakes", ask->service->config->name, doings[ask->question]);
        _exit(EXIT_FAILURE);
    }
    return expected == NULL ? &node : expected;
}

static void answer_and_exit(const struct ask *ask, const struct child_ends *ends, const struct node *expected)
{
    const struct service *service = ask->service;
    const struct service_config *config;
    struct judgement judgement = {0};
    struct profile_call call = {
        .paths = ask->asking->paths, .directory = service->directory, .status = -1, .lived = -1};
    const struct profile *profile;
    char byte;

    setpgid(0, 0);
    child_die_with(ends->parent);
    prctl(PR_SET_NAME, "edgeinit-ask");
    child_reset_signals();
    signal(SIGPIPE, SIG_IGN);
    if (expected != NULL) {
        file_expect(service->config->command[0], PROGRAM_START); /* it comes from a disk, and is executed next */
        if (read(ends->go, &byte, 1) != 1) {
            _exit(EXIT_FAILURE);
        }
    }
    alarm(PROFILE_PATIENCE);
    call.node = node_of(ask, expected);
    config = find_config(call.node, service->config->name);
    profile = config == NULL ? NULL : profile_find(service_profile_words[config->profile]);
    call.service = config;
    if (profile != NULL && ask->question == QUESTION_PREPARE && profile->prepare != NULL) {
        prepare(profile, &call, &judgement);
    } else if (profile != NULL && ask->question == QUESTION_JUDGE && profile->judge != NULL) {
        judge(profile, &call, service, &judgement);
    } else if (profile != NULL && ask->question == QUESTION_SETTLE && profile->settle != NULL) {
        profile->settle(&call);
    }
    _exit(file_write_all(ends->answer, (const char *)&judgement, sizeof(judgement)) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* In the daemon. */

/* Kill it, with what it started. Reaped like every child. */
static void drop(struct ask *ask)
{
    const int ends[] = {ask->answer.fd, ask->early, ask->go};

    loop_timer_clear(ask->asking->loop, &ask->patience);
    loop_remove(ask->asking->loop, &ask->answer);
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        if (ends[i] >= 0) {
            close(ends[i]);
        }
    }
    if (ask->pid > 0) {
        kill(-ask->pid, SIGKILL);
        kill(ask->pid, SIGKILL);
    }
    free(ask);
}

static void take_out(struct ask *ask)
{
    struct ask **at = &ask->asking->asks;

    while (*at != ask) {
        at = &(*at)->next;
    }
    *at = ask->next;
}

/* A start may wait for the answer, and nobody for the end of who gave it. */
static void answered(struct ask *ask, const struct judgement *judgement)
{
    take_out(ask);
    counsel_answer(ask->service, ask->question, judgement);
    drop(ask);
}

static void answer_came(void *data, uint32_t events)
{
    struct ask *ask = data;
    struct judgement judgement;
    ssize_t length = read(ask->answer.fd, &judgement, sizeof(judgement)); /* one write, smaller than a pipe's page */

    (void)events;
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (length > 0 && judgement_take(&judgement, &judgement, (size_t)length)) {
        answered(ask, &judgement);
        return;
    }
    log_error("%s: whoever %s it ended without an answer; going on without one", ask->service->config->name,
              doings[ask->question]);
    answered(ask, NULL);
}

static void no_answer(void *data)
{
    struct ask *ask = data;

    if (ask->answer.fd >= 0) {
        log_error("%s: was not %s within %d s; going on without that", ask->service->config->name,
                  doings[ask->question], PROFILE_PATIENCE);
    }
    answered(ask, NULL);
}

/* A child with two pipes; the first of them is for its answer, and its end is returned. */
static int make_child(struct ask *ask, const struct node *expected, struct error *err)
{
    struct child_ends ends = {.parent = getpid(), .go = -1, .answer = -1};
    int answer[2];
    int go[2] = {-1, -1};

    if (pipe2(answer, O_CLOEXEC) != 0) {
        return error_system(err, errno, "make a pipe");
    }
    if (expected != NULL && pipe2(go, O_CLOEXEC) != 0) {
        error_system(err, errno, "make a pipe");
        close(answer[0]);
        close(answer[1]);
        return -1;
    }
    ends.answer = answer[1];
    ends.go = go[0];
    ask->pid = fork();
    if (ask->pid == 0) {
        close(go[1]);
        answer_and_exit(ask, &ends, expected);
    }
    close(answer[1]);
    close(go[0]);
    ask->go = go[1];
    if (ask->pid < 0) {
        ask->pid = 0;
        close(answer[0]);
        return error_system(err, errno, "fork");
    }
    setpgid(ask->pid, ask->pid); /* whoever of us comes first */
    return answer[0];
}

/* Its answer is waited for. */
static int await(struct ask *ask, int fd, struct error *err)
{
    if (fd >= 0 && loop_add(ask->asking->loop, &ask->answer, fd, EPOLLIN, answer_came, ask, err) != 0) {
        close(fd);
        return -1;
    }
    return fd < 0 ? -1 : 0;
}

static struct ask *new_ask(struct asking *asking, struct service *service, enum question question, struct ask *next)
{
    struct ask *made = xcalloc(1, sizeof(*made));

    *made = (struct ask){.asking = asking,
                         .service = service,
                         .question = question,
                         .answer.fd = -1,
                         .go = -1,
                         .early = -1,
                         .next = next};
    return made;
}

/* The child that was made for this question, if it still waits for it. */
static struct ask *take_expected(struct asking *asking, const struct service *service, enum question question)
{
    struct ask **at = &asking->expected;
    struct ask *found;

    while (*at != NULL && ((*at)->service != service || (*at)->question != question)) {
        at = &(*at)->next;
    }
    found = *at;
    if (found == NULL) {
        return NULL;
    }
    *at = found->next;
    if (found->pid == 0 || write(found->go, "g", 1) != 1) {
        drop(found);
        return NULL;
    }
    found->next = asking->asks;
    return found;
}

static void ask(void *data, struct service *service, enum question question)
{
    struct asking *asking = data;
    struct ask *made = take_expected(asking, service, question);
    struct error err = {0};
    char text[1024];
    int64_t due = clock_now() + PROFILE_PATIENCE * MICROSECONDS_PER_SECOND + GRACE;
    int fd = -1;

    if (made != NULL) {
        fd = made->early;
        made->early = -1;
    } else {
        made = new_ask(asking, service, question, asking->asks);
        fd = make_child(made, NULL, &err);
    }
    asking->asks = made;
    if (await(made, fd, &err) != 0) {
        log_error("%s: cannot be %s: %s; going on without that", service->config->name, doings[question],
                  error_text(&err, text, sizeof(text)));
        due = clock_now();
    }
    loop_timer_set(asking->loop, &made->patience, due, no_answer, made);
}

void asking_expect(struct asking *asking, const struct node *node)
{
    const struct supervisor *supervisor = asking->supervisor;
    struct error ignored = {0};

    for (size_t i = 0; i < supervisor->count; i++) {
        struct service *service = supervisor->services[i];
        struct ask *made;

        if (!supervisor_waits_for_resources(service) || !has(service->config, QUESTION_PREPARE)) {
            continue;
        }
        made = new_ask(asking, service, QUESTION_PREPARE, asking->expected);
        made->early = make_child(made, node, &ignored);
        if (made->early < 0) {
            free(made); /* it is tried again when it is asked for */
            continue;
        }
        asking->expected = made;
    }
}

void asking_expect_nothing(struct asking *asking)
{
    struct ask *next;

    for (struct ask *at = asking->expected; at != NULL; at = next) {
        next = at->next;
        drop(at);
    }
    asking->expected = NULL;
}

static void forget(void *data, struct service *service, enum question question)
{
    struct asking *asking = data;
    struct ask *next;

    for (struct ask *at = asking->asks; at != NULL; at = next) {
        next = at->next;
        if (at->service == service && at->question == question) {
            take_out(at);
            drop(at);
        }
    }
}

void asking_open(struct asking *asking, struct loop *loop, struct supervisor *supervisor,
                 const struct node_paths *paths)
{
    *asking = (struct asking){.loop = loop, .supervisor = supervisor, .paths = paths};
    supervisor->counsel = (struct counsel_calls){.has = has, .ask = ask, .forget = forget, .data = asking};
}

void asking_close(struct asking *asking)
{
    struct ask *next;

    for (struct ask *at = asking->asks; at != NULL; at = next) {
        next = at->next;
        drop(at);
    }
    asking->asks = NULL;
    asking_expect_nothing(asking);
}

bool asking_reap(struct asking *asking, pid_t pid)
{
    for (struct ask *at = asking->asks; at != NULL; at = at->next) {
        if (at->pid == pid) {
            at->pid = 0; /* the end of its pipe says the rest */
            return true;
        }
    }
    for (struct ask *at = asking->expected; at != NULL; at = at->next) {
        if (at->pid == pid) {
            at->pid = 0; /* another one is made when it is asked for */
            return true;
        }
    }
    return false;
}
