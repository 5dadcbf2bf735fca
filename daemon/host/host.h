/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board as the manifest wants it: all resources in one array, in the order in which the manifest names them, and
 * what the kinds share while they probe and apply (the mount table, the rule table, open remount windows). The order in
 * which resources are applied is none of this room's business: plan/ derives it from needs().
 */
#ifndef EDGEINIT_HOST_HOST_H
#define EDGEINIT_HOST_HOST_H

#include "host/resource.h"

#define HOST_MOST 4096 /* resources in a manifest: each is compared with each other one */

struct made;
struct mounts;
struct windows;
struct rules;
struct controllers;

struct host {
    struct resource *resources;
    size_t count;
    bool fresh;            /* something that comes early was absent, so what comes later nearly surely is */
    bool foresee;          /* probes also look for what would stop apply: for plans; apply itself finds out by trying */
    const char *run_dir;   /* tmpfs: what must die with the boot */
    const char *state_dir; /* flash: what must survive it */
    struct mounts *mounts; /* host/mounts.c */
    struct windows *windows;         /* host/window.c */
    struct made *made;               /* host/made.c */
    struct rules *rules;             /* host/rule.c */
    struct controllers *controllers; /* host/controller.c */
};

/* Read the "host" section; mistakes become problems of the manifest. The manifest must outlive the host. */
void host_parse(const struct reader *section, struct host *host);

/* A new resource at the end of the array, named "KIND SUBJECT"; a name that is taken becomes a problem at the reader.
 * Takes spec. The pointer is good until the next call. */
struct resource *host_add(struct host *host, const struct reader *reader, const struct resource_kind *kind,
                          const char *subject, const char *path, void *spec);

/* The resource with this name, or NULL. */
struct resource *host_find(const struct host *host, const char *name);

/* Probe one resource: sets its verdict, detail and error. */
void host_probe(struct host *host, struct resource *resource);

/* The same for apply, which may have begun by then: see resource_kind.begin. */
void host_begin(struct host *host, struct resource *resource);

/* Look at one that was applied: sets what host_probe() sets. */
void host_confirm(struct host *host, struct resource *resource);

/* Forget everything read from the kernel, so that the next probe reads it anew. */
void host_refresh(struct host *host);

/* A reason and a remedy for an error that came with nothing but its errno, by what commonly causes it. Keeps a remedy
 * that is there. */
void host_remedy(struct error *err);

void host_free(struct host *host);

/* The kinds, one file each. */
extern const struct resource_kind kind_directory;
extern const struct resource_kind kind_mount;
extern const struct resource_kind kind_cgroup;
extern const struct resource_kind kind_file;
extern const struct resource_kind kind_sysctl;
extern const struct resource_kind kind_module;
extern const struct resource_kind kind_rule;
extern const struct resource_kind kind_selinux;

/* Ranks, see struct resource. SELinux is loosened before anything that a policy could refuse and tightened after all
 * of it. */
enum rank {
    RANK_SELINUX_LOOSEN,
    RANK_MODULE,
    RANK_DIRECTORY,
    RANK_MOUNT,
    RANK_CGROUP,
    RANK_SYSCTL,
    RANK_FILE,
    RANK_RULE,
    RANK_SELINUX_TIGHTEN,
};

#endif
