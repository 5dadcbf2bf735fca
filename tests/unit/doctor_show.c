/* SPDX-License-Identifier: Apache-2.0 */
/* Findings: what they come to, and how they are told. What the board is by its manifest. */
#include "base/child.h"
#include "base/util.h"
#include "doctor/board.h"
#include "doctor/show.h"
#include "test.h"

static void add(struct findings *findings, const char *code, enum need need, enum answer answer)
{
    struct finding finding = {.need = need, .answer = answer};

    snprintf(finding.code, sizeof(finding.code), "%s", code);
    snprintf(finding.what, sizeof(finding.what), "the fact of %s", code);
    if (answer != ANSWER_YES) {
        snprintf(finding.cost, sizeof(finding.cost), "a cost");
        snprintf(finding.remedy, sizeof(finding.remedy), "a remedy");
    }
    findings_add(findings, &finding);
}

static void fitness(void **state)
{
    struct findings findings = {0};
    size_t counts[ANSWERS];

    (void)state;
    assert_int_equal(findings_judge(&findings, counts), FIT);
    add(&findings, "a.yes", NEED_DOCKER, ANSWER_YES);
    assert_int_equal(findings_judge(&findings, counts), FIT);
    add(&findings, "a.unknown", NEED_DOCKER, ANSWER_UNKNOWN);
    assert_int_equal(findings_judge(&findings, counts), FIT_WITH_WARNINGS);
    add(&findings, "a.optional", NEED_OPTIONAL, ANSWER_NO);
    add(&findings, "a.migration", NEED_MIGRATION, ANSWER_NO);
    add(&findings, "a.warning", NEED_DOCKER, ANSWER_WARNING);
    assert_int_equal(findings_judge(&findings, counts), FIT_WITH_WARNINGS);
    add(&findings, "a.no", NEED_EDGEINIT, ANSWER_NO);
    assert_int_equal(findings_judge(&findings, counts), UNFIT);
    assert_int_equal(counts[ANSWER_YES], 1);
    assert_int_equal(counts[ANSWER_WARNING], 1);
    assert_int_equal(counts[ANSWER_NO], 3);
    assert_int_equal(counts[ANSWER_UNKNOWN], 1);
    assert_ptr_equal(findings_find(&findings, "a.no"), &findings.items[5]);
    assert_null(findings_find(&findings, "a"));
    findings_free(&findings);
}

static void text_and_json(void **state)
{
    static const char wanted[] = "dockerd and a container\n"
                                 "  yes     a.yes                          the fact of a.yes\n"
                                 "  no      a.no                           the fact of a.no\n"
                                 "          costs: a cost\n"
                                 "          remedy: a remedy\n"
                                 "features of docker (optional)\n"
                                 "  no      b.no                           the fact of b.no\n"
                                 "          costs: a cost\n"
                                 "          remedy: a remedy\n"
                                 "unfit: 1 finding; 1 warning, 0 unknown, 1 in order\n";
    static const char json[] =
        "{\"verdict\":\"unfit\",\"findings\":[{\"code\":\"a.yes\",\"need\":\"docker\",\"answer\":\"yes\",\"what\":\"the fact of "
        "a.yes\"},{\"code\":\"b.no\",\"need\":\"docker-optional\",\"answer\":\"no\",\"what\":\"the fact of b.no\",\"cost\":\"a "
        "cost\",\"remedy\":\"a remedy\"},{\"code\":\"a.no\",\"need\":\"docker\",\"answer\":\"no\",\"what\":\"the fact of "
        "a.no\",\"cost\":\"a cost\",\"remedy\":\"a remedy\"}],\"summary\":{\"yes\":1,\"warning\":0,\"no\":2,\"unknown\":0}}";
    struct findings findings = {0};
    CLEANUP_TEXT struct text out = {0};
    CLEANUP_TEXT struct text line = {0};
    CLEANUP_TEXT struct text coloured = {0};
    CLEANUP_JSON cJSON *document = NULL;

    (void)state;
    add(&findings, "a.yes", NEED_DOCKER, ANSWER_YES);
    add(&findings, "b.no", NEED_OPTIONAL, ANSWER_NO);
    add(&findings, "a.no", NEED_DOCKER, ANSWER_NO);
    doctor_show(&findings, false, &out);
    assert_string_equal(text_string(&out), wanted);
    doctor_show(&findings, true, &coloured);
    assert_non_null(strstr(text_string(&coloured), "\033[31mno     \033[0m"));
    document = doctor_json(&findings);
    json_write_line(document, &line);
    assert_string_equal(text_string(&line), json);
    findings_free(&findings);
}

static void open_text(struct board *board, const char *text)
{
    cJSON *manifest = text == NULL ? NULL : json_parse(text, strlen(text));

    assert_true((manifest == NULL) == (text == NULL));
    board_open(board, manifest, NULL);
}

static void close_board(struct board *board)
{
    cJSON_Delete((cJSON *)board->manifest);
}

static void a_board_without_a_manifest(void **state)
{
    struct board board;
    struct board_controller controller;
    struct board_mount mount;
    size_t count = 0;

    (void)state;
    open_text(&board, NULL);
    assert_true(board.wants_docker && board.wants_kubeedge && board.userland_proxy);
    assert_string_equal(board.docker_path, CHILD_PATH);
    assert_false(board_mount(&board, 0, &mount));
    while (board_controller(&board, count, &controller)) {
        count++;
    }
    assert_int_equal(count, 8);
    assert_string_equal(board_cgroup_root(&board), "/sys/fs/cgroup");
    assert_true(board_wants(&board, NEED_KUBEEDGE));
}

