/* SPDX-License-Identifier: Apache-2.0 */
/* Docker, the real one: over its socket, with the patience of the real edgecore, which has none at its start. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "edgecore.h"

#define LARGEST (1 << 20)
#define SHIM "/var/run/dockershim.sock"

static int open_socket(const struct config *config)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = strstr(config->docker, "://");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path == NULL ? config->docker : path + 3);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

char *docker_get(const struct config *config, const char *path, int timeout)
{
    int fd = open_socket(config);
    struct timeval patience = {.tv_sec = timeout};
    char *answer;
    char *body;
    size_t length = 0;
    ssize_t more;

    if (fd < 0) {
        return NULL;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)); /* 0: for ever */
    dprintf(fd, "GET %s HTTP/1.0\r\nHost: docker\r\n\r\n", path);
    answer = calloc(1, LARGEST);
    while (length < LARGEST - 1 && (more = read(fd, answer + length, LARGEST - 1 - length)) > 0) {
        length += (size_t)more;
    }
    close(fd);
    body = strstr(answer, "\r\n\r\n");
    if (body == NULL || strncmp(answer, "HTTP/1.", 7) != 0 || strncmp(answer + 9, "200", 3) != 0) {
        free(answer);
        return NULL;
    }
    memmove(answer, body + 4, strlen(body + 4) + 1);
    return answer;
}

const char *docker_value(const char *json, const char *key, char *buffer, size_t size)
{
    char wanted[64];
    const char *at;

    snprintf(wanted, sizeof(wanted), "\"%s\":\"", key);
    at = json == NULL ? NULL : strstr(json, wanted);
    snprintf(buffer, size, "%.*s", at == NULL ? 0 : (int)strcspn(at + strlen(wanted), "\""),
             at == NULL ? "" : at + strlen(wanted));
    return buffer;
}

/* A listener of its own name first, then renamed over what is there. */
static void open_shim(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), SHIM ".%d", (int)getpid());
    unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 16) != 0 ||
        rename(address.sun_path, SHIM) != 0) {
        refuse('E', "edged.go:272", "init new edged error, failed to listen on " SHIM ": %s", strerror(errno));
    }
    /* It stays open, as long as the process lives. */
}

void docker_start(const struct config *config)
{
    char driver[64];
    char *version;
    char *info;

    say('I', "client.go:78", "\"Connecting to docker on the dockerEndpoint\" endpoint=\"%s\"", config->docker);
    say('I', "client.go:97", "\"Start docker client with request timeout\" timeout=\"0s\"");
    version = docker_get(config, "/version", 0);
    if (version == NULL) {
        refuse(
            'E', "edged.go:272",
            "init new edged error, failed to get docker version: Cannot connect to the Docker daemon at %s. Is the docker "
            "daemon running?",
            config->docker);
    }
    info = docker_get(config, "/info", 0);
    docker_value(info, "CgroupDriver", driver, sizeof(driver));
    if (strcmp(driver, config->driver) != 0) {
        refuse(
            'E', "edged.go:272",
            "init new edged error, misconfiguration: kubelet cgroup driver: \"%s\" is different from docker cgroup driver: "
            "\"%s\"",
            config->driver, driver);
    }
    say('I', "docker_service.go:277", "\"Setting cgroupDriver\" cgroupDriver=\"%s\"", driver);
    say('I', "edged.go:695", "Starting the GRPC server for the docker CRI shim.");
    host_check_names();
    open_shim();
    free(version);
    free(info);
}
