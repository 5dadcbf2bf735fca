/* SPDX-License-Identifier: Apache-2.0 */
/* What the last words of a service mean. */
#include "doctor/explain.h"

#include "base/util.h"
#include "doctor/probe.h"
#include "test.h"

/* Real lines, of dockerd 18.09 to 24 and edgecore 1.9.1. */
static const struct {
    const char *line;
    const char *code; /* NULL: nothing is known about it */
} lines[] = {
    {"failed to start daemon: Devices cgroup isn't mounted", "cgroup.devices"},
    {"Error starting daemon: Devices cgroup isn't mounted", "cgroup.devices"},
    {"F0101 initialize module error: init new edged error, mountpoint for cpu not found", "cgroup.cpu"},
    {"E initialize module error: system validation failed - Following Cgroup subsystem not mounted: [cpuset]",
     "cgroup.cpuset"},
    {"failed to find cgroup mounts", "cgroup.root"},
    {"failed to write \"c 1:3 rwm\" to \"/sys/fs/cgroup/devices/docker/x/devices.allow\": operation not permitted",
     "cgroup.devices.rules"},
    {"write /sys/fs/cgroup/devices/docker/1/devices.deny: invalid argument", "cgroup.devices.rules"},
    {"open /sys/fs/cgroup/cpuset/docker/cpuset.cpus: no such file or directory", "cgroup.cpuset.names"},
    {"openat /sys/fs/cgroup/cpuset/docker/cpuset.mems: No such file or directory", "cgroup.cpuset.names"},
    {"W Failed to update stats for container \"/\": failed to parse memory.stat (\"Anon: 1 kB\")",
     "cgroup.memory.stat"},
    {"failed to parse cpu.stat (\"x\")", "cgroup.cpu.stat"},
    {"E Failed to initialNode unable to find data in memory cache", "cgroup.memory.stat"},
    {"level=error msg=\"'overlay' is not supported over encrypted fs\"", "overlay.mount"},
    {"overlay2: the backing f2fs filesystem is formatted without d_type support", "overlay.d_type"},
    {"mkdir /data/docker/overlay2: required key not available", "data-root.encrypted"},
    {"write /var/lib/docker/x: no space left on device", "data-root.space"},
    {"mkdir /var/lib/docker: read-only file system", "data-root.writable"},
    {"open /mnt/f2fs/docker/x: input/output error", "card.log"},
    {"failed to start daemon: error initializing graphdriver: driver not supported", "overlay.mount"},
    {"Error starting daemon: overlay: prerequisites are missing", "overlay.mount"},
    {"error creating overlay mount to /x/merged: invalid argument", "overlay.mount"},
    {"failed to mount overlay: no such device", "overlay.mount"},
    {"iptables failed: iptables --wait -t nat -A DOCKER -m addrtype --dst-type LOCAL: No chain/target/match by that name",
     "net.addrtype"},
    {"iptables --wait -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED: No chain", "net.conntrack"},
    {"iptables -t nat -I POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE: failed", "net.masquerade"},
    {"failed to create NAT chain DOCKER: iptables failed", "net.masquerade"},
    {"can't initialize iptables table `nat': Table does not exist", "net.masquerade"},
    {"can't initialize iptables table `filter': Table does not exist", "net.iptables"},
    {"can't initialize ip6tables table `filter': Address family not supported", "net.iptables"},
    {"failed to find iptables: exec: \"iptables\": executable file not found in $PATH", "helper.iptables"},
    {"Iptables not found", "helper.iptables"},
    {"iptables failed: iptables --wait -t filter -N DOCKER-USER", "net.iptables"},
    {"failed to add the host (veth1a2b) <=> sandbox (veth2) pair interfaces: operation not supported", "net.veth"},
    {"failed to create bridge docker0 via netlink: operation not supported", "net.bridge"},
    {"Error creating default \"bridge\" network: package not installed", "net.bridge"},
    {"failed to start daemon: Error initializing network controller: x", "net.bridge"},
    {"failed to start containerd: exec: \"containerd\": executable file not found in $PATH", "helper.containerd"},
    {"exec: \"docker-proxy\": executable file not found in $PATH", "helper.docker-proxy"},
    {"initialize module error: exec: \"uname\": executable file not found in $PATH", "helper.uname"},
    {"failed to start containerd: timeout waiting for containerd to start", "helper.containerd"},
    {"fork/exec /usr/bin/containerd: exec format error", "program.dockerd"},
    {"sh: /system/bin/dockerd: cannot execute binary file", "program.dockerd"},
    {"\"Streaming server stopped unexpectedly\" err=\"listen tcp: lookup localhost on 8.8.8.8:53: no such host\"",
     "dns.localhost"},
    {"Failed to generate sandbox config for pod: open /etc/resolv.conf: no such file or directory", "dns.resolv"},
    {"x509: certificate has expired or is not yet valid: current time 1970-01-01", "clock.sane"},
    {"failed to get device for dir \"/var/lib/edged\": could not find device with major: 0, minor: 70 in cached partitions map",
     "kubeedge.partition"},
    {"no partition in cached partitions map", "kubeedge.partition"},
    {"path /var/lib/edged/pods/x is mounted on /var/lib but it is not a shared or slave mount", "kubeedge.shared"},
    {"write /proc/123/oom_score_adj: permission denied", "init.sys_resource"},
    {"Bad system call (core dumped)", "init.seccomp"},
    {"SIGSYS: bad thing", "init.seccomp"},
    {"fork/exec /usr/bin/runc: resource temporarily unavailable", "limits.pids"},
    {"runtime/cgo: pthread_create failed", "limits.pids"},
    {"initialize module error: exit status 127", "helper.awk"},
    {"failed to start daemon: operation not permitted", "init.capabilities"},
    {"level=info msg=\"API listen on /var/run/docker.sock\"", NULL},
    {"exec: \"\": executable file not found", NULL},
    {"", NULL},
};

