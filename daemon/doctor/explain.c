/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the last words of dockerd and edgecore mean: sentences of their programs (and of those whose errors they pass on) to
 * codes of findings. Collected from their issue trackers and from runs on boards that lacked one thing at a time.
 */
#include <ctype.h>

#include "base/util.h"
#include "doctor/explain.h"
#include "doctor/probe.h"

/* All parts stand in one line, in any order and case. A code with a '*' takes the word that follows the first part. */
static const struct explain_pattern patterns[] = {
    {{"devices cgroup isn't mounted"}, "cgroup.devices"},
    {{"mountpoint for * not found"}, "cgroup.*"},
    {{"cgroup subsystem not mounted: [*]"}, "cgroup.*"},
    {{"failed to find cgroup mounts"}, "cgroup.root"},
    {{"devices.allow"}, "cgroup.devices.rules"},
    {{"devices.deny"}, "cgroup.devices.rules"},
    {{"cpuset.cpus", "no such file"}, "cgroup.cpuset.names"},
    {{"cpuset.mems", "no such file"}, "cgroup.cpuset.names"},
    {{"failed to parse memory.stat"}, "cgroup.memory.stat"},
    {{"failed to parse cpu.stat"}, "cgroup.cpu.stat"},
    {{"unable to find data in memory cache"}, "cgroup.memory.stat"},

    {{"is not supported over"}, "overlay.mount"},
    {{"d_type"}, "overlay.d_type"},
    {{"required key not available"}, "data-root.encrypted"},
    {{"no space left on device"}, "data-root.space"},
    {{"read-only file system"}, "data-root.writable"},
    {{"input/output error"}, "card.log"},
    {{"error initializing graphdriver"}, "overlay.mount"},
    {{"error starting daemon", "overlay"}, "overlay.mount"},
    {{"overlay", "invalid argument"}, "overlay.mount"},
    {{"overlay", "no such device"}, "overlay.mount"},

    {{"addrtype"}, "net.addrtype"},
    {{"conntrack", "ctstate"}, "net.conntrack"},
    {{"masquerade"}, "net.masquerade"},
    {{"failed to create nat chain"}, "net.masquerade"},
    {{"can't initialize iptables table `nat'"}, "net.masquerade"},
    {{"can't initialize iptables table"}, "net.iptables"},
    {{"can't initialize ip6tables table"}, "net.iptables"},
    {{"failed to find iptables"}, "helper.iptables"},
    {{"iptables not found"}, "helper.iptables"},
    {{"iptables failed"}, "net.iptables"},
    {{"veth", "operation not supported"}, "net.veth"},
    {{"failed to create bridge"}, "net.bridge"},
    {{"error creating default \"bridge\" network"}, "net.bridge"},
    {{"error initializing network controller"}, "net.bridge"},

    {{"exec: \"*\"", "executable file not found"}, "helper.*"},
    {{"failed to start containerd"}, "helper.containerd"},
    {{"exec format error"}, "program.@"},
    {{"cannot execute binary file"}, "program.@"},

    {{"lookup localhost"}, "dns.localhost"},
    {{"open /etc/resolv.conf"}, "dns.resolv"},
    {{"not yet valid"}, "clock.sane"},
    {{"could not find device with major"}, "kubeedge.partition"},
    {{"cached partitions map"}, "kubeedge.partition"},
    {{"is not a shared or slave mount"}, "kubeedge.shared"},
    {{"oom_score_adj", "permission denied"}, "init.sys_resource"},
    {{"bad system call"}, "init.seccomp"},
    {{"sigsys"}, "init.seccomp"},
    {{"resource temporarily unavailable"}, "limits.pids"},
    {{"pthread_create failed"}, "limits.pids"},
    {{"exit status 127"}, "helper.awk"},
    {{"operation not permitted"}, "init.capabilities"},
};

const struct explain_pattern *explain_pattern_at(size_t n)
{
    return n < ARRAY_SIZE(patterns) ? &patterns[n] : NULL;
}

/* Does the part stand in the text? A '*' in it is one word, which is copied. */
static bool stands_in(const char *text, const char *part, char word[48])
{
    const char *star = strchr(part, '*');
    size_t before = star == NULL ? strlen(part) : (size_t)(star - part);

    for (const char *at = text; *at != '\0'; at++) {
        if (strncasecmp(at, part, before) == 0) {
            const char *start = at + before;
            size_t length = strspn(start, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");

            if (star == NULL) {
                return true;
            }
            if (length > 0 && strncasecmp(start + length, star + 1, strlen(star + 1)) == 0) {
                snprintf(word, 48, "%.*s", (int)(length < 40 ? length : 40), start);
                return true;
            }
        }
    }
    return false;
}

/* What a code of the table becomes: '*' is the word, '@' the service. */
static void fill(char code[48], const char *pattern, const char *word, const char *service)
{
    size_t length = strcspn(pattern, "*@");

    if (pattern[length] == '\0') {
        snprintf(code, 48, "%s", pattern);
    } else {
        snprintf(code, 48, "%.*s%.32s%s", (int)length, pattern, pattern[length] == '*' ? word : service,
                 pattern + length + 1);
    }
}

bool explain_line(const char *line, const char *service, char code[48])
{
    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
        char word[48] = "";
        char other[48] = "";

        if (stands_in(line, patterns[i].parts[0], word) &&
            (patterns[i].parts[1] == NULL || stands_in(line, patterns[i].parts[1], other))) {
            fill(code, patterns[i].code, word, service);
            return true;
        }
    }
    return false;
}

bool doctor_explain(const struct findings *findings, const char *service, const char *log,
                    struct explanation *explanation)
{
    size_t end = strlen(log);

    *explanation = (struct explanation){0};
    /* From the last line back: what comes last is why it ended. */
    while (end > 0) {
        const char *newline = memrchr(log, '\n', end - 1);
        const char *start = newline == NULL ? log : newline + 1;
        CLEANUP_FREE char *line = xstrndup(start, (size_t)(log + end - start));
        const struct finding *finding;
        const struct probe_row *row;

        line[strcspn(line, "\n")] = '\0';
        end = (size_t)(start - log);
        if (!explain_line(line, service, explanation->code)) {
            continue;
        }
        finding = findings_find(findings, explanation->code);
        row = probe_find_row(explanation->code);
        explanation->finding = finding != NULL && finding->answer != ANSWER_YES ? finding : NULL;
        snprintf(explanation->line, sizeof(explanation->line), "%s", line);
        snprintf(explanation->remedy, sizeof(explanation->remedy), "%s",
                 explanation->finding != NULL ? explanation->finding->remedy
                 : row == NULL                ? ""
                                              : row->remedy);
        return true;
    }
    return false;
}
