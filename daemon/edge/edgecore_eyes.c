/* SPDX-License-Identifier: Apache-2.0 */
/* How the board is looked at for edgecore's judgement. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "base/child.h"
#include "base/file.h"
#include "base/util.h"
#include "edge/ask.h"
#include "edge/edgecore_config.h"
#include "edge/edgecore_judge.h"
#include "edge/killed.h"

#define SOCKETS_LARGEST (4 << 20)
#define LISTENING "0A"     /* TCP_LISTEN in /proc/net/tcp */
#define REFUSED_WITHIN 100 /* milliseconds */
#define NAME_LONGEST 15    /* bytes of a process's name: TASK_COMM_LEN less one */

static enum docker_state look_at_docker(void)
{
    struct ask ask = {.target = "unix:/var/run/docker.sock:/_ping"};
    enum docker_state state = DOCKER_ABSENT;

    ask_all(&ask, 1, DOCKER_PATIENCE);
    if (ask.outcome == ASK_ANSWERED && ask.status >= 200 && ask.status <= 299) {
        state = DOCKER_ANSWERS;
    } else if (ask.outcome == ASK_OPEN && ask.connected) {
        state = DOCKER_SILENT;
    }
    ask_free(&ask);
    return state;
}

/* By what its preparation remembered; docker is what most have. */
static bool look_at_version(const struct profile_call *call)
{
    CLEANUP_FREE char *directory = xasprintf("%s/edge", call->paths->state_dir);
    struct edgecore_version version = {0};
    struct error ignored = {0};

    return edgecore_version_find(call->service->command[0], call->node->edge.version, CHILD_PATH, directory, &version,
                                 &ignored) != 0 ||
           edgecore_uses_docker(&version);
}

/* The inode of the socket that listens at the port, of /proc/net/tcp or tcp6; 0: none does. */
static unsigned long listener_in(const char *path, int port)
{
    CLEANUP_FREE char *table = NULL;
    struct error ignored = {0};
    size_t length = 0;

    if (file_read(path, SOCKETS_LARGEST, &table, &length, &ignored) != 0) {
        return 0;
    }
    for (char *line = table; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        char *fields[10];
        CLEANUP_FREE char *copy = xstrndup(line, strcspn(line, "\n"));
        char *rest = copy;
        size_t count = 0;
        const char *colon;

        while (count < ARRAY_SIZE(fields) && (fields[count] = strtok_r(rest, " ", &rest)) != NULL) {
            count++;
        }
        colon = count < ARRAY_SIZE(fields) ? NULL : strrchr(fields[1], ':');
        if (colon != NULL && streq(fields[3], LISTENING) && strtol(colon + 1, NULL, 16) == port) {
            return strtoul(fields[9], NULL, 10);
        }
    }
    return 0;
}

static bool holds(const char *process, unsigned long inode)
{
    CLEANUP_FREE char *path = xasprintf("/proc/%s/fd", process);
    CLEANUP_FREE char *wanted = xasprintf("socket:[%lu]", inode);
    CLEANUP_DIR DIR *directory = opendir(path);
    const struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char target[64] = "";
        ssize_t length = readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

        if (length > 0 && streq(target, wanted)) {
            return true;
        }
    }
    return false;
}

/* Nobody listens where edgecore wants to: the kernel refuses a connection. It is asked first because its tables are a walk
 * through all that could be connected, ten milliseconds each on a PC. */
static bool is_refused(int port)
{
    const struct sockaddr_in there = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd answered = {.fd = fd, .events = POLLOUT};
    int why = 0;
    socklen_t length = sizeof(why);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&there, sizeof(there)) == 0) {
        return false;
    }
    if (errno != EINPROGRESS) {
        return errno == ECONNREFUSED;
    }
    return poll(&answered, 1, REFUSED_WITHIN) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &length) == 0 &&
           why == ECONNREFUSED;
}

static void look_for_holder(int port, char *text, size_t size)
{
    CLEANUP_DIR DIR *processes = NULL;
    const struct dirent *entry;
    unsigned long inode;

    text[0] = '\0';
    if (is_refused(port)) {
        return;
    }
    inode = listener_in("/proc/net/tcp", port);
    inode = inode != 0 ? inode : listener_in("/proc/net/tcp6", port);
    processes = inode == 0 ? NULL : opendir("/proc");
    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        CLEANUP_FREE char *path = NULL;
        CLEANUP_FREE char *name = NULL;
        struct error ignored = {0};
        size_t length = 0;

        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || !holds(entry->d_name, inode)) {
            continue;
        }
        path = xasprintf("/proc/%s/comm", entry->d_name);
        if (file_read(path, NAME_LONGEST + 2, &name, &length, &ignored) == 0) {
            name[strcspn(name, "\n")] = '\0';
            snprintf(text, size, "pid %.10s (%s)", entry->d_name, name);
        }
        return;
    }
}

static int64_t seconds(void)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

const struct edgecore_eyes edgecore_eyes = {
    .docker = look_at_docker,
    .uses_docker = look_at_version,
    .holder = look_for_holder,
    .out_of_memory = killed_for_memory,
    .seconds = seconds,
};
