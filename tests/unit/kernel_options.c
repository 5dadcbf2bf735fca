/* SPDX-License-Identifier: Apache-2.0 */
/* Tables, check and fragment, on fixtures of tests/fixtures/kernel and on configurations made by chance. */
#include "doctor/kernel_options.h"

#include "base/file.h"
#include "base/util.h"
#include "doctor/kernel_table.h"
#include "test.h"

static const unsigned versions[] = {
    KERNEL(4, 19), KERNEL(5, 0),  KERNEL(5, 4),  KERNEL(5, 10), KERNEL(5, 15), KERNEL(6, 1),
    KERNEL(6, 6),  KERNEL(6, 12), KERNEL(6, 16), KERNEL(6, 18), KERNEL(7, 2),
};

static struct kernel_config *parse(const char *text)
{
    struct error err = {0};
    struct kernel_config *config = kernel_config_parse(text, strlen(text), "test", &err);

    assert_non_null(config);
    return config;
}

/* The finding of a configuration; what is "" if there is none. */
static struct finding finding_of(const char *text, unsigned version, const char *option)
{
    struct kernel_config *config = parse(text);
    struct findings findings = {0};
    struct finding found = {.answer = ANSWERS};
    char code[64];

    snprintf(code, sizeof(code), "kernel.%s", option);
    kernel_options_check(config, version, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        if (streq(findings.items[i].code, code)) {
            assert_int_equal(found.answer, ANSWERS); /* one only */
            found = findings.items[i];
        }
    }
    findings_free(&findings);
    kernel_config_free(config);
    return found;
}

static void check_answer(const char *text, unsigned version, const char *option, enum answer answer, const char *what)
{
    struct finding found = finding_of(text, version, option);

    if (found.answer != answer || strstr(found.what, what) == NULL) {
        fail_msg("%s at %x gave %d, \"%s\"", option, version, (int)found.answer, found.what);
    }
}

/* The same numbers at each run (xorshift): below `below`. */
static unsigned chance(unsigned below)
{
    static unsigned seed = 1;

    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

static bool in_window(const struct kernel_option *option, unsigned version, enum kernel_arch arch)
{
    return version >= option->since && (option->until == 0 || version < option->until) &&
           (option->arches == 0 || (option->arches & 1U << arch) != 0);
}

static size_t rows_of(const char *name, unsigned version, enum kernel_arch arch)
{
    size_t rows = 0;

    for (size_t i = 0; i < GROUPS; i++) {
        for (size_t j = 0; j < kernel_groups[i]->count; j++) {
            const struct kernel_option *option = &kernel_groups[i]->options[j];

            rows += streq(option->name, name) && in_window(option, version, arch);
        }
    }
    return rows;
}

/* Each name that a row depends on is a row, of some kernel at least. */
static void check_depends(const struct kernel_option *option)
{
    CLEANUP_FREE char *list = xstrdup(option->depends == NULL ? "" : option->depends);
    char *rest = NULL;

    for (char *name = strtok_r(list, " |", &rest); name != NULL; name = strtok_r(NULL, " |", &rest)) {
        size_t rows = 0;

        for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
            rows += rows_of(name, versions[i], ARCH_ARM64);
        }
        if (rows == 0 || streq(name, option->name)) {
            fail_msg("%s depends on %s", option->name, name);
        }
    }
}

static void test_tables(void **state)
{
    (void)state;
    for (size_t i = 0; i < GROUPS; i++) {
        for (size_t j = 0; j < kernel_groups[i]->count; j++) {
            const struct kernel_option *option = &kernel_groups[i]->options[j];

            assert_true(strlen(option->name) < 40 && !starts_with(option->name, "CONFIG_"));
            assert_int_equal(option->level == LEVEL_SUPPORT, i == GROUP_SUPPORT);
            assert_int_equal(option->cost == NULL, i == GROUP_SUPPORT);
            assert_true(option->cost == NULL || strlen(option->cost) < sizeof(((struct finding *)NULL)->cost));
            assert_true(option->need != NEED_MIGRATION || option->level == LEVEL_OPTIONAL);
            assert_true(option->form != FORM_DERIVED || option->depends != NULL);
            assert_true(option->until == 0 || option->since < option->until);
            check_depends(option);
            for (size_t k = 0; k < ARRAY_SIZE(versions) * ARCHES; k++) {
                assert_true(rows_of(option->name, versions[k / ARCHES], (enum kernel_arch)(k % ARCHES)) <= 1);
            }
        }
    }
}

