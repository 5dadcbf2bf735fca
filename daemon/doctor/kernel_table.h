/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of kernel options: data, and the words that the data is written in. The facts agree with Kconfig itself on
 * Linux 5.10, 6.1, 6.12 and 7.2; docs/doctor-kernel.md tells how that was tried, and what is weaker.
 *
 * Two rows may have one name if no kernel has both. What a row depends on are names of rows, which hold the rest of the
 * chain: only what a person must write into a defconfig, not what Kconfig selects by itself.
 */
#ifndef EDGEINIT_DOCTOR_KERNEL_TABLE_H
#define EDGEINIT_DOCTOR_KERNEL_TABLE_H

#include "doctor/doctor.h"
#include "doctor/kernel_config.h"

#define KERNEL(major, minor) ((unsigned)(major) << 16 | (unsigned)(minor) << 8)

enum kernel_level {
    LEVEL_SUPPORT, /* nobody's need; others depend on it */
    LEVEL_OPTIONAL,
    LEVEL_REQUIRED,
};

enum kernel_form {
    FORM_BOOL,     /* y or nothing */
    FORM_TRISTATE, /* y or m */
    FORM_DERIVED,  /* cannot be set by hand: y as soon as what it depends on is */
    FORM_ABSENT,   /* does harm when it is set */
};

/* What it is where no line speaks of it */
enum kernel_default {
    DEFAULT_NO,
    DEFAULT_YES,
    DEFAULT_EXPERT_YES, /* y whatever the lines say; with CONFIG_EXPERT as DEFAULT_YES */
    DEFAULT_EXPERT_NO,  /* y whatever the lines say; with CONFIG_EXPERT as DEFAULT_NO */
};

struct kernel_option {
    const char *name; /* without CONFIG_ */
    enum need need;
    enum kernel_level level;
    enum kernel_form form;
    enum kernel_default unnamed;
    unsigned since;       /* first kernel that has it, 0: all of 4.19 and later */
    unsigned until;       /* first kernel that has it no more, 0: none */
    unsigned arches;      /* bits 1 << enum kernel_arch; 0: all */
    const char *depends;  /* names, separated by blanks; "A|B": one of them is enough */
    const char *selected; /* each of these selects it */
    const char *excludes; /* the other members of a choice */
    const char *former;   /* a name that tutorials still use, and that this kernel ignores */
    const char *cost;     /* what does not work without it; with it, for FORM_ABSENT */
    const char *remedy;   /* more than "set it"; may be NULL */
};

struct kernel_group {
    const char *title;
    const struct kernel_option *options;
    size_t count;
};

enum kernel_group_name {
    GROUP_SYSTEM,
    GROUP_CGROUP,
    GROUP_STORAGE,
    GROUP_BRIDGE,
    GROUP_NETWORK,
    GROUP_NFTABLES,
    GROUP_MIGRATION,
    GROUP_SUPPORT,
    GROUPS /* their number */
};

extern const struct kernel_group *const kernel_groups[GROUPS];
/* Their tables: kernel_table_*.c */
extern const struct kernel_group kernel_group_system;
extern const struct kernel_group kernel_group_cgroup;
extern const struct kernel_group kernel_group_storage;
extern const struct kernel_group kernel_group_bridge;
extern const struct kernel_group kernel_group_network;
extern const struct kernel_group kernel_group_nftables;
extern const struct kernel_group kernel_group_migration;
extern const struct kernel_group kernel_group_support;

#endif
