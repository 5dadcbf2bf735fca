/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <sys/wait.h>

#include "base/path.h"
#include "base/util.h"
#include "doctor/board.h"
#include "doctor/doctor.h"
#include "edge/dockerd.h"
#include "edge/killed.h"

#define EXIT_PANIC 2 /* of Go: a panic, or a fault that it could not go on from */

/* What is known of the board when an end is looked into. */
struct case_file {
    const struct profile_call *call;
    struct docker_options options;
    cJSON *config;
    struct findings findings;
};

static void copy_line(char *to, size_t size, const char *line)
{
    snprintf(to, size, "%.*s", (int)strcspn(line, "\n"), line);
}

/* logrus: 'time="…" level=info msg="…"'. What dockerd says to people while all is well is no cause; the line that it ends with
 * has no such head. */
static bool is_chatter(const char *line)
{
    static const char *const levels[] = {"level=debug ", "level=info ", "level=warning "};
    size_t length = strcspn(line, "\n");

    for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
        const char *found = memmem(line, length, levels[i], strlen(levels[i]));

        if (found != NULL && starts_with(line, "time=")) {
            return true;
        }
    }
    return false;
}

/* Its last words without the chatter, "" if there are none. free() it. */
static char *last_words(const char *log)
{
    struct text words = {0};

    for (const char *line = log; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        if (!is_chatter(line)) {
            text_append(&words, line, strcspn(line, "\n"));
            text_add(&words, "\n");
        }
    }
    return text_take(&words);
}

static void open_case(struct case_file *file, const struct profile_call *call)
{
    const char *const *words = (const char *const *)call->service->command;
    struct board board;

    *file = (struct case_file){.call = call};
    docker_options_read(&file->options, words, NULL);
    file->config = dockerd_config_peek(call->node->manifest.root, file->options.config_file);
    docker_options_read(&file->options, words, file->config);
    board_open(&board, call->node->manifest.root, call->paths->run_dir);
    doctor_quick(&board, &file->findings);
}

static void close_case(struct case_file *file)
{
    cJSON_Delete(file->config);
    findings_free(&file->findings);
}

/* Every mount of the manifest that the data-root stands on. */
static void wake_for_root(const struct case_file *file, struct judgement *judgement)
{
    const struct host *host = &file->call->node->host;

    for (size_t i = 0; i < host->count; i++) {
        const struct resource *resource = &host->resources[i];

        /* Not that it is mounted, for the broken one still is: that another directory is seen there. */
        if (resource->kind == &kind_mount && (streq(resource->path, file->options.data_root) ||
                                              path_is_below(file->options.data_root, resource->path))) {
            judgement_wake(judgement, WAKE_FILE_CHANGED, resource->path);
        }
    }
}

static void wake_for(const struct case_file *file, enum dockerd_wake wake, struct judgement *judgement)
{
    const struct docker_options *options = &file->options;
    const char *const files[] = {options->tls_ca, options->tls_cert, options->tls_key};

    switch (wake) {
        case DOCKERD_WAKE_CONFIG:
            judgement_wake(judgement, WAKE_FILE_CHANGED, options->config_file);
            break;
        case DOCKERD_WAKE_TLS:
            judgement_wake(judgement, WAKE_FILE_CHANGED, options->config_file);
            for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                if (files[i] != NULL) {
                    judgement_wake(judgement, WAKE_FILE_CHANGED, files[i]);
                }
            }
            break;
        case DOCKERD_WAKE_NETWORK:
            judgement_wake(judgement, WAKE_NETWORK_CHANGED, "");
            break;
        case DOCKERD_WAKE_ROOT:
            wake_for_root(file, judgement);
            break;
        default:
            break;
    }
}

static void set_words(struct judgement *judgement, const char *code, const char *what, const char *remedy)
{
    judgement->hold = judgement->hold == JUDGEMENT_NONE ? JUDGEMENT_RETRY : judgement->hold;
    snprintf(judgement->code, sizeof(judgement->code), "%s", code);
    copy_line(judgement->what, sizeof(judgement->what), what);
    snprintf(judgement->remedy, sizeof(judgement->remedy), "%s", remedy);
}

static void follow(const struct case_file *file, const struct dockerd_rule *rule, const char *line,
                   struct judgement *judgement)
{
    const struct finding *finding = rule->finding == NULL ? NULL : findings_find(&file->findings, rule->finding);

    judgement->hold = rule->hold;
    judgement->again_after = rule->again * 1000;
    wake_for(file, rule->wake, judgement);
    set_words(judgement, rule->code, rule->what != NULL ? rule->what : line,
              finding != NULL && finding->answer != ANSWER_YES ? finding->remedy : rule->remedy);
    copy_line(judgement->line, sizeof(judgement->line), line);
}

/* From the last line back: what comes last is why it ended. */
static bool judge_by_lines(const struct case_file *file, const char *words, struct judgement *judgement)
{
    size_t end = strlen(words);

    while (end > 0) {
        const char *newline = memrchr(words, '\n', end - 1);
        const char *line = newline == NULL ? words : newline + 1;
        const struct dockerd_rule *rule = dockerd_rule_of(line);

        if (rule != NULL) {
            follow(file, rule, line, judgement);
            return true;
        }
        end = (size_t)(line - words);
    }
    return false;
}

