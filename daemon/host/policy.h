/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions to the loaded SELinux policy. They are asked of the kernel (selinuxfs: access, create, context) and not tried:
 * a question denies nothing and leaves no line in the log. Without SELinux, and before a policy is loaded, there is nobody to
 * ask. Who may not ask gets no answer, and that is no "no": the functions say which of both it is.
 */
#ifndef EDGEINIT_HOST_POLICY_H
#define EDGEINIT_HOST_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#define POLICY_LONGEST 256 /* of a context */

/* Has this kernel a policy? One with SELinux and none calls every context right, and refuses all labels of file systems. */
bool policy_is_loaded(void);

bool policy_is_enforcing(void);

/* Our own context, "u:r:edgeinit:s0". */
bool policy_own_context(char context[POLICY_LONGEST]);

/* False only if the kernel says that the policy does not know it. */
bool policy_knows(const char *context);

/* May a process of context `from` do this to what has context `to`? 1: yes, 0: no, -1: nobody told. */
int policy_allows(const char *from, const char *to, const char *class, const char *permission);

/* The context that a process of `from` gets by executing a program with that label. */
bool policy_context_after(const char *from, const char *label, char context[POLICY_LONGEST]);

#endif
