/* SPDX-License-Identifier: Apache-2.0 */
/* What dockerd's end means: real last words, of 18.03 (from its sources) and 20.10 (from runs). */
#include <signal.h>
#include <sys/wait.h>

#include "base/util.h"
#include "edge/dockerd.h"
#include "test.h"

#define INFO "time=\"2026-11-22T11:57:06.275Z\" level=info msg=\"Starting up\"\n"
#define EXIT(code) ((code) << 8)

static bool runs = false;

static bool do_containers_run(void)
{
    return runs;
}

static bool nobody(const char *name)
{
    (void)name;
    return false;
}

static bool somebody(const char *name)
{
    assert_string_equal(name, "dockerd");
    return true;
}

static const char manifest[] =
    "{\"version\": 1, \"host\": {\"mounts\": [{\"target\": \"/mnt/f2fs\", \"source\": \"/dev/x\", \"type\": \"f2fs\"}],"
    "\"files\": [{\"path\": \"/nowhere/daemon.json\", \"json\": {\"data-root\": \"/mnt/f2fs/docker\", \"tlscert\": \"/t/c\"}}]},"
    "\"services\": {\"dockerd\": {\"profile\": \"dockerd\", \"needs\": [\"/mnt/f2fs\"],"
    "\"command\": [\"/dockerd\", \"--config-file\", \"/nowhere/daemon.json\"]}}}";

static void judge(enum service_cause end, int status, const char *log, bool (*memory)(const char *name),
                  struct judgement *judgement)
{
    const struct dockerd_eyes eyes = {.out_of_memory = memory, .containers_run = do_containers_run};
    struct node node = {0};
    struct node_paths paths = {.run_dir = "/nonexistent", .state_dir = "/nonexistent"};
    struct profile_call call = {.node = &node,
                                .paths = &paths,
                                .directory = "/nonexistent",
                                .end = end,
                                .status = status,
                                .lived = 100,
                                .log = log};

    *judgement = (struct judgement){0};
    manifest_load_text(&node.manifest, "m", manifest, strlen(manifest));
    assert_int_equal(node_read(&node), 0);
    call.service = &node.services.items[0];
    dockerd_judge_with(&call, &eyes, judgement);
    node_free(&node);
}

