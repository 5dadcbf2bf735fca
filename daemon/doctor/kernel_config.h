/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel configuration says, line by line, as Kconfig itself reads it: "CONFIG_X=y", "CONFIG_X=m", "CONFIG_X=n" and
 * "# CONFIG_X is not set" count, the last line about an option wins, and every other line is nothing. The file may be
 * anything: sizes are bounded, and garbage is an error or no line, never a guess.
 *
 * Knows no option by name but the few that tell the machine's kind; what an option means is kernel_options.c's.
 */
#ifndef EDGEINIT_DOCTOR_KERNEL_CONFIG_H
#define EDGEINIT_DOCTOR_KERNEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "doctor/kernel_options.h"

/* Larger than any: Debian's has 0.3 MB, and 80 kB as config.gz. Also the bound of what a config.gz may unpack to. */
#define KERNEL_CONFIG_LONGEST (4U << 20)

enum kernel_setting {
    SETTING_UNNAMED, /* the file does not speak of it */
    SETTING_NO,
    SETTING_MODULE,
    SETTING_YES,
};

enum kernel_arch {
    ARCH_ARM64,
    ARCH_ARM,
    ARCH_X86,
    ARCH_OTHER,
    ARCHES /* their number */
};

/* From the bytes of a file, gzip or plain; `name` is for messages. NULL with ERROR_INPUT if no line is one of a
 * configuration. */
struct kernel_config *kernel_config_parse(const char *data, size_t length, const char *name, struct error *err);

enum kernel_setting kernel_config_setting(const struct kernel_config *config, const char *option);

/* Of the machine that the kernel is for; ARCH_ARM64 if nothing tells. */
enum kernel_arch kernel_config_arch(const struct kernel_config *config);

#endif
