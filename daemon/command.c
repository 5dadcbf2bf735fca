/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <getopt.h>
#include <stdio.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"

#define SYSTEM_DIRECTORY "/system/etc/edgeinit"
#define DEFAULT_MANIFEST SYSTEM_DIRECTORY "/edgeinit.json"
#define DEFAULT_STATE_DIR "/data/service/el1/public/edgeinit"
#define USUAL_SIZE (64 * 1024) /* of a manifest, at most: what is longer is read when it is needed */
#define LONGEST_TIMEOUT (365 * 24 * 3600 * INT64_C(1000))

static const struct {
    enum option_bit bit;
    const char *usage;
    const char *text;
} option_texts[] = {
    {OPTION_MANIFEST, " [--manifest FILE]...",
     "  --manifest FILE  read this manifest; more of them are merged over it in order (RFC 7396).\n"
     "                   Default: " DEFAULT_MANIFEST ", then conf.d/*.json beside it and of the\n"
     "                   state directory\n"},
    {OPTION_DIRECTORIES, "",
     "  --run-dir DIR    sockets and notes of this boot, on a tmpfs (default /dev/edgeinit on OpenHarmony,\n"
     "                   /run/edgeinit elsewhere)\n"
     "  --state-dir DIR  what survives a reboot (default " DEFAULT_STATE_DIR ")\n"},
    {OPTION_JSON, " [--json]", "  --json           answer in JSON (docs/json.md)\n"},
    {OPTION_TIMEOUT, " [--timeout D]", "  --timeout D      give up after this long: 500ms, 30s, 5m (default: never)\n"},
    {OPTION_NO_WAIT, " [--no-wait]", "  --no-wait        ask for it, and do not wait until it is done\n"},
    {OPTION_LOGS, " [-f] [-n N]",
     "  -f, --follow     go on with what comes, until interrupted\n"
     "  -n, --lines N    start with the last N lines (default 100)\n"},
    {OPTION_DOCTOR, " [--kernel-config FILE] [--kernel-version X.Y] [--fragment[=all]]",
     "  --kernel-config FILE   judge this kernel configuration (.config, defconfig, config.gz); without --manifest\n"
     "                         nothing else is looked at\n"
     "  --kernel-version X.Y   of the kernel that it is for, where the file does not say that itself\n"
     "  --fragment[=all]       print the defconfig lines that are missing, and nothing else; all: the optional ones too\n"},
    {OPTION_TIMELINE, " [--svg FILE] [--boot N] [--all] [--compare]",
     "  --svg FILE       write a picture there (\"-\": to stdout)\n"
     "  --boot N         of another boot: 1 is the one before the newest\n"
     "  --all            a row for each resource, and every step of the critical path\n"
     "  --compare        what got slower\n"},
};

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

int command_usage_error(const struct verb *verb, const char *what, const char *subject)
{
    fprintf(stderr, "edgeinit: error: %s%s%s\n", what, subject == NULL ? "" : " ", subject == NULL ? "" : subject);
    if (verb == NULL) {
        fputs("Try edgeinit --help.\n", stderr);
    } else {
        print_usage(stderr, verb);
    }
    return EXIT_USAGE;
}

enum {
    CHAR_MANIFEST = 256,
    CHAR_RUN_DIR,
    CHAR_STATE_DIR,
    CHAR_JSON,
    CHAR_TIMEOUT,
    CHAR_NO_WAIT,
    CHAR_FOLLOW,
    CHAR_LINES,
    CHAR_KERNEL_CONFIG,
    CHAR_KERNEL_VERSION,
    CHAR_FRAGMENT,
    CHAR_SVG,
    CHAR_BOOT,
    CHAR_ALL,
    CHAR_COMPARE,
    CHAR_HELP
};

/* "5.10" or "5.10.93" as 0x050a00, 0x050a5d. */
static bool parse_version(const char *text, unsigned *version)
{
    unsigned long parts[3] = {0};
    char *end = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        parts[i] = strtoul(text, &end, 10);
        if (parts[i] > 255) {
            return false;
        }
        if (*end != '.') {
            break;
        }
        text = end + 1;
    }
    *version = (unsigned)(parts[0] << 16 | parts[1] << 8 | parts[2]);
    return *end == '\0' && *version >= 1U << 16;
}

