/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's answers to the openat2(2) calls of its service, which stop in the kernel until one is given (seccomp user
 * notification, stat_enter.h). Most are answered "go on", from the text of the path alone. memory.stat and cpu.stat below
 * /sys/fs/cgroup are opened and read by us, as the caller sees them; if a line of it cannot be parsed, the caller gets a
 * sealed copy without such lines (memfd_create(2)) as its descriptor.
 *
 * No security rests on this: what the caller has in its memory may change after we have read it, as seccomp_unotify(2) says
 * of every "go on". It can use us for nothing either: what we open is a file of a control group that everybody may read,
 * and only its content leaves us.
 *
 * Why the keeper itself serves, and no worker of it: an answer is some dozen system calls without a wait (20 to 50 us, 21
 * calls a second by a running edgecore, one of them in twenty a hit), it needs no state, and a process more would have to be
 * watched, restarted and explained. What could keep us waiting is kept out: paths that lead elsewhere are told by their text
 * before anything is opened; files of control groups are made by the kernel from memory; RECV is called only after poll(2)
 * said that there is something. One call is answered in each turn of the keeper's loop, after its other work.
 *
 * A caller that takes a signal meanwhile is gone from the kernel's list and asks again (SA_RESTART or not, it never sees
 * it). Before 5.14 giving and answering are two calls, and a signal between the two leaves it with a descriptor that it does
 * not know of. We do, and give it the next copy under that number, so that they do not become more and more.
 */
#ifndef EDGEINIT_SUPERVISE_STAT_SERVE_H
#define EDGEINIT_SUPERVISE_STAT_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define STAT_MOST_LOST 16 /* as many threads as may be interrupted at the same time */

struct stat_server {
    int listener; /* -1: none */
    bool at_once; /* the kernel gives and answers in one call (5.14) */
    int refused;  /* errno with which it would not give a copy (SELinux); 0: it never did */
    struct stat_lost {
        int fd;      /* in the process that does not know of it */
        ino_t inode; /* of the copy; 0: none */
    } lost[STAT_MOST_LOST];
    size_t next; /* the oldest of them */
};

/* Begin to serve, from this listener. */
void stat_serve_begin(struct stat_server *server, int listener);

/* Answer one call. False if the listener is of no use any more: no process is left that it could hear. */
bool stat_serve(struct stat_server *server);

/* Does the kernel know how to put a descriptor into the asking process (5.9), and with these flags? */
bool stat_serve_can_give(int listener, unsigned flags);

/* Can we make copies? May we look into the memory of this process, as we must for each call? 0, or the errno. */
int stat_serve_try_copy(void);
int stat_serve_try_look(pid_t pid);

#endif
