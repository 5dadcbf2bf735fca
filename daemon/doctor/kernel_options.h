/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's options: which the node needs, for what, since and until which kernel version, under which older name, and
 * what they depend on. Reads the configuration of the running kernel (/proc/config.gz, /boot/config-RELEASE,
 * /lib/modules/RELEASE/config), or any .config or defconfig. All knowledge is in the tables of kernel_table_*.c.
 *
 * A line in a defconfig is a wish: Kconfig drops an option without a word when what it depends on is not set. So an option
 * counts as set only if the whole chain is, and whatever is missing of the chain is part of the remedy and of the fragment.
 */
#ifndef EDGEINIT_DOCTOR_KERNEL_OPTIONS_H
#define EDGEINIT_DOCTOR_KERNEL_OPTIONS_H

#include "base/error.h"
#include "doctor/doctor.h"

struct kernel_config; /* what a file said */

/* Read a configuration, gzip or plain. path NULL: that of the running kernel (ERROR_UNSUPPORTED, with a remedy, if the kernel
 * shows none). What a file does not name has its default, if what it depends on is set, as with Kconfig; in a .config
 * nothing is left unnamed but what cannot be, and what is newer than the file. Own the result. */
struct kernel_config *kernel_config_read(const char *path, struct error *err);
void kernel_config_free(struct kernel_config *config);

/* The version that the file names in its head ("# Linux/arm64 5.10.93 Kernel Configuration"), as 0x050a5d; 0 if it does
 * not. And that of the running kernel. */
unsigned kernel_config_version(const struct kernel_config *config);
unsigned kernel_running_version(void);

/* One finding for each option that this version of the kernel has, "kernel.NAME"; version 0: what the file's head says, else
 * 5.10. NO if the node does not work without it; WARNING for a feature, and for migration, which no node needs to work. An
 * option that does harm is found only where it is set. */
void kernel_options_check(const struct kernel_config *config, unsigned version, struct findings *findings);

/* The defconfig lines that are missing, each with what it depends on, in an order and form that can be appended to a
 * defconfig; nothing if nothing is missing. `with_optional`: also what is not required, and what does harm. With the lines
 * appended all that they are for is yes, and the next fragment is empty. */
void kernel_options_fragment(const struct kernel_config *config, unsigned version, bool with_optional,
                             struct text *out);

/* The tables as Markdown, one a group, for docs/doctor.md. */
void kernel_options_describe(void (*print)(const char *text));

#endif