static const struct {
    const char *line;
    const char *code;
    enum judgement_hold hold;
} ends[] = {
    {"failed to start daemon: pid file found, ensure docker is not running or delete /var/run/docker.pid",
     "docker-running", JUDGEMENT_RETRY},
    {"Error starting daemon: pid file found, ensure docker is not running or delete /var/run/docker.pid",
     "docker-running", JUDGEMENT_RETRY},
    {"failed to start containerd: timeout waiting for containerd to start", "containerd-timeout", JUDGEMENT_RETRY},
    {"failed to start containerd: exec: \"containerd\": executable file not found in $PATH", "containerd-missing",
     JUDGEMENT_RETRY},
    {"Failed to connect to containerd: exec: \"docker-containerd\": executable file not found in $PATH",
     "containerd-missing", JUDGEMENT_RETRY},
    {"failed to start daemon: failed to dial \"/x/containerd.sock\": context deadline exceeded", "containerd-timeout",
     JUDGEMENT_RETRY},
    {"failed to start daemon: failed to dial \"/var/run/docker/containerd/containerd.sock\": unknown service "
     "containerd.services.namespaces.v1.Namespaces: not implemented",
     "metadata-corrupt", JUDGEMENT_RETRY},
    {"failed to start daemon: Error initializing network controller: error obtaining controller instance: failed to get "
     "bridge network configurations from store: error while populating kmap: file size too small",
     "network-db-corrupt", JUDGEMENT_RETRY},
    {"failed to start daemon: Error initializing network controller: error obtaining controller instance: failed to get "
     "bridge network configurations from store: error while populating kmap: invalid database",
     "network-db-corrupt", JUDGEMENT_RETRY},
    /* Somebody else has it open: it is not broken. */
    {"failed to start daemon: Error initializing network controller: error while populating kmap: timeout",
     "net.bridge", JUDGEMENT_RETRY},
    {"failed to start daemon: error while opening volume store metadata database: file size too small",
     "metadata-corrupt", JUDGEMENT_RETRY},
    {"failed to open database file /mnt/f2fs/docker/buildkit/cache.db: file size too small", "build-cache-corrupt",
     JUDGEMENT_RETRY},
    {"failed to open database file /mnt/f2fs/docker/buildkit/cache.db: timeout", "unknown", JUDGEMENT_RETRY},
    {"file size too small", "build-cache-corrupt", JUDGEMENT_RETRY},
    {"unable to configure the Docker daemon with file /etc/docker/daemon.json: EOF", "config-invalid", JUDGEMENT_PARK},
    {"unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives don't match any "
     "configuration option: foo",
     "config-invalid", JUDGEMENT_PARK},
    {"unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives are specified both "
     "as a flag and in the configuration file: hosts: (from flag: [unix:///var/run/docker.sock], from file: [unix:///x])",
     "config-invalid", JUDGEMENT_PARK},
    {"configuration validation from file failed: 300.1.1.1 is not an ip address", "config-invalid", JUDGEMENT_PARK},
    {"Error starting cluster component: --live-restore daemon configuration is incompatible with swarm mode",
     "live-restore-swarm", JUDGEMENT_PARK},
    {"failed to start daemon: error initializing graphdriver: /mnt/f2fs/docker contains several valid graphdrivers: overlay, "
     "overlay2; Please cleanup or explicitly choose storage driver (-s <DRIVER>)",
     "config-invalid", JUDGEMENT_PARK},
    {"Status: unknown flag: --foo\nSee 'dockerd --help'., Code: 125", "command-invalid", JUDGEMENT_PARK},
    {"Status: unknown shorthand flag: 'x' in -x\nSee 'dockerd --help'., Code: 125", "command-invalid", JUDGEMENT_PARK},
    {"Status: invalid argument \"maybe\" for \"--live-restore\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
     "command-invalid", JUDGEMENT_PARK},
    {"failed to create API server: Could not load X509 key pair (cert: \"/nope2\", key: \"/nope3\"): open /nope2: no such "
     "file or directory",
     "tls-files", JUDGEMENT_PARK},
    {"failed to load listeners: listen tcp 127.0.0.1:2375: bind: address already in use", "address-in-use",
     JUDGEMENT_RETRY},
    {"failed to load listeners: listen tcp 10.9.9.9:2375: bind: cannot assign requested address", "address-missing",
     JUDGEMENT_PARK},
    {"failed to load listeners: can't create unix socket /var/run/docker.sock: is a directory", "socket-directory",
     JUDGEMENT_RETRY},
    {"failed to start daemon: mkdir /mnt/f2fs/docker: no space left on device", "no-space", JUDGEMENT_RETRY},
    {"chmod /mnt/f2fs/docker: read-only file system", "data-root-readonly", JUDGEMENT_PARK},
    {"failed to start daemon: open /mnt/f2fs/docker/x: input/output error", "data-root-io", JUDGEMENT_PARK},
    {"failed to start daemon: mkdir /mnt/f2fs/docker/tmp: structure needs cleaning", "data-root-io", JUDGEMENT_PARK},
    {"failed to start daemon: error initializing graphdriver: driver not supported", "overlay-unsupported",
     JUDGEMENT_RETRY},
    {"Error starting daemon: error initializing graphdriver: driver not supported", "overlay-unsupported",
     JUDGEMENT_RETRY},
    {"failed to start daemon: Devices cgroup isn't mounted", "devices-cgroup", JUDGEMENT_RETRY},
    {"failed to start daemon: Error initializing network controller: error obtaining controller instance: failed to create "
     "NAT chain DOCKER: Iptables not found",
     "iptables-missing", JUDGEMENT_RETRY},
    {"Error starting daemon: Error initializing network controller: error obtaining controller instance: failed to create NAT "
     "chain: failed to find iptables: exec: \"iptables\": executable file not found in $PATH",
     "iptables-missing", JUDGEMENT_RETRY},
    /* Doctor's table. */
    {"failed to start daemon: Error initializing network controller: Error creating default \"bridge\" network: package not "
     "installed",
     "net.bridge", JUDGEMENT_RETRY},
    {"something that nobody knows", "unknown", JUDGEMENT_RETRY},
};

