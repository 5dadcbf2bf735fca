/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/edgecore_judge.h"

#include <ctype.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/util.h"
#include "doctor/doctor.h"
#include "edge/token.h"

#define HEADER "IWEF" /* klog's first letters: info, warning, error, fatal */

/* The process id in klog's header "E1122 11:58:19.305224    1198 edged.go:272] "; -1: the line has none. */
static long process_of(const char *line)
{
    const char *clock = line + 1 + strspn(line[0] == '\0' ? "" : line + 1, "0123456789");
    const char *process = clock + 1 + strspn(clock[0] == ' ' ? clock + 1 : "", "0123456789:.");
    const char *place;
    char *end = NULL;
    long number;

    if (line[0] == '\0' || strchr(HEADER, line[0]) == NULL || clock - line != 5 || clock[0] != ' ' ||
        process[0] != ' ') {
        return -1;
    }
    number = strtol(process, &end, 10);
    place = end + strcspn(end, "] \n");
    place = end[0] == ' ' ? end + 1 + strcspn(end + 1, "] \n") : place;
    return end != process && end[0] == ' ' && place[0] == ']' ? number : -1;
}

/* The message of a line, without the header. */
static const char *message_of(const char *line)
{
    const char *end = process_of(line) < 0 ? NULL : strchr(line, ']');

    return end == NULL ? line : end + 1 + strspn(end + 1, " ");
}

/* Where the lines of the process that wrote last begin. Lines without a header (a panic's, the database's) are its too. */
static const char *last_instance(const char *log)
{
    const char *begin = log;
    long process = -1;

    for (const char *line = log; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        long of_line = process_of(line);

        if (of_line >= 0 && of_line != process) {
            begin = process < 0 ? log : line;
            process = of_line;
        }
    }
    return begin;
}

/* Does the part stand in the line? A '*' in it is one word, the shortest; it is copied. */
static bool stands_in(const char *line, const char *part, char word[EDGECORE_WORD])
{
    const char *star = strchr(part, '*');
    size_t before = star == NULL ? strlen(part) : (size_t)(star - part);

    for (const char *at = line; *at != '\0'; at++) {
        if (strncmp(at, part, before) != 0) {
            continue;
        }
        if (star == NULL) {
            return true;
        }
        for (size_t length = 1; at[before + length - 1] != '\0' && !isspace((unsigned char)at[before + length - 1]);
             length++) {
            if (starts_with(at + before + length, star + 1) &&
                (star[1] != '\0' || at[before + length] == '\0' || isspace((unsigned char)at[before + length]))) {
                snprintf(word, EDGECORE_WORD, "%.*s", (int)(length < EDGECORE_WORD ? length : EDGECORE_WORD - 1),
                         at + before);
                return true;
            }
        }
    }
    return false;
}

const struct edgecore_rule *edgecore_rule_of(const char *line, char word[EDGECORE_WORD])
{
    const struct edgecore_rule *rule;

    for (size_t i = 0; (rule = edgecore_rule_at(i)) != NULL; i++) {
        if (stands_in(line, rule->parts[0], word) &&
            (rule->parts[1] == NULL || stands_in(line, rule->parts[1], word))) {
            return rule;
        }
    }
    return NULL;
}

/* A template into a text: '*' is the word, '@' the place of the token. */
static void fill(char *text, size_t size, const char *template, const char *word, const char *place)
{
    size_t made = 0;

    for (const char *at = template; *at != '\0' && made + 1 < size; at++) {
        if (*at == '*' || *at == '@') {
            made += (size_t)snprintf(text + made, size - made, "%s", *at == '*' ? word : place);
            made = made < size ? made : size - 1;
        } else {
            text[made++] = *at;
        }
    }
    text[made] = '\0';
}

static void copy_line(char *text, size_t size, const char *line)
{
    snprintf(text, size, "%.*s", (int)strcspn(line, "\n"), line);
    token_redact(text);
}

static const struct service_config *dockerd_of(const struct node *node)
{
    for (size_t i = 0; i < node->services.count; i++) {
        if (node->services.items[i].profile == PROFILE_DOCKERD) {
            return &node->services.items[i];
        }
    }
    return NULL;
}

static const char *place_of_token(const struct edge_config *edge)
{
    return edge->token_file != NULL ? edge->token_file : "\"token\" of the manifest's \"edge\" section";
}

static void wake_for_docker(const struct profile_call *call, struct judgement *judgement)
{
    const struct service_config *dockerd = dockerd_of(call->node);

    if (dockerd != NULL) {
        judgement_wake(judgement, WAKE_SERVICE_READY, dockerd->name);
    } else {
        judgement_wake(judgement, WAKE_FILE_CHANGED, "/var/run/docker.sock");
    }
}

