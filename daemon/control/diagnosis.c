/* SPDX-License-Identifier: Apache-2.0 */
#include "control/diagnosis.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "base/child.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "doctor/board.h"
#include "doctor/doctor.h"
#include "supervise/logs.h"

#define LAST_LINES 60
#define PATIENCE 10 /* seconds that the child may take */

void diagnosis_open(struct diagnosis *diagnosis, struct loop *loop, const struct supervisor *supervisor,
                    const struct node_paths *paths)
{
    *diagnosis = (struct diagnosis){.loop = loop, .supervisor = supervisor, .paths = paths, .answer.fd = -1};
}

void diagnosis_close(struct diagnosis *diagnosis)
{
    int fd = diagnosis->answer.fd;

    if (diagnosis->loop != NULL && fd >= 0) {
        loop_remove(diagnosis->loop, &diagnosis->answer);
        close(fd);
        diagnosis->answer.fd = -1;
    }
}

/* In the child. */

static void explain_and_exit(const struct diagnosis *diagnosis, const char *directory, int pipe_fd, pid_t parent)
{
    CLEANUP_TEXT struct text log = {0};
    struct findings findings = {0};
    struct explanation explanation;
    struct board board;
    struct node node = {0};
    char text[SERVICE_EXPLANATION];
    bool loaded;

    child_die_with(parent);
    prctl(PR_SET_NAME, "edgeinit-why");
    alarm(PATIENCE);
    logs_last(directory, LAST_LINES, 0, &log);
    loaded = log.length > 0 && node_load(&node, diagnosis->paths) == 0;
    if (loaded) {
        board_open(&board, node.manifest.root, diagnosis->paths->run_dir);
        doctor_quick(&board, &findings);
    }
    if (log.length > 0 && doctor_explain(&findings, diagnosis->name, text_string(&log), &explanation)) {
        snprintf(text, sizeof(text), "%s: \"%s\"; %s", explanation.code, explanation.line, explanation.remedy);
        file_write_all(pipe_fd, text, strlen(text));
    }
    _exit(EXIT_SUCCESS);
}

static void examine_and_exit(const struct diagnosis *diagnosis, pid_t parent)
{
    struct findings findings = {0};
    struct node node = {0};
    struct board board;

    child_die_with(parent);
    prctl(PR_SET_NAME, "edgeinit-doctor");
    alarm(PATIENCE);
    if (node_load(&node, diagnosis->paths) == 0) {
        board_open(&board, node.manifest.root, diagnosis->paths->run_dir);
        doctor_quick(&board, &findings);
    }
    for (size_t i = 0; i < findings.count; i++) {
        const struct finding *finding = &findings.items[i];

        if (finding->answer == ANSWER_NO) {
            log_warning("doctor: %s: %s; %s", finding->code, finding->what, finding->remedy);
        }
    }
    _exit(EXIT_SUCCESS);
}

/* In the daemon. */

void diagnosis_examine(const struct diagnosis *diagnosis)
{
    pid_t parent = getpid();

    if (fork() == 0) {
        examine_and_exit(diagnosis, parent);
    }
}

static void answer_came(void *data, uint32_t events)
{
    struct diagnosis *diagnosis = data;
    struct service *service = supervisor_find(diagnosis->supervisor, diagnosis->name);
    char text[SERVICE_EXPLANATION] = "";
    ssize_t length = read(diagnosis->answer.fd, text, sizeof(text) - 1); /* one write, smaller than a pipe's page */

    (void)events;
    diagnosis_close(diagnosis);
    if (length > 0 && service != NULL) {
        free(service->explanation);
        service->explanation = xstrdup(text);
        log_warning("%s: why, by its last words: %s", diagnosis->name, text);
    }
    for (size_t i = 0; i < diagnosis->supervisor->count; i++) {
        diagnosis_look(diagnosis, diagnosis->supervisor->services[i]); /* others that failed meanwhile */
    }
}

/* 1, 2, 4, 8 … failures in a row. */
static bool is_worth_a_look(const struct service *service)
{
    const struct machine *machine = &service->machine;

    return service->explained != machine->collected && machine->failures > 0 && service->judgement == NULL &&
           machine->judged == machine->collected && (machine->failures & (machine->failures - 1)) == 0 &&
           (machine->state == SERVICE_DELAYED || machine->state == SERVICE_FINISHED);
}

void diagnosis_look(struct diagnosis *diagnosis, struct service *service)
{
    struct error ignored = {0};
    int ends[2];
    pid_t parent = getpid(), pid;

    if (diagnosis->answer.fd >= 0 || !is_worth_a_look(service) || pipe2(ends, O_CLOEXEC) != 0) {
        return;
    }
    service->explained = service->machine.collected;
    snprintf(diagnosis->name, sizeof(diagnosis->name), "%s", service->config->name);
    pid = fork();
    if (pid == 0) {
        explain_and_exit(diagnosis, service->directory, ends[1], parent);
    }
    close(ends[1]);
    if (pid < 0 ||
        loop_add(diagnosis->loop, &diagnosis->answer, ends[0], EPOLLIN, answer_came, diagnosis, &ignored) != 0) {
        close(ends[0]);
    }
}
