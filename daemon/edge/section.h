/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "edge" section of the manifest: what a KubeEdge node must be told, and nothing that can be found out. Read and checked
 * here; edgecore_config.c makes edgecore's configuration of it. Strings point into the manifest.
 *
 * The token is a secret: it is written into edgecore's configuration (mode 0600), as long as the node has not joined, and
 * nowhere else. No message quotes it.
 */
#ifndef EDGEINIT_EDGE_SECTION_H
#define EDGEINIT_EDGE_SECTION_H

#include "manifest/reader.h"

struct edge_config {
    bool present;           /* the manifest has an "edge" section */
    const char *cloud;      /* host name or address of the cloud: required */
    int64_t websocket_port; /* CloudHub: 10000 */
    int64_t https_port;     /* for joining and rotation of certificates: 10002 */
    const char *node;       /* the node's name; NULL: the host name */
    const char *token;      /* NULL: none */
    const char *token_file; /* read at the join; NULL: none */
    const char *interface;  /* whose address the node has; NULL */
    const char *address;    /* the node's address; NULL: the interface's, else the default route's */
    const cJSON *labels;    /* object of strings, or NULL */
    bool metrics;           /* true */
    const char *mqtt;       /* "tcp://127.0.0.1:1883"; NULL: no event bus */
    const char *version;    /* of edgecore, where it cannot be found out: "1.9"; NULL */
    const char *config;     /* "/etc/kubeedge/config/edgecore.yaml" */
    const cJSON *merge;     /* RFC 7396 over what is generated, or NULL */
};

void edge_section_parse(const struct reader *section, struct edge_config *edge);

/* May this be the name of a node (RFC 1123: a DNS subdomain in lower case)? On false, *why says what is wrong with it. */
bool edge_node_name(const char *name, const char **why);

/* Is it of a token's form: the hash of the cloud's CA and a JWT, four parts with dots between them? */
bool edge_token_form(const char *token);

#endif
