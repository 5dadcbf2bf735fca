/* SPDX-License-Identifier: Apache-2.0 */
/* Why edgecore ended, by its last lines: every rule, and of which instance. */
#include "edgecore.h"

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
    {KLOG("E", "edged.go:300") "initialize module error: unable to find data in memory cache\n", "memory-stat",
     "statistics of the root cgroup", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG("E",
          "kubelet.go:1299") "\"Failed to start ContainerManager\" err=\"failed to get rootfs info: unable to find "
                             "data in memory cache\"\n",
     "memory-stat", "statistics of the root cgroup", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG("E",
          "edged.go:300") "initialize module error: failed to get device for dir \"/var/lib/edged\": could not find "
                          "device with major: 0, minor: 70 in cached partitions map\n",
     "partition", "/var/lib/edged is on a file system", JUDGEMENT_PARK, WAKE_MOUNT, "/var/lib/edged"},
    {KLOG("E",
          "edged.go:300") "initialize module error: [open /proc/sys/vm/overcommit_memory: read-only file system, open "
                          "/proc/sys/kernel/panic: read-only file system]\n",
     "sysctl-read-only", "/proc/sys/vm/overcommit_memory cannot be written", JUDGEMENT_PARK, WAKE_FILE_CHANGED,
     "/etc/last.json"},
    {KLOG(
         "E",
         "edged.go:136") "Start edged failed, err: failed to run Kubelet: failed to create kubelet: open /dev/kmsg: no such file "
                         "or directory\n",
     "kmsg-missing", "edgecore cannot read the kernel's messages", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
    {KLOG(
         "E",
         "edged.go:136") "Start edged failed, err: failed to run Kubelet: failed to create kubelet: get remote runtime "
                         "typed version failed: rpc error: code = Unavailable desc = connection error: desc = "
                         "\"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: no such "
                         "file or directory\"\n",
     "cri-absent", "nobody answers at the container runtime's socket", JUDGEMENT_PARK, WAKE_FILE_CHANGED,
     "/etc/last.json"},
    {KLOG(
         "E",
         "edged.go:136") "Start edged failed, err: failed to run Kubelet: validate service connection: CRI v1 runtime API "
                         "is not implemented for endpoint \"unix:///run/containerd/containerd.sock\": rpc error: code = "
                         "Unimplemented desc = unknown service runtime.v1.RuntimeService\n",
     "cri-off", "the container runtime does not speak CRI", JUDGEMENT_PARK, WAKE_FILE_CHANGED, "/etc/last.json"},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(each_end, set_up),
        cmocka_unit_test_setup(each_rule, set_up),
        cmocka_unit_test_setup(only_the_last_instance, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
