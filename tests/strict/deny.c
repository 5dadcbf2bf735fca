/* SPDX-License-Identifier: Apache-2.0 */
/* deny: a kernel that lacks something. */
#include "strict.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ADDFD SECCOMP_IOCTL_NOTIF_ADDFD
#define ANY (-1) /* argument */

static const struct {
    const char *name;
    unsigned call;
    int argument; /* the one that is compared; ANY: none is */
    uint32_t value;
    uint32_t action;
} denials[] = {
    {"seccomp", SYS_seccomp, ANY, 0, SECCOMP_RET_ERRNO | EPERM},
    {"filters", SYS_seccomp, 0, SECCOMP_SET_MODE_FILTER, SECCOMP_RET_ERRNO | EACCES},
    {"filters-kill", SYS_seccomp, 0, SECCOMP_SET_MODE_FILTER, SECCOMP_RET_KILL_PROCESS},
    {"addfd", SYS_ioctl, 1, ADDFD, SECCOMP_RET_ERRNO | EINVAL},
    {"look", SYS_process_vm_readv, ANY, 0, SECCOMP_RET_ERRNO | EPERM},
    {"memfd", SYS_memfd_create, ANY, 0, SECCOMP_RET_ERRNO | ENOSYS},
    {"unshare", SYS_unshare, ANY, 0, SECCOMP_RET_ERRNO | EPERM},
    {"openat2", SYS_openat2, ANY, 0, SECCOMP_RET_ERRNO | ENOSYS},
};

int mode_deny(char **words)
{
    const char *name = words[0];
    char **command = words + 1;
    size_t i = 0;

    while (i < sizeof(denials) / sizeof(denials[0]) && strcmp(denials[i].name, name) != 0) {
        i++;
    }
    if (i < sizeof(denials) / sizeof(denials[0])) {
        bool any = denials[i].argument == ANY;
        /* The lower half of an argument: the machines that this runs on are little-endian. */
        uint32_t offset = any ? offsetof(struct seccomp_data, nr)
                              : (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)denials[i].argument);
        struct sock_filter program[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denials[i].call, 0, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, any ? denials[i].call : denials[i].value, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, denials[i].action),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};

        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0) {
            execv(command[0], command);
        }
    }
    perror(name);
    return 126;
}
