/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What edgecore says when it cannot go on, and what that means. The sentences are those of edgecore 1.9.1 (the join's are the
 * same up to 1.20), of the kubelet and of cAdvisor inside it, and of Go's net and crypto/x509; each was seen in a run or read
 * in its source. More specific rows stand before more general ones.
 */
#include "edge/edgecore_judge.h"

#include "base/text.h"
#include "base/util.h"

#define JOIN "certmanager.go"
#define REFUSED_REMEDY \
    "start cloudcore there, or correct \"cloud\" and \"https_port\" in the manifest's \"edge\" section"
#define UNREACHABLE_REMEDY \
    "connect the board to the cloud's network, or correct \"cloud\" in the manifest's \"edge\" section"
#define TOKEN_REMEDY "make a new token with \"keadm gettoken\" on the cloud and write it to @"
#define NO_STATISTICS "unable to find data in memory cache"
#define CLOUD_FIRST 5
#define CLOUD_MOST 300

static const struct edgecore_rule rules[] = {
    /* Joining: there are no certificates, and the cloud has to be asked for them. Whatever a person changes is worth a try. */
    {.parts = {JOIN, "dial tcp *: connect: connection refused"},
     .code = "cloud-refused",
     .what = "the cloud at * refuses the connection",
     .remedy = REFUSED_REMEDY,
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_NETWORK, RULE_WAKE_MANIFEST, RULE_WAKE_TOKEN},
     .again = CLOUD_FIRST,
     .again_most = CLOUD_MOST},
    {.parts = {JOIN, "dial tcp *: connect: network is unreachable"},
     .code = "no-route",
     .what = "no route leads to the cloud at *",
     .remedy = UNREACHABLE_REMEDY,
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_NETWORK, RULE_WAKE_MANIFEST, RULE_WAKE_TOKEN},
     .again = CLOUD_MOST},
    {.parts = {JOIN, "dial tcp: lookup * on "},
     .code = "cloud-name",
     .what = "the cloud's name * cannot be resolved",
     .remedy =
         "put its address into \"cloud\" or into /etc/hosts, or a name server that knows it into /etc/resolv.conf",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_NETWORK, RULE_WAKE_HOSTS, RULE_WAKE_RESOLV, RULE_WAKE_MANIFEST},
     .again = CLOUD_FIRST,
     .again_most = CLOUD_MOST},
    {.parts = {JOIN, "dial tcp: lookup *:"},
     .code = "cloud-name",
     .what = "the cloud's name * cannot be resolved",
     .remedy =
         "put its address into \"cloud\" or into /etc/hosts, or a name server that knows it into /etc/resolv.conf",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_NETWORK, RULE_WAKE_HOSTS, RULE_WAKE_RESOLV, RULE_WAKE_MANIFEST},
     .again = CLOUD_FIRST,
     .again_most = CLOUD_MOST},
    {.parts = {JOIN, "dial tcp *: "},
     .code = "cloud-unreachable",
     .what = "the cloud at * does not answer",
     .remedy = UNREACHABLE_REMEDY,
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_NETWORK, RULE_WAKE_MANIFEST, RULE_WAKE_TOKEN},
     .again = CLOUD_FIRST,
     .again_most = CLOUD_MOST},
    {.parts = {JOIN, "Invalid authorization token"},
     .code = "token-refused",
     .what = "the cloud refused the token",
     .remedy = TOKEN_REMEDY,
     .hold = JUDGEMENT_PARK,
     .look = RULE_LOOK_TOKEN,
     .wakes = {RULE_WAKE_TOKEN, RULE_WAKE_MANIFEST, RULE_WAKE_CLOCK},
     .again = 600},
    {.parts = {JOIN, "token credentials are in the wrong format"},
     .code = "token-malformed",
     .what = "the token is none: it has to have four parts with dots between them",
     .remedy = TOKEN_REMEDY,
     .hold = JUDGEMENT_PARK,
     .look = RULE_LOOK_TOKEN,
     .wakes = {RULE_WAKE_TOKEN, RULE_WAKE_MANIFEST}},
    {.parts = {JOIN, "failed to validate CA certificate"},
     .code = "ca-mismatch",
     .what = "the token is for another cloud: the hash in it is not that of this cloud's CA",
     .remedy = TOKEN_REMEDY,
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_TOKEN, RULE_WAKE_MANIFEST, RULE_WAKE_NETWORK},
     .again = 600},
    {.parts = {JOIN, "x509: certificate has expired or is not yet valid: current time * is before"},
     .code = "certificate-not-yet-valid",
     .what = "by the board's clock (*) the cloud's certificate is not valid yet",
     .remedy = "set the clock: the time service, or \"date -s\"; it is tried again as soon as that is done",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CLOCK, RULE_WAKE_TOKEN, RULE_WAKE_MANIFEST},
     .again = 600},
    {.parts = {JOIN, "x509: certificate has expired or is not yet valid: current time * is after"},
     .code = "certificate-expired",
     .what = "by the board's clock (*) the cloud's certificate has expired",
     .remedy = "renew cloudcore's certificate if the clock is right, else set the clock",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CLOCK, RULE_WAKE_TOKEN, RULE_WAKE_MANIFEST},
     .again = 600},
    {.parts = {JOIN, "x509: certificate is valid for "},
     .code = "cloud-certificate",
     .what = NULL,
     .remedy = "name the cloud as its certificate does, or add this address to advertiseAddress in cloudcore.yaml",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_TOKEN, RULE_WAKE_MANIFEST},
     .again = 600},
    {.parts = {JOIN, "x509: cannot validate certificate for * because"},
     .code = "cloud-certificate",
     .what = "cloudcore's certificate is not for the address *",
     .remedy = "name the cloud as its certificate does, or add this address to advertiseAddress in cloudcore.yaml",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_TOKEN, RULE_WAKE_MANIFEST},
     .again = 600},
    {.parts = {JOIN, "x509: certificate signed by unknown authority"},
     .code = "ca-mismatch",
     .what = "the cloud's certificate is not signed by the CA that it gave out",
     .remedy =
         "restart cloudcore, so that its certificate and its CA fit together, then make a new token with \"keadm gettoken\"",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_TOKEN, RULE_WAKE_MANIFEST, RULE_WAKE_NETWORK},
     .again = 600},
    {.parts = {JOIN, "failed to save the"},
     .code = "certificates-unwritable",
     .what = NULL,
     .remedy = "make /etc/kubeedge writable: bind a directory of /data over it",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_TOKEN, RULE_WAKE_MANIFEST},
     .again = 60},
    {.parts = {JOIN, "Error: "},
     .code = "join-failed",
     .what = NULL,
     .remedy =
         "look at cloudcore's log; is \"https_port\" in the manifest's \"edge\" section cloudcore's cloudHub.https.port?",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_NETWORK, RULE_WAKE_MANIFEST, RULE_WAKE_TOKEN},
     .again = CLOUD_FIRST,
     .again_most = CLOUD_MOST},

    /* Its configuration. */
    {.parts = {"config file * not exist"},
     .code = "config-invalid",
     .what = "its configuration * is not there",
     .remedy = "write it, or give the manifest an \"edge\" section, of which edgeinit makes it",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CONFIG, RULE_WAKE_MANIFEST}},
    {.parts = {"error converting YAML to JSON"},
     .code = "config-invalid",
     .what = NULL,
     .remedy = "correct its configuration, or move it away: edgeinit makes it anew of the manifest's \"edge\" section",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CONFIG, RULE_WAKE_MANIFEST}},
    {.parts = {"error unmarshaling JSON"},
     .code = "config-invalid",
     .what = NULL,
     .remedy =
         "correct its configuration: \"merge\" in the manifest's \"edge\" section gives a key a value of another type",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CONFIG, RULE_WAKE_MANIFEST}},
    {.parts = {"HostnameOverride: Invalid value: \"*\""},
     .code = "config-invalid",
     .what = "the node's name \"*\" is none for Kubernetes",
     .remedy = "give \"node\" in the manifest's \"edge\" section lower case letters, digits, '-' and '.'",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CONFIG, RULE_WAKE_MANIFEST}},
    {.parts = {": Invalid value: "},
     .code = "config-invalid",
     .what = NULL,
     .remedy = "correct \"merge\" in the manifest's \"edge\" section",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CONFIG, RULE_WAKE_MANIFEST}},
    {.parts = {"invalid node IP address specified: *"},
     .code = "config-invalid",
     .what = "the node's address * is none",
     .remedy = "correct \"address\" in the manifest's \"edge\" section",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CONFIG, RULE_WAKE_MANIFEST}},
    {.parts = {"* should not running on edge node"},
     .code = "kubelet-running",
     .what = "* runs on this board, and edgecore does not start beside it",
     .remedy = "stop it, or switch metaManager.metaServer on (\"merge\"), which edgeinit does by itself",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CONFIG, RULE_WAKE_MANIFEST},
     .again = 60},

    /* The node's own address. */
    {.parts = {"Failed to get Local IP address: no default routes found"},
     .code = "no-route",
     .what = "there is no default route, which is to tell the node's address",
     .remedy = "connect the board, or set \"interface\" or \"address\" in the manifest's \"edge\" section",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_ROUTE, RULE_WAKE_MANIFEST},
     .again = 600},
    {.parts = {"Failed to get Local IP address:"},
     .code = "no-address",
     .what = NULL,
     .remedy = "give an interface an address, or set \"interface\" or \"address\" in the manifest's \"edge\" section",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_NETWORK, RULE_WAKE_MANIFEST},
     .again = 600},
    {.parts = {"Failed to get IP address by custom interface *,"},
     .code = "no-address",
     .what = "the interface * has no address",
     .remedy =
         "connect it; edgecore is started as soon as it has one; or correct \"interface\" in the manifest's \"edge\" section",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_ADDRESS, RULE_WAKE_MANIFEST},
     .again = 600},

    /* Docker. */
    {.parts = {"Cannot connect to the Docker daemon at *. Is"},
     .code = "docker-absent",
     .what = "docker is not there (*)",
     .remedy =
         "nothing: edgecore is started as soon as dockerd is ready; \"edgeinit status\" says what dockerd waits for",
     .hold = JUDGEMENT_PARK,
     .blameless = true,
     .look = RULE_LOOK_DOCKER,
     .wakes = {RULE_WAKE_DOCKER},
     .again = 30},
    {.parts = {"failed to get docker version:"},
     .code = "docker-absent",
     .what = NULL,
     .remedy = "\"edgeinit logs dockerd\" says what is wrong with docker; edgecore is started as soon as it is ready",
     .hold = JUDGEMENT_PARK,
     .blameless = true,
     .look = RULE_LOOK_DOCKER,
     .wakes = {RULE_WAKE_DOCKER},
     .again = 30},
    /* From 1.14 on, of any runtime that speaks CRI. */
    {.parts = {"failed to run Kubelet", "code = Unavailable"},
     .code = "cri-absent",
     .what = "nobody answers at the container runtime's socket",
     .remedy = "run a containerd of its own, after which edgecore comes, or name the runtime's socket in \"merge\" "
               "(docs/kubeedge.md, Versions)",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 10,
     .again_most = 120},
    {.parts = {"failed to run Kubelet", "code = Unimplemented"},
     .code = "cri-off",
     .what = "the container runtime does not speak CRI",
     .remedy =
         "take \"cri\" out of \"disabled_plugins\" in containerd's config.toml; the containerd that dockerd starts has it "
         "always there, so run another one",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 60},
    {.parts = {"is different from docker cgroup driver: \"*\""},
     .code = "cgroup-driver",
     .what = "docker's cgroup driver is *, and edgecore's another",
     .remedy =
         "put \"exec-opts\": [\"native.cgroupdriver=cgroupfs\"] into daemon.json, and nothing about cgroupDriver into \"merge\"",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_DOCKER, RULE_WAKE_MANIFEST, RULE_WAKE_CONFIG},
     .again = 300},

    /* What edgecore needs of the host; doctor knows the same sentences, and the remedies. */
    {.parts = {"mountpoint for * not found"},
     .code = "cgroup-missing",
     .what = "the cgroup hierarchy * is not mounted",
     .remedy =
         "\"edgeinit apply\" mounts it, if \"controllers\" in the manifest has it; if the kernel has none: \"edgeinit doctor\"",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CGROUP, RULE_WAKE_MANIFEST},
     .again = 300},
    {.parts = {"Following Cgroup subsystem not mounted: [*]"},
     .code = "cgroup-missing",
     .what = "the cgroup hierarchy * is not mounted",
     .remedy =
         "\"edgeinit apply\" mounts it, if \"controllers\" in the manifest has it; if the kernel has none: \"edgeinit doctor\"",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_CGROUP, RULE_WAKE_MANIFEST},
     .again = 300},
    {.parts = {"failed to find cgroup mounts"},
     .code = "cgroup-missing",
     .what = "no cgroup hierarchy is mounted",
     .remedy =
         "\"edgeinit apply\" mounts them, if \"controllers\" in the manifest has them; if the kernel has none: \"edgeinit doctor\"",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 300},
    {.parts = {"lookup localhost"},
     .code = "localhost",
     .what = "the name localhost does not resolve",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_HOSTS, RULE_WAKE_MANIFEST},
     .again = 300},
    {.parts = {"exec: \"*\"", "executable file not found"},
     .code = "helper-missing",
     .what = "the program * is not in edgecore's PATH",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 300},
    {.parts = {"initialize module error: exit status 127"},
     .code = "helper-missing",
     .what = "one of cat, grep and awk is not in edgecore's PATH",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 300},
    {.parts = {"Failed to update stats for container \"/\"", "memory.stat"},
     .code = "memory-stat",
     .what = "edgecore cannot read this kernel's memory.stat",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 600},
    /* Not each line with these words: one that is well says them of its images while cAdvisor has not looked yet (1.12). */
    {.parts = {"Failed to initialNode", NO_STATISTICS},
     .code = "memory-stat",
     .what = "edgecore could not read the statistics of the root cgroup",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 600},
    {.parts = {"initialize module error", NO_STATISTICS},
     .code = "memory-stat",
     .what = "edgecore could not read the statistics of the root cgroup",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 600},
    {.parts = {"Failed to start ContainerManager", NO_STATISTICS},
     .code = "memory-stat",
     .what = "edgecore could not read the statistics of the root cgroup",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 600},
    {.parts = {"could not find device with major"},
     .code = "partition",
     .what = "/var/lib/edged is on a file system that edgecore does not know",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_EDGED, RULE_WAKE_MANIFEST},
     .again = 600},
    {.parts = {"open /proc/sys/*: read-only file system"},
     .code = "sysctl-read-only",
     .what = "edgecore cannot set the kernel's parameters: /proc/sys/* cannot be written",
     .remedy =
         "mount /proc read-write, or set vm.overcommit_memory=1, kernel.panic=10 and kernel.panic_on_oops=1 in \"sysctls\"",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 300},
    {.parts = {"open /dev/kmsg: *"},
     .code = "kmsg-missing",
     .what = "edgecore cannot read the kernel's messages, where it looks for containers that ran out of memory",
     .remedy = "make /dev/kmsg (\"mknod /dev/kmsg c 1 11\"), and let edgecore read it; the kernel needs CONFIG_PRINTK",
     .hold = JUDGEMENT_PARK,
     .wakes = {RULE_WAKE_MANIFEST},
     .again = 60},

    /* Another holds its port, most often a second edgecore. 10550: this one stays, with its modules stopped. */
    {.parts = {"listen tcp 127.0.0.1:*: bind: address already in use"},
     .code = "port-taken",
     .what = "port * is taken",
     .remedy = "end what holds it; a second edgecore must not run",
     .hold = JUDGEMENT_PARK,
     .look = RULE_LOOK_PORT,
     .again = 10,
     .again_most = 120},

    /* What a power cut leaves; the preparation of the next start moves it aside. */
    {.parts = {"could not restore state from checkpoint"},
     .code = "cpu-manager-state",
     .what = "/var/lib/edged/cpu_manager_state is damaged",
     .remedy = "nothing: it is moved aside before the next start",
     .hold = JUDGEMENT_RETRY,
     .blameless = true,
     .look = RULE_LOOK_TWICE},
    {.parts = {"Failed to register db"},
     .code = "database-damaged",
     .what = NULL,
     .remedy = "nothing: it is moved aside before the next start; pods come back from the cloud",
     .hold = JUDGEMENT_RETRY,
     .blameless = true,
     .look = RULE_LOOK_TWICE},
};

