/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs: one row each, from the command line to the rooms below. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "command.h"
#include "control/colour.h"
#include "control/daemon.h"
#include "control/down.h"
#include "control/protocol.h"
#include "control/show.h"
#include "control/show_status.h"
#include "doctor/verb.h"
#include "ohos/hilog.h"
#include "plan/apply.h"
#include "run_timeline.h"
#include "supervise/logs.h"

#define VERSION "0.1.0"
#define STATUS_PATIENCE 15000
#define HEAP_OF_A_BOARD ((size_t)100 * 1024)

/* Every problem of the manifest goes to stderr: one line each. */
static void print_problems(struct manifest *manifest)
{
    CLEANUP_TEXT struct text problems = {0};

    manifest_describe(manifest, &problems);
    fputs(text_string(&problems), stderr);
}

static struct node_paths paths_of(const struct command *command)
{
    return (struct node_paths){
        .manifests = command->manifests,
        .manifest_count = command->manifest_count,
        .run_dir = command->run_dir,
        .state_dir = command->state_dir,
    };
}

/* The same where nobody reads stderr. */
static void log_problems(struct manifest *manifest)
{
    CLEANUP_TEXT struct text problems = {0};
    char *rest;

    manifest_describe(manifest, &problems);
    rest = (char *)text_string(&problems);
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        if (line[0] != '\0') {
            log_warning("%s", line);
        }
    }
}

static int load(struct command *command, struct node *node, void (*tell)(struct manifest *manifest))
{
    struct node_paths paths = paths_of(command);
    void *volatile heap = malloc(HEAP_OF_A_BOARD); /* a compiler leaves out what is only made and freed */
    int result;

    free(heap); /* the heap has grown once, and does not with a call for every few pages */
    result = node_load(node, &paths);
    tell(&node->manifest);
    if (result != 0) {
        log_error("the manifest has %zu mistake%s, so nothing was done", node->manifest.mistakes,
                  node->manifest.mistakes == 1 ? "" : "s");
    }
    return result;
}

static int run_validate(struct command *command)
{
    static struct node node; /* until the process ends, which frees it at once */
    struct node_paths paths = paths_of(command);
    int result;

    paths.manifests = (const char *const *)command->arguments;
    paths.manifest_count = (size_t)command->argument_count;
    result = node_load(&node, &paths);
    print_problems(&node.manifest);
    if (result == 0) {
        printf("good: %zu resources, %zu services\n", node.host.count, node.services.count);
    } else {
        printf("not good: %zu mistake%s\n", node.manifest.mistakes, node.manifest.mistakes == 1 ? "" : "s");
    }
    return result == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int run_plan(struct command *command)
{
    static struct node node; /* until the process ends, which frees it at once */
    CLEANUP_TEXT struct text out = {0};
    bool colour = colour_is_wanted(STDOUT_FILENO);
    int code = EXIT_DONE;

    if (load(command, &node, print_problems) != 0) {
        return EXIT_FAILED;
    }
    plan_probe(&node.plan);
    for (size_t i = 0; i < node.plan.count; i++) {
        const struct plan_entry *entry = &node.plan.entries[node.plan.order[i]];

        if (entry->action == ACTION_IMPOSSIBLE) {
            code = EXIT_FAILED;
        } else if (entry->action != ACTION_NONE && entry->resource->verdict != VERDICT_BLIND && code == EXIT_DONE) {
            code = EXIT_DIFFERENCES;
        }
        if (!command->json) {
            show_plan_entry(&node.plan, entry, colour, &out);
        }
    }
    if (command->json) {
        CLEANUP_JSON cJSON *document = show_plan_json(&node.plan);

        json_write(document, &out);
    } else {
        show_plan_summary(&node.plan, colour, &out);
    }
    command_print(&out);
    return code;
}

struct progress {
    bool colour;
    struct text *line;
};

static void report_apply(void *data, const struct plan *plan, const struct plan_entry *entry)
{
    struct progress *progress = data;

    /* Progress is for people: shown when they would wait for it, and not line by line within a blink. */
    if (entry == NULL) {
        fflush(stdout);
        return;
    }
    progress->line->length = 0;
    show_apply_entry(plan, entry, progress->colour, progress->line);
    command_print(progress->line);
    if (entry->state == STATE_RUNNING) {
        fflush(stdout);
    }
}

static void report_waiting(void *data)
{
    (void)data;
    log_info("another edgeinit is applying; waiting for it");
}

static int run_apply(struct command *command)
{
    static struct node node; /* until the process ends, which frees it at once */
    struct error err = {0};
    CLEANUP_TEXT struct text out = {0};
    CLEANUP_TEXT struct text line = {0};
    struct progress progress = {.colour = colour_is_wanted(STDOUT_FILENO), .line = &line};
    int64_t started = clock_now();
    int code;

    if (load(command, &node, print_problems) != 0) {
        return EXIT_FAILED;
    }
    if (apply_run(&node.plan, command->json ? NULL : report_apply, report_waiting, &progress, &err) != 0) {
        return command_print_error(&err);
    }
    code = apply_is_complete(&node.plan) ? EXIT_DONE : EXIT_FAILED;
    if (command->json) {
        CLEANUP_JSON cJSON *document = show_apply_json(&node.plan, clock_now() - started);

        json_write(document, &out);
    } else {
        show_apply_summary(&node.plan, clock_now() - started, progress.colour, &out);
    }
    command_print(&out);
    return code;
}

static int run_daemon(struct command *command)
{
    struct node node = {0};
    struct node_paths paths = paths_of(command);
    struct error err = {0};
    int64_t started = clock_now();
    int code = EXIT_FAILED;
    bool elsewhere = hilog_take_over();

    if (load(command, &node, elsewhere ? log_problems : print_problems) == 0) {
        code = daemon_run(&node, &paths, started, &err) == 0 ? EXIT_DONE : command_print_error(&err);
    }
    node_free(&node);
    return code;
}

/* What the daemon says besides yes and no goes to stderr: it is no answer. */
static cJSON *ask(struct command *command, const char *service, int64_t patience, int *code)
{
    CLEANUP_JSON cJSON *request = cJSON_CreateObject();
    struct error err = {0};
    cJSON *answer;

    cJSON_AddStringToObject(request, "verb", command->verb->name);
    if (service != NULL) {
        cJSON_AddStringToObject(request, "service", service);
    }
    if (command->no_wait) {
        cJSON_AddBoolToObject(request, "wait", 0);
    }
    answer = control_ask(command->run_dir, request, patience, &err);
    if (answer == NULL) {
        *code = command_print_error(&err);
        return NULL;
    }
    *code = EXIT_DONE;
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"))) {
        const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "error"));

        log_error("%s", reason == NULL ? "the daemon refused" : reason);
        *code = EXIT_FAILED;
    } else if (cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "note")) != NULL) {
        log_info("%s", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "note")));
    }
    return answer;
}

