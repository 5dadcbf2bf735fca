/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual board's init: as much of what OpenHarmony's does as edgeinit can notice. Written from its documented
 * behaviour, for tests; none of its code is here.
 *
 * What is alike: the mounts made before any job (/dev and /mnt are tmpfs, nothing else is), .cfg files with "jobs",
 * "services" and "import", jobs pre-init to boot, `/` remounted read-only and nodev by a command of a job, commands that fail
 * without ending the job, services without a terminal and with nothing but init's environment, started again at once when they
 * end, and stopped with their on-stop job and
 * SIGKILL, without regard for their children; block devices as /dev/block/NAME, made and removed as they come and
 * go; an SELinux policy loaded before anything else, labels by file_contexts,
 * `secon` for services.
 *
 * What is left out: sandboxes, sockets, parameters, capabilities, critical services, the throttle after four deaths.
 */
#ifndef EDGEINIT_BOARD_INIT_H
#define EDGEINIT_BOARD_INIT_H

#include <stdbool.h>
#include <sys/types.h>

#include <cJSON.h>

struct service {
    const char *name;
    const cJSON *node;
    pid_t pid;   /* 0: does not run */
    bool wanted; /* start it again when it ends */
    struct service *next;
};

/* On the console, with the time since the kernel started. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* labels.c: read the image's file_contexts, if there is an SELinux policy; label one path; all below it on its file system. */
void label_read(void);
void label_set(const char *path);
void label_tree(const char *path);

/* commands.c: one command of a job. */
void command_run(const char *line);

/* services.c */
void service_add(const cJSON *node);
void service_start(const char *name);
void service_stop(const char *name); /* NULL: all */
void service_reap(pid_t pid, int status);
/* Those that no job has to start. */
void service_start_others(void);
/* Run a program and wait for it if wanted; arguments end with NULL. */
void service_execute(char *const arguments[], bool wait);

/* init.c: all jobs of this name. */
void job_run(const char *name);

/* devices.c: nodes for what is there; then for what comes and goes. */
int devices_open(void); /* a descriptor to poll */
void devices_cold(void);
void devices_changed(int fd);

#endif
