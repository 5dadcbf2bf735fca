/* SPDX-License-Identifier: Apache-2.0 */
/* The programs of the manifest's services, and what dockerd and edgecore execute themselves. */
#include "base/path.h"
#include "base/util.h"
#include "doctor/probe.h"
#include "doctor/program.h"

enum { ROW_DOCKERD, ROW_EDGECORE, ROW_SERVICE };

#define ANOTHER_BUILD \
    "install a build for this CPU that is fully static, or whose interpreter and libraries the image has"

static const struct probe_row rows[] = {
    [ROW_DOCKERD] = {"program.dockerd", NEED_DOCKER, "dockerd can be executed here", "dockerd does not start",
                     ANOTHER_BUILD},
    [ROW_EDGECORE] = {"program.edgecore", NEED_KUBEEDGE, "edgecore can be executed here", "edgecore does not start",
                      ANOTHER_BUILD},
    [ROW_SERVICE] = {"program.*", NEED_EDGEINIT, "the program of this service can be executed here",
                     "the service does not start", ANOTHER_BUILD},
};

static void check_program(struct answers *answers, unsigned row, const char *service, const char *path)
{
    bool unknown = false;
    char why[160];
    bool good = program_check(path, why, &unknown);

    probe_say(answers,
              &(struct said){.row = row,
                             .subject = service,
                             .answer = good      ? ANSWER_YES
                                       : unknown ? ANSWER_UNKNOWN
                                                 : ANSWER_NO},
              "%s: %s: %s", service, path, why);
}

static void check_services(struct answers *answers, const struct board *board)
{
    struct board_service service;
    char found[PATH_MAX];

    for (size_t i = 0; board_service(board, i, &service); i++) {
        const char *name = path_name(service.program);
        unsigned row = streq(name, "dockerd") ? ROW_DOCKERD : streq(name, "edgecore") ? ROW_EDGECORE : ROW_SERVICE;

        if (board_locate(board, service.program, found)) {
            check_program(answers, row, service.name,
                          streq(path_name(found), path_name(service.program)) ? found : service.program);
        } else {
            probe_say(answers,
                      &(struct said){.row = row,
                                     .subject = service.name,
                                     .answer = ANSWER_UNKNOWN,
                                     .remedy = "run \"edgeinit apply\" first"},
                      "%s: %s is on %s, which is not mounted yet", service.name, service.program, found);
        }
    }
}

static void run(struct answers *answers, const struct board *board)
{
    static const struct {
        const char *name;
        unsigned row;
    } usual[] = {{"dockerd", ROW_DOCKERD}, {"edgecore", ROW_EDGECORE}};
    char found[PATH_MAX];

    if (board->manifest != NULL) {
        check_services(answers, board);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
        if (board_find_program(board->docker_path, usual[i].name, found)) {
            check_program(answers, usual[i].row, usual[i].name, found);
        } else {
            say(answers, usual[i].row, ANSWER_NO, "%s is in none of the usual directories", usual[i].name);
        }
    }
}

const struct probe probe_program = {
    .name = "program", .rows = rows, .count = ARRAY_SIZE(rows), .run = run, .quick = run};

/* The helpers. */

enum { ROW_HELPER_DOCKER, ROW_HELPER_OPTIONAL, ROW_HELPER_KUBEEDGE };

#define INTO_PATH "install it in a directory of the service's PATH, or set \"environment\": {\"PATH\": …}"

static const struct probe_row helper_rows[] = {
    [ROW_HELPER_DOCKER] = {"helper.*", NEED_DOCKER, "what dockerd executes is in its PATH and runs here", "see below",
                           INTO_PATH},
    [ROW_HELPER_OPTIONAL] = {"helper.*", NEED_OPTIONAL, "what some features of docker execute is in its PATH",
                             "see below", INTO_PATH},
    [ROW_HELPER_KUBEEDGE] = {"helper.*", NEED_KUBEEDGE, "what edgecore executes is in its PATH and runs here",
                             "see below", INTO_PATH},
};

