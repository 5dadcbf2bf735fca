/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dockerd does when it makes docker0, done in a network namespace of the probe's own: a bridge, a pair of interfaces,
 * policy rules, and through the iptables that dockerd will execute the rules that it cannot start without. iptables' lock
 * file is made on a tmpfs that only the probe sees. A kernel with modules keeps those that this loads.
 */
#include <sched.h>
#include <sys/mount.h>

#include "base/file.h"
#include "base/util.h"
#include "doctor/judge.h"
#include "doctor/link.h"
#include "doctor/probe.h"
#include "doctor/program.h"
#include "doctor/tool.h"

#define BRIDGE "doctor0"
#define PRIORITY 12345

enum { ROW_NAMESPACE, ROW_BRIDGE, ROW_VETH, ROW_RULE, ROW_IPTABLES, ROW_MASQUERADE, ROW_ADDRTYPE, ROW_CONNTRACK };

#define OPTIONS(list) "build the kernel with " list " (\"edgeinit doctor --fragment\" prints all that is missing)"

static const struct probe_row rows[] = {
    [ROW_NAMESPACE] = {"net.namespace", NEED_DOCKER, "a network namespace can be made", "no container starts",
                       OPTIONS("CONFIG_NET_NS=y")},
    [ROW_BRIDGE] =
        {"net.bridge", NEED_DOCKER, "a bridge can be made",
         "dockerd does not start: \"Error initializing network controller\", unless it says \"bridge\": \"none\"",
         OPTIONS("CONFIG_BRIDGE=y")},
    [ROW_VETH] = {"net.veth", NEED_DOCKER, "a pair of interfaces can be made and joined to the bridge",
                  "containers start with --network host only", OPTIONS("CONFIG_VETH=y")},
    [ROW_RULE] = {"net.rule", NEED_EDGEINIT, "policy rules can be added and removed",
                  "\"rules\" of the manifest fail; nobody routes through docker0 where netsys has its own rules",
                  OPTIONS("CONFIG_IP_MULTIPLE_TABLES=y")},
    [ROW_IPTABLES] =
        {"net.iptables", NEED_DOCKER, "the iptables in dockerd's PATH works with this kernel",
         "dockerd does not start, unless it says \"iptables\": false",
         "install an iptables for this kernel: \"legacy\" needs CONFIG_IP_NF_IPTABLES, \"nf_tables\" needs "
         "CONFIG_NF_TABLES and CONFIG_NFT_COMPAT; on rk3568 images a static 64-bit one failed where a 32-bit one worked"},
    [ROW_MASQUERADE] = {"net.masquerade", NEED_DOCKER, "addresses of containers can be masqueraded",
                        "dockerd does not start: \"failed to create NAT chain DOCKER\"",
                        OPTIONS("CONFIG_IP_NF_NAT=y and CONFIG_IP_NF_TARGET_MASQUERADE=y (5.2+: "
                                "CONFIG_NETFILTER_XT_TARGET_MASQUERADE=y)")},
    [ROW_ADDRTYPE] = {"net.addrtype", NEED_DOCKER, "iptables can match types of addresses",
                      "dockerd does not start: \"-m addrtype --dst-type LOCAL\" fails",
                      OPTIONS("CONFIG_NETFILTER_XT_MATCH_ADDRTYPE=y")},
    [ROW_CONNTRACK] = {"net.conntrack", NEED_DOCKER, "iptables can match the state of connections",
                       "dockerd does not start: \"-m conntrack --ctstate\" fails",
                       OPTIONS("CONFIG_NF_CONNTRACK=y and CONFIG_NETFILTER_XT_MATCH_CONNTRACK=y")},
};

static bool may_administer(void)
{
    CLEANUP_FREE char *status = NULL;
    struct error ignored = {0};
    size_t length = 0;
    char value[64];

    return file_read("/proc/self/status", 16384, &status, &length, &ignored) == 0 &&
           judge_status_field(status, "CapEff", value) && (strtoull(value, NULL, 16) >> 12 & 1) != 0;
}

static void say_link(struct answers *answers, unsigned row, int errnum, const char *yes)
{
    if (errnum == 0) {
        say(answers, row, ANSWER_YES, "%s", yes);
    } else {
        say(answers, row, probe_failed(errnum), "not so: %s: %s", rows[row].title, strerror(errnum));
    }
}

static void check_rules(struct answers *answers)
{
    int errnum = link_rule(true, PRIORITY);

    if (errnum == 0) {
        errnum = link_rule(false, PRIORITY);
    }
    say_link(answers, ROW_RULE, errnum, "policy rules can be added and removed");
}

