/* SPDX-License-Identifier: Apache-2.0 */
/* What is read from dockerd's command line and file, and its file torn at every length. */
#include "edge/docker_options.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "edge/dockerd.h"
#include "host/good.h"
#include "test.h"

#define WORDS(...) ((const char *const[]){"/dockerd", ##__VA_ARGS__, NULL})

static struct docker_options read_options(const char *const *words, const char *json)
{
    static cJSON *config; /* the options point into it */
    struct docker_options options;

    cJSON_Delete(config);
    config = json == NULL ? NULL : json_parse(json, strlen(json));
    assert_true(json == NULL || config != NULL);
    docker_options_read(&options, words, config);
    return options;
}

static void test_defaults(void **state)
{
    struct docker_options options = read_options(WORDS(), NULL);

    (void)state;
    assert_string_equal(options.config_file, "/etc/docker/daemon.json");
    assert_string_equal(options.pid_file, "/var/run/docker.pid");
    assert_string_equal(options.data_root, "/var/lib/docker");
    assert_string_equal(options.exec_root, "/var/run/docker");
    assert_string_equal(options.cgroup_driver, "cgroupfs");
    assert_null(options.storage_driver);
    assert_null(options.containerd);
    assert_true(options.userland_proxy && options.iptables);
    assert_false(options.live_restore || options.tls || options.tls_verify);
    read_options((const char *const[]){NULL}, "{}");
}

/* Each way in which an option can be written. */
static void test_spellings(void **state)
{
    static const char *const spellings[][5] = {
        {"/dockerd", "--pidfile=/p", NULL}, {"/dockerd", "--pidfile", "/p", NULL}, {"/dockerd", "-p", "/p", NULL},
        {"/dockerd", "-p/p", NULL},         {"/dockerd", "-p=/p", NULL},           {"/dockerd", "-Dp", "/p", NULL},
        {"/dockerd", "-p", "/q", "-p/p"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
        assert_string_equal(read_options(spellings[i], NULL).pid_file, "/p");
    }
    assert_string_equal(read_options(WORDS("--", "-p", "/p"), NULL).pid_file, "/var/run/docker.pid");
    assert_string_equal(read_options(WORDS("--pidfiles=/p", "-x", "-p"), NULL).pid_file, "/var/run/docker.pid");
    assert_string_equal(read_options(WORDS("-g", "/old"), NULL).data_root, "/old");
    assert_string_equal(read_options(WORDS(), "{\"graph\": \"/old\", \"data-root\": \"/new\"}").data_root, "/new");
    assert_string_equal(read_options(WORDS(), "{\"pidfile\": \"/a\", \"pidfile\": \"/b\"}").pid_file, "/b");
    assert_string_equal(
        read_options(WORDS(), "{\"exec-opts\": [\"x=y\", \"native.cgroupdriver=systemd\"]}").cgroup_driver, "systemd");
    assert_string_equal(read_options(WORDS("--exec-opt", "native.cgroupdriver=systemd"), NULL).cgroup_driver,
                        "systemd");
    assert_true(read_options(WORDS("--live-restore"), NULL).live_restore);
    assert_true(read_options(WORDS(), "{\"live-restore\": true}").live_restore);
    assert_false(read_options(WORDS("--userland-proxy=false"), NULL).userland_proxy);
    assert_false(read_options(WORDS(), "{\"iptables\": false}").iptables);
}

static void test_hosts(void **state)
{
    static const struct {
        const char *host;
        bool tls;
        bool is_tcp;
    } hosts[] = {
        {"tcp://0.0.0.0:2375", false, true},
        {"tcp://", false, true},
        {"0.0.0.0", false, true},
        {":2375", true, true},
        {" tcp://x", false, true},
        {"", true, true},
        {"", false, false},
        {"unix://", true, false},
        {"unix:///x", true, false},
        {"fd://", true, false},
        {"npipe://x", false, false},
    };
    const char *const *words = WORDS("-H", "a", "-D", "--host=b", "-Hc", "--", "-H", "d");
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        assert_int_equal(docker_host_is_tcp(hosts[i].host, hosts[i].tls), hosts[i].is_tcp);
    }
    assert_string_equal(docker_host_at(words, 0, &at), "a");
    assert_int_equal(at, 2);
    assert_string_equal(docker_host_at(words, 1, &at), "b");
    assert_int_equal(at, 4);
    assert_string_equal(docker_host_at(words, 2, &at), "c");
    assert_null(docker_host_at(words, 3, &at));
}

