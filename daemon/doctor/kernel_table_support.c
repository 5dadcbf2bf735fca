/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/kernel_table.h"

#include "base/util.h"

/*
 * What the options of the other tables depend on. What has "default m" only where something else is off or on counts as
 * DEFAULT_NO: a board wants the y that the fragment then says.
 */
static const struct kernel_option support_options[] = {
    {
        .name = "MULTIUSER",
        .unnamed = DEFAULT_EXPERT_YES,
    },
    {
        .name = "SHMEM",
        .unnamed = DEFAULT_EXPERT_YES,
    },
    {
        .name = "BLOCK",
        .unnamed = DEFAULT_EXPERT_YES,
    },
    {
        .name = "TTY",
        .unnamed = DEFAULT_EXPERT_YES,
    },
    {.name = "SMP", .unnamed = DEFAULT_YES, .arches = 1U << ARCH_ARM64},
    {.name = "SMP", .arches = 1U << ARCH_ARM | 1U << ARCH_X86 | 1U << ARCH_OTHER},
    {.name = "SYSVIPC"},
    {
        .name = "BPF_SYSCALL",
    },
    {
        .name = "PERF_EVENTS",
        .selected = "X86",
    },
    {
        .name = "HUGETLBFS",
    },
    {
        .name = "IOSCHED_BFQ",
        .form = FORM_TRISTATE,
        .depends = "BLOCK",
    },
    {
        .name = "IKCONFIG",
        .form = FORM_TRISTATE,
    },
    {
        .name = "SECURITY",
        .depends = "SYSFS MULTIUSER",
    },
    {
        .name = "SECURITY_NETWORK",
        .depends = "SECURITY",
    },
    {
        .name = "AUDIT",
        .depends = "NET",
    },
    {
        .name = "CRYPTO",
        .form = FORM_TRISTATE,
    },
    {
        .name = "NET",
    },
    {
        .name = "INET",
        .depends = "NET",
    },
    {
        .name = "IPV6",
        .form = FORM_TRISTATE,
        .depends = "INET",
        .unnamed = DEFAULT_YES,
    },
    {
        .name = "PACKET",
        .form = FORM_TRISTATE,
        .depends = "NET",
    },
    {
        .name = "NETDEVICES",
        .depends = "NET",
    },
    {
        .name = "NET_CORE",
        .depends = "NETDEVICES",
        .unnamed = DEFAULT_YES,
    },
    {
        .name = "VLAN_8021Q",
        .form = FORM_TRISTATE,
        .depends = "NET",
    },
    {
        .name = "NET_SCHED",
        .depends = "NET",
    },
    {
        .name = "IP_ADVANCED_ROUTER",
        .depends = "INET",
    },
    {
        .name = "NETFILTER",
        .depends = "NET",
    },
    {
        .name = "NETFILTER_ADVANCED",
        .depends = "NETFILTER",
        .unnamed = DEFAULT_YES,
    },
    {
        .name = "NETFILTER_XTABLES",
        .form = FORM_TRISTATE,
        .depends = "NETFILTER INET",
        .selected = "IP_NF_IPTABLES IP6_NF_IPTABLES",
    },
    {
        .name = "NETFILTER_XTABLES_LEGACY",
        .depends = "NETFILTER_XTABLES",
        .since = KERNEL(6, 17),
    },
    {
        .name = "IP_NF_IPTABLES",
        .form = FORM_TRISTATE,
        .depends = "NETFILTER INET",
    },
    {
        .name = "IP_NF_IPTABLES_LEGACY",
        .form = FORM_TRISTATE,
        .depends = "NETFILTER_XTABLES_LEGACY",
        .since = KERNEL(6, 17),
    },
    {
        .name = "IP6_NF_IPTABLES",
        .form = FORM_TRISTATE,
        .depends = "NETFILTER IPV6",
    },
    {
        .name = "IP6_NF_IPTABLES_LEGACY",
        .form = FORM_TRISTATE,
        .depends = "NETFILTER_XTABLES_LEGACY IPV6",
        .since = KERNEL(6, 17),
    },
    {
        .name = "NF_CONNTRACK",
        .form = FORM_TRISTATE,
        .depends = "NETFILTER INET",
    },
};

const struct kernel_group kernel_group_support = {"Dependencies", support_options, ARRAY_SIZE(support_options)};

const struct kernel_group *const kernel_groups[GROUPS] = {
    [GROUP_SYSTEM] = &kernel_group_system,       [GROUP_CGROUP] = &kernel_group_cgroup,
    [GROUP_STORAGE] = &kernel_group_storage,     [GROUP_BRIDGE] = &kernel_group_bridge,
    [GROUP_NETWORK] = &kernel_group_network,     [GROUP_NFTABLES] = &kernel_group_nftables,
    [GROUP_MIGRATION] = &kernel_group_migration, [GROUP_SUPPORT] = &kernel_group_support,
};
