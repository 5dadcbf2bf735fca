/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole edgecore.yaml from the "edge" section, for the version that is there. One table of keys, each with the versions
 * that know it, as the structs of the sources have them (v1alpha1 up to 1.11, v1alpha2 from 1.12; edgecore ignores keys that
 * it does not know, and takes its defaults for those that are missing). Then the section's "merge" goes over it.
 *
 * Pure: the same input gives the same bytes. What depends on the board comes in by edgecore_facts.
 */
#ifndef EDGEINIT_EDGE_EDGECORE_CONFIG_H
#define EDGEINIT_EDGE_EDGECORE_CONFIG_H

#include "base/json.h"
#include "edge/edgecore_version.h"
#include "edge/section.h"

struct edgecore_facts {
    struct edgecore_version version;
    const char *node;    /* its name */
    const char *address; /* to be told to it where neither interface nor address is given; NULL: it finds it itself */
    const char *cgroup_driver; /* docker's */
    const char *token;         /* NULL: it has joined */
    bool metrics;              /* the kernel's statistics can be read, or are filtered */
};

/* The configuration as a tree; own it. */
cJSON *edgecore_config_make(const struct edge_config *edge, const struct edgecore_facts *facts);

/* Its text: what it is in a comment, then YAML. */
void edgecore_config_write(const cJSON *config, struct text *out);

/* Was this text written by edgecore_config_write (and perhaps changed since)? edgecore's own texts have no comment. */
bool edgecore_config_is_ours(const char *text);

/* The string at "modules.edgeHub.tlsCertFile", or `otherwise` if there is none. */
const char *edgecore_config_string(const cJSON *config, const char *path, const char *otherwise);

/* Does this version know how to do without cAdvisor (up to 1.11), and does it use docker by dockershim (up to 1.13)? */
bool edgecore_knows_metrics(const struct edgecore_version *version);
bool edgecore_uses_docker(const struct edgecore_version *version);

/* Where the key of the cgroup driver is. */
const char *edgecore_cgroup_driver_path(const struct edgecore_version *version);

#endif