static int parse_doctor_option(struct command *command, int character, const char *value)
{
    switch (character) {
        case CHAR_KERNEL_CONFIG:
            command->kernel_config = value;
            return 0;
        case CHAR_KERNEL_VERSION:
            if (!parse_version(value, &command->kernel_version)) {
                return command_usage_error(command->verb, "--kernel-version wants a version such as 5.10, not", value);
            }
            return 0;
        default:
            if (value[0] != '\0' && !streq(value, "all")) {
                return command_usage_error(command->verb, "--fragment wants nothing or \"=all\", not", value);
            }
            command->fragment = true;
            command->fragment_all = value[0] != '\0';
            return 0;
    }
}

static int parse_timeline_option(struct command *command, int character, const char *value)
{
    switch (character) {
        case CHAR_SVG:
            command->svg = value;
            return 0;
        case CHAR_BOOT:
            if (!text_parse_integer(value, &command->boot) || command->boot < 0) {
                return command_usage_error(command->verb, "--boot wants a number (0 is the newest), not", value);
            }
            return 0;
        case CHAR_ALL:
            command->all = true;
            return 0;
        default:
            command->compare = true;
            return 0;
    }
}

static int parse_options(struct command *command, int argc, char **argv)
{
    static const struct option options[] = {
        {"manifest", required_argument, NULL, CHAR_MANIFEST},
        {"run-dir", required_argument, NULL, CHAR_RUN_DIR},
        {"state-dir", required_argument, NULL, CHAR_STATE_DIR},
        {"json", no_argument, NULL, CHAR_JSON},
        {"timeout", required_argument, NULL, CHAR_TIMEOUT},
        {"no-wait", no_argument, NULL, CHAR_NO_WAIT},
        {"follow", no_argument, NULL, CHAR_FOLLOW},
        {"lines", required_argument, NULL, CHAR_LINES},
        {"kernel-config", required_argument, NULL, CHAR_KERNEL_CONFIG},
        {"kernel-version", required_argument, NULL, CHAR_KERNEL_VERSION},
        {"fragment", optional_argument, NULL, CHAR_FRAGMENT},
        {"svg", required_argument, NULL, CHAR_SVG},
        {"boot", required_argument, NULL, CHAR_BOOT},
        {"all", no_argument, NULL, CHAR_ALL},
        {"compare", no_argument, NULL, CHAR_COMPARE},
        {"help", no_argument, NULL, CHAR_HELP},
        {0},
    };
    static const unsigned bits[] = {OPTION_MANIFEST, OPTION_DIRECTORIES, OPTION_DIRECTORIES, OPTION_JSON,
                                    OPTION_TIMEOUT,  OPTION_NO_WAIT,     OPTION_LOGS,        OPTION_LOGS,
                                    OPTION_DOCTOR,   OPTION_DOCTOR,      OPTION_DOCTOR,      OPTION_TIMELINE,
                                    OPTION_TIMELINE, OPTION_TIMELINE,    OPTION_TIMELINE};
    int64_t number = 0;
    int character;

    opterr = 0;
    while ((character = getopt_long(argc, argv, ":fn:", options, NULL)) != -1) {
        character = character == 'f' ? CHAR_FOLLOW : character == 'n' ? CHAR_LINES : character;
        if (character == CHAR_HELP) {
            print_help(command->verb);
            return -1;
        }
        if (character == ':') {
            return command_usage_error(command->verb, "a value is missing after", argv[optind - 1]);
        }
        if (character == '?' || (command->verb->options & bits[character - CHAR_MANIFEST]) == 0) {
            return command_usage_error(command->verb, "unknown option", argv[optind - 1]);
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
            case CHAR_NO_WAIT:
                command->no_wait = true;
                break;
            case CHAR_FOLLOW:
                command->follow = true;
                break;
            case CHAR_LINES:
                if (!text_parse_integer(optarg, &number) || number < 0) {
                    return command_usage_error(command->verb, "--lines wants a number such as 100, not", optarg);
                }
                command->lines = (uint64_t)number;
                break;
            case CHAR_KERNEL_CONFIG:
            case CHAR_KERNEL_VERSION:
            case CHAR_FRAGMENT:
                if (parse_doctor_option(command, character, optarg == NULL ? "" : optarg) != 0) {
                    return EXIT_USAGE;
                }
                break;
            case CHAR_SVG:
            case CHAR_BOOT:
            case CHAR_ALL:
            case CHAR_COMPARE:
                if (parse_timeline_option(command, character, optarg) != 0) {
                    return EXIT_USAGE;
                }
                break;
            default:
                if (!text_parse_duration(optarg, &command->timeout) || command->timeout > LONGEST_TIMEOUT) {
                    return command_usage_error(command->verb, "--timeout wants a duration such as 30s, not", optarg);
                }
                break;
        }
    }
    command->arguments = argv + optind;
    command->argument_count = argc - optind;
    if (command->argument_count < command->verb->fewest) {
        return command_usage_error(command->verb, "an argument is missing", NULL);
    }
    if (command->verb->most >= 0 && command->argument_count > command->verb->most) {
        return command_usage_error(command->verb, "one argument too many:", command->arguments[command->verb->most]);
    }
    return 0;
}

