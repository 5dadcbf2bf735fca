/* SPDX-License-Identifier: Apache-2.0 */
/* Why edgecore ended, from what it said, how it ended, and what the board looks like. */
#include "edge/edgecore_judge.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/util.h"
#include "edge/token.h"
#include "test.h"

#define EXIT(code) ((code) << 8)
#define TOKEN "1f2e.eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleHAiOjE2NDU4Njc4OTB9.c2lnbmF0dXJl" /* until 1645867890 */
#define BEFORE_EXPIRY 1645867889
#define AFTER_EXPIRY 1645867890

static enum docker_state docker = DOCKER_ANSWERS;
static bool memory_was_short;
static int64_t now = BEFORE_EXPIRY;
static char asked_for[32];

static enum docker_state see_docker(void)
{
    return docker;
}

static void see_holder(int port, char *text, size_t size)
{
    snprintf(text, size, "pid 812 (holder of %d)", port);
}

static bool see_memory(const char *name)
{
    snprintf(asked_for, sizeof(asked_for), "%s", name);
    return memory_was_short;
}

static int64_t see_seconds(void)
{
    return now;
}

static const struct edgecore_eyes eyes = {
    .docker = see_docker, .holder = see_holder, .out_of_memory = see_memory, .seconds = see_seconds};

static const char *const manifests[] = {"/etc/base.json", "/etc/last.json"};
static const struct node_paths paths = {.manifests = manifests, .manifest_count = 2};
static const char *edgecore_command[] = {"/system/bin/edgecore", NULL};
static struct service_config services[] = {
    {.name = "engine", .profile = PROFILE_DOCKERD},
    {.name = "edgecore", .profile = PROFILE_EDGECORE, .command = edgecore_command, .command_count = 1},
};

static struct node node = {
    .services = {.items = services, .count = 2},
    .edge = {.present = true,
             .cloud = "10.0.0.5",
             .https_port = 10002,
             .token = TOKEN,
             .config = "/etc/kubeedge/config/edgecore.yaml"},
};

static int set_up(void **state)
{
    (void)state;
    docker = DOCKER_ANSWERS;
    memory_was_short = false;
    now = BEFORE_EXPIRY;
    node.edge.token = TOKEN;
    node.edge.token_file = "/data/token";
    node.services.count = 2;
    return 0;
}

static struct judgement judge(enum service_cause end, int status, int64_t lived, const char *log,
                              const struct judgement *before)
{
    struct judgement judgement = {0};
    struct profile_call call = {.node = &node,
                                .paths = &paths,
                                .service = &services[1],
                                .directory = "/nowhere",
                                .end = end,
                                .status = status,
                                .lived = lived,
                                .log = log};

    edgecore_judge_with(&call, &eyes, before, &judgement);
    return judgement;
}

static struct judgement judge_exit(const char *log)
{
    return judge(CAUSE_EXITED, EXIT(1), 250, log, NULL);
}

static bool wakes_at(const struct judgement *judgement, enum wake_kind kind, const char *value)
{
    for (size_t i = 0; i < JUDGEMENT_WAKES && judgement->wakes[i].kind != WAKE_NONE; i++) {
        if (judgement->wakes[i].kind == (int32_t)kind && streq(judgement->wakes[i].value, value)) {
            return true;
        }
    }
    return false;
}

#define KLOG(letter, place) letter "1122 11:58:17.267565     218 " place "] "
#define JOIN KLOG("F", "certmanager.go:93") "Error: "
#define GET_CA JOIN "failed to get CA certificate, err: Get \"https://10.0.0.5:10002/ca.crt\": "
#define GET_CERT JOIN "failed to get edge certificate from the cloudcore, error: "

