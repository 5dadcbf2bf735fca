/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentences that dockerd dies with, from its sources (18.03 and 20.10: cmd/dockerd, daemon, libnetwork, the bolt
 * databases) and from runs in which one thing was wrong at a time. What is known of a whole board besides (a controller that
 * is missing, a kernel option) is doctor's table (doctor/explain.c), which the judge asks next.
 */
#include "base/util.h"
#include "edge/dockerd.h"

#define MINUTES 60

static const struct dockerd_rule rules[] = {
    /* What prepare() sees to before the next start. */
    {.parts = {"pid file found, ensure docker is not running"},
     .code = "docker-running",
     .remedy =
         "nothing: before the next start edgeinit looks whether that process is a dockerd, and removes the file if not",
     .hold = JUDGEMENT_RETRY},
    {.parts = {"timeout waiting for containerd to start"},
     .code = "containerd-timeout",
     .remedy =
         "if it repeats: a slow or full card (\"edgeinit doctor\"), or something that stops containerd from starting "
         "(\"edgeinit logs dockerd\")",
     .hold = JUDGEMENT_RETRY},

    /* Databases (bbolt's errors). Some are moved aside by prepare(), see dockerd_leftovers.c. */
    {.parts = {"error initializing network controller"},
     .any = {"file size too small", "invalid database", "checksum error", "version mismatch"},
     .code = DOCKERD_CODE_NETWORK_DATABASE,
     .what = DOCKERD_NETWORK_DATABASE_WHAT,
     .remedy = DOCKERD_NETWORK_DATABASE_REMEDY,
     .hold = JUDGEMENT_RETRY},
    {.parts = {"failed to open database file", "/buildkit/"},
     .any = {"file size too small", "invalid database", "checksum error", "version mismatch"},
     .code = DOCKERD_CODE_BUILD_CACHE,
     .what = DOCKERD_BUILD_CACHE_WHAT,
     .remedy = DOCKERD_BUILD_CACHE_REMEDY,
     .hold = JUDGEMENT_RETRY},
    {.parts = {"volume store metadata database"},
     .code = "metadata-corrupt",
     .what = "DATA-ROOT/volumes/metadata.db is broken, as a power cut leaves it",
     .remedy =
         "move it aside and restart dockerd: local volumes are found again by their directories, labels and options "
         "of volumes are lost",
     .hold = JUDGEMENT_RETRY},
    {.parts = {"unknown service containerd.services"},
     .code = "metadata-corrupt",
     .what = "containerd's database (DATA-ROOT/containerd/daemon/io.containerd.metadata.v1.bolt/meta.db) is broken",
     .remedy = "stop dockerd, move that file aside, start dockerd: containers that run are lost to docker and must be "
               "removed and made again",
     .hold = JUDGEMENT_RETRY},

    /* 20.10 says no more than that of buildkit/containerdmeta.db, and names the others. */
    {.parts = {"file size too small"},
     .code = DOCKERD_CODE_BUILD_CACHE,
     .what = DOCKERD_BUILD_CACHE_WHAT,
     .remedy = DOCKERD_BUILD_CACHE_REMEDY,
     .hold = JUDGEMENT_RETRY},

    /* What a person wrote. */
    {.parts = {"directives don't match any configuration option"},
     .code = "config-invalid",
     .remedy = "take the unknown key out of the configuration file, or write it as this version of dockerd does",
     .hold = JUDGEMENT_PARK,
     .wake = DOCKERD_WAKE_CONFIG},
    {.parts = {"directives are specified both as a flag and in the configuration file"},
     .code = "config-invalid",
     .remedy = "take it out of the configuration file, or out of the command in the manifest",
     .hold = JUDGEMENT_PARK,
     .wake = DOCKERD_WAKE_CONFIG},
    {.any = {"unable to configure the docker daemon with file", "configuration validation"},
     .code = "config-invalid",
     .remedy = "correct the configuration file; the manifest's own part of it is under \"host\", \"files\"",
     .hold = JUDGEMENT_PARK,
     .wake = DOCKERD_WAKE_CONFIG},
    {.parts = {"incompatible with swarm mode"},
     .code = "live-restore-swarm",
     .remedy =
         "this data-root was part of a swarm: set \"live-restore\": false, or remove DATA-ROOT/swarm if the swarm is "
         "given up",
     .hold = JUDGEMENT_PARK,
     .wake = DOCKERD_WAKE_CONFIG},
    {.parts = {"contains several valid graphdrivers"},
     .code = "config-invalid",
     .remedy = "say which one it is: \"storage-driver\": \"overlay2\" in the configuration file",
     .hold = JUDGEMENT_PARK,
     .wake = DOCKERD_WAKE_CONFIG},
    {.any = {"unknown flag: ", "unknown shorthand flag"},
     .code = "command-invalid",
     .remedy = "correct \"command\" in the manifest: this version of dockerd does not know that option",
     .hold = JUDGEMENT_PARK},
    {.parts = {"invalid argument ", " for \"-"},
     .code = "command-invalid",
     .remedy = "correct \"command\" in the manifest",
     .hold = JUDGEMENT_PARK},
    {.parts = {"failed to create api server"},
     .code = "tls-files",
     .remedy = "correct the files that \"tlscacert\", \"tlscert\" and \"tlskey\" name (docs/docker.md)",
     .hold = JUDGEMENT_PARK,
     .wake = DOCKERD_WAKE_TLS},

    /* Listening. */
    {.parts = {"address already in use"},
     .code = "address-in-use",
     .remedy = "find who listens there (\"ss -ltnp\", \"netstat -ltnp\") and stop it, or choose another port",
     .hold = JUDGEMENT_RETRY},
    {.parts = {"cannot assign requested address"},
     .code = "address-missing",
     .remedy = "no interface has the address that dockerd is to listen on: give it to one, or correct -H",
     .hold = JUDGEMENT_PARK,
     .wake = DOCKERD_WAKE_NETWORK,
     .again = 1 * MINUTES},
    {.parts = {"can't create unix socket", "is a directory"},
     .code = "socket-directory",
     .remedy = "remove the directory that stands in the socket's place, if nothing in it is needed",
     .hold = JUDGEMENT_RETRY},

    /* The ground under it. */
    {.parts = {"no space left on device"},
     .code = "no-space",
     .finding = "data-root.space",
     .remedy = "make room on the data-root: \"docker system prune\" once it runs, or remove what else fills that disk",
     .hold = JUDGEMENT_RETRY},
    {.parts = {"read-only file system"},
     .code = "data-root-readonly",
     .finding = "data-root.writable",
     .remedy = "the kernel makes a card read-only when it finds it broken: check it (fsck) or replace it; or a path of "
               "dockerd's lies on the read-only image",
     .hold = JUDGEMENT_PARK,
     .wake = DOCKERD_WAKE_ROOT,
     .again = 1 * MINUTES},
    {.parts = {"input/output error"},
     .code = "data-root-io",
     .finding = "card.log",
     .remedy = "the card fails, or was pulled: see \"dmesg\", replace it, then \"edgeinit apply\"",
     .hold = JUDGEMENT_PARK,
     .wake = DOCKERD_WAKE_ROOT,
     .again = 1 * MINUTES},
    {.parts = {"structure needs cleaning"},
     .code = "data-root-io",
     .finding = "card.log",
     .remedy = "the card's file system is damaged: unmount it and check it (fsck)",
     .hold = JUDGEMENT_PARK,
     .wake = DOCKERD_WAKE_ROOT,
     .again = 1 * MINUTES},
    {.parts = {"error initializing graphdriver"},
     .code = "overlay-unsupported",
     .finding = "overlay.mount",
     .remedy =
         "the data-root's file system, or this kernel, cannot carry the storage driver: \"edgeinit doctor\" says what "
         "is missing",
     .hold = JUDGEMENT_RETRY},
    {.parts = {"devices cgroup isn't mounted"},
     .code = "devices-cgroup",
     .finding = "cgroup.devices",
     .remedy = "list \"devices\" among the controllers under \"host\", \"cgroups\" in the manifest",
     .hold = JUDGEMENT_RETRY},
    {.any = {"iptables not found", "failed to find iptables"},
     .code = "iptables-missing",
     .finding = "helper.iptables",
     .remedy = "put iptables into dockerd's PATH, or set \"iptables\": false and do without published ports",
     .hold = JUDGEMENT_RETRY},
    {.parts = {"containerd\": executable file not found"},
     .code = "containerd-missing",
     .finding = "helper.containerd",
     .remedy = "put containerd into dockerd's PATH: it belongs to docker's package (docker-containerd before 18.09)",
     .hold = JUDGEMENT_RETRY},
    {.parts = {"failed to dial", "containerd"},
     .code = "containerd-timeout",
     .finding = "helper.containerd",
     .remedy = "the containerd that \"containerd\" names does not answer: see who runs it",
     .hold = JUDGEMENT_RETRY},
};

const struct dockerd_rule *dockerd_rule_at(size_t n)
{
    return n < ARRAY_SIZE(rules) ? &rules[n] : NULL;
}

static bool stands_in(const char *line, const char *part)
{
    size_t length = strlen(part);

    for (; *line != '\0' && *line != '\n'; line++) {
        if (strncasecmp(line, part, length) == 0) {
            return true;
        }
    }
    return false;
}

static bool fits(const struct dockerd_rule *rule, const char *line)
{
    bool one = rule->any[0] == NULL;

    for (size_t i = 0; i < ARRAY_SIZE(rule->parts) && rule->parts[i] != NULL; i++) {
        if (!stands_in(line, rule->parts[i])) {
            return false;
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(rule->any) && rule->any[i] != NULL; i++) {
        one = one || stands_in(line, rule->any[i]);
    }
    return one;
}

const struct dockerd_rule *dockerd_rule_of(const char *line)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        if (fits(&rules[i], line)) {
            return &rules[i];
        }
    }
    return NULL;
}
