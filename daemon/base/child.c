/* SPDX-License-Identifier: Apache-2.0 */
#include "base/child.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KERNEL_SIGNALS 64L

void child_die_with(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(EXIT_FAILURE);
    }
}

void child_default_signal(long number)
{
    /* Straight to the kernel: libc keeps the first realtime signals for itself and refuses to touch them, but one that was
     * ignored when we were started would stay so through exec. All zero is SIG_DFL on every architecture. */
    static const char by_default[64];

    syscall(SYS_rt_sigaction, number, by_default, NULL, KERNEL_SIGNALS / 8); /* refused for KILL and STOP */
}

void child_reset_signals(void)
{
    sigset_t none;

    for (long number = 1; number <= KERNEL_SIGNALS; number++) {
        child_default_signal(number);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