static void test_ends(void **state)
{
    bool reached[64] = {false};
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        CLEANUP_FREE char *log = xasprintf(INFO "%s\n", ends[i].line);
        const struct dockerd_rule *rule = dockerd_rule_of(ends[i].line);
        struct judgement judgement;

        judge(CAUSE_EXITED, EXIT(1), log, nobody, &judgement);
        if (!streq(judgement.code, ends[i].code) || judgement.hold != (int)ends[i].hold) {
            fail_msg("%s: %s, hold %d", ends[i].line, judgement.code, judgement.hold);
        }
        assert_true(judgement.what[0] != '\0' && judgement.remedy[0] != '\0' && judgement.line[0] != '\0');
        if (rule != NULL) {
            reached[rule - dockerd_rule_at(0)] = true;
        }
    }
    for (; dockerd_rule_at(count) != NULL; count++) {
        const struct dockerd_rule *rule = dockerd_rule_at(count);

        if (!reached[count]) {
            fail_msg("no line of this test reaches rule %zu, %s", count, rule->code);
        }
        assert_true(strlen(rule->remedy) < sizeof(((struct judgement *)0)->remedy));
        assert_true(rule->what == NULL || strlen(rule->what) < sizeof(((struct judgement *)0)->what));
    }
}

static bool has_wake(const struct judgement *judgement, enum wake_kind kind, const char *value)
{
    for (size_t i = 0; i < JUDGEMENT_WAKES; i++) {
        if (judgement->wakes[i].kind == (int)kind && streq(judgement->wakes[i].value, value)) {
            return true;
        }
    }
    return false;
}

static void test_wakes(void **state)
{
    struct judgement judgement;

    (void)state;
    judge(CAUSE_EXITED, EXIT(1), "unable to configure the Docker daemon with file /x: EOF\n", nobody, &judgement);
    assert_true(has_wake(&judgement, WAKE_FILE_CHANGED, "/nowhere/daemon.json"));
    judge(CAUSE_EXITED, EXIT(1), "chmod /mnt/f2fs/docker: read-only file system\n", nobody, &judgement);
    assert_true(has_wake(&judgement, WAKE_FILE_CHANGED, "/mnt/f2fs"));
    assert_int_equal(judgement.again_after, 60000);
    judge(CAUSE_EXITED, EXIT(1), "failed to create API server: x\n", nobody, &judgement);
    assert_true(has_wake(&judgement, WAKE_FILE_CHANGED, "/t/c"));
    judge(CAUSE_EXITED, EXIT(1), "listen tcp 10.9.9.9:2375: bind: cannot assign requested address\n", nobody,
          &judgement);
    assert_true(has_wake(&judgement, WAKE_NETWORK_CHANGED, ""));
}

#define TRACE_BOLT                                                                      \
    "goroutine 1 [running]:\ngo.etcd.io/bbolt.(*freelist).read(0x0?, 0x7fb050023000)\n" \
    "github.com/docker/libkv/store/boltdb.(*BoltDB).getDBhandle(0xc000053090)\n"
#define TRACE_NETWORK "github.com/docker/libnetwork/datastore.(*cache).kmap(0xc000b5e4c8)\n"

