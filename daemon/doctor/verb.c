/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/verb.h"

#include "base/util.h"
#include "doctor/board.h"
#include "doctor/kernel_options.h"
#include "doctor/show.h"

/* The version to judge for. A file that does not name one, and is not this board's, needs to be told. */
static int choose_version(const struct doctor_request *request, const struct kernel_config *config, unsigned *version,
                          struct error *err)
{
    *version = request->kernel_version != 0 ? request->kernel_version : kernel_config_version(config);
    if (*version == 0 && request->kernel_config == NULL) {
        *version = kernel_running_version();
    }
    if (*version == 0) {
        return error_set(err, ERROR_INPUT, 0, "%s does not name its kernel: add --kernel-version, for example 5.10",
                         request->kernel_config == NULL ? "the configuration" : request->kernel_config);
    }
    return 0;
}

/* That a kernel does not show its options is a finding; that a file cannot be read is an error. */
static void add_unreadable(struct findings *findings, const struct error *err)
{
    struct finding finding = {.code = "kernel.config",
                              .need = NEED_EDGEINIT,
                              .answer = ANSWER_UNKNOWN,
                              .cost = "what the kernel lacks shows one failure at a time"};

    snprintf(finding.what, sizeof(finding.what), "%.180s", err->what);
    snprintf(finding.remedy, sizeof(finding.remedy), "%.300s",
             err->remedy[0] != '\0' ? err->remedy
                                    : "build the kernel with CONFIG_IKCONFIG_PROC=y, or pass --kernel-config");
    findings_add(findings, &finding);
}

static int judge_kernel(const struct doctor_request *request, struct findings *findings, struct text *fragment,
                        struct error *err)
{
    struct kernel_config *config = kernel_config_read(request->kernel_config, err);
    unsigned version = 0;
    int result;

    if (config == NULL) {
        if (request->kernel_config != NULL || request->fragment) {
            return -1;
        }
        add_unreadable(findings, err);
        return 0;
    }
    result = choose_version(request, config, &version, err);
    if (result == 0 && request->fragment) {
        kernel_options_fragment(config, version, request->fragment_all, fragment);
    } else if (result == 0) {
        kernel_options_check(config, version, findings);
    }
    kernel_config_free(config);
    return result;
}

/* Options of the running kernel whose lack is no "no" where the probe found that it works without: by nftables instead of
 * the tables of old, for example. */
static bool is_refuted(const struct findings *findings, const char *code)
{
    static const struct {
        const char *option;
        const char *shown_by;
    } table[] = {
        {"kernel.OVERLAY_FS", "overlay.mount"},
        {"kernel.NET_NS", "net.namespace"},
        {"kernel.BRIDGE", "net.bridge"},
        {"kernel.VETH", "net.veth"},
        {"kernel.IP_MULTIPLE_TABLES", "net.rule"},
        {"kernel.IP_NF_FILTER", "net.conntrack"},
        {"kernel.IP_NF_MANGLE", "net.iptables"},
        {"kernel.IP_NF_RAW", "net.iptables"},
        {"kernel.IP_NF_NAT", "net.masquerade"},
        {"kernel.NF_NAT", "net.masquerade"},
        {"kernel.NF_NAT_IPV4", "net.masquerade"},
        {"kernel.IP_NF_TARGET_MASQUERADE", "net.masquerade"},
        {"kernel.NETFILTER_XT_TARGET_MASQUERADE", "net.masquerade"},
        {"kernel.NETFILTER_XT_MATCH_ADDRTYPE", "net.addrtype"},
        {"kernel.NETFILTER_XT_MATCH_CONNTRACK", "net.conntrack"},
        {"kernel.CGROUP_CPUACCT", "cgroup.cpuacct"},
        {"kernel.CGROUP_DEVICE", "cgroup.devices.rules"},
        {"kernel.CGROUP_FREEZER", "cgroup.freezer"},
        {"kernel.CGROUP_SCHED", "cgroup.cpu"},
        {"kernel.CPUSETS", "cgroup.cpuset.names"},
        {"kernel.CPUSETS_V1", "cgroup.cpuset.names"},
        {"kernel.MEMCG", "cgroup.memory.stat"},
        {"kernel.MEMCG_V1", "cgroup.memory.stat"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (streq(table[i].option, code)) {
            const struct finding *shown = findings_find(findings, table[i].shown_by);

            return shown != NULL && shown->answer == ANSWER_YES;
        }
    }
    return false;
}

/* What this board does not need cannot make it unfit: the options were judged without knowing its manifest, and what was
 * tried on it. */
static void weigh(const struct doctor_request *request, const struct board *board, struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        struct finding *finding = &findings->items[i];
        bool is_moot = (starts_with(finding->code, "kernel.F2FS_") && !board_wants_type(board, "f2fs")) ||
                       (request->kernel_config == NULL && is_refuted(findings, finding->code));

        if (finding->answer == ANSWER_NO && (is_moot || !board_wants(board, finding->need))) {
            finding->answer = ANSWER_WARNING;
        }
    }
}

int doctor_answer(const struct doctor_request *request, bool json, bool colour, struct text *out, struct error *err)
{
    struct findings findings = {0};
    struct board board;
    size_t counts[ANSWERS];
    int code = -1;

    if (request->probe) {
        board_open(&board, request->manifest, request->run_dir);
        doctor_probe(&board, &findings);
    }
    if (judge_kernel(request, &findings, out, err) == 0) {
        if (request->probe) {
            weigh(request, &board, &findings);
        }
        code = request->fragment ? 0 : (int)findings_judge(&findings, counts);
        if (json && !request->fragment) {
            CLEANUP_JSON cJSON *document = doctor_json(&findings);

            json_write(document, out);
        } else if (!request->fragment) {
            doctor_show(&findings, colour, out);
        }
    }
    findings_free(&findings);
    return code;
}