/* The trace of the goroutine that failed: from Go's own words to the empty line after it; those of the others follow.
 * NULL: there is none. free() it. */
static char *failed_trace(const char *words)
{
    static const char *const heads[] = {"panic: ", "fatal error: ", "unexpected fault address "};
    const char *found = NULL;
    const char *end;

    for (const char *line = words; *line != '\0' && found == NULL; line += strcspn(line, "\n"), line += *line == '\n') {
        for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
            found = starts_with(line, heads[i]) ? line : found;
        }
    }
    end = found == NULL ? NULL : strstr(found, "\ngoroutine ");
    end = end == NULL ? NULL : strstr(end, "\n\n");
    return found == NULL ? NULL : xstrndup(found, end == NULL ? strlen(found) : (size_t)(end - found));
}

/* A bolt database with a page that was never written makes Go panic, or the kernel send SIGBUS: the trace names bolt, and
 * whose database it is. */
static bool judge_by_trace(const char *words, struct judgement *judgement)
{
    CLEANUP_FREE char *trace = failed_trace(words);

    if (trace == NULL) {
        return false;
    }
    if (strstr(trace, "boltdb") != NULL && strstr(trace, "/libnetwork") != NULL) {
        set_words(judgement, DOCKERD_CODE_NETWORK_DATABASE, DOCKERD_NETWORK_DATABASE_WHAT,
                  DOCKERD_NETWORK_DATABASE_REMEDY);
    } else if (strstr(trace, "bbolt") != NULL && strstr(trace, "/buildkit/") != NULL) {
        set_words(judgement, DOCKERD_CODE_BUILD_CACHE, DOCKERD_BUILD_CACHE_WHAT, DOCKERD_BUILD_CACHE_REMEDY);
    } else {
        set_words(judgement, "crashed", trace,
                  "it is started again; if this repeats, \"edgeinit logs dockerd\" has the trace to report");
    }
    copy_line(judgement->line, sizeof(judgement->line), trace);
    return true;
}

static bool judge_by_doctor(const struct case_file *file, const char *words, struct judgement *judgement)
{
    struct explanation explanation;

    if (!doctor_explain(&file->findings, file->call->service->name, words, &explanation)) {
        return false;
    }
    set_words(judgement, explanation.code, explanation.line, explanation.remedy);
    copy_line(judgement->line, sizeof(judgement->line), explanation.line);
    return true;
}

static void judge_exit(const struct case_file *file, const char *words, struct judgement *judgement)
{
    size_t end = strlen(words);
    const char *last;

    if ((WEXITSTATUS(file->call->status) == EXIT_PANIC && judge_by_trace(words, judgement)) ||
        judge_by_lines(file, words, judgement) || judge_by_doctor(file, words, judgement) || end == 0) {
        return;
    }
    last = memrchr(words, '\n', end - 1);
    last = last == NULL ? words : last + 1;
    set_words(judgement, "unknown", last, "\"edgeinit logs dockerd\" and \"edgeinit doctor\" may tell more");
    copy_line(judgement->line, sizeof(judgement->line), last);
}

void dockerd_judge_with(const struct profile_call *call, const struct dockerd_eyes *eyes, struct judgement *judgement)
{
    CLEANUP_FREE char *words = last_words(call->log == NULL ? "" : call->log);
    struct case_file file;

    switch (call->end) {
        case CAUSE_LIVENESS:
            set_words(
                judgement, "docker-hung", "dockerd took connections and did not answer; it was stopped",
                "nothing: it is started again, and its containers live on; if this repeats, look for a failing card in "
                "\"dmesg\"");
            return;
        case CAUSE_START_TIMEOUT:
            set_words(
                judgement, "start-timeout", "dockerd did not become ready in time; it was stopped",
                "a slow card, or very many containers: allow more (\"ready\", \"timeout\"), or see \"edgeinit logs "
                "dockerd\" for what it waited for");
            return;
        case CAUSE_SIGNALLED:
            if (call->status != -1 && WIFSIGNALED(call->status) && WTERMSIG(call->status) == SIGKILL &&
                eyes->out_of_memory("dockerd")) {
                set_words(judgement, "killed-by-memory", "the kernel killed it because memory was short",
                          "give containers memory limits; \"oom_score_adj\" of dockerd says how late it is chosen");
            }
            return;
        case CAUSE_EXITED:
            break;
        default:
            return;
    }
    if (call->status == -1 || !WIFEXITED(call->status) || WEXITSTATUS(call->status) == 0) {
        return;
    }
    open_case(&file, call);
    judge_exit(&file, words, judgement);
    close_case(&file);
    if (streq(judgement->code, DOCKERD_CODE_NETWORK_DATABASE) && eyes->containers_run()) {
        snprintf(judgement->remedy, sizeof(judgement->remedy), "%s", DOCKERD_NETWORK_DATABASE_BUSY);
    }
}

void dockerd_judge(const struct profile_call *call, struct judgement *judgement)
{
    static const struct dockerd_eyes eyes = {.out_of_memory = killed_for_memory,
                                             .containers_run = dockerd_containers_run};

    dockerd_judge_with(call, &eyes, judgement);
}