/* What is really executed, by reading dockerd (18.09 to 24) and by strace of edgecore 1.9.1. */
static const struct {
    const char *name;
    const char *other; /* older or newer name; NULL: none */
    unsigned row;
    const char *cost;
} helpers[] = {
    {"containerd", "docker-containerd", ROW_HELPER_DOCKER, "dockerd does not start: it starts containerd itself"},
    {"containerd-shim-runc-v2", "containerd-shim", ROW_HELPER_DOCKER, "no container starts"},
    {"runc", "docker-runc", ROW_HELPER_DOCKER, "no container starts"},
    {"iptables", NULL, ROW_HELPER_DOCKER, "dockerd does not start, unless its configuration says \"iptables\": false"},
    {"docker-proxy", NULL, ROW_HELPER_OPTIONAL, "\"docker run -p\" fails, unless it says \"userland-proxy\": false"},
    {"docker-init", "tini", ROW_HELPER_OPTIONAL, "\"docker run --init\" fails"},
    {"ps", NULL, ROW_HELPER_OPTIONAL, "\"docker top\" fails"},
    {"uname", NULL, ROW_HELPER_KUBEEDGE, "edgecore ends at once: exec: \"uname\": executable file not found"},
    {"sh", NULL, ROW_HELPER_KUBEEDGE, "edgecore ends at once"},
    {"cat", NULL, ROW_HELPER_KUBEEDGE, "edgecore ends at once: exit status 127"},
    {"grep", NULL, ROW_HELPER_KUBEEDGE, "edgecore ends at once: exit status 127"},
    {"awk", NULL, ROW_HELPER_KUBEEDGE, "edgecore ends at once: exit status 127"},
    {"mount", NULL, ROW_HELPER_KUBEEDGE, "pods with volumes in memory fail"},
};

static void check_helper(struct answers *answers, const struct board *board, size_t i)
{
    const char *path = helpers[i].row == ROW_HELPER_KUBEEDGE ? board->kubeedge_path : board->docker_path;
    struct said said = {.row = helpers[i].row, .subject = helpers[i].name, .cost = helpers[i].cost};
    bool unknown = false;
    char found[PATH_MAX];
    char why[160];

    if (!board_find_program(path, helpers[i].name, found) &&
        (helpers[i].other == NULL || !board_find_program(path, helpers[i].other, found))) {
        said.answer = ANSWER_NO;
        probe_say(answers, &said, "%s is in none of %.140s", helpers[i].name, path);
        return;
    }
    said.answer = program_check(found, why, &unknown) ? ANSWER_YES : unknown ? ANSWER_UNKNOWN : ANSWER_NO;
    said.remedy = ANOTHER_BUILD;
    probe_say(answers, &said, "%s: %s", found, why);
}

static bool is_wanted(const struct board *board, size_t i)
{
    const char *name = helpers[i].name;

    if (helpers[i].row == ROW_HELPER_KUBEEDGE) {
        return board->wants_kubeedge;
    }
    return board->wants_docker && (board->userland_proxy || !streq(name, "docker-proxy")) &&
           (board->iptables || !streq(name, "iptables")) && (board->own_containerd || !streq(name, "containerd"));
}

static void run_helpers(struct answers *answers, const struct board *board)
{
    for (size_t i = 0; i < ARRAY_SIZE(helpers); i++) {
        if (is_wanted(board, i)) {
            check_helper(answers, board, i);
        }
    }
}

static void describe_helpers(void (*print)(const char *text))
{
    print("\n| helper | or | for | without it |\n|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_SIZE(helpers); i++) {
        CLEANUP_FREE char *line =
            xasprintf("| `%s` | %s | %s | %s |\n", helpers[i].name, helpers[i].other == NULL ? "" : helpers[i].other,
                      doctor_needs[helper_rows[helpers[i].row].need].word, helpers[i].cost);

        print(line);
    }
}

const struct probe probe_helper = {.name = "helper",
                                   .rows = helper_rows,
                                   .count = ARRAY_SIZE(helper_rows),
                                   .run = run_helpers,
                                   .quick = run_helpers,
                                   .describe = describe_helpers};