static void test_windows(void **state)
{
    static const struct {
        const char *option;
        unsigned version;
        bool there;
    } cases[] = {
        {"NF_NAT_IPV4", KERNEL(4, 19), true},
        {"NF_NAT_IPV4", KERNEL(5, 0) | 255, true},
        {"NF_NAT_IPV4", KERNEL(5, 1), false},
        {"NETFILTER_XT_TARGET_MASQUERADE", KERNEL(5, 1), false},
        {"MEMCG_SWAP_ENABLED", KERNEL(5, 7), true},
        {"MEMCG_SWAP_ENABLED", KERNEL(5, 8), false},
        {"SWAP", KERNEL(5, 8), true},
        {"MEMCG_V1", KERNEL(6, 10), false},
        {"MEMCG_V1", KERNEL(6, 11), true},
        {"CPUSETS_V1", KERNEL(6, 11), false},
        {"CPUSETS_V1", KERNEL(6, 12), true},
        {"CFQ_GROUP_IOSCHED", KERNEL(4, 20), true},
        {"CFQ_GROUP_IOSCHED", KERNEL(5, 0), false},
        {"NETFILTER_XTABLES_COMPAT", KERNEL(5, 12), false},
        {"NETFILTER_XTABLES_COMPAT", KERNEL(6, 6), true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct finding found = finding_of("CONFIG_NET=y\n", cases[i].version, cases[i].option);

        if ((found.answer != ANSWERS) != cases[i].there) {
            fail_msg("%s at %x", cases[i].option, cases[i].version);
        }
    }
    /* arm64 has no soft-dirty pages, a PC no choice of address sizes. */
    check_answer("CONFIG_ARM64=y\n", 0, "MEM_SOFT_DIRTY", ANSWERS, "");
    check_answer("CONFIG_ARM64=y\n", 0, "ARM64_VA_BITS_48", ANSWER_WARNING, "is not set");
    check_answer("CONFIG_X86=y\n", 0, "MEM_SOFT_DIRTY", ANSWER_WARNING, "is not set");
    check_answer("# Linux/x86 5.10.1 Kernel Configuration\nCONFIG_X=y\n", 0, "ARM64_VA_BITS_48", ANSWERS, "");
    /* Nobody knows the version: 5.10. The file knows it. */
    check_answer("CONFIG_X=y\n", 0, "MEMCG_V1", ANSWERS, "");
    check_answer("# Linux/arm64 6.12.1 Kernel Configuration\nCONFIG_X=y\n", 0, "MEMCG_V1", ANSWER_NO, "");
    check_answer("# Linux/arm64 6.12.1 Kernel Configuration\nCONFIG_X=y\n", KERNEL(5, 10), "MEMCG_V1", ANSWERS, "");
}

#define NET "CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_NETFILTER=y\n"
#define XTABLES NET "CONFIG_NETFILTER_XTABLES=y\n"

static void test_answers(void **state)
{
    (void)state;
    check_answer("CONFIG_KEYS=y\n", 0, "KEYS", ANSWER_YES, "CONFIG_KEYS=y");
    check_answer("CONFIG_KEYS=n\n", 0, "KEYS", ANSWER_NO, "CONFIG_KEYS is not set");
    check_answer("CONFIG_KEYS=m\n", 0, "KEYS", ANSWER_NO, "cannot be a module");
    check_answer("CONFIG_OVERLAY_FS=m\n", 0, "OVERLAY_FS", ANSWER_YES, "a module");
    check_answer("CONFIG_X=y\n", 0, "CHECKPOINT_RESTORE", ANSWER_WARNING, "is not set");
    /* A wish that Kconfig does not grant: the tutorial's problem 3 */
    check_answer("CONFIG_CGROUPS=y\nCONFIG_NET_CLS_CGROUP=y\n" NET, 0, "NET_CLS_CGROUP", ANSWER_WARNING,
                 "drops it: CONFIG_NET_SCHED is not set");
    check_answer("CONFIG_CGROUPS=y\nCONFIG_NET_CLS_CGROUP=y\nCONFIG_NET_SCHED=y\n" NET, 0, "NET_CLS_CGROUP", ANSWER_YES,
                 "");
    check_answer("CONFIG_IP_NF_RAW=y\nCONFIG_IP_NF_IPTABLES=y\n", 0, "IP_NF_RAW", ANSWER_NO, "drops it: CONFIG_NET is");
    /* Legacy tables */
    check_answer("CONFIG_IP_NF_RAW=y\nCONFIG_IP_NF_IPTABLES=y\n" NET, KERNEL(6, 16), "IP_NF_RAW", ANSWER_YES, "");
    check_answer("CONFIG_IP_NF_RAW=y\nCONFIG_IP_NF_IPTABLES=y\n" NET, KERNEL(6, 17), "IP_NF_RAW", ANSWER_NO,
                 "CONFIG_NETFILTER_XTABLES_LEGACY is not set");
    /* Names of twenty years ago */
    check_answer("CONFIG_IP_NF_MATCH_STATE=y\n" XTABLES, 0, "NETFILTER_XT_MATCH_STATE", ANSWER_WARNING,
                 "CONFIG_IP_NF_MATCH_STATE, as it was called long ago, is ignored");
    /* What selects it; and what would, were it not dropped itself */
    check_answer("CONFIG_NETFILTER_XT_MATCH_MARK=y\n" XTABLES, 0, "NETFILTER_XT_MARK", ANSWER_YES, "=y");
    check_answer("CONFIG_IP_NF_NAT=m\nCONFIG_IP_NF_IPTABLES=m\nCONFIG_NF_CONNTRACK=m\n" NET, 0, "NF_NAT", ANSWER_YES,
                 "=m");
    check_answer("CONFIG_IP_NF_NAT=y\nCONFIG_NF_CONNTRACK=y\n" NET, 0, "NF_NAT", ANSWER_NO, "is not set");
    /* Defaults, which only an expert may change where Kconfig hides the question */
    check_answer("# CONFIG_EPOLL is not set\n", 0, "EPOLL", ANSWER_YES, "");
    check_answer("# CONFIG_EPOLL is not set\nCONFIG_EXPERT=y\n", 0, "EPOLL", ANSWER_NO, "");
    check_answer("# CONFIG_EPOLL is not set\nCONFIG_EMBEDDED=y\n", 0, "EPOLL", ANSWER_NO, "");
    check_answer("CONFIG_EXPERT=y\n", 0, "EPOLL", ANSWER_YES, "");
    check_answer("CONFIG_EXPERT=y\n", 0, "NAMESPACES", ANSWER_NO, "");
    check_answer("CONFIG_X=y\n", 0, "NAMESPACES", ANSWER_YES, "");
    check_answer("# CONFIG_INOTIFY_USER is not set\n", 0, "INOTIFY_USER", ANSWER_NO, "");
    check_answer("CONFIG_NET=y\n", KERNEL(5, 8), "SECCOMP_FILTER", ANSWER_WARNING, "");
    check_answer("CONFIG_NET=y\n", KERNEL(5, 9), "SECCOMP_FILTER", ANSWER_YES, "");
    /* Either is enough */
    check_answer("CONFIG_SYSVIPC=y\n", 0, "IPC_NS", ANSWER_YES, "");
    check_answer("CONFIG_POSIX_MQUEUE=y\nCONFIG_NET=y\n", 0, "IPC_NS", ANSWER_YES, "");
    check_answer("CONFIG_POSIX_MQUEUE=y\n", 0, "IPC_NS", ANSWER_NO, "");
    /* Harm is told only where it is */
    check_answer("CONFIG_X=y\n", 0, "HYPERHOLD_DEBUG", ANSWERS, "");
    check_answer("CONFIG_HYPERHOLD_DEBUG=n\n", 0, "HYPERHOLD_DEBUG", ANSWERS, "");
    check_answer("CONFIG_HYPERHOLD_DEBUG=y\n", 0, "HYPERHOLD_DEBUG", ANSWER_WARNING, "is set");
}

static void test_remedy(void **state)
{
    struct finding found = finding_of("CONFIG_NET=y\n", 0, "BRIDGE_NETFILTER");

    (void)state;
    assert_string_equal(found.remedy, "kernel defconfig: CONFIG_BRIDGE=y, CONFIG_INET=y, CONFIG_NETFILTER=y, "
                                      "CONFIG_BRIDGE_NETFILTER=y");
    assert_string_not_equal(found.cost, "");
    found = finding_of("CONFIG_HYPERHOLD_DEBUG=y\n", 0, "HYPERHOLD_DEBUG");
    assert_non_null(strstr(found.remedy, "# CONFIG_HYPERHOLD_DEBUG is not set; or set modules.edged.enableMetrics"));
    found = finding_of("CONFIG_KEYS=y\n", 0, "KEYS");
    assert_string_equal(found.cost, "");
    assert_string_equal(found.remedy, "");
}

static void test_choice(void **state)
{
    struct kernel_config *config = parse("CONFIG_ARM64_VA_BITS_39=y\n# CONFIG_ARM64_VA_BITS_48 is not set\n");
    CLEANUP_TEXT struct text fragment = {0};

    (void)state;
    kernel_options_fragment(config, KERNEL(5, 10), true, &fragment);
    assert_non_null(
        strstr(text_string(&fragment), "\n# CONFIG_ARM64_VA_BITS_39 is not set\nCONFIG_ARM64_VA_BITS_48=y\n"));
    kernel_config_free(config);
}

/* Each line stands behind those that it depends on, as far as they are in the fragment. */
static void check_order(const char *fragment, unsigned version, enum kernel_arch arch)
{
    for (size_t i = 0; i < GROUPS; i++) {
        for (size_t j = 0; j < kernel_groups[i]->count; j++) {
            const struct kernel_option *option = &kernel_groups[i]->options[j];
            CLEANUP_FREE char *list = xstrdup(option->depends == NULL ? "" : option->depends);
            CLEANUP_FREE char *line = xasprintf("\nCONFIG_%s=", option->name);
            const char *place = strstr(fragment, line);
            char *rest = NULL;

            for (char *name = strtok_r(list, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
                CLEANUP_FREE char *other = xasprintf("\nCONFIG_%s=", name);
                const char *before = strstr(fragment, other);

                if (in_window(option, version, arch) && place != NULL && before != NULL && before > place) {
                    fail_msg("%s before %s", option->name, name);
                }
            }
        }
    }
}

/* The fragment appended cures all that it is for; a second one is empty. */
static void check_fragment(const char *text, unsigned version, bool with_optional)
{
    CLEANUP_TEXT struct text merged = {0};
    CLEANUP_TEXT struct text fragment = {0};
    CLEANUP_TEXT struct text again = {0};
    struct kernel_config *config = parse(text);
    struct findings findings = {0};

    kernel_options_fragment(config, version, with_optional, &fragment);
    check_order(text_string(&fragment), version, kernel_config_arch(config));
    kernel_config_free(config);
    text_format(&merged, "%s\n%s", text, text_string(&fragment));
    config = parse(text_string(&merged));
    kernel_options_check(config, version, &findings);
    for (size_t i = 0; i < findings.count; i++) {
        const struct finding *finding = &findings.items[i];

        if (finding->answer == ANSWER_NO || (with_optional && finding->answer != ANSWER_YES)) {
            fail_msg("%s at %x after the fragment: %s", finding->code, version, finding->what);
        }
        assert_int_equal(finding->answer == ANSWER_YES, finding->cost[0] == '\0' && finding->remedy[0] == '\0');
    }
    kernel_options_fragment(config, version, with_optional, &again);
    assert_string_equal(text_string(&again), "");
    findings_free(&findings);
    kernel_config_free(config);
}

/* With nothing set at all the remedies are longest; none is cut. */
static void test_lengths(void **state)
{
    CLEANUP_TEXT struct text nothing = {0};

    (void)state;
    text_add(&nothing, "CONFIG_EXPERT=y\n");
    for (size_t i = 0; i < GROUPS; i++) {
        for (size_t j = 0; j < kernel_groups[i]->count; j++) {
            text_format(&nothing, "CONFIG_%s=%c\n", kernel_groups[i]->options[j].name,
                        kernel_groups[i]->options[j].form == FORM_ABSENT ? 'y' : 'n');
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        struct kernel_config *config = parse(text_string(&nothing));
        struct findings findings = {0};

        kernel_options_check(config, versions[i], &findings);
        for (size_t j = 0; j < findings.count; j++) {
            const struct finding *finding = &findings.items[j];

            assert_int_not_equal(finding->answer, ANSWER_YES);
            assert_true(strlen(finding->remedy) + 1 < sizeof(finding->remedy));
            assert_true(strlen(finding->what) + 1 < sizeof(finding->what));
        }
        findings_free(&findings);
        kernel_config_free(config);
        check_fragment(text_string(&nothing), versions[i], true);
    }
}

static void test_fragment_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        check_fragment("CONFIG_X=y", versions[i], false);
        check_fragment("CONFIG_EXPERT=y", versions[i], true);
        check_fragment("CONFIG_X86=y", versions[i], true);
        check_fragment("CONFIG_ARM=y", versions[i], true);
        check_fragment("CONFIG_EXPERT=y\nCONFIG_IPV6=n\nCONFIG_NETFILTER_ADVANCED=n\nCONFIG_NET_CORE=n\nCONFIG_BLOCK=n",
                       versions[i], true);
    }
}

/* A configuration that says anything of any option in the tables. */
static void by_chance(struct text *text)
{
    static const char *const arches[] = {"", "CONFIG_X86=y\n", "CONFIG_ARM=y\n", "CONFIG_RISCV=y\n"};
    unsigned likely = chance(100);

    text_add(text, arches[chance(4)]);
    text_add(text, chance(2) == 0 ? "CONFIG_EXPERT=y\n" : "CONFIG_X=y\n");
    for (size_t i = 0; i < GROUPS; i++) {
        for (size_t j = 0; j < kernel_groups[i]->count; j++) {
            const char *name = kernel_groups[i]->options[j].name;

            if (chance(100) < likely) {
                text_format(text, "CONFIG_%s=%c\n", name, "yyyymn"[chance(6)]);
            } else if (chance(2) == 0) {
                text_format(text, "# CONFIG_%s is not set\r\n", name);
            }
        }
    }
}

static void test_fragment_by_chance(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        CLEANUP_TEXT struct text text = {0};

        by_chance(&text);
        check_fragment(text_string(&text), versions[chance(ARRAY_SIZE(versions))], chance(2) == 0);
    }
}