/* The manifest that a person edits is the last one. */
static void wake_for_manifest(const struct profile_call *call, struct judgement *judgement)
{
    if (call->paths->manifest_count > 0) {
        judgement_wake(judgement, WAKE_FILE_CHANGED, call->paths->manifests[call->paths->manifest_count - 1]);
    }
}

static void add_wake(enum rule_wake wake, const struct profile_call *call, const char *word,
                     struct judgement *judgement)
{
    const struct edge_config *edge = &call->node->edge;
    char path[EDGECORE_WORD + 32];

    switch (wake) {
        case RULE_WAKE_ROUTE:
            judgement_wake(judgement, WAKE_ROUTE, "default");
            break;
        case RULE_WAKE_ADDRESS:
            judgement_wake(judgement, WAKE_ADDRESS, word);
            break;
        case RULE_WAKE_NETWORK:
            judgement_wake(judgement, WAKE_NETWORK_CHANGED, "");
            break;
        case RULE_WAKE_CLOCK:
            judgement_wake(judgement, WAKE_CLOCK_CHANGED, "");
            break;
        case RULE_WAKE_TOKEN:
            if (edge->token_file != NULL) {
                judgement_wake(judgement, WAKE_FILE_CHANGED, edge->token_file);
            }
            break;
        case RULE_WAKE_MANIFEST:
            wake_for_manifest(call, judgement);
            break;
        case RULE_WAKE_CONFIG:
            if (edge->config != NULL) {
                judgement_wake(judgement, WAKE_FILE_CHANGED, edge->config);
            }
            break;
        case RULE_WAKE_DOCKER:
            wake_for_docker(call, judgement);
            break;
        case RULE_WAKE_HOSTS:
            judgement_wake(judgement, WAKE_FILE_CHANGED, "/etc/hosts");
            break;
        case RULE_WAKE_RESOLV:
            judgement_wake(judgement, WAKE_FILE_CHANGED, "/etc/resolv.conf");
            break;
        case RULE_WAKE_CGROUP:
            snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", word);
            judgement_wake(judgement, WAKE_MOUNT, path);
            break;
        case RULE_WAKE_EDGED:
            judgement_wake(judgement, WAKE_MOUNT, "/var/lib/edged");
            break;
        default:
            break;
    }
}

/* Neither expired nor refused: there is no token at all. Or it says itself that its time is over: the cloud gives the same
 * answer to both, a wrong one and an old one. */
static void look_at_token(const struct profile_call *call, const struct edgecore_eyes *eyes,
                          struct judgement *judgement)
{
    CLEANUP_FREE char *token = token_read(&call->node->edge);
    const char *place = place_of_token(&call->node->edge);
    int64_t expiry = 0;

    if (token == NULL) {
        snprintf(judgement->code, sizeof(judgement->code), "%s", EDGECORE_CODE_TOKEN_MISSING);
        snprintf(judgement->what, sizeof(judgement->what), "the node has not joined yet, and there is no token in %s",
                 place);
    } else if (token_expiry(token, &expiry) && expiry <= eyes->seconds()) {
        int64_t hours = (eyes->seconds() - expiry) / 3600;

        snprintf(judgement->code, sizeof(judgement->code), "%s", EDGECORE_CODE_TOKEN_EXPIRED);
        snprintf(judgement->what, sizeof(judgement->what), "the token has expired, %lld hours ago by the board's clock",
                 (long long)hours);
    }
}

static void look_at_docker(const struct edgecore_eyes *eyes, struct judgement *judgement)
{
    if (eyes->docker() == DOCKER_ANSWERS) {
        judgement->hold = JUDGEMENT_RETRY; /* it came back between edgecore's end and now: no event will follow */
        judgement->again_after = 0;
    }
}

static void look_at_port(const struct edgecore_eyes *eyes, const char *word, struct judgement *judgement)
{
    char holder[96] = "";
    size_t length = strlen(judgement->what);

    eyes->holder((int)strtol(word, NULL, 10), holder, sizeof(holder));
    if (holder[0] != '\0') {
        snprintf(judgement->what + length, sizeof(judgement->what) - length, " by %s", holder);
    }
}

