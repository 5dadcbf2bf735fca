/* SPDX-License-Identifier: Apache-2.0 */
/* The two servers of edgecore: of the kubelet in it (10350), and of the API for what runs on the board (10550). */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "edgecore.h"

#define EDGED_ADDRESS "127.0.0.1:10350"
#define PODS "/containers/json?filters=%7B%22label%22%3A%5B%22io.kubernetes.docker.type%3Dpodsandbox%22%5D%7D"
#define DOCKER_PATIENCE 120 /* seconds: runtimeRequestTimeout is two minutes */

struct server {
    const struct config *config;
    void (*answer)(const struct server *server, int fd, const char *path);
    int fd;
};

struct question {
    const struct server *server;
    int fd;
};

static void reply(int fd, int status, const char *type, const char *text)
{
    dprintf(fd, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s", status,
            status == 200   ? "OK"
            : status == 404 ? "Not Found"
                            : "Internal Server Error",
            type, strlen(text), text);
}

static void *answer_one(void *data)
{
    struct question question = *(struct question *)data;
    char text[2048] = "";
    char path[1024] = "";

    free(data);
    if (read(question.fd, text, sizeof(text) - 1) > 0 && sscanf(text, "GET %1023s", path) == 1) {
        question.server->answer(question.server, question.fd, path);
    }
    shutdown(question.fd, SHUT_RDWR);
    close(question.fd);
    return NULL;
}

static void *accept_all(void *data)
{
    const struct server *server = data;

    for (;;) {
        struct question *question = calloc(1, sizeof(*question));
        pthread_t thread;

        question->server = server;
        question->fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
        if (question->fd < 0 || pthread_create(&thread, NULL, answer_one, question) != 0) {
            free(question);
            continue;
        }
        pthread_detach(thread);
    }
    return NULL;
}

static bool open_server(struct server *server, const char *address)
{
    struct sockaddr_in there = {.sin_family = AF_INET};
    char host[64];
    const char *colon = strrchr(address, ':');
    pthread_t thread;
    int one = 1;

    snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
    inet_pton(AF_INET, host, &there.sin_addr);
    there.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(server->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(server->fd, (struct sockaddr *)&there, sizeof(there)) != 0 || listen(server->fd, 128) != 0) {
        close(server->fd);
        return false;
    }
    return pthread_create(&thread, NULL, accept_all, server) == 0;
}

/* Docker's sandboxes as a PodList, names alone. */
static void list_pods(const struct server *server, int fd)
{
    char *containers = docker_get(server->config, PODS, DOCKER_PATIENCE);
    char *list = calloc(1, 65536);
    size_t length = 0;
    size_t count = 0;

    if (containers == NULL) {
        reply(fd, 500, "text/plain; charset=utf-8", "failed to list pods: Cannot connect to the Docker daemon\n");
        free(list);
        return;
    }
    length = (size_t)snprintf(list, 65536, "{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{},\"items\":");
    for (const char *at = strstr(containers, "\"io.kubernetes.pod.name\":"); at != NULL && length < 60000;
         at = strstr(at + 1, "\"io.kubernetes.pod.name\":")) {
        char name[256];

        docker_value(at, "io.kubernetes.pod.name", name, sizeof(name));
        length += (size_t)snprintf(list + length, 65536 - length, "%s{\"metadata\":{\"name\":\"%s\"}}",
                                   count == 0 ? "[" : ",", name);
        count++;
    }
    snprintf(list + length, 65536 - length, "%s}", count == 0 ? "null" : "]");
    reply(fd, 200, "application/json", list);
    free(containers);
    free(list);
}

static void summarise(const struct server *server, int fd)
{
    char text[512];
    char why[1280];
    unsigned long long rss = 0;

    if (!server->config->metrics || !stat_read("", "rss", &rss, why, sizeof(why))) {
        reply(fd, 500, "text/plain; charset=utf-8", "Internal Error: failed to get node info\n");
        return;
    }
    snprintf(text, sizeof(text), "{\"node\":{\"nodeName\":\"%s\",\"memory\":{\"rssBytes\":%llu}},\"pods\":[]}",
             server->config->node, rss);
    reply(fd, 200, "application/json", text);
}

static void answer_edged(const struct server *server, int fd, const char *path)
{
    if (strcmp(path, "/healthz") == 0) {
        reply(fd, 200, "text/plain; charset=utf-8", "ok"); /* for ever, whatever happens */
    } else if (strncmp(path, "/runningpods", strlen("/runningpods")) == 0 && !server->config->debugging) {
        reply(fd, 405, "text/plain; charset=utf-8", "Debug endpoints are disabled.\n");
    } else if (strncmp(path, "/runningpods", strlen("/runningpods")) == 0) {
        list_pods(server, fd);
    } else if (strncmp(path, "/stats/summary", strlen("/stats/summary")) == 0) {
        summarise(server, fd);
    } else if (strcmp(path, "/metrics/cadvisor") == 0 && !server->config->metrics) {
        dprintf(STDERR_FILENO, "panic: runtime error: invalid memory address or nil pointer dereference\n"
                               "[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x2045a1b]\n\n"
                               "goroutine 812 [running]:\n");
        _exit(2);
    } else {
        reply(fd, 404, "text/plain; charset=utf-8", "404 page not found\n");
    }
}

/* This node as the cloud has it; with docker gone, as edgecore has told it by then. */
static void answer_meta(const struct server *server, int fd, const char *path)
{
    char *node;
    char *docker;

    if (strncmp(path, "/api/v1/nodes", strlen("/api/v1/nodes")) != 0) {
        reply(fd, 500, "application/json",
              "{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"Internal error occurred: "
              "not a resource req\",\"reason\":\"InternalError\",\"code\":500}");
        return;
    }
    node = cloud_ask_node(server->config);
    docker = node == NULL ? NULL : docker_get(server->config, "/_ping", 5);
    if (node == NULL) {
        reply(fd, 404, "application/json",
              "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"NotFound\",\"code\":404}");
    } else {
        char *ready = docker == NULL ? strstr(node, "\"status\": \"True\"") : NULL;

        if (ready != NULL) {
            /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): within the text, as long as what it replaces */
            memcpy(ready, "\"status\":\"False\"", strlen("\"status\":\"False\""));
        }
        reply(fd, 200, "application/json", node);
    }
    free(node);
    free(docker);
}

bool serve_open_meta(const struct config *config)
{
    static struct server server = {.answer = answer_meta};

    server.config = config;
    say('I', "server.go:66", "[metaserver]start to listen and server at %s", config->meta_address);
    if (!open_server(&server, config->meta_address)) {
        say('E', "server.go:67", "listen tcp %s: bind: address already in use", config->meta_address);
        return false;
    }
    return true;
}

void serve_open_edged(const struct config *config)
{
    static struct server server = {.answer = answer_edged};

    server.config = config;
    say('I', "server.go:36", "starting to listen read-only on " EDGED_ADDRESS);
    if (!open_server(&server, EDGED_ADDRESS)) {
        refuse('F', "server.go:48", "listen tcp " EDGED_ADDRESS ": bind: address already in use");
    }
}