/* Modules stay modules: Kconfig would make the line an m anyway. */
static void test_fragment_modules(void **state)
{
    struct kernel_config *config = parse("CONFIG_NF_CONNTRACK=m\nCONFIG_IP_NF_IPTABLES=m\n" NET);
    CLEANUP_TEXT struct text fragment = {0};

    (void)state;
    kernel_options_fragment(config, KERNEL(5, 10), false, &fragment);
    assert_non_null(strstr(text_string(&fragment), "CONFIG_IP_NF_NAT=m\n"));
    assert_non_null(strstr(text_string(&fragment), "CONFIG_IP_NF_TARGET_MASQUERADE=m\n"));
    assert_non_null(strstr(text_string(&fragment), "CONFIG_VETH=y\n"));
    kernel_config_free(config);
}

struct fixture {
    const char *file;
    unsigned version;
    const char *missing; /* what is required and not there, in the tables' order */
    size_t warnings;
};

/* As moby's check-config.sh says of the same kernels, apart from what docs/doctor-kernel.md tells. */
static const struct fixture fixtures[] = {
    {"openharmony-3.1-rk3568", 0x050a4f,
     "POSIX_MQUEUE IP_MULTIPLE_TABLES OVERLAY_FS VETH BRIDGE BRIDGE_NETFILTER IP_NF_FILTER IP_NF_RAW IP_NF_NAT NF_NAT "
     "IP_NF_TARGET_MASQUERADE NETFILTER_XT_TARGET_MASQUERADE NETFILTER_XT_MATCH_ADDRTYPE NETFILTER_XT_MATCH_CONNTRACK "
     "NETFILTER_XT_MARK ",
     0},
    {"openharmony-rk3568-5.10", 0x050a4f,
     "POSIX_MQUEUE OVERLAY_FS VETH BRIDGE BRIDGE_NETFILTER IP_NF_TARGET_MASQUERADE NETFILTER_XT_MATCH_ADDRTYPE ", 0},
    {"openharmony-rk3568-6.6", 0x060616,
     "POSIX_MQUEUE OVERLAY_FS VETH BRIDGE BRIDGE_NETFILTER IP_NF_TARGET_MASQUERADE NETFILTER_XT_MATCH_ADDRTYPE ", 0},
    {"debian-6.12-amd64", 0x060c75, "CPUSETS_V1 MEMCG_V1 ", 2},
};

