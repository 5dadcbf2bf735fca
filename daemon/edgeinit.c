/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs: one row each, from the command line to the rooms below. */
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <signal.h>

#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"
#include "control/daemon.h"
#include "control/protocol.h"
#include "control/show.h"
#include "plan/apply.h"

#define VERSION "0.1.0"
#define DEFAULT_MANIFEST "/system/etc/edgeinit/edgeinit.json"
#define DEFAULT_STATE_DIR "/data/service/el1/public/edgeinit"
#define STATUS_PATIENCE 15000
#define LONGEST_TIMEOUT (365 * 24 * 3600 * INT64_C(1000))

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_DIFFERENCES = 2, EXIT_NO_DAEMON = 3, EXIT_USAGE = 64 };

enum option_bit {
    OPTION_MANIFEST = 1 << 0,
    OPTION_DIRECTORIES = 1 << 1,
    OPTION_JSON = 1 << 2,
    OPTION_TIMEOUT = 1 << 3,
};

struct command {
    const struct verb *verb;
    const char **manifests;
    size_t manifest_count;
    const char *run_dir;
    const char *state_dir;
    bool json;
    int64_t timeout; /* milliseconds; -1: for ever */
    char **arguments;
    int argument_count;
    glob_t conf_d;
};

struct verb {
    const char *name;
    const char *arguments; /* as the usage line shows them */
    const char *summary;
    const char *text; /* of --help */
    unsigned options;
    int fewest;
    int most; /* arguments; -1: any number */
    int (*run)(struct command *command);
};

static const struct {
    enum option_bit bit;
    const char *usage;
    const char *text;
} option_texts[] = {
    {OPTION_MANIFEST, " [--manifest FILE]...",
     "  --manifest FILE  read this manifest; more of them are merged over it in order (RFC 7396).\n"
     "                   Default: " DEFAULT_MANIFEST ", then conf.d/*.json of the state directory\n"},
    {OPTION_DIRECTORIES, "",
     "  --run-dir DIR    sockets and notes of this boot, on a tmpfs (default /dev/edgeinit on OpenHarmony,\n"
     "                   /run/edgeinit elsewhere)\n"
     "  --state-dir DIR  what survives a reboot (default " DEFAULT_STATE_DIR ")\n"},
    {OPTION_JSON, " [--json]", "  --json           answer in JSON (docs/json.md)\n"},
    {OPTION_TIMEOUT, " [--timeout D]", "  --timeout D      give up after this long: 500ms, 30s, 5m (default: never)\n"},
};

static int print_error(const struct error *err)
{
    char text[1024];

    log_error("%s", error_text(err, text, sizeof(text)));
    return err->code == ERROR_NO_DAEMON ? EXIT_NO_DAEMON : EXIT_FAILED;
}

static void print(const struct text *text)
{
    fwrite(text_string(text), 1, text->length, stdout);
    fflush(stdout);
}

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

static int load(struct command *command, struct node *node)
{
    struct node_paths paths = paths_of(command);
    int result = node_load(node, &paths);

    print_problems(&node->manifest);
    if (result != 0) {
        log_error("the manifest has %zu mistake%s, so nothing was done", node->manifest.mistakes,
                  node->manifest.mistakes == 1 ? "" : "s");
    }
    return result;
}

