/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a manifest says of dockerd and must not: a TCP port behind which nobody asks who you are is a root shell for whoever
 * reaches it, other containers included. Found in the command of a service with the profile "dockerd", and in what the
 * manifest writes into that dockerd's configuration file; accepted only with certificates that clients must have, or with
 * "insecure_tcp": true. What a file on the board says is looked at before each start (dockerd.h).
 */
#ifndef EDGEINIT_EDGE_DOCKER_CHECK_H
#define EDGEINIT_EDGE_DOCKER_CHECK_H

#include "manifest/reader.h"

/* The whole document, whose sections have been read without a mistake. */
void docker_check(const struct reader *root);

#endif