/* The paths end up in messages, mount sources and socket addresses: they must mean the same from everywhere. */
static int check_directories(const struct command *command)
{
    const char *why = NULL;

    if (!path_is_normal(command->run_dir, &why) || !path_is_normal(command->state_dir, &why)) {
        return command_usage_error(command->verb,
                                   "--run-dir and --state-dir want an absolute, plain path; the one given", why);
    }
    return 0;
}

static const char *default_run_dir(void)
{
    /* On OpenHarmony /run is one of our own mount targets, and /dev is a tmpfs. */
    return access("/system/bin/init", F_OK) == 0 ? "/dev/edgeinit" : "/run/edgeinit";
}

/* The manifests of a directory in the order of their names, as the shell's *.json has them: none that begins with a dot. */
static void find_manifests(struct command *command, const char *directory)
{
    CLEANUP_DIR DIR *dir = opendir(directory);
    const struct dirent *entry;
    size_t first = command->found_count;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        size_t length = strlen(entry->d_name);
        size_t at = command->found_count;
        char *path;

        if (entry->d_name[0] == '.' || length < 5 || !streq(entry->d_name + length - 5, ".json")) {
            continue;
        }
        path = xasprintf("%s/%s", directory, entry->d_name);
        command->found = xrealloc(command->found, ++command->found_count * sizeof(*command->found));
        for (; at > first && strcmp(command->found[at - 1], path) > 0; at--) {
            command->found[at] = command->found[at - 1];
        }
        command->found[at] = path;
    }
}

static void add_default_manifests(struct command *command)
{
    CLEANUP_FREE char *of_board = xasprintf("%s/conf.d", command->state_dir);
    bool at_boot = streq(command->verb->name, "daemon"); /* and what is read comes from a disk */
    size_t count;

    if (at_boot) {
        file_expect(DEFAULT_MANIFEST, USUAL_SIZE);
    }
    /* What the image says, then what this board says. */
    find_manifests(command, SYSTEM_DIRECTORY "/conf.d");
    find_manifests(command, of_board);
    count = command->found_count;
    for (size_t i = 0; i < count && at_boot; i++) {
        file_expect(command->found[i], USUAL_SIZE);
    }
    command->manifests = xrealloc(command->manifests, (count + 1) * sizeof(*command->manifests));
    command->usual_manifests = true;
    command->manifests[command->manifest_count++] = DEFAULT_MANIFEST;
    for (size_t i = 0; i < count; i++) {
        command->manifests[command->manifest_count++] = command->found[i];
    }
}

int command_run(const struct verb *verb, int argc, char **argv)
{
    struct command command = {
        .verb = verb,
        .manifests = xcalloc((size_t)argc, sizeof(*command.manifests)),
        .run_dir = default_run_dir(),
        .state_dir = DEFAULT_STATE_DIR,
        .lines = 100,
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
    for (size_t i = 0; i < command.found_count; i++) {
        free(command.found[i]);
    }
    free(command.found);
    free(command.manifests);
    return code < 0 ? EXIT_DONE : code;
}

int command_print_error(const struct error *err)
{
    char text[1024];

    log_error("%s", error_text(err, text, sizeof(text)));
    return err->code == ERROR_NO_DAEMON ? EXIT_NO_DAEMON : EXIT_FAILED;
}

void command_print(const struct text *text)
{
    fwrite(text_string(text), 1, text->length, stdout);
}