static int run_status(struct command *command)
{
    int code = EXIT_FAILED;
    CLEANUP_JSON cJSON *status = ask(command, NULL, STATUS_PATIENCE, &code);
    CLEANUP_TEXT struct text out = {0};

    if (status == NULL || code != EXIT_DONE) {
        return code;
    }
    if (command->json) {
        json_write(status, &out);
    } else {
        show_status(status, colour_is_wanted(STDOUT_FILENO), &out);
    }
    command_print(&out);
    return cJSON_GetObjectItemCaseSensitive(status, "manifest_refused") == NULL ? EXIT_DONE : EXIT_FAILED;
}

static int run_wait_ready(struct command *command)
{
    const char *service = command->argument_count == 0 ? NULL : command->arguments[0];
    int64_t started = clock_now();
    int64_t left = command->timeout;
    struct error err = {0};
    int code = EXIT_FAILED;
    cJSON *answer;

    /* With time to spare the daemon itself may still be on its way. */
    if (left >= 0) {
        if (control_wait(command->run_dir, left, &err) != 0) {
            return command_print_error(&err);
        }
        left -= (clock_now() - started) / MICROSECONDS_PER_MILLISECOND;
        left = left < 0 ? 0 : left;
    }
    answer = ask(command, service, left, &code);
    cJSON_Delete(answer);
    return code;
}

/* start, stop, restart, reload: the daemon does it, and answers when it is done. */
static int run_request(struct command *command)
{
    int code = EXIT_FAILED;

    cJSON_Delete(ask(command, command->argument_count == 0 ? NULL : command->arguments[0], command->timeout, &code));
    return code;
}

/* Without a manifest of ours the board is judged, and taken down, all the same. */
static bool has_manifest(const struct command *command)
{
    return !command->usual_manifests || access(command->manifests[0], F_OK) == 0;
}

static void report_down(void *data, const char *target, const struct error *err)
{
    char text[1024];

    (void)data;
    if (err == NULL) {
        printf("- mount %s\n", target);
    } else {
        fflush(stdout);
        log_error("%s", error_text(err, text, sizeof(text)));
    }
}

/* A manifest with mistakes is no reason to leave the board up: what runs is known without it. */
static int run_down(struct command *command)
{
    static struct node node; /* until the process ends, which frees it at once */
    struct node_paths paths = paths_of(command);
    const struct service_list none = {0};
    struct made_result result;
    struct error err = {0};
    bool elsewhere = hilog_take_over();
    bool good = !has_manifest(command) || load(command, &node, elsewhere ? log_problems : print_problems) == 0;

    if (down_run(&paths, good ? &node.services : &none, command->timeout, report_down, NULL, &result, &err) != 0) {
        return command_print_error(&err);
    }
    if (result.held > 0) {
        fflush(stdout);
        log_error("the services are down, but %zu mount%s in use: do not pull the card", result.held,
                  result.held == 1 ? " is" : "s are");
        return EXIT_FAILED;
    }
    printf("the board is down: %zu mount%s taken off; the card may be pulled\n", result.taken,
           result.taken == 1 ? "" : "s");
    return EXIT_DONE;
}

