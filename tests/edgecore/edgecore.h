/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for edgecore 1.9.1, for tests: the same command line, configuration, files, ports, answers, exit codes, last
 * lines, and the same refusals, each from the same condition of the board. README.md says what was held against the real one.
 * It runs no pods and speaks plain HTTP with the stand-in cloud instead of TLS.
 *
 * Threads, where the real one has goroutines: the cloud, the two servers, and each question to them; so a failed join ends
 * the process while the rest still starts, and an answer may block, as with the real one.
 */
#ifndef EDGEINIT_TESTS_EDGECORE_H
#define EDGEINIT_TESTS_EDGECORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* klog: level I, W, E or F, then "file.go:123", then the message. To stderr. */
void say(char level, const char *place, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same, then exit code 1. */
_Noreturn void refuse(char level, const char *place, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The configuration, as far as it is looked at. Strings are never NULL. */
struct config {
    bool edged;
    bool edge_hub;
    bool meta_server;
    bool metrics;
    bool debugging; /* "tailoredKubeletConfig.enableDebuggingHandlers" of 1.12 and later; a 1.9 serves them always */
    bool websocket;
    bool quic;
    char *docker; /* "unix:///var/run/docker.sock" */
    char *node;
    char *address;
    char *interface;
    char *driver;
    char *database;
    char *http_server; /* "https://10.0.0.5:10002" */
    char *ws_server;   /* "10.0.0.5:10000" */
    char *meta_address;
    char *token;
    char *ca_file;
    char *cert_file;
    char *key_file;
};

void config_read(struct config *config, const char *path);
void config_print(bool all);

/* The board: each ends the process with the real one's words if something is missing. */
void host_check_address(const struct config *config);
void host_check_names(void); /* localhost; listens for streaming */
void host_check_cpu_mount(void);
void host_check_programs(void);
void host_check_partition(void);
void host_check_cpu_state(void);
void host_check_groups(void);
void host_check_sysctls(void);
void host_open_database(const struct config *config);
void host_make_directories(void);
void host_make_groups(void);
bool host_make_parents(const char *path, unsigned mode); /* mkdir -p */

/* The strict parser of memory.stat: of the root; then of all below kubepods, only told. */
void stat_check_root(void);
void stat_keep_house(void);
bool stat_read(const char *group, const char *name, unsigned long long *value, char *why, size_t size);

/* Docker. Blocks as long as docker does; NULL if it cannot be reached. Free it: the body. */
char *docker_get(const struct config *config, const char *path, int timeout);
void docker_start(const struct config *config);
/* What stands after "KEY":" in a JSON text, cut; "" if nothing does. */
const char *docker_value(const char *json, const char *key, char *buffer, size_t size);

/* The cloud: joins if there is no certificate, then keeps a connection; a thread. A failed join ends the process. */
void cloud_start(const struct config *config);
bool cloud_is_connected(void);
/* Asks the cloud for this node; blocks up to a minute. NULL: no answer. Free it. */
char *cloud_ask_node(const struct config *config);

/* Answers on 10350 and 10550: threads. */
bool serve_open_meta(const struct config *config); /* false: the port is taken */
void serve_open_edged(const struct config *config);

#endif