static void each_line(void **state)
{
    char code[48];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        bool known = explain_line(lines[i].line, "dockerd", code);

        if (known != (lines[i].code != NULL) || (known && !streq(code, lines[i].code))) {
            fail_msg("%s: %s", lines[i].line, known ? code : "unknown");
        }
    }
}

/* Each pattern speaks of a finding that there is, and there is a line above that needs it. */
static void each_pattern(void **state)
{
    const struct explain_pattern *pattern;

    (void)state;
    for (size_t i = 0; (pattern = explain_pattern_at(i)) != NULL; i++) {
        size_t used = 0;

        if (probe_find_row(pattern->code) == NULL) {
            fail_msg("%s: there is no such finding", pattern->code);
        }
        for (size_t j = 0; j < ARRAY_SIZE(lines); j++) {
            const char *star = strchr(pattern->parts[0], '*');
            CLEANUP_FREE char *part = xstrndup(pattern->parts[0], star == NULL ? strlen(pattern->parts[0])
                                                                               : (size_t)(star - pattern->parts[0]));

            used += strcasestr(lines[j].line, part) != NULL;
        }
        if (used == 0) {
            fail_msg("\"%s\" is tried by no line", pattern->parts[0]);
        }
    }
}

static void the_last_known_line_counts(void **state)
{
    struct findings findings = {0};
    struct explanation explanation;

    (void)state;
    findings_add(&findings, &(struct finding){.code = "cgroup.devices", .answer = ANSWER_NO, .remedy = "add devices"});
    findings_add(&findings, &(struct finding){.code = "net.bridge", .answer = ANSWER_YES});
    assert_true(doctor_explain(&findings, "dockerd",
                               "level=warning msg=\"iptables failed: x\"\n"
                               "level=info msg=\"stopping\"\n"
                               "failed to start daemon: Devices cgroup isn't mounted\n"
                               "goodbye\n",
                               &explanation));
    assert_string_equal(explanation.code, "cgroup.devices");
    assert_ptr_equal(explanation.finding, &findings.items[0]);
    assert_string_equal(explanation.line, "failed to start daemon: Devices cgroup isn't mounted");
    assert_string_equal(explanation.remedy, "add devices");
    /* A finding that says yes, or is not there, explains nothing: the general remedy is left. */
    assert_true(doctor_explain(&findings, "dockerd", "Error initializing network controller", &explanation));
    assert_string_equal(explanation.code, "net.bridge");
    assert_null(explanation.finding);
    assert_non_null(strstr(explanation.remedy, "CONFIG_BRIDGE=y"));
    assert_true(doctor_explain(&findings, "web", "web: exec format error", &explanation));
    assert_string_equal(explanation.code, "program.web");
    assert_false(doctor_explain(&findings, "dockerd", "all is well\n", &explanation));
    assert_string_equal(explanation.code, "");
    assert_false(doctor_explain(&findings, "dockerd", "", &explanation));
    assert_false(doctor_explain(&findings, "dockerd", "\n\n", &explanation));
    findings_free(&findings);
}

static void rows_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < doctor_probe_count; i++) {
        assert_non_null(doctor_probes[i]->run);
        for (size_t j = 0; j < doctor_probes[i]->count; j++) {
            const struct probe_row *row = &doctor_probes[i]->rows[j];

            assert_true(strchr(row->code, '.') != NULL && strlen(row->code) < 32);
            assert_true(row->title[0] != '\0' && strlen(row->title) < 120);
            assert_true(row->cost[0] != '\0' && strlen(row->cost) < sizeof(((struct finding *)NULL)->cost));
            assert_true(row->remedy[0] != '\0' && strlen(row->remedy) < sizeof(((struct finding *)NULL)->remedy));
            assert_true(strchr(row->code, '*') != NULL || probe_find_row(row->code) == row);
        }
    }
    assert_string_equal(probe_find_row("cgroup.devices")->code, "cgroup.*");
    assert_string_equal(probe_find_row("cgroup.cpuset.names")->code, "cgroup.cpuset.names");
    assert_null(probe_find_row("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line),
        cmocka_unit_test(each_pattern),
        cmocka_unit_test(the_last_known_line_counts),
        cmocka_unit_test(rows_are_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