static int run_validate(struct command *command)
{
    struct node node = {0};
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
    node_free(&node);
    return result == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int run_plan(struct command *command)
{
    struct node node = {0};
    CLEANUP_TEXT struct text out = {0};
    bool colour = show_wants_colour(STDOUT_FILENO);
    int code = EXIT_DONE;

    if (load(command, &node) != 0) {
        node_free(&node);
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
    print(&out);
    node_free(&node);
    return code;
}

static void report_apply(void *data, const struct plan *plan, const struct plan_entry *entry)
{
    const bool *colour = data;
    CLEANUP_TEXT struct text line = {0};

    show_apply_entry(plan, entry, *colour, &line);
    if (line.length > 0) {
        print(&line);
    }
}

static void report_waiting(void *data)
{
    (void)data;
    log_info("another edgeinit is applying; waiting for it");
}

static int run_apply(struct command *command)
{
    struct node node = {0};
    struct error err = {0};
    CLEANUP_TEXT struct text out = {0};
    bool colour = show_wants_colour(STDOUT_FILENO);
    int64_t started = clock_now();
    int code;

    if (load(command, &node) != 0) {
        node_free(&node);
        return EXIT_FAILED;
    }
    if (apply_run(&node.plan, command->json ? NULL : report_apply, report_waiting, &colour, &err) != 0) {
        node_free(&node);
        return print_error(&err);
    }
    code = apply_is_complete(&node.plan) ? EXIT_DONE : EXIT_FAILED;
    if (command->json) {
        CLEANUP_JSON cJSON *document = show_apply_json(&node.plan, clock_now() - started);

        json_write(document, &out);
    } else {
        show_apply_summary(&node.plan, clock_now() - started, colour, &out);
    }
    print(&out);
    node_free(&node);
    return code;
}

/* Whatever else init left open is not for our services. */
static void keep_to_ourselves(void)
{
    CLEANUP_DIR DIR *directory = opendir("/proc/self/fd");
    const struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        int64_t fd = 0;

        if (text_parse_integer(entry->d_name, &fd) && fd > STDERR_FILENO) {
            fcntl((int)fd, F_SETFD, FD_CLOEXEC);
        }
    }
}

static int run_daemon(struct command *command)
{
    struct node node = {0};
    struct node_paths paths = paths_of(command);
    struct error err = {0};
    int code = EXIT_FAILED;

    keep_to_ourselves();
    if (load(command, &node) == 0) {
        code = daemon_run(&node, &paths, &err) == 0 ? EXIT_DONE : print_error(&err);
    }
    node_free(&node);
    return code;
}

static cJSON *ask(struct command *command, const char *service, int64_t patience, int *code)
{
    CLEANUP_JSON cJSON *request = cJSON_CreateObject();
    struct error err = {0};
    cJSON *answer;

    cJSON_AddStringToObject(request, "verb", command->verb->name);
    if (service != NULL) {
        cJSON_AddStringToObject(request, "service", service);
    }
    answer = control_ask(command->run_dir, request, patience, &err);
    if (answer == NULL) {
        *code = print_error(&err);
        return NULL;
    }
    *code = EXIT_DONE;
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(answer, "ok"))) {
        const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "error"));

        log_error("%s", reason == NULL ? "the daemon refused" : reason);
        *code = EXIT_FAILED;
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
        show_status(status, show_wants_colour(STDOUT_FILENO), &out);
    }
    print(&out);
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
            return print_error(&err);
        }
        left -= (clock_now() - started) / MICROSECONDS_PER_MILLISECOND;
        left = left < 0 ? 0 : left;
    }
    answer = ask(command, service, left, &code);
    cJSON_Delete(answer);
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
};

static void print_overview(FILE *out)
{
    fputs("edgeinit turns an OpenHarmony board into a KubeEdge edge node.\n\nUsage: edgeinit VERB [OPTION]...\n\n",
          out);
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        fprintf(out, "  %-11s %s\n", verbs[i].name, verbs[i].summary);
    }
    fputs("\nedgeinit VERB --help says more. edgeinit --version prints the version.\n"
          "Exit codes: 0 done, 1 failed, 2 differences (plan), 3 no daemon, 64 usage.\n",
          out);
}

static void print_usage(FILE *out, const struct verb *verb)
{
    fprintf(out, "Usage: edgeinit %s", verb->name);
    for (size_t i = 0; i < ARRAY_SIZE(option_texts); i++) {
        fputs((verb->options & option_texts[i].bit) != 0 ? option_texts[i].usage : "", out);
    }
    fprintf(out, "%s\n", verb->arguments);
}

static void print_help(const struct verb *verb)
{
    print_usage(stdout, verb);
    printf("\n%s", verb->text);
    if (verb->options != 0) {
        putchar('\n');
    }
    for (size_t i = 0; i < ARRAY_SIZE(option_texts); i++) {
        fputs((verb->options & option_texts[i].bit) != 0 ? option_texts[i].text : "", stdout);
    }
}

static int usage_error(const struct verb *verb, const char *what, const char *subject)
{
    fprintf(stderr, "edgeinit: error: %s%s%s\n", what, subject == NULL ? "" : " ", subject == NULL ? "" : subject);
    if (verb == NULL) {
        fputs("Try edgeinit --help.\n", stderr);
    } else {
        print_usage(stderr, verb);
    }
    return EXIT_USAGE;
}

enum { CHAR_MANIFEST = 256, CHAR_RUN_DIR, CHAR_STATE_DIR, CHAR_JSON, CHAR_TIMEOUT, CHAR_HELP };

