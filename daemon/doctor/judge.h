/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judgements that need nothing but a text or a number: pure, and tested without a board. Who reads the texts (procfs,
 * cgroupfs) are the probes.
 */
#ifndef EDGEINIT_DOCTOR_JUDGE_H
#define EDGEINIT_DOCTOR_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* The value of a line "KEY:\tVALUE" of /proc/PID/status, up to its end; false if there is none. */
bool judge_status_field(const char *status, const char *key, char value[64]);

/* Capabilities. */
enum capability_set { CAPABILITIES_DOCKER, CAPABILITIES_RESOURCE };

/* Adds the names of those that the mask lacks of the set, separated by blanks. */
void judge_capabilities(uint64_t mask, enum capability_set set, struct text *missing);

/* Whose domain an SELinux context is: one that was made for a service, a catch-all that init gives to services without
 * one, or that of somebody's shell, which says nothing about services. */
enum domain { DOMAIN_OWN, DOMAIN_GENERIC, DOMAIN_SHELL };
enum domain judge_context(const char *context);

/* Is the controller switched off by the kernel's command line ("cgroup_disable=memory,pids", "cgroup_no_v1=all")? The word
 * that does it is copied. The last cgroup_enable= wins over cgroup_disable=. */
bool judge_disabled(const char *cmdline, const char *controller, char word[64]);

/* How many more processes there may be: the least of the limits (0: none) minus those that run. */
int64_t judge_process_room(int64_t running, const int64_t *limits, size_t count);

#endif
