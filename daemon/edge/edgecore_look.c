/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/edgecore_look.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"
#include "doctor/resolve.h"
#include "edge/edgecore_judge.h"
#include "edge/edgecore_reasons.h"
#include "host/facts.h"
#include "host/host.h"
#include "host/mounts.h"

#define TABLE_LARGEST (1 << 20)
#define TEXT_LARGEST (256 * 1024)
#define EDGED "modules.edged.rootDirectory", "/var/lib/edged"

static char *read_text(const char *path, size_t limit)
{
    struct error ignored = {0};
    char *text = NULL;
    size_t length = 0;

    return file_read(path, limit, &text, &length, &ignored) == 0 ? text : NULL;
}

/* "wlan0\t00000000\t0101A8C0\t0003\t…": interface, destination, gateway, flags (1: up). apimachinery's util/net does the same. */
bool edgecore_sees_route(const char *table)
{
    for (const char *line = strchr(table, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
        /* Blank-separated; strtoul() skips what stands before a number. */
        const char *destination = line + 1 + strcspn(line + 1, "\t ");
        char *gateway = NULL;
        char *flags = NULL;
        char *end = NULL;
        bool is_default = strtoul(destination, &gateway, 16) == 0 && gateway != destination;

        strtoul(gateway, &flags, 16);
        if (is_default && (strtoul(flags, &end, 16) & 1) != 0 && end != flags) {
            return true;
        }
    }
    return false;
}

/* From which address of ours would a packet go there? Nothing is sent: connect(2) of a datagram socket asks the routes. */
static bool source_towards(const char *to, char address[EDGECORE_ADDRESS])
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr_in here = {0};
    socklen_t length = sizeof(here);
    CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    return fd >= 0 && inet_pton(AF_INET, to, &there.sin_addr) == 1 &&
           connect(fd, (const struct sockaddr *)&there, sizeof(there)) == 0 &&
           getsockname(fd, (struct sockaddr *)&here, &length) == 0 &&
           ntohl(here.sin_addr.s_addr) >> 24 != IN_LOOPBACKNET &&
           inet_ntop(AF_INET, &here.sin_addr, address, EDGECORE_ADDRESS) != NULL;
}

static bool look_at_interface(const char *name, struct judgement *judgement)
{
    static const char *const words[] = {
        [FACTS_ADDRESS] = "has an address",
        [FACTS_NO_INTERFACE] = "does not exist",
        [FACTS_DOWN] = "is down",
        [FACTS_NO_ADDRESS] = "has no address",
    };
    enum facts_address found;

    edgecore_wake(judgement, WAKE_ADDRESS, name);
    found = facts_interface(name);
    return found == FACTS_ADDRESS || edgecore_hold(judgement, REASON_NO_ADDRESS, name, "%s %s", name, words[found]);
}

bool edgecore_look_for_address(const struct edge_config *edge, char address[EDGECORE_ADDRESS],
                               struct judgement *judgement)
{
    CLEANUP_FREE char *table = NULL;

    address[0] = '\0';
    if (edge->interface != NULL) {
        return look_at_interface(edge->interface, judgement);
    }
    if (edge->address != NULL) {
        return true;
    }
    edgecore_wake(judgement, WAKE_NETWORK_CHANGED, "");
    table = read_text("/proc/net/route", TABLE_LARGEST);
    if (table != NULL && edgecore_sees_route(table)) {
        return true;
    }
    /* 192.0.2.1 is nobody's (RFC 5737): the way there is the default route's. */
    if (source_towards(edge->cloud, address) || source_towards("192.0.2.1", address)) {
        return true;
    }
    address[0] = '\0';
    return edgecore_hold(judgement, REASON_NO_ROUTE, "",
                         "no default route, and neither \"interface\" nor \"address\" is given");
}

bool edgecore_look_at_cgroup_driver(const cJSON *config, const struct edgecore_version *version,
                                    const struct board *board, struct judgement *judgement)
{
    const char *ours = edgecore_config_string(config, edgecore_cgroup_driver_path(version), "cgroupfs");
    const char *dockers = board->cgroup_driver[0] == '\0' ? "cgroupfs" : board->cgroup_driver;

    if (!edgecore_uses_docker(version) || !board->wants_docker || streq(ours, dockers)) {
        return true;
    }
    edgecore_wake(judgement, WAKE_FILE_CHANGED, board->config_file);
    return edgecore_hold(judgement, REASON_CGROUP_DRIVER, "", "edgecore's cgroup driver is %s, docker's is %s (%.80s)",
                         ours, dockers, board->config_file);
}

