/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board that is judged: what of it the manifest says, as far as probes want to know it, and where things are now. Before
 * bring-up half of the board is not there yet, and that is no finding: a path below a bind that apply will make is looked
 * for at the bind's source, a file that apply will write counts as written. Without a manifest it is a board that is to run
 * dockerd and edgecore in their usual places.
 *
 * Reads a manifest that was checked already (node_load) and owns nothing of it.
 */
#ifndef EDGEINIT_DOCTOR_BOARD_H
#define EDGEINIT_DOCTOR_BOARD_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/json.h"
#include "doctor/doctor.h"

struct board {
    const cJSON *manifest; /* NULL: none */
    pid_t daemon;          /* the running daemon, whose namespace and rights count; 0: this process */
    const char *run_dir;   /* NULL: not known */
    bool wants_docker;
    bool wants_kubeedge;
    const char *docker_path;   /* PATH of dockerd */
    const char *kubeedge_path; /* PATH of edgecore */
    const char *config_file;   /* dockerd's */
    char data_root[1024];      /* docker's, as dockerd names it */
    char storage_driver[32];   /* "" if the configuration leaves the choice to dockerd */
    char cgroup_driver[16];    /* "" if the configuration leaves it to dockerd: cgroupfs where no systemd runs */
    bool userland_proxy;
    bool iptables;       /* dockerd uses it */
    bool own_containerd; /* dockerd starts containerd itself */
};

/* run_dir (may be NULL) is where a running daemon holds its lock. It and the manifest must outlive the board. */
void board_open(struct board *board, const cJSON *manifest, const char *run_dir);

struct board_service {
    const char *name;
    const char *program;
    const char *path; /* its PATH */
};

struct board_mount {
    const char *target;
    const char *source;  /* "" if none */
    const char *type;    /* "" if none */
    const char *options; /* "" if none */
};

struct board_controller {
    const char *name;
    bool required; /* the manifest does not call it optional */
};

/* The n-th; false if there are not as many. */
bool board_service(const struct board *board, size_t n, struct board_service *service);
bool board_mount(const struct board *board, size_t n, struct board_mount *mount);
bool board_controller(const struct board *board, size_t n, struct board_controller *controller);

/* Does this board need it at all? A manifest without edgecore does not need what only edgecore needs. */
bool board_wants(const struct board *board, enum need need);

/* Is a file system of this type to be mounted? */
bool board_wants_type(const struct board *board, const char *type);

/* Where the cgroup root is to be. */
const char *board_cgroup_root(const struct board *board);

/* Where `path` is now: itself if it exists, else its nearest ancestor, through binds that are not made yet. False: it lies
 * on a device or other file system that is not mounted yet; `found` is its mount point. */
bool board_locate(const struct board *board, const char *path, char found[PATH_MAX]);

/* The text that a file has, or will have after apply; NULL if it neither is there nor will be. Own the result. */
char *board_file(const struct board *board, const char *path);

/* When this program was built, seconds since 1970: nothing on the board is older. */
int64_t board_least_time(void);

/* Look a program up as execvp() does; `name` may be a path. */
bool board_find_program(const char *path, const char *name, char found[PATH_MAX]);

#endif