static void look(const struct edgecore_rule *rule, const struct profile_call *call, const struct edgecore_eyes *eyes,
                 const char *word, const struct judgement *before, struct judgement *judgement)
{
    switch (rule->look) {
        case RULE_LOOK_DOCKER:
            look_at_docker(eyes, judgement);
            break;
        case RULE_LOOK_PORT:
            look_at_port(eyes, word, judgement);
            break;
        case RULE_LOOK_TOKEN:
            look_at_token(call, eyes, judgement);
            break;
        case RULE_LOOK_TWICE:
            if (before != NULL && streq(before->code, rule->code)) {
                judgement->blameless = false;
                snprintf(judgement->remedy, sizeof(judgement->remedy), "%s",
                         "it could not be moved aside: make its directory writable, or move it away by hand");
            }
            break;
        default:
            break;
    }
}

static void set_pause(const struct edgecore_rule *rule, const struct profile_call *call, const struct judgement *before,
                      struct judgement *judgement)
{
    int64_t most = rule->again_most * 1000;

    judgement->again_after = rule->again * 1000;
    if (most > 0 && before != NULL && streq(before->code, rule->code) && before->again_after > 0 &&
        call->lived < EDGECORE_STABLE) {
        judgement->again_after = before->again_after < most / 2 ? before->again_after * 2 : most;
    }
}

/* doctor's words for the line, where the rule leaves them to it. */
static void set_remedy(const struct edgecore_rule *rule, const struct profile_call *call, const char *line,
                       const char *word, struct judgement *judgement)
{
    const struct findings none = {0};
    struct explanation explanation;

    if (rule->remedy != NULL) {
        fill(judgement->remedy, sizeof(judgement->remedy), rule->remedy, word, place_of_token(&call->node->edge));
    } else if (doctor_explain(&none, call->service->name, line, &explanation)) {
        snprintf(judgement->remedy, sizeof(judgement->remedy), "%.*s", (int)sizeof(judgement->remedy) - 1,
                 explanation.remedy);
    }
}

static void follow(const struct edgecore_rule *rule, const struct profile_call *call, const struct edgecore_eyes *eyes,
                   const char *line, const char *word, const struct judgement *before, struct judgement *judgement)
{
    judgement->hold = rule->hold;
    judgement->blameless = rule->blameless;
    snprintf(judgement->code, sizeof(judgement->code), "%s", rule->code);
    if (rule->what == NULL) {
        copy_line(judgement->what, sizeof(judgement->what), message_of(line));
    } else {
        fill(judgement->what, sizeof(judgement->what), rule->what, word, "");
    }
    copy_line(judgement->line, sizeof(judgement->line), line);
    set_remedy(rule, call, line, word, judgement);
    set_pause(rule, call, before, judgement);
    for (size_t i = 0; i < ARRAY_SIZE(rule->wakes); i++) {
        add_wake(rule->wakes[i], call, word, judgement);
    }
    look(rule, call, eyes, word, before, judgement);
}

/* The last line that a rule knows: what comes last is why it ended. */
static bool judge_by_lines(const struct profile_call *call, const struct edgecore_eyes *eyes, const char *log,
                           const struct judgement *before, struct judgement *judgement)
{
    size_t end = strlen(log);

    while (end > 0) {
        const char *newline = memrchr(log, '\n', end - 1);
        const char *start = newline == NULL ? log : newline + 1;
        CLEANUP_FREE char *line = xstrndup(start, (size_t)(log + end - start));
        const struct edgecore_rule *rule;
        char word[EDGECORE_WORD] = "";

        line[strcspn(line, "\n")] = '\0';
        end = (size_t)(start - log);
        rule = edgecore_rule_of(line, word);
        if (rule != NULL) {
            follow(rule, call, eyes, line, word, before, judgement);
            return true;
        }
    }
    return false;
}

/* A line of this kind ("panic: ", or klog's letter): the first, or the last. */
static const char *find_line(const char *log, bool (*is_it)(const char *line), bool last)
{
    const char *found = NULL;

    for (const char *line = log; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        if (is_it(line) && (last || found == NULL)) {
            found = line;
        }
    }
    return found;
}

static bool is_panic(const char *line)
{
    return starts_with(line, "panic: ") || starts_with(line, "fatal error: ") || starts_with(line, "unexpected fault ");
}

static bool is_complaint(const char *line)
{
    return process_of(line) >= 0 && (line[0] == 'E' || line[0] == 'F');
}

static void set_words(struct judgement *judgement, const char *code, const char *what, const char *remedy)
{
    judgement->hold = JUDGEMENT_RETRY;
    snprintf(judgement->code, sizeof(judgement->code), "%s", code);
    snprintf(judgement->what, sizeof(judgement->what), "%.*s", (int)strcspn(what, "\n"), what);
    token_redact(judgement->what);
    snprintf(judgement->remedy, sizeof(judgement->remedy), "%s", remedy);
}