static bool is_guarded(const char *const *words, const char *json)
{
    struct docker_options options = read_options(words, json);

    return docker_is_guarded(&options);
}

static void test_guarded(void **state)
{
    (void)state;
    assert_true(is_guarded(WORDS("--tlsverify", "--tlscacert=/a", "--tlscert=/b", "--tlskey=/c"), NULL));
    assert_true(is_guarded(WORDS("--tlsverify=1"), "{\"tlscacert\": \"/a\", \"tlscert\": \"/b\", \"tlskey\": \"/c\"}"));
    assert_true(
        is_guarded(WORDS(), "{\"tlsverify\": true, \"tlscacert\": \"/a\", \"tlscert\": \"/b\", \"tlskey\": \"/c\"}"));
    /* With "tls" alone nobody is asked for a certificate (18.03). */
    assert_false(is_guarded(WORDS("--tls", "--tlscacert=/a", "--tlscert=/b", "--tlskey=/c"), NULL));
    assert_false(is_guarded(WORDS("--tlsverify=false", "--tlscacert=/a", "--tlscert=/b", "--tlskey=/c"), NULL));
    assert_false(
        is_guarded(WORDS("--tlsverify", "--tlsverify=0", "--tlscacert=/a", "--tlscert=/b", "--tlskey=/c"), NULL));
    assert_false(is_guarded(WORDS("--tlsverify", "--tlscert=/b", "--tlskey=/c"), NULL));
    assert_false(is_guarded(WORDS("--tlsverify"), "{\"tlscacert\": \"\", \"tlscert\": \"/b\", \"tlskey\": \"/c\"}"));
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } texts[] = {
        {"{}", true},         {" {\"a\": 1}\n", true}, {"{\"a\": 1} and more", true}, {"", false},
        {"null", false},      {"[]", false},           {"\xef\xbb\xbf{}", false},     {"{\"a\": \"\x01\"}", false},
        {"{\"a\": 1", false}, {"{\"a\": 1,}", false},  {"// x\n{}", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        cJSON *config = dockerd_config_parse(texts[i].text, strlen(texts[i].text));

        assert_int_equal(config != NULL, texts[i].good);
        cJSON_Delete(config);
    }
}

/* A board of one file, in the test's directory. */
struct board {
    struct node node;
    struct node_paths paths;
    struct service_config service;
    struct profile_call call;
    char *state_dir;
    char *file;
    char *broken;
    char *manifest;
    const char *words[5];
};

static void open_board(struct board *board, const char *directory, const char *wanted)
{
    *board = (struct board){.state_dir = xasprintf("%s/state", directory),
                            .file = xasprintf("%s/daemon.json", directory),
                            .broken = xasprintf("%s/daemon.json.broken", directory)};
    board->manifest =
        xasprintf("{\"version\": 1, \"host\": {\"files\": [{\"path\": \"%s\", \"json\": %s}]}}", board->file, wanted);
    manifest_load_text(&board->node.manifest, "m", board->manifest, strlen(board->manifest));
    assert_int_equal(node_read(&board->node), 0);
    board->paths = (struct node_paths){.state_dir = board->state_dir, .run_dir = directory};
    board->words[0] = "/dockerd";
    board->words[1] = "--config-file";
    board->words[2] = board->file;
    board->service = (struct service_config){.name = "dockerd", .command = board->words, .command_count = 3};
    board->call = (struct profile_call){
        .node = &board->node, .paths = &board->paths, .service = &board->service, .directory = directory};
}

static void close_board(struct board *board)
{
    node_free(&board->node);
    free(board->state_dir);
    free(board->file);
    free(board->broken);
    free(board->manifest);
}

static void put(const char *path, const char *data, size_t length)
{
    static const struct file_attributes attributes = {.mode = 0640, .uid = (uid_t)-1, .gid = (gid_t)-1};
    struct error err = {0};

    assert_int_equal(file_write(path, data, length, &attributes, &err), 0);
}

static char *get(const char *path)
{
    struct error err = {0};
    char *data = NULL;
    size_t length = 0;

    return file_read(path, 1 << 20, &data, &length, &err) == 0 ? data : NULL;
}

/* Load it as prepare() does, keep it if it is good. */
static void load(struct board *board, struct error *err)
{
    struct dockerd_start start = {.call = &board->call};

    *err = (struct error){0};
    docker_options_read(&start.options, board->words, NULL);
    dockerd_config_load(&start, err);
    if (start.config != NULL) {
        assert_int_equal(dockerd_config_keep(&start, err), 0);
    }
    cJSON_Delete(start.config);
    free(start.text);
}

