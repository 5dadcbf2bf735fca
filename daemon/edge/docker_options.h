/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dockerd will do, as far as others must know it: its command line and its configuration file, read as dockerd reads
 * them (18.03 to 24: cmd/dockerd/options.go, config.go, opts/hosts.go). Pure: no file is opened. Strings point into the
 * command and the configuration.
 *
 * dockerd refuses an option that is given in both places, so it does not matter which of the two counts here.
 */
#ifndef EDGEINIT_EDGE_DOCKER_OPTIONS_H
#define EDGEINIT_EDGE_DOCKER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

#define DOCKER_CONFIG_FILE "/etc/docker/daemon.json"

struct docker_options {
    const char *config_file; /* DOCKER_CONFIG_FILE if nothing is said: then it may be missing */
    const char *pid_file;
    const char *data_root;
    const char *exec_root;
    const char *storage_driver; /* NULL: dockerd chooses */
    const char *cgroup_driver;  /* "cgroupfs" if nothing is said: dockerd's choice wherever cgroups are of version 1 */
    const char *containerd;     /* a containerd that others run; NULL: dockerd starts its own */
    bool userland_proxy;
    bool iptables;
    bool live_restore;
    bool tls;             /* some form of it */
    bool tls_verify;      /* clients must show a certificate */
    const char *tls_ca;   /* named by an option; NULL: not */
    const char *tls_cert; /* the same */
    const char *tls_key;  /* the same */
};

/* `words` is the command, ended by NULL, its first the program; `config` is what the configuration file holds, or NULL. */
void docker_options_read(struct docker_options *options, const char *const *words, const cJSON *config);

/* Is this a host (-H, "hosts") by which dockerd listens on TCP? A word without a scheme is; an empty one is with TLS. */
bool docker_host_is_tcp(const char *host, bool tls);

/* The value of the n-th -H, --host of the command, and in *at the index of the word that holds it; NULL after the last. */
const char *docker_host_at(const char *const *words, size_t n, size_t *at);

/* Must whoever reaches a TCP port of this dockerd prove who they are? Then clients are verified, with files that are named;
 * whether these exist is for others to find out. */
bool docker_is_guarded(const struct docker_options *options);

#endif