static int parse_options(struct command *command, int argc, char **argv)
{
    static const struct option options[] = {
        {"manifest", required_argument, NULL, CHAR_MANIFEST},
        {"run-dir", required_argument, NULL, CHAR_RUN_DIR},
        {"state-dir", required_argument, NULL, CHAR_STATE_DIR},
        {"json", no_argument, NULL, CHAR_JSON},
        {"timeout", required_argument, NULL, CHAR_TIMEOUT},
        {"help", no_argument, NULL, CHAR_HELP},
        {0},
    };
    static const unsigned bits[] = {OPTION_MANIFEST, OPTION_DIRECTORIES, OPTION_DIRECTORIES, OPTION_JSON,
                                    OPTION_TIMEOUT};
    int character;

    opterr = 0;
    while ((character = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (character == CHAR_HELP) {
            print_help(command->verb);
            return -1;
        }
        if (character == ':') {
            return usage_error(command->verb, "a value is missing after", argv[optind - 1]);
        }
        if (character == '?' || (command->verb->options & bits[character - CHAR_MANIFEST]) == 0) {
            return usage_error(command->verb, "unknown option", argv[optind - 1]);
        }
        switch (character) {
            case CHAR_MANIFEST:
                command->manifests[command->manifest_count++] = optarg;
                break;
            case CHAR_RUN_DIR:
                command->run_dir = optarg;
                break;
            case CHAR_STATE_DIR:
                command->state_dir = optarg;
                break;
            case CHAR_JSON:
                command->json = true;
                break;
            default:
                if (!text_parse_duration(optarg, &command->timeout) || command->timeout > LONGEST_TIMEOUT) {
                    return usage_error(command->verb, "--timeout wants a duration such as 30s, not", optarg);
                }
                break;
        }
    }
    command->arguments = argv + optind;
    command->argument_count = argc - optind;
    if (command->argument_count < command->verb->fewest) {
        return usage_error(command->verb, "an argument is missing", NULL);
    }
    if (command->verb->most >= 0 && command->argument_count > command->verb->most) {
        return usage_error(command->verb, "one argument too many:", command->arguments[command->verb->most]);
    }
    return 0;
}

/* The paths end up in messages, mount sources and socket addresses: they must mean the same from everywhere. */
static int check_directories(const struct command *command)
{
    const char *why = NULL;

    if (!path_is_normal(command->run_dir, &why) || !path_is_normal(command->state_dir, &why)) {
        return usage_error(command->verb, "--run-dir and --state-dir want an absolute, plain path; the one given", why);
    }
    return 0;
}

static const char *default_run_dir(void)
{
    /* On OpenHarmony /run is one of our own mount targets, and /dev is a tmpfs. */
    return access("/system/bin/init", F_OK) == 0 ? "/dev/edgeinit" : "/run/edgeinit";
}

static void add_default_manifests(struct command *command)
{
    CLEANUP_FREE char *pattern = xasprintf("%s/conf.d/*.json", command->state_dir);
    size_t count = glob(pattern, 0, NULL, &command->conf_d) == 0 ? command->conf_d.gl_pathc : 0;

    command->manifests = xrealloc(command->manifests, (count + 1) * sizeof(*command->manifests));
    command->manifests[command->manifest_count++] = DEFAULT_MANIFEST;
    for (size_t i = 0; i < count; i++) {
        command->manifests[command->manifest_count++] = command->conf_d.gl_pathv[i];
    }
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
    struct command command = {
        .verb = verb,
        .manifests = xcalloc((size_t)argc, sizeof(*command.manifests)),
        .run_dir = default_run_dir(),
        .state_dir = DEFAULT_STATE_DIR,
        .timeout = -1,
    };
    int code = parse_options(&command, argc, argv);

    if (code == 0) {
        code = check_directories(&command);
    }
    if (code == 0) {
        if (command.manifest_count == 0 && (verb->options & OPTION_MANIFEST) != 0) {
            add_default_manifests(&command);
        }
        code = verb->run(&command);
    }
    globfree(&command.conf_d);
    free(command.manifests);
    return code < 0 ? EXIT_DONE : code;
}

/* Descriptors 0 to 2 must be taken before any other file is opened: messages go to 2, wherever that leads. */
static void settle_descriptors(void)
{
    int fd = open("/dev/null", O_RDWR);

    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = dup(fd);
    }
    if (fd >= 0) {
        close(fd);
    }
}

int main(int argc, char **argv)
{
    settle_descriptors();
    signal(SIGPIPE, SIG_IGN); /* "edgeinit apply | head" must not stop half-way */
    json_setup();
    umask(022);
    /* libmount from 2.39 on would try the new mount API first, and give up on an EPERM of SELinux or seccomp. */
    setenv("LIBMOUNT_FORCE_MOUNT2", "always", 0);
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
            return run_verb(&verbs[i], argc - 1, argv + 1);
        }
    }
    return usage_error(NULL, "unknown verb", argv[1]);
}