static int run_logs(struct command *command)
{
    struct error err = {0};
    const char *service = command->argument_count == 0 ? NULL : command->arguments[0];

    return logs_show(command->run_dir, service, command->lines, command->follow, stdout, &err) == 0
               ? EXIT_DONE
               : command_print_error(&err);
}

static int run_doctor(struct command *command)
{
    static struct node node; /* until the process ends, which frees it at once */
    struct doctor_request request = {
        .run_dir = command->run_dir,
        .kernel_config = command->kernel_config,
        .kernel_version = command->kernel_version,
        .fragment = command->fragment,
        .fragment_all = command->fragment_all,
        .probe = !command->fragment && (command->kernel_config == NULL || !command->usual_manifests),
    };
    CLEANUP_TEXT struct text out = {0};
    struct error err = {0};
    int code;

    if (request.probe && has_manifest(command)) {
        if (load(command, &node, print_problems) != 0) {
            return EXIT_FAILED;
        }
        request.manifest = node.manifest.root;
    } else if (request.probe) {
        log_info("there is no manifest: judged as a board that is to run dockerd and edgecore");
    }
    code = doctor_answer(&request, command->json, colour_is_wanted(STDOUT_FILENO), &out, &err);
    if (code < 0) {
        return err.code == ERROR_INPUT && err.errnum == 0 ? command_usage_error(command->verb, err.what, NULL)
                                                          : command_print_error(&err);
    }
    command_print(&out);
    return code;
}

static const struct verb verbs[] = {
    {"daemon", "", "bring the board up, run its services, stay (started by init)",
     "Applies the manifest, starts the services and keeps them running, passes their output on, answers status,\n"
     "and stops everything on SIGTERM. Stays in the foreground and logs to stderr.\n",
     OPTION_MANIFEST | OPTION_DIRECTORIES, 0, 0, run_daemon},
    {"validate", " FILE...", "is this manifest right?",
     "Checks the files, merged in order, and prints every mistake with file, line, column and remedy to stderr.\n"
     "Exit code 0: good, 1: not good.\n",
     0, 1, -1, run_validate},
    {"plan", "", "what would apply change?",
     "One line per resource: + create, ~ change, = in place, ! impossible. Changes nothing.\n"
     "Exit code 0: nothing to do, 2: something, 1: something is impossible or the manifest is wrong.\n",
     OPTION_MANIFEST | OPTION_DIRECTORIES | OPTION_JSON, 0, 0, run_plan},
    {"apply", "", "bring the board up, without services",
     "Carries the plan out and says what it did. Can be interrupted and run again.\n"
     "Exit code 0: everything is in place, 1: something failed.\n",
     OPTION_MANIFEST | OPTION_DIRECTORIES | OPTION_JSON, 0, 0, run_apply},
    {"status", "", "resources and services, as they are now", "Exit code 0: answered, 3: no daemon runs.\n",
     OPTION_DIRECTORIES | OPTION_JSON, 0, 0, run_status},
    {"wait-ready", " [SERVICE]", "wait until a service, or all of them, are ready",
     "With --timeout it also waits for the daemon to appear.\n"
     "Exit code 0: ready, 1: it cannot become ready or the time is over, 3: no daemon runs.\n",
     OPTION_DIRECTORIES | OPTION_TIMEOUT, 0, 1, run_wait_ready},
    {"start", " SERVICE", "start a service, from whatever state it is in",
     "Waits until it is ready. One that is stopped stays stopped until it is started again.\n"
     "Exit code 0: it is ready, 1: it could not be started (edgeinit goes on trying as the manifest says), 3: no daemon.\n",
     OPTION_DIRECTORIES | OPTION_TIMEOUT | OPTION_NO_WAIT, 1, 1, run_request},
    {"stop", " SERVICE", "stop a service, and keep it stopped",
     "Its stop signal, then SIGKILL when its time is over. Says which services that come after it still run.\n"
     "Exit code 0: it has stopped, 1: there is no such service, 3: no daemon.\n",
     OPTION_DIRECTORIES | OPTION_TIMEOUT | OPTION_NO_WAIT, 1, 1, run_request},
    {"restart", " SERVICE", "stop a service if it runs, and start it",
     "Waits until the new one is ready. Exit code 0: it is ready, 1: it could not be started, 3: no daemon.\n",
     OPTION_DIRECTORIES | OPTION_TIMEOUT | OPTION_NO_WAIT, 1, 1, run_request},
    {"reload", "", "read the manifest anew and restart only what changed",
     "Applies the resources, starts what is new, stops what is gone, restarts services that are started differently now.\n"
     "A manifest with mistakes is refused, and nothing changes. SIGHUP to the daemon does the same.\n"
     "Exit code 0: done (wait-ready waits for the services), 1: refused, 3: no daemon.\n",
     OPTION_DIRECTORIES | OPTION_TIMEOUT | OPTION_NO_WAIT, 0, 0, run_request},
    {"down", "", "end it all: stop the services, unmount, free the card",
     "Stops all services in reverse order, and what is left of them (containers, too); ends the daemon; takes off in\n"
     "reverse order what edgeinit mounted. Then the card may be pulled. Says who uses what cannot be taken off. Works without\n"
     "a daemon, and can be interrupted and run again; the next daemon, or apply, brings everything back. On OpenHarmony init\n"
     "is asked to stop the service edgeinit, else it would start the daemon again: \"service_control start edgeinit\" does.\n"
     "--timeout D: services that have not stopped by then are killed.\n"
     "Exit code 0: down, 1: something is in use, or could not be done.\n",
     OPTION_MANIFEST | OPTION_DIRECTORIES | OPTION_TIMEOUT, 0, 0, run_down},
    {"timeline", " [N [M]]", "where the time of a boot went, and what it waited for",
     "From the kernel's start to the moment when everything was ready: a bar for each item that mattered, and the critical\n"
     "path: what the end waited for, step by step. Boot 0 is the newest; the last ones are kept. Needs no daemon.\n"
     "With --compare: what took longer in the newest boot than in the one before, or in boot N, or in N and M.\n"
     "Exit code 0: shown, or nothing got slower, 2: something got slower, 1: there is no such boot.\n",
     OPTION_DIRECTORIES | OPTION_JSON | OPTION_TIMELINE, 0, 2, run_timeline},
    {"doctor", "", "can this board run the node, and if not, what to do",
     "Tries what dockerd and edgecore need, in processes and namespaces of their own, and reads the kernel's options.\n"
     "One line for each finding, what it costs, and the remedy; docs/doctor.md explains all. Changes nothing.\n"
     "Exit code 0: fit, 1: unfit, 2: fit, with warnings.\n",
     OPTION_MANIFEST | OPTION_DIRECTORIES | OPTION_JSON | OPTION_DOCTOR, 0, 0, run_doctor},
    {"logs", " [SERVICE]", "what a service wrote, or all of them",
     "Reads the rings in the run directory; needs no daemon.\n"
     "Exit code 0: shown, 1: there is no such log.\n",
     OPTION_DIRECTORIES | OPTION_LOGS, 0, 1, run_logs},
};