const struct edgecore_rule *edgecore_rule_at(size_t n)
{
    return n < ARRAY_SIZE(rules) ? &rules[n] : NULL;
}

static const char *const wake_words[RULE_WAKES] = {
    [RULE_WAKE_ROUTE] = "a default route comes",
    [RULE_WAKE_ADDRESS] = "the interface gets an address",
    [RULE_WAKE_NETWORK] = "an address or a route comes",
    [RULE_WAKE_CLOCK] = "the clock is set",
    [RULE_WAKE_TOKEN] = "the token file changes",
    [RULE_WAKE_MANIFEST] = "the manifest changes",
    [RULE_WAKE_CONFIG] = "edgecore.yaml changes",
    [RULE_WAKE_DOCKER] = "dockerd is ready",
    [RULE_WAKE_HOSTS] = "/etc/hosts changes",
    [RULE_WAKE_RESOLV] = "/etc/resolv.conf changes",
    [RULE_WAKE_CGROUP] = "it is mounted",
    [RULE_WAKE_EDGED] = "something is mounted there",
};

static void describe_again(const struct edgecore_rule *rule, struct text *line)
{
    const char *separator = "";

    for (size_t i = 0; i < ARRAY_SIZE(rule->wakes); i++) {
        if (rule->wakes[i] != RULE_WAKE_NONE) {
            text_format(line, "%s%s", separator, wake_words[rule->wakes[i]]);
            separator = "; ";
        }
    }
    if (rule->hold == JUDGEMENT_RETRY) {
        text_format(line, "%sat once", separator);
    } else if (rule->again_most > 0) {
        text_format(line, "%safter %lld s, twice as long each time up to %lld s", separator, (long long)rule->again,
                    (long long)rule->again_most);
    } else if (rule->again > 0) {
        text_format(line, "%safter %lld s", separator, (long long)rule->again);
    }
}