static void test_torn_at_every_length(void **state)
{
    static const char whole[] =
        "{\"data-root\": \"/mnt/f2fs\", \"registry-mirrors\": [\"https://m\"], \"debug\": {\"\\u00e9\": \"}\"}}";
    static const char mended[] =
        "{\"data-root\":\"/mnt/f2fs\",\"registry-mirrors\":[\"https://m\"],\"debug\":{\"\xc3\xa9\":\"}\"},"
        "\"live-restore\":true}";
    struct board board;
    struct error err;

    open_board(&board, *state, "{\"live-restore\": true}");
    for (size_t length = 0; length < strlen(whole); length++) {
        for (int zeros = 0; zeros < 2; zeros++) {
            CLEANUP_FREE char *now = NULL;
            CLEANUP_FREE char *aside = NULL;
            CLEANUP_TEXT struct text line = {0};
            CLEANUP_JSON cJSON *config = NULL;
            char torn[sizeof(whole)] = {0};
            struct stat status;

            put(board.file, whole, strlen(whole));
            load(&board, &err);
            now = get(board.file);
            assert_string_equal(now, whole); /* what is good is left alone */
            free(take_pointer(&now));
            memcpy(torn, whole, length);
            put(board.file, torn, zeros == 0 ? length : strlen(whole));
            load(&board, &err);
            now = get(board.file);
            config = json_parse(now, strlen(now));
            json_write_line(config, &line);
            assert_string_equal(text_string(&line), mended);
            aside = get(board.broken);
            assert_string_equal(aside, torn);
            assert_int_equal(stat(board.file, &status), 0);
            assert_int_equal(status.st_mode & 07777, 0640);
        }
    }
    close_board(&board);
}

static void test_torn_without_a_copy(void **state)
{
    CLEANUP_FREE char *now = NULL;
    CLEANUP_FREE char *copy = NULL;
    struct board board;
    struct error err;
    size_t length = 0;

    open_board(&board, *state, "{\"live-restore\": true}");
    load(&board, &err); /* there is no file: that is dockerd's to complain about */
    assert_int_equal(access(board.file, F_OK), -1);
    put(board.file, "{\"a", 3);
    load(&board, &err);
    now = get(board.file);
    assert_string_equal(now, "{\n  \"live-restore\": true\n}\n");
    copy = good_read(board.state_dir, board.file, &length);
    assert_string_equal(copy, now);
    close_board(&board);
}

/* Nobody knows what it was: it stays as it is, for a person. */
static void test_torn_without_anything(void **state)
{
    CLEANUP_FREE char *now = NULL;
    struct board board;
    struct error err;

    open_board(&board, *state, "{}");
    cJSON_DeleteItemFromObject(board.node.manifest.root, "host");
    put(board.file, "{\"a", 3);
    load(&board, &err);
    now = get(board.file);
    assert_string_equal(now, "{\"a");
    assert_int_equal(access(board.broken, F_OK), -1);
    close_board(&board);
}

/* The state directory is flash: what is kept already is not written again. */
static void test_kept_once(void **state)
{
    struct stat before;
    struct stat after;
    struct board board;
    struct error err;
    CLEANUP_FREE char *copy = NULL;

    open_board(&board, *state, "{}");
    copy = xasprintf("%s/good%s", board.state_dir, board.file);
    put(board.file, "{\"a\": 1}", 8);
    load(&board, &err);
    assert_int_equal(stat(copy, &before), 0);
    assert_int_equal(before.st_mode & 07777, 0600);
    load(&board, &err);
    assert_int_equal(stat(copy, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    put(board.file, "{\"a\": 2}", 8);
    load(&board, &err);
    assert_int_equal(stat(copy, &after), 0);
    assert_int_not_equal(after.st_ino, before.st_ino);
    close_board(&board);
}

static void silence(enum log_level level, const char *tag, const char *line, size_t length)
{
    (void)level;
    (void)tag;
    (void)line;
    (void)length;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_guarded),
        cmocka_unit_test(test_parse),
        test_in_directory(test_torn_at_every_length),
        test_in_directory(test_torn_without_a_copy),
        test_in_directory(test_torn_without_anything),
        test_in_directory(test_kept_once),
    };

    json_setup();
    log_set_sink(silence);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