static void print_overview(FILE *out)
{
    fputs("edgeinit turns an OpenHarmony board into a KubeEdge edge node.\n\nUsage: edgeinit VERB [OPTION]...\n\n",
          out);
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        fprintf(out, "  %-11s %s\n", verbs[i].name, verbs[i].summary);
    }
    fputs(
        "\nedgeinit VERB --help says more. edgeinit --version prints the version.\n"
        "Exit codes: 0 done, 1 failed, 2 differences (plan, timeline --compare) or warnings (doctor), 3 no daemon, 64 usage.\n",
        out);
}

/* At boot it comes from a disk that has not read it yet: in one go instead of one request for every place that code reaches. */
static void fetch_program(void)
{
    CLEANUP_CLOSE int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;

    if (fd >= 0 && fstat(fd, &status) == 0) {
        readahead(fd, 0, (size_t)status.st_size);
    }
}

/* Descriptors 0 to 2 must be taken before any other file is opened: messages go to 2, wherever that leads. A file gets the lowest
 * number that is free. */
static void settle_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        int taken = fcntl(fd, F_GETFD) >= 0 ? fd : open("/dev/null", O_RDWR);

        if (taken < 0) {
            return;
        }
    }
}

int main(int argc, char **argv)
{
    settle_descriptors();
    if (argc > 1 && streq(argv[1], "daemon")) {
        fetch_program();
    }
    signal(SIGPIPE, SIG_IGN); /* "edgeinit apply | head" must not stop half-way */
    json_setup();
    umask(022);
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    if (streq(argv[1], "--help") || streq(argv[1], "help")) {
        print_overview(stdout);
        return EXIT_DONE;
    }
    if (streq(argv[1], "--version")) {
        puts("edgeinit " VERSION);
        return EXIT_DONE;
    }
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (streq(argv[1], verbs[i].name)) {
            return command_run(&verbs[i], argc - 1, argv + 1);
        }
    }
    return command_usage_error(NULL, "unknown verb", argv[1]);
}