static void a_board_with_one(void **state)
{
    struct board board;
    struct board_controller controller;
    struct board_service service;
    CLEANUP_FREE char *hosts = NULL;
    CLEANUP_FREE char *fixed = NULL;
    CLEANUP_FREE char *text = xasprintf(
        "{\"host\": {\"mounts\": [{\"target\": \"/mnt/card\", \"source\": \"LABEL=card\"},"
        "{\"target\": \"/srv/x\", \"source\": \"%s\", \"type\": \"bind\"}],"
        "\"cgroups\": {\"root\": \"/dev/cg\", \"controllers\": [\"cpu\", {\"name\": \"pids\", \"optional\": true}]},"
        "\"files\": [{\"path\": \"/d.json\", \"json\": {\"data-root\": \"/srv/x/docker\", \"userland-proxy\": false,"
        "\"storage-driver\": \"vfs\"}}, {\"path\": \"/no/hosts\", \"lines\": [\"127.0.0.1 localhost\"]},"
        "{\"path\": \"/no/fixed\", \"text\": \"all\"}]},"
        "\"services\": {\"docker\": {\"command\": [\"/x/dockerd\", \"--config-file\", \"/d.json\"],"
        "\"environment\": {\"PATH\": \"/a:/b\"}}}}",
        (const char *)*state);
    char found[PATH_MAX];

    open_text(&board, text);
    assert_true(board.wants_docker && !board.wants_kubeedge && !board.userland_proxy);
    assert_true(board.iptables && board.own_containerd);
    assert_string_equal(board.docker_path, "/a:/b");
    assert_string_equal(board.data_root, "/srv/x/docker");
    assert_string_equal(board.storage_driver, "vfs");
    assert_true(board_wants(&board, NEED_DOCKER));
    assert_false(board_wants(&board, NEED_KUBEEDGE));
    assert_false(board_wants(&board, NEED_OVERLAY));
    assert_string_equal(board_cgroup_root(&board), "/dev/cg");
    assert_true(board_controller(&board, 0, &controller) && controller.required);
    assert_true(board_controller(&board, 1, &controller) && !controller.required);
    assert_false(board_controller(&board, 2, &controller));
    assert_true(board_service(&board, 0, &service));
    assert_string_equal(service.program, "/x/dockerd");
    assert_false(board_service(&board, 1, &service));
    /* Through a bind that is not made yet, up to what exists; not onto a card that is not mounted. */
    assert_true(board_locate(&board, board.data_root, found));
    assert_string_equal(found, *state);
    assert_false(board_locate(&board, "/mnt/card/docker", found));
    assert_true(board_locate(&board, "/", found));
    assert_string_equal(found, "/");
    hosts = board_file(&board, "/no/hosts");
    assert_non_null(strstr(hosts, "127.0.0.1 localhost\n"));
    fixed = board_file(&board, "/no/fixed");
    assert_string_equal(fixed, "all");
    assert_null(board_file(&board, "/no/such"));
    close_board(&board);
}

/* dockerd's own option is stronger than its file, and a bind over a bind that is a circle ends. */
static void options_and_circles(void **state)
{
    struct board board;
    char found[PATH_MAX];

    (void)state;
    open_text(&board, "{\"host\": {\"mounts\": [{\"target\": \"/p/a\", \"source\": \"/p/b\", \"type\": \"bind\"},"
                      "{\"target\": \"/p/b\", \"source\": \"/p/a\", \"type\": \"bind\"}]},"
                      "\"services\": {\"d\": {\"command\": [\"/dockerd\", \"--data-root=/p/a/x\"]},"
                      "\"e\": {\"command\": [\"/edgecore\"]}}}");
    assert_string_equal(board.data_root, "/p/a/x");
    assert_true(board.wants_kubeedge);
    assert_true(board_locate(&board, board.data_root, found));
    assert_string_equal(found, "/");
    close_board(&board);
    open_text(
        &board,
        "{\"services\": {\"d\": {\"command\": [\"/dockerd\", \"--data-root\", \"/q\", \"--iptables=false\", \"--containerd=/c\"]}}}");
    assert_string_equal(board.data_root, "/q");
    assert_false(board.iptables || board.own_containerd);
    close_board(&board);
    open_text(&board, "{\"services\": {}}");
    assert_false(board.wants_docker);
    assert_true(board_wants(&board, NEED_EDGEINIT));
    close_board(&board);
}

static void programs_by_path(void **state)
{
    char found[PATH_MAX];

    (void)state;
    assert_true(board_find_program("/nowhere::/bin:/usr/bin", "sh", found));
    assert_true(streq(found, "/bin/sh") || streq(found, "/usr/bin/sh"));
    assert_false(board_find_program("/nowhere", "sh", found));
    assert_false(board_find_program("/etc", "passwd", found)); /* not executable */
    assert_true(board_find_program("", "/bin/sh", found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fitness),
        cmocka_unit_test(text_and_json),
        cmocka_unit_test(a_board_without_a_manifest),
        test_in_directory(a_board_with_one),
        cmocka_unit_test(options_and_circles),
        cmocka_unit_test(programs_by_path),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