/* In a cell of a table: a '*' of the row is any word, and Markdown's own. */
static void describe_text(const char *words, struct text *line)
{
    for (; *words != '\0'; words++) {
        if (*words == '*') {
            text_add(line, "…");
        } else if (*words == '@') {
            text_add(line, "the token's file");
        } else {
            text_append(line, words, 1);
        }
    }
}

void edgecore_rules_describe(void (*print)(const char *text))
{
    static const char *const others[] = {
        "| `" EDGECORE_CODE_TOKEN_EXPIRED "` | the cloud refused the token, whose time is over by its own word | as "
        "`token-refused` | as `token-refused` |\n",
        "| `" EDGECORE_CODE_DOCKER_HUNG
        "` | it was not ready in time, or its liveness failed, and docker takes connections "
        "and does not answer | nothing: dockerd is looked at at once | dockerd is ready; after 60 s |\n",
        "| `" EDGECORE_CODE_MEMORY "` | killed by the kernel for want of memory | limits for the containers | by the "
        "policy |\n",
        "| `" EDGECORE_CODE_CRASHED
        "` | a Go panic (exit code 2), or a signal of the CPU's | report it to KubeEdge | by the "
        "policy |\n",
        "| `" EDGECORE_CODE_UNKNOWN "` | its last error is none of these | `edgeinit logs`, `edgeinit doctor` | by the "
        "policy |\n",
    };
    const struct edgecore_rule *rule;

    print("| code | its last line says | what to do | it is started when |\n|---|---|---|---|\n");
    for (size_t i = 0; (rule = edgecore_rule_at(i)) != NULL; i++) {
        CLEANUP_TEXT struct text line = {0};

        text_format(&line, "| `%s` | `", rule->code);
        for (size_t j = streq(rule->parts[0], JOIN) ? 1 : 0; j < ARRAY_SIZE(rule->parts) && rule->parts[j] != NULL;
             j++) {
            text_add(&line, j > 0 && !streq(rule->parts[0], JOIN) ? " … " : "");
            describe_text(rule->parts[j], &line);
        }
        text_add(&line, "` | ");
        describe_text(rule->remedy == NULL ? "what doctor says of it" : rule->remedy, &line);
        text_add(&line, " | ");
        describe_again(rule, &line);
        text_add(&line, " |\n");
        print(text_string(&line));
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        print(others[i]);
    }
}