static void test_traces(void **state)
{
    static const struct {
        const char *log;
        const char *code;
    } traces[] = {
        {INFO "panic: invalid freelist page: 0, page type is unknown<00>\n\n" TRACE_BOLT TRACE_NETWORK,
         "network-db-corrupt"},
        {INFO "unexpected fault address 0x7ff0af41b008\nfatal error: fault\n[signal SIGBUS: bus error]\n\n" TRACE_BOLT
             TRACE_NETWORK "\ngoroutine 77 [select]:\nother\n",
         "network-db-corrupt"},
        /* Another goroutine's stack says nothing of the one that failed. */
        {"panic: invalid page type\n\n" TRACE_BOLT "\ngoroutine 2 [select]:\n" TRACE_NETWORK, "crashed"},
        {"panic: x\n\ngoroutine 1 [running]:\ngo.etcd.io/bbolt.Open()\ngithub.com/moby/buildkit/cache.New()\n",
         "build-cache-corrupt"},
        {"panic: runtime error: invalid memory address\n\ngoroutine 9 [running]:\nmain.main()\n", "crashed"},
    };
    struct judgement judgement;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
        judge(CAUSE_EXITED, EXIT(2), traces[i].log, nobody, &judgement);
        assert_string_equal(judgement.code, traces[i].code);
    }
}

/* Then it cannot be made anew. */
static void test_containers_run(void **state)
{
    struct judgement judgement;

    (void)state;
    runs = true;
    judge(CAUSE_EXITED, EXIT(1), "Error initializing network controller: invalid database\n", nobody, &judgement);
    assert_string_equal(judgement.remedy, DOCKERD_NETWORK_DATABASE_BUSY);
    runs = false;
    judge(CAUSE_EXITED, EXIT(1), "Error initializing network controller: invalid database\n", nobody, &judgement);
    assert_string_equal(judgement.remedy, DOCKERD_NETWORK_DATABASE_REMEDY);
}

static void test_other_ends(void **state)
{
    struct judgement judgement;

    (void)state;
    judge(CAUSE_LIVENESS, SIGKILL, INFO, nobody, &judgement);
    assert_string_equal(judgement.code, "docker-hung");
    assert_int_equal(judgement.hold, JUDGEMENT_RETRY);
    judge(CAUSE_START_TIMEOUT, SIGKILL, INFO, nobody, &judgement);
    assert_string_equal(judgement.code, "start-timeout");
    judge(CAUSE_SIGNALLED, SIGKILL, "x: no space left on device\n", somebody, &judgement);
    assert_string_equal(judgement.code, "killed-by-memory");
    /* Killed by somebody: its last words were about something else. */
    judge(CAUSE_SIGNALLED, SIGKILL, "x: no space left on device\n", nobody, &judgement);
    assert_int_equal(judgement.hold, JUDGEMENT_NONE);
    judge(CAUSE_SIGNALLED, SIGTERM, "", somebody, &judgement);
    assert_int_equal(judgement.hold, JUDGEMENT_NONE);
    judge(CAUSE_EXITED, EXIT(0), "x: no space left on device\n", nobody, &judgement);
    assert_int_equal(judgement.hold, JUDGEMENT_NONE);
    judge(CAUSE_EXITED, EXIT(1), "", nobody, &judgement);
    assert_int_equal(judgement.hold, JUDGEMENT_NONE);
    /* What it said while all was well is no cause. */
    judge(CAUSE_EXITED, EXIT(1), "time=\"x\" level=warning msg=\"x: no space left on device\"\n", nobody, &judgement);
    assert_int_equal(judgement.hold, JUDGEMENT_NONE);
    judge(CAUSE_UNKNOWN_END, -1, "x: no space left on device\n", nobody, &judgement);
    assert_int_equal(judgement.hold, JUDGEMENT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ends),           cmocka_unit_test(test_wakes),      cmocka_unit_test(test_traces),
        cmocka_unit_test(test_containers_run), cmocka_unit_test(test_other_ends),
    };

    json_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