bool edgecore_look_at_clock(struct judgement *judgement)
{
    time_t least = (time_t)board_least_time();
    time_t now = time(NULL);
    struct tm date;
    char built[24];
    char says[24];

    if (now >= least) {
        return true;
    }
    strftime(built, sizeof(built), "%Y-%m-%d", gmtime_r(&least, &date));
    strftime(says, sizeof(says), "%Y-%m-%d", gmtime_r(&now, &date));
    edgecore_wake(judgement, WAKE_CLOCK, built);
    return edgecore_hold(judgement, REASON_CLOCK, "", "the clock says %s, and edgeinit was built on %s", says, built);
}

static bool look_at_localhost(struct judgement *judgement)
{
    CLEANUP_FREE char *hosts = NULL;
    char address[64];

    edgecore_wake(judgement, WAKE_FILE_CHANGED, "/etc/hosts");
    hosts = read_text("/etc/hosts", TEXT_LARGEST);
    return resolve_in_hosts(hosts, "localhost", address) ||
           edgecore_hold(judgement, REASON_LOCALHOST, "", "/etc/hosts %s",
                         hosts == NULL ? "cannot be read" : "has no address of localhost");
}

static bool look_at_helpers(const char *path, struct judgement *judgement)
{
    /* Executed at every start (strace of edgecore 1.9.1). */
    static const char *const helpers[] = {"uname", "sh", "cat", "grep", "awk"};
    char found[PATH_MAX];

    edgecore_wake(judgement, WAKE_NONE, "");
    for (size_t i = 0; i < ARRAY_SIZE(helpers); i++) {
        if (!board_find_program(path, helpers[i], found)) {
            return edgecore_hold(judgement, REASON_HELPER_MISSING, helpers[i], "%s is in none of %.120s", helpers[i],
                                 path);
        }
    }
    return true;
}

/* A second edgecore stays alive with its modules stopped, and takes the first one's dockershim.sock away. */
static bool look_at_ports(struct judgement *judgement)
{
    static const int ports[] = {10350, 10550};
    char holder[64];

    edgecore_wake(judgement, WAKE_NONE, "");
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        edgecore_eyes.holder(ports[i], holder, sizeof(holder));
        if (holder[0] != '\0') {
            return edgecore_hold(judgement, REASON_PORT_TAKEN, holder, "%s listens at port %d", holder, ports[i]);
        }
    }
    return true;
}

/* "--config=FILE" or "--config FILE"; a wrapper may have none, and know better. */
static bool look_at_command(const struct profile_call *call, struct judgement *judgement)
{
    const char *const *command = (const char *const *)call->service->command;
    const char *file = NULL;

    for (size_t i = 1; i < call->service->command_count; i++) {
        file = starts_with(command[i], "--config=") ? command[i] + strlen("--config=")
               : streq(command[i], "--config")      ? command[i + 1]
                                                    : file;
    }
    edgecore_wake(judgement, WAKE_NONE, "");
    return file == NULL || streq(file, call->node->edge.config) ||
           edgecore_hold(judgement, REASON_CONFIG_ELSEWHERE, "", "edgecore is to read %.80s, and \"edge\" writes %.80s",
                         file, call->node->edge.config);
}

bool edgecore_look_at_board(const struct profile_call *call, const char *path, struct judgement *judgement)
{
    return look_at_command(call, judgement) && look_at_localhost(judgement) && look_at_helpers(path, judgement) &&
           look_at_ports(judgement);
}

void edgecore_look_for_warnings(const cJSON *config, const struct edge_config *edge,
                                const struct edgecore_version *version)
{
    const char *root = edgecore_config_string(config, EDGED);
    char path[PATH_MAX];
    struct mount_entry entry;
    struct host host = {0};
    struct error ignored = {0};

    snprintf(path, sizeof(path), "%s", root);
    while (access(path, F_OK) != 0 && path_up(path)) {
    }
    if (mounts_holding(&host, path, &entry, &ignored) == 0 && !mountinfo_has_tag(entry.propagation, "shared")) {
        log_warning("edgecore: the mount on %s, which holds %s, is not shared: pods with volumes will fail; "
                    "add {\"target\": \"/\", \"propagation\": \"rshared\"} to \"mounts\", before dockerd starts",
                    entry.target, root);
    }
    host_free(&host);
    if (access("/etc/resolv.conf", F_OK) != 0) {
        log_warning(
            "edgecore: there is no /etc/resolv.conf: pods will stay ContainerCreating; an empty one does, \"files\" in "
            "the manifest can make it");
    }
    if (!edge->metrics && !edgecore_knows_metrics(version)) {
        log_warning("edgecore: \"metrics\": false has no effect: from 1.12 on edgecore cannot do without");
    }
}
