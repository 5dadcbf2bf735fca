/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/stat_enter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/util.h"
#include "supervise/stat_serve.h"

/* Ours and that of 32-bit programs on the same kernel. The number is the same in all of them, as of every call since 5.1. */
#if defined(__x86_64__) || defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define ARCHITECTURE_32 AUDIT_ARCH_I386
#elif defined(__aarch64__) || defined(__arm__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#define ARCHITECTURE_32 AUDIT_ARCH_ARM
#elif defined(__riscv)
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#define ARCHITECTURE_32 AUDIT_ARCH_RISCV32
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "which AUDIT_ARCH has this machine?"
#endif

_Static_assert(SYS_openat2 == 437, "the filter's number");

static int change_mounts(struct stat_entry *entry)
{
    const struct stat_plan *plan = entry->plan;
    char copy[16];
    size_t covers = 0;
    int result = 0;

    entry->step = STAT_STEP_NAMESPACE;
    if (unshare(CLONE_NEWNS) != 0) {
        return -1;
    }
    for (size_t i = 0; i < plan->count && result == 0; i++) {
        const char *path = plan->acts[i].path;

        entry->step = STAT_STEP_MOUNTS;
        switch (plan->acts[i].kind) {
            case STAT_ACT_SLAVE:
                result = mount(NULL, path, NULL, MS_SLAVE, NULL);
                break;
            case STAT_ACT_HIDE:
                result = umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
                break;
            default:
                entry->step = STAT_STEP_COVER;
                snprintf(copy, sizeof(copy), STAT_COPY_NAME, covers++);
                result = plan->way == STAT_REFRESH ? mount(copy, path, NULL, MS_BIND, NULL) : 0;
                break;
        }
    }
    return result;
}

static int send_listener(int socket, int listener)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec byte = {"", 1};
    const struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

    memcpy(CMSG_DATA(&control.header), &listener, sizeof(listener));
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int stat_enter_receive(int socket)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char ignored;
    struct iovec byte = {&ignored, 1};
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    int listener = -1;

    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1) {
        return -1;
    }
    if (message.msg_controllen < CMSG_LEN(sizeof(int)) || control.header.cmsg_type != SCM_RIGHTS) {
        errno = EMFILE; /* it came, and there was no room for it */
        return -1;
    }
    memcpy(&listener, CMSG_DATA(&control.header), sizeof(listener));
    return listener;
}

/* SPEC_ALLOW: before 5.16 a filter otherwise slows the whole process down (mitigation of speculative store bypass). Every call
 * of the service goes through this (before 5.11, which remembers what is always allowed): so whatever is another call is let
 * go by the third instruction, and only the rare one that has the number is asked for its machine. */
static int put_filter_on(struct stat_entry *entry)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE_32, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {ARRAY_SIZE(program), program};
    CLEANUP_CLOSE int listener = -1;

    entry->step = STAT_STEP_FILTER;
    listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                            SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &filter);
    if (listener < 0) {
        return -1;
    }
    entry->step = STAT_STEP_ANSWER;
    if (!stat_serve_can_give(listener, 0)) {
        errno = ENOTSUP;
        return -1;
    }
    entry->step = STAT_STEP_HAND;
    return send_listener(entry->socket, listener);
}

int stat_enter(struct stat_entry *entry)
{
    if (stat_plan_has_namespace(entry->plan) && change_mounts(entry) != 0) {
        return -1;
    }
    return entry->plan->way == STAT_NOTIFY ? put_filter_on(entry) : 0;
}