/* What it calls itself: "iptables v1.8.9 (nf_tables)"; before 1.8 there was one kind, without a word. */
static bool check_iptables(struct answers *answers, const char *program, const char *path)
{
    const char *const version[] = {"iptables", "--version", NULL};
    const char *const list[] = {"iptables", "--wait", "-t", "nat", "-S", NULL};
    bool unknown = false;
    char says[96];
    char why[160];
    char said[160];
    int code;

    if (!program_check(program, why, &unknown)) {
        say(answers, ROW_IPTABLES, ANSWER_NO, "%s: %s", program, why);
        return false;
    }
    code = tool_run(program, version, path, -1, says, sizeof(says));
    if (code < 0 && errno == EACCES && access(program, X_OK) == 0) {
        /* As far as its mode goes it can be executed: SELinux, which may well let dockerd. */
        say(answers, ROW_IPTABLES, ANSWER_UNKNOWN, "%s: the policy does not let us execute it; dockerd's log tells",
            program);
        return false;
    }
    if (code != 0) {
        say(answers, ROW_IPTABLES, ANSWER_NO, "%s --version fails: %s", program, code < 0 ? strerror(errno) : says);
        return false;
    }
    if (strchr(says, '(') == NULL) {
        snprintf(says + strlen(says), sizeof(says) - strlen(says), " (legacy)");
    }
    code = tool_run(program, list, path, -1, said, sizeof(said));
    if (code != 0) {
        say(answers, ROW_IPTABLES, ANSWER_NO, "%s, %.16s: %s", says, why, code < 0 ? strerror(errno) : said);
        return false;
    }
    say(answers, ROW_IPTABLES, ANSWER_YES, "%s: %s, %s", program, says, why);
    return true;
}

static void check_tables(struct answers *answers, const char *program, const char *path)
{
    /* Word for word what dockerd's bridge driver asks for. */
    static const struct {
        unsigned row;
        const char *yes;
        const char *arguments[16];
    } tries[] = {
        {ROW_MASQUERADE,
         "iptables: addresses of containers can be masqueraded",
         {"iptables", "--wait", "-t", "nat", "-A", "POSTROUTING", "-s", "172.17.0.0/16", "!", "-o", BRIDGE, "-j",
          "MASQUERADE"}},
        {ROW_ADDRTYPE,
         "iptables: types of addresses can be matched",
         {"iptables", "--wait", "-t", "nat", "-A", "PREROUTING", "-m", "addrtype", "--dst-type", "LOCAL", "-j",
          "RETURN"}},
        {ROW_CONNTRACK,
         "iptables: the state of connections can be matched",
         {"iptables", "--wait", "-A", "FORWARD", "-o", BRIDGE, "-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED",
          "-j", "ACCEPT"}},
    };
    char said[160];

    for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
        int code = tool_run(program, tries[i].arguments, path, -1, said, sizeof(said));

        if (code == 0) {
            say(answers, tries[i].row, ANSWER_YES, "%s", tries[i].yes);
        } else {
            say(answers, tries[i].row, ANSWER_NO, "not so: %s: %s", rows[tries[i].row].title,
                code < 0 ? strerror(errno) : said);
        }
    }
}

static void say_not_tried(struct answers *answers, unsigned from, const char *why, const char *remedy)
{
    for (unsigned row = from; row < ARRAY_SIZE(rows); row++) {
        probe_say(answers, &(struct said){.row = row, .answer = ANSWER_UNKNOWN, .remedy = remedy}, "%s: not tried, %s",
                  rows[row].title, why);
    }
}

static void run(struct answers *answers, const struct board *board)
{
    char program[PATH_MAX];
    int errnum;

    if (unshare(CLONE_NEWNET) != 0) {
        say(answers, ROW_NAMESPACE, probe_failed(errno), "no network namespace can be made: %s", strerror(errno));
        say_not_tried(answers, ROW_BRIDGE, "for it takes a network namespace", "see net.namespace");
        return;
    }
    say(answers, ROW_NAMESPACE, ANSWER_YES, "a network namespace can be made");
    if (!may_administer()) {
        say_not_tried(answers, ROW_BRIDGE, "for it takes CAP_NET_ADMIN", "see init.capabilities");
        return;
    }
    say_link(answers, ROW_BRIDGE, link_add_bridge(BRIDGE), "a bridge can be made");
    errnum = link_add_veth("doctor1", "doctor2");
    if (errnum == 0) {
        errnum = link_join("doctor1", BRIDGE);
        errnum = errnum == ENODEV ? 0 : errnum; /* no bridge: that is another finding */
    }
    say_link(answers, ROW_VETH, errnum, "a pair of interfaces can be made and joined to a bridge");
    check_rules(answers);
    /* Where there is no /run, the lock is elsewhere (/etc/xtables.lock on OpenHarmony, and there already). */
    mount("edgeinit-doctor", "/run", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755");
    if (!board->iptables) {
        return; /* dockerd is told to do without */
    }
    if (!board_find_program(board->docker_path, "iptables", program)) {
        probe_say(answers,
                  &(struct said){.row = ROW_IPTABLES,
                                 .answer = ANSWER_NO,
                                 .remedy = "install it in a directory of dockerd's PATH"},
                  "iptables is in none of %.140s", board->docker_path);
        say_not_tried(answers, ROW_MASQUERADE, "for there is no iptables", "see net.iptables");
    } else if (!check_iptables(answers, program, board->docker_path)) {
        say_not_tried(answers, ROW_MASQUERADE, "for iptables does not work", "see net.iptables");
    } else {
        check_tables(answers, program, board->docker_path);
    }
}

const struct probe probe_network = {
    .name = "network", .rows = rows, .count = ARRAY_SIZE(rows), .root = true, .mounts = true, .run = run};
