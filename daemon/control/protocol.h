/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket's protocol: a stream socket in the run directory, root only. A client sends one request, a JSON
 * object on one line, and gets one answer, a JSON object on one line; then the daemon closes. A request is
 * {"verb": "status"} or {"verb": "wait-ready", "service": "dockerd"} (service may be left out: all of them). Every
 * answer has "ok": true, or "ok": false with "error".
 */
#ifndef EDGEINIT_CONTROL_PROTOCOL_H
#define EDGEINIT_CONTROL_PROTOCOL_H

#include <stdint.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/json.h"

#define CONTROL_SOCKET "control.sock"
#define CONTROL_LARGEST_ANSWER (4 * 1024 * 1024)
#define CONTROL_MOST_CLIENTS 16
#define CONTROL_REQUEST_PATIENCE (5 * MICROSECONDS_PER_SECOND)

/* The address of the socket in run_dir; an error if the path is too long for one. */
int control_address(const char *run_dir, struct sockaddr_un *address, struct error *err);

/* Client side: wait at most `patience` milliseconds until a daemon accepts connections. */
int control_wait(const char *run_dir, int64_t patience, struct error *err);

/* Client side: ask the daemon and wait for its answer, at most `patience` milliseconds (-1: for ever). ERROR_NO_DAEMON if
 * nobody is there. Own the answer. */
cJSON *control_ask(const char *run_dir, const cJSON *request, int64_t patience, struct error *err);

#endif