/* It never became ready, or its checks failed, with a docker that takes connections and says nothing, or with none: edgecore
 * waits for docker in silence, and answers its own checks with errors. */
static bool judge_by_docker(const struct profile_call *call, const struct edgecore_eyes *eyes,
                            struct judgement *judgement)
{
    const struct service_config *dockerd = dockerd_of(call->node);
    struct judgement waiting = {.hold = JUDGEMENT_PARK, .blameless = true, .again_after = 60000};
    enum docker_state docker;

    if (!eyes->uses_docker(call)) {
        return false;
    }
    wake_for_docker(call, &waiting);
    docker = eyes->docker();
    if (docker == DOCKER_ANSWERS) {
        return false;
    }
    *judgement = waiting;
    snprintf(judgement->code, sizeof(judgement->code), "%s",
             docker == DOCKER_SILENT ? EDGECORE_CODE_DOCKER_HUNG : "docker-absent");
    snprintf(judgement->what, sizeof(judgement->what), "%s",
             docker == DOCKER_SILENT ? "docker takes connections and does not answer, and edgecore waits for it"
                                     : "docker is not there, and edgecore can do nothing without it");
    snprintf(judgement->remedy, sizeof(judgement->remedy), "%s",
             dockerd != NULL ? "nothing: dockerd is looked at, and edgecore is started as soon as it is ready"
                             : "restart docker");
    snprintf(judgement->suspect, sizeof(judgement->suspect), "%s", dockerd != NULL ? dockerd->name : "");
    return true;
}

static bool judge_by_signal(const struct profile_call *call, const struct edgecore_eyes *eyes,
                            struct judgement *judgement)
{
    const char *program = strrchr(call->service->command[0], '/');
    int number = WTERMSIG(call->status);

    if (number == SIGKILL && eyes->out_of_memory(program == NULL ? call->service->command[0] : program + 1)) {
        set_words(judgement, EDGECORE_CODE_MEMORY, "the kernel killed it because memory was short",
                  "give the board's containers limits, or edgecore more (\"cgroup\", \"oom_score_adj\")");
        return true;
    }
    if (number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGABRT || number == SIGSYS) {
        char what[96];

        snprintf(what, sizeof(what), "it crashed: %s", strsignal(number));
        set_words(judgement, EDGECORE_CODE_CRASHED, what,
                  number == SIGSYS ? "a seccomp filter forbids a system call: \"edgeinit doctor\" says whose"
                                   : "is this build of edgecore for this board? \"edgeinit doctor\" looks at it");
        return true;
    }
    return false;
}

void edgecore_judge_with(const struct profile_call *call, const struct edgecore_eyes *eyes,
                         const struct judgement *before, struct judgement *judgement)
{
    const char *log = last_instance(call->log);
    const char *line;

    if (call->end == CAUSE_SIGNALLED && call->status != -1) {
        judge_by_signal(call, eyes, judgement);
        return;
    }
    if (call->end == CAUSE_START_TIMEOUT || call->end == CAUSE_LIVENESS) {
        if (!judge_by_docker(call, eyes, judgement) && call->end == CAUSE_START_TIMEOUT) {
            judge_by_lines(call, eyes, log, before, judgement);
        }
        return;
    }
    if (call->end != CAUSE_EXITED || call->status == -1 || WEXITSTATUS(call->status) == 0) {
        return;
    }
    line = find_line(log, is_panic, false);
    if (WEXITSTATUS(call->status) == 2 && line != NULL) {
        set_words(judgement, EDGECORE_CODE_CRASHED, line,
                  "it is started again; if this repeats, report it to KubeEdge with \"edgeinit logs\"");
        copy_line(judgement->line, sizeof(judgement->line), line);
        return;
    }
    if (judge_by_lines(call, eyes, log, before, judgement)) {
        return;
    }
    line = find_line(log, is_complaint, true);
    if (line != NULL) {
        set_words(judgement, EDGECORE_CODE_UNKNOWN, message_of(line),
                  "\"edgeinit logs\" and \"edgeinit doctor\" may tell more");
        copy_line(judgement->line, sizeof(judgement->line), line);
    }
}

void edgecore_judge(const struct profile_call *call, struct judgement *judgement)
{
    struct judgement before;
    bool known = judgement_read(&before, call->directory);

    edgecore_judge_with(call, &edgecore_eyes, known ? &before : NULL, judgement);
}