static void test_fixtures(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(fixtures); i++) {
        CLEANUP_FREE char *path = xasprintf("tests/fixtures/kernel/%s.config", fixtures[i].file);
        CLEANUP_FREE char *text = NULL;
        CLEANUP_TEXT struct text missing = {0};
        struct error err = {0};
        struct kernel_config *config = kernel_config_read(path, &err);
        struct findings findings = {0};
        size_t warnings = 0;
        size_t length = 0;

        assert_non_null(config);
        assert_int_equal(kernel_config_version(config), fixtures[i].version);
        kernel_options_check(config, 0, &findings);
        assert_true(findings.count > 130);
        for (size_t j = 0; j < findings.count; j++) {
            warnings += findings.items[j].answer == ANSWER_WARNING;
            if (findings.items[j].answer == ANSWER_NO) {
                text_format(&missing, "%s ", findings.items[j].code + strlen("kernel."));
            }
        }
        assert_string_equal(text_string(&missing), fixtures[i].missing);
        assert_true(fixtures[i].warnings == 0 ? warnings > 40 : warnings == fixtures[i].warnings);
        findings_free(&findings);
        kernel_config_free(config);
        assert_int_equal(file_read(path, 1 << 20, &text, &length, &err), 0);
        check_fragment(text, 0, false);
        check_fragment(text, 0, true);
        check_fragment(text, KERNEL(6, 18), true);
    }
}