/* Whole last lines of edgecore 1.9.1, from runs; marked ones from its source. */
static const struct {
    const char *log;
    const char *code;
    const char *what;
    enum judgement_hold hold;
    enum wake_kind wake;
    const char *value;
} ends[] = {
    {GET_CA "dial tcp 10.0.0.5:10002: connect: connection refused\n", "cloud-refused",
     "the cloud at 10.0.0.5:10002 refuses the connection", JUDGEMENT_PARK, WAKE_NETWORK_CHANGED, ""},
    {GET_CA "dial tcp 10.99.0.1:10002: connect: network is unreachable\n", "no-route",
     "no route leads to the cloud at 10.99.0.1:10002", JUDGEMENT_PARK, WAKE_NETWORK_CHANGED, ""},
    {GET_CA "dial tcp 10.77.0.77:10002: connect: no route to host\n", "cloud-unreachable",
     "the cloud at 10.77.0.77:10002 does not answer", JUDGEMENT_PARK, WAKE_NETWORK_CHANGED, ""},
    {GET_CA "dial tcp 10.77.0.77:10002: i/o timeout\n", "cloud-unreachable",
     "the cloud at 10.77.0.77:10002 does not answer", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {GET_CA "dial tcp: lookup cloud.example on [::1]:53: read udp [::1]:46190->[::1]:53: read: connection refused\n",
     "cloud-name", "the cloud's name cloud.example cannot be resolved", JUDGEMENT_PARK, WAKE_FILE_CHANGED,
     "/etc/hosts"},
    {GET_CA "dial tcp: lookup cloud.example: no such host\n", "cloud-name",
     "the cloud's name cloud.example cannot be resolved", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/resolv.conf"},
    {GET_CERT "Invalid authorization token\n", "token-refused", "the cloud refused the token", JUDGEMENT_PARK,
     WAKE_FILE_CHANGED, "/data/token"},
    {JOIN "token credentials are in the wrong format\n", "token-malformed", "four parts", JUDGEMENT_PARK,
     WAKE_FILE_CHANGED, "/data/token"},
    {JOIN "failed to validate CA certificate. tokenCAhash: 1f2e, CAhash: 77aa\n", "ca-mismatch", "for another cloud",
     JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/data/token"},
    {GET_CERT
     "Get \"https://10.0.0.5:10002/edge.crt\": x509: certificate has expired or is not yet valid: current time "
     "1970-01-01T00:00:09Z is before 2022-02-25T00:00:00Z\n",
     "certificate-not-yet-valid", "by the board's clock (1970-01-01T00:00:09Z)", JUDGEMENT_PARK, WAKE_CLOCK_CHANGED,
     ""},
    {GET_CERT
     "Get \"https://10.0.0.5:10002/edge.crt\": x509: certificate has expired or is not yet valid: current time "
     "2036-01-01T00:00:09Z is after 2032-02-25T00:00:00Z\n",
     "certificate-expired", "has expired", JUDGEMENT_PARK, WAKE_CLOCK_CHANGED, ""},
    {GET_CERT "Get \"https://10.0.0.5:10002/edge.crt\": x509: certificate is valid for 10.0.0.4, not 10.0.0.5\n",
     "cloud-certificate", "is valid for 10.0.0.4, not 10.0.0.5", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {GET_CERT
     "Get \"https://10.0.0.5:10002/edge.crt\": x509: cannot validate certificate for 10.0.0.5 because it doesn't "
     "contain any IP SANs\n",
     "cloud-certificate", "not for the address 10.0.0.5", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {GET_CERT "Get \"https://10.0.0.5:10002/edge.crt\": x509: certificate signed by unknown authority\n", "ca-mismatch",
     "not signed by the CA", JUDGEMENT_PARK, WAKE_NETWORK_CHANGED, ""},
    {JOIN "failed to save the CA certificate to file: /etc/kubeedge/ca/rootCA.crt, error: read-only file system\n",
     "certificates-unwritable", "failed to save the CA certificate", JUDGEMENT_PARK, WAKE_FILE_CHANGED,
     "/etc/last.json"},
    {GET_CA "read tcp 10.0.0.7:40000->10.0.0.5:10002: read: connection reset by peer\n", "join-failed",
     "connection reset by peer", JUDGEMENT_PARK, WAKE_NETWORK_CHANGED, ""},

    {KLOG(
         "F",
         "server.go:60") "[\n  config: Required value: config file /nope not exist. For the configuration file format, "
                         "please refer to --minconfig and --defaultconfig command\n]\n",
     "config-invalid", "its configuration /nope is not there", JUDGEMENT_PARK, WAKE_FILE_CHANGED,
     "/etc/kubeedge/config/edgecore.yaml"},
    {KLOG("F", "server.go:65") "error converting YAML to JSON: yaml: line 28: did not find expected key\n",
     "config-invalid", "line 28: did not find expected key", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG("F",
          "server.go:65") "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go struct "
                          "field EdgeHub.modules.edgeHub.heartbeat of type int32\n",
     "config-invalid", "edgeHub.heartbeat of type int32", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG("F",
          "server.go:68") "[\n  HostnameOverride: Invalid value: \"Bad_Name\": a lowercase RFC 1123 subdomain\n]\n",
     "config-invalid", "the node's name \"Bad_Name\" is none", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG(
         "F",
         "server.go:68") "[\n  enable: Invalid value: false: websocket.enable and quic.enable cannot be true and false "
                         "at the same time\n]\n",
     "config-invalid", "websocket.enable", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG("E", "server.go:105") "invalid node IP address specified: 300.1.1.1\n", "config-invalid",
     "the node's address 300.1.1.1 is none", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG("F", "server.go:86") "failed to check the running environment: kubelet should not running on edge node when "
                               "running edgecore\n",
     "kubelet-running", "kubelet runs on this board", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},

    {KLOG("E", "server.go:110") "Failed to get Local IP address: no default routes found in \"/proc/net/route\" or "
                                "\"/proc/net/ipv6_route\"\n",
     "no-route", "there is no default route", JUDGEMENT_PARK, WAKE_ROUTE, "default"},
    {KLOG("E", "server.go:110") "Failed to get Local IP address: unable to select an IP from default routes.\n",
     "no-address", "unable to select an IP", JUDGEMENT_PARK, WAKE_NETWORK_CHANGED, ""},
    {KLOG("E", "server.go:96") "Failed to get IP address by custom interface wlan0, err: route ip+net: no such network "
                               "interface\n",
     "no-address", "the interface wlan0 has no address", JUDGEMENT_PARK, WAKE_ADDRESS, "wlan0"},
    {KLOG("E", "server.go:96") "Failed to get IP address by custom interface ve4, err: unable to select an IP from ve4 "
                               "network interface\n",
     "no-address", "the interface ve4 has no address", JUDGEMENT_PARK, WAKE_ADDRESS, "ve4"},

    {KLOG("E",
          "edged.go:272") "init new edged error, failed to get docker version: Cannot connect to the Docker daemon at "
                          "unix:///var/run/docker.sock. Is the docker daemon running?\n",
     "docker-absent", "docker is not there (unix:///var/run/docker.sock)", JUDGEMENT_RETRY, WAKE_SERVICE_READY,
     "engine"},
    {KLOG("E", "edged.go:272") "init new edged error, failed to get docker version: Error response from daemon: x\n",
     "docker-absent", "Error response from daemon", JUDGEMENT_RETRY, WAKE_SERVICE_READY, "engine"},
    {KLOG(
         "E",
         "edged.go:272") "init new edged error, misconfiguration: kubelet cgroup driver: \"systemd\" is different from "
                         "docker cgroup driver: \"cgroupfs\"\n",
     "cgroup-driver", "docker's cgroup driver is cgroupfs", JUDGEMENT_PARK, WAKE_SERVICE_READY, "engine"},

    {KLOG("E", "edged.go:272") "init new edged error, mountpoint for cpu not found\n", "cgroup-missing",
     "the cgroup hierarchy cpu is not mounted", JUDGEMENT_PARK, WAKE_MOUNT, "/sys/fs/cgroup/cpu"},
    {KLOG("E",
          "edged.go:300") "initialize module error: system validation failed - Following Cgroup subsystem not mounted: "
                          "[cpuset]\n",
     "cgroup-missing", "the cgroup hierarchy cpuset is not mounted", JUDGEMENT_PARK, WAKE_MOUNT,
     "/sys/fs/cgroup/cpuset"},
    {KLOG("E", "edged.go:272") "init new edged error, failed to find cgroup mounts\n", "cgroup-missing",
     "no cgroup hierarchy", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG("E",
          "docker_service.go:416") "\"Streaming server stopped unexpectedly\" err=\"listen tcp: lookup localhost on "
                                   "[::1]:53: read udp [::1]:33432->[::1]:53: read: connection refused\"\n",
     "localhost", "localhost does not resolve", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/hosts"},
    {KLOG("E", "edged.go:300") "initialize module error: exec: \"uname\": executable file not found in $PATH\n",
     "helper-missing", "the program uname is not in edgecore's PATH", JUDGEMENT_PARK, WAKE_FILE_CHANGED,
     "/etc/last.json"},
    {KLOG("E", "edged.go:300") "initialize module error: exit status 127\n", "helper-missing", "cat, grep and awk",
     JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG("W",
          "manager.go:1160") "Failed to update stats for container \"/\": failed to parse memory.stat (\"Anon:\\t 123 "
                             "kB\") - invalid format\n",
     "memory-stat", "memory.stat", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG("E", "edged.go:787") "Failed to initialNode unable to find data in memory cache\n", "memory-stat",
     "statistics of the root cgroup", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG("E",
          "edged.go:300") "initialize module error: failed to get device for dir \"/var/lib/edged\": could not find "
                          "device with major: 0, minor: 70 in cached partitions map\n",
     "partition", "/var/lib/edged is on a file system", JUDGEMENT_PARK, WAKE_MOUNT, "/var/lib/edged"},
    {KLOG("E",
          "edged.go:300") "initialize module error: [open /proc/sys/vm/overcommit_memory: read-only file system, open "
                          "/proc/sys/kernel/panic: read-only file system]\n",
     "sysctl-read-only", "/proc/sys/vm/overcommit_memory cannot be written", JUDGEMENT_PARK, WAKE_FILE_CHANGED,
     "/etc/last.json"},
    {KLOG("F", "server.go:48") "listen tcp 127.0.0.1:10350: bind: address already in use\n", "port-taken",
     "port 10350 is taken by pid 812 (holder of 10350)", JUDGEMENT_PARK, WAKE_NONE, NULL},
    {KLOG("E",
          "edged.go:300") "initialize module error: could not restore state from checkpoint: unexpected end of JSON "
                          "input, please drain this node and delete the CPU manager checkpoint file "
                          "\"/var/lib/edged/cpu_manager_state\" before restarting Kubelet\n",
     "cpu-manager-state", "cpu_manager_state is damaged", JUDGEMENT_RETRY, WAKE_NONE, NULL},
    {"[ORM]2026/11/22 11:58:18 register db Ping `default`, file is not a database\n" KLOG(
         "F", "db.go:27") "Failed to register db: register db Ping `default`, file is not a database\n",
     "database-damaged", "file is not a database", JUDGEMENT_RETRY, WAKE_NONE, NULL},
};

static void each_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        struct judgement judgement = judge_exit(ends[i].log);

        if (!streq(judgement.code, ends[i].code) || strstr(judgement.what, ends[i].what) == NULL) {
            fail_msg("%s: %s: %s", ends[i].log, judgement.code, judgement.what);
        }
        assert_int_equal(judgement.hold, ends[i].hold);
        assert_true(ends[i].wake == WAKE_NONE || wakes_at(&judgement, ends[i].wake, ends[i].value));
        assert_true(judgement.remedy[0] != '\0' && strlen(judgement.remedy) < sizeof(judgement.remedy) - 1);
        assert_null(strpbrk(judgement.remedy, "@*"));
        assert_true(judgement.line[0] != '\0' && strchr(judgement.line, '\n') == NULL);
        /* What is parked is woken, or tried again. */
        assert_true(judgement.hold == JUDGEMENT_RETRY || judgement.again_after > 0 ||
                    judgement.wakes[0].kind != WAKE_NONE);
    }
}

static void each_rule(void **state)
{
    const struct edgecore_rule *rule;

    (void)state;
    for (size_t i = 0; (rule = edgecore_rule_at(i)) != NULL; i++) {
        bool reached = false;

        assert_true(rule->hold == JUDGEMENT_PARK || rule->hold == JUDGEMENT_RETRY);
        assert_true(rule->again_most == 0 || rule->again_most > rule->again);
        for (size_t j = 0; j < ARRAY_SIZE(ends) && !reached; j++) {
            char word[EDGECORE_WORD];

            reached = edgecore_rule_of(ends[j].log, word) == rule;
        }
        if (!reached) {
            fail_msg("no test for the rule \"%s\" (%s)", rule->parts[0], rule->code);
        }
    }
}

/* The log holds what earlier instances said as well: only the last one's lines tell, and of those the last known. */
static void only_the_last_instance(void **state)
{
    struct judgement judgement;

    (void)state;
    judgement =
        judge_exit("F1122 11:58:17.1     218 certmanager.go:93] Error: token credentials are in the wrong format\n"
                   "I1122 11:58:27.1     330 server.go:76] Version: v1.9.1\n"
                   "E1122 11:58:27.2     330 edged.go:272] init new edged error, mountpoint for cpu not found\n");
    assert_string_equal(judgement.code, "cgroup-missing");
    judgement =
        judge_exit("F1122 11:58:17.1     218 certmanager.go:93] Error: token credentials are in the wrong format\n"
                   "I1122 11:58:27.1     330 server.go:76] Version: v1.9.1\n"
                   "E1122 11:58:27.2     330 new.go:1] something nobody has heard of\n");
    assert_string_equal(judgement.code, "unknown");
    assert_string_equal(judgement.what, "something nobody has heard of");
    judgement = judge_exit("I1122 11:58:27.1     330 server.go:76] Version: v1.9.1\n");
    assert_int_equal(judgement.hold, JUDGEMENT_NONE);
    assert_int_equal(judge_exit("").hold, JUDGEMENT_NONE);
}

static void token_by_its_own_word(void **state)
{
    static const char refused[] = GET_CERT "Invalid authorization token\n";
    struct judgement judgement;

    (void)state;
    now = AFTER_EXPIRY + 7200;
    judgement = judge_exit(refused);
    assert_string_equal(judgement.code, "token-expired");
    assert_string_equal(judgement.what, "the token has expired, 2 hours ago by the board's clock");
    assert_non_null(strstr(judgement.remedy, "keadm gettoken"));
    assert_non_null(strstr(judgement.remedy, "/data/token"));
    assert_true(wakes_at(&judgement, WAKE_CLOCK_CHANGED, ""));
    now = BEFORE_EXPIRY;
    assert_string_equal(judge_exit(refused).code, "token-refused");
    node.edge.token_file = NULL;
    judgement = judge_exit(refused);
    assert_null(strstr(judgement.remedy, TOKEN));
    assert_non_null(strstr(judgement.remedy, "\"edge\" section"));
    node.edge.token = NULL;
    assert_string_equal(judge_exit(JOIN "token credentials are in the wrong format\n").code, "token-missing");
}

static void no_token_is_told(void **state)
{
    char text[] = "a " TOKEN " b eyJh.eyJl.c2ln, e.g. 1.2 (eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE2NDU4Njc4OTB9) " TOKEN;
    char short_text[] = "eyJ.a";
    struct judgement judgement;

    (void)state;
    token_redact(text);
    assert_string_equal(text, "a [token] b [token], e.g. 1.2 ([token]) [token]");
    token_redact(short_text); /* too short to hold anything */
    assert_string_equal(short_text, "eyJ.a");
    judgement = judge_exit(JOIN "the cloud says: what is " TOKEN "?\n");
    assert_string_equal(judgement.code, "join-failed");
    assert_null(strstr(judgement.what, "eyJ"));
    assert_null(strstr(judgement.line, "eyJ"));
    assert_non_null(strstr(judgement.what, "what is [token]?"));
}

static void expiry_of_tokens(void **state)
{
    int64_t seconds = 0;

    (void)state;
    assert_true(token_expiry(TOKEN, &seconds));
    assert_int_equal(seconds, 1645867890);
    assert_false(token_expiry("", &seconds));
    assert_false(token_expiry("a.b.c.d", &seconds));
    assert_false(token_expiry("a.b.!!.d", &seconds));
    assert_false(token_expiry("a.b", &seconds));
    assert_false(token_expiry("a.b.eyJleHAiOiJuZXZlciJ9.d", &seconds)); /* {"exp":"never"} */
}

/* A dead cloud: after 5, 10, 20 … 300 seconds, and anew after one that lived. */
static void pauses_grow(void **state)
{
    static const int64_t pauses[] = {5000, 10000, 20000, 40000, 80000, 160000, 300000, 300000};
    static const char refused[] = GET_CA "dial tcp 10.0.0.5:10002: connect: connection refused\n";
    struct judgement before = {0};
    struct judgement other;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
        struct judgement judgement = judge(CAUSE_EXITED, EXIT(1), 250, refused, i == 0 ? NULL : &before);

        assert_int_equal(judgement.again_after, pauses[i]);
        before = judgement;
    }
    other = judge(CAUSE_EXITED, EXIT(1), EDGECORE_STABLE, refused, &before);
    assert_int_equal(other.again_after, 5000);
    other = judge(CAUSE_EXITED, EXIT(1), 30300, GET_CA "dial tcp 10.0.0.5:10002: i/o timeout\n", &before);
    assert_string_equal(other.code, "cloud-unreachable");
    assert_int_equal(other.again_after, 5000);
    other = judge(CAUSE_EXITED, EXIT(1), 30300, GET_CA "dial tcp 10.0.0.5:10002: i/o timeout\n", &other);
    assert_int_equal(other.again_after, 10000);
}

static void docker_is_never_its_fault(void **state)
{
    static const char absent[] = KLOG(
        "E", "edged.go:272") "init new edged error, failed to get docker version: Cannot connect "
                             "to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n";
    struct judgement judgement;

    (void)state;
    docker = DOCKER_ABSENT;
    judgement = judge_exit(absent);
    assert_int_equal(judgement.hold, JUDGEMENT_PARK);
    assert_true(judgement.blameless);
    assert_true(wakes_at(&judgement, WAKE_SERVICE_READY, "engine"));
    docker = DOCKER_ANSWERS; /* it came back before we looked */
    judgement = judge_exit(absent);
    assert_int_equal(judgement.hold, JUDGEMENT_RETRY);
    assert_true(judgement.blameless);

    docker = DOCKER_SILENT;
    judgement = judge(CAUSE_START_TIMEOUT, SIGKILL, 60000, "", NULL);
    assert_string_equal(judgement.code, "docker-hung");
    assert_string_equal(judgement.suspect, "engine");
    assert_int_equal(judgement.hold, JUDGEMENT_PARK);
    assert_true(judgement.blameless);
    assert_true(wakes_at(&judgement, WAKE_SERVICE_READY, "engine"));
    judgement = judge(CAUSE_LIVENESS, EXIT(0), 90000, "", NULL);
    assert_string_equal(judgement.code, "docker-hung");
    docker = DOCKER_ABSENT;
    assert_string_equal(judge(CAUSE_LIVENESS, EXIT(0), 90000, "", NULL).code, "docker-absent");

    node.services.count = 0; /* a docker that is not ours */
    judgement = judge_exit(absent);
    assert_true(wakes_at(&judgement, WAKE_FILE_CHANGED, "/var/run/docker.sock"));
    assert_string_equal(judge(CAUSE_START_TIMEOUT, SIGKILL, 60000, "", NULL).suspect, "");
}

/* The one whose port 10550 is taken stays, and is never ready. */
static void start_timeout_by_its_lines(void **state)
{
    struct judgement judgement =
        judge(CAUSE_START_TIMEOUT, EXIT(0), 60000,
              KLOG("E", "server.go:68") "listen tcp 127.0.0.1:10550: bind: address already in use\n", NULL);

    (void)state;
    assert_string_equal(judgement.code, "port-taken");
    assert_string_equal(judgement.what, "port 10550 is taken by pid 812 (holder of 10550)");
    assert_int_equal(judge(CAUSE_START_TIMEOUT, EXIT(0), 60000, KLOG("I", "x.go:1") "hello\n", NULL).hold,
                     JUDGEMENT_NONE);
    assert_int_equal(
        judge(CAUSE_LIVENESS, EXIT(0), 60000, GET_CA "dial tcp 10.0.0.5:10002: connect: connection refused\n", NULL)
            .hold,
        JUDGEMENT_NONE);
}

static void crashes(void **state)
{
    static const char panic[] =
        KLOG("I", "x.go:1") "all is well\n"
                            "panic: runtime error: invalid memory address or nil pointer dereference\n"
                            "[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x1]\n\n"
                            "goroutine 1 [running]:\npanic: again\n";
    struct judgement judgement = judge(CAUSE_EXITED, EXIT(2), 100, panic, NULL);

    (void)state;
    assert_string_equal(judgement.code, "crashed");
    assert_string_equal(judgement.what, "panic: runtime error: invalid memory address or nil pointer dereference");
    assert_int_equal(judgement.hold, JUDGEMENT_RETRY);
    assert_false(judgement.blameless);
    assert_string_equal(judge(CAUSE_SIGNALLED, SIGSEGV, 100, "", NULL).code, "crashed");
    assert_int_equal(judge(CAUSE_SIGNALLED, SIGKILL, 100, panic, NULL).hold, JUDGEMENT_NONE);
    assert_string_equal(asked_for, "edgecore");
    memory_was_short = true;
    judgement = judge(CAUSE_SIGNALLED, SIGKILL, 100, panic, NULL);
    assert_string_equal(judgement.code, "killed-by-memory");
    assert_int_equal(judgement.hold, JUDGEMENT_RETRY);
    assert_int_equal(judge(CAUSE_SIGNALLED, SIGTERM, 100, panic, NULL).hold, JUDGEMENT_NONE);
    assert_int_equal(judge(CAUSE_EXITED, EXIT(0), 100, panic, NULL).hold, JUDGEMENT_NONE);
    assert_int_equal(judge(CAUSE_UNKNOWN_END, -1, 100, panic, NULL).hold, JUDGEMENT_NONE);
}

static void damage_is_mended_once(void **state)
{
    static const char damaged[] =
        KLOG("F", "db.go:27") "Failed to register db: register db Ping `default`, file is not a "
                              "database\n";
    struct judgement first = judge_exit(damaged);
    struct judgement second = judge(CAUSE_EXITED, EXIT(1), 250, damaged, &first);

    (void)state;
    assert_true(first.blameless);
    assert_false(second.blameless);
    assert_non_null(strstr(second.remedy, "could not be moved aside"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_end, set_up),
        cmocka_unit_test_setup(each_rule, set_up),
        cmocka_unit_test_setup(only_the_last_instance, set_up),
        cmocka_unit_test_setup(token_by_its_own_word, set_up),
        cmocka_unit_test_setup(no_token_is_told, set_up),
        cmocka_unit_test_setup(expiry_of_tokens, set_up),
        cmocka_unit_test_setup(pauses_grow, set_up),
        cmocka_unit_test_setup(docker_is_never_its_fault, set_up),
        cmocka_unit_test_setup(start_timeout_by_its_lines, set_up),
        cmocka_unit_test_setup(crashes, set_up),
        cmocka_unit_test_setup(damage_is_mended_once, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