static struct text described;

static void describe(const char *text)
{
    text_add(&described, text);
}

static void test_describe(void **state)
{
    (void)state;
    kernel_options_describe(describe);
    for (size_t i = 0; i < GROUP_SUPPORT; i++) {
        for (size_t j = 0; j < kernel_groups[i]->count; j++) {
            CLEANUP_FREE char *row = xasprintf("\n| `%s` | ", kernel_groups[i]->options[j].name);

            assert_non_null(strstr(text_string(&described), row));
        }
    }
    assert_non_null(strstr(text_string(&described), "| NAMESPACES, POSIX_MQUEUE or SYSVIPC |"));
    assert_non_null(strstr(text_string(&described), "| before 5.1 |"));
    assert_non_null(strstr(text_string(&described), "| from 6.11 |"));
    text_free(&described);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),           cmocka_unit_test(test_windows),
        cmocka_unit_test(test_answers),          cmocka_unit_test(test_remedy),
        cmocka_unit_test(test_choice),           cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_fragment_nothing), cmocka_unit_test(test_fragment_by_chance),
        cmocka_unit_test(test_fragment_modules), cmocka_unit_test(test_fixtures),
        cmocka_unit_test(test_describe),
    };

    return cmocka_run_group_tests_name("kernel_options", tests, NULL, NULL);
}
