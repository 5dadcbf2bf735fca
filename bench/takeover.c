/* SPDX-License-Identifier: Apache-2.0 */
/*
 * takeover LAPS DIRECTORY COMMAND… — start the daemon that COMMAND is, with its run directory DIRECTORY/run, and wait until
 * all services are ready: the microseconds go to DIRECTORY/start. Then, LAPS times, kill it with SIGKILL at a random
 * instant, start it again at once, and wait until it has answered "wait-ready" for each service: a line for each to
 * DIRECTORY/adopt, from just before the kill. No service may have been started meanwhile: DIRECTORY/services has a
 * directory for each, with its `stamp`. The daemon that is left runs on, its pid in DIRECTORY/pid.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "stamp.h"

#define MOST_SERVICES 1024
#define PATIENCE INT64_C(60000000000)

static const char *directory;
static char *names[MOST_SERVICES];
static struct stamp *services[MOST_SERVICES];
static int service_count;

static pid_t spawn(char **command)
{
    static char *environment[] = {"PATH=/usr/bin:/bin", NULL};
    posix_spawn_file_actions_t actions;
    char log[PATH_MAX];
    pid_t pid;

    snprintf(log, sizeof(log), "%s/log", directory);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (posix_spawn(&pid, command[0], &actions, NULL, command, environment) != 0) {
        die(command[0]);
    }
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static int reach(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int64_t end = now() + PATIENCE;

    snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/run/control.sock", directory);
    while (now() < end) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
            return fd;
        }
        close(fd);
        sleep_until(now() + 50000);
    }
    die("the daemon does not answer");
}

/* An empty name asks for all. */
static void ask(const char *service)
{
    char text[4096];
    int length = snprintf(text, sizeof(text), "{\"verb\": \"wait-ready\", \"service\": \"%s\"}\n", service);
    int fd = reach();
    ssize_t got = -1;

    if (send(fd, text, (size_t)length, MSG_NOSIGNAL) == length) {
        got = recv(fd, text, sizeof(text) - 1, 0);
    }
    text[got < 0 ? 0 : got] = '\0';
    if (strstr(text, "true") == NULL) {
        fprintf(stderr, "takeover: the daemon answers %s\n", text);
        exit(EXIT_FAILURE);
    }
    close(fd);
}

static void find_services(void)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    DIR *list;

    snprintf(path, sizeof(path), "%s/services", directory);
    list = opendir(path);
    if (list == NULL) {
        die(path);
    }
    while ((entry = readdir(list)) != NULL && service_count < MOST_SERVICES) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/services/%s/stamp", directory, entry->d_name);
            names[service_count] = strdup(entry->d_name);
            services[service_count++] = stamp_map(path);
        }
    }
    closedir(list);
}

/* Of all services; they only grow. */
static uint64_t starts(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < service_count; i++) {
        sum += stamp_count(services[i]);
    }
    return sum;
}

static FILE *results(const char *name)
{
    char path[PATH_MAX];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    if (file == NULL) {
        die(path);
    }
    return file;
}

static pid_t lap(pid_t daemon, char **command, FILE *file)
{
    int64_t began = now();

    kill(daemon, SIGKILL);
    while (waitpid(daemon, NULL, 0) < 0 && errno == EINTR) {
    }
    daemon = spawn(command);
    for (int i = 0; i < service_count; i++) {
        ask(names[i]);
    }
    fprintf(file, "%.1f\n", (double)(now() - began) / 1e3);
    return daemon;
}

int main(int argc, char **argv)
{
    int64_t began;
    uint64_t before;
    pid_t daemon;
    FILE *file;

    if (argc < 4) {
        fprintf(stderr, "takeover LAPS DIRECTORY COMMAND...\n");
        return EXIT_FAILURE;
    }
    directory = argv[2];
    find_services();
    began = now();
    daemon = spawn(argv + 3);
    ask("");
    file = results("start");
    fprintf(file, "%.1f\n", (double)(now() - began) / 1e3);
    fclose(file);
    for (int i = 0; i < service_count; i++) {
        stamp_wait(services[i], 0); /* ready is who executes; main() comes later */
    }
    before = starts();
    file = results("adopt");
    srandom(1);
    for (int i = 0; i < atoi(argv[1]); i++) {
        sleep_until(now() + random() % 20000000);
        daemon = lap(daemon, argv + 3, file);
    }
    fclose(file);
    sleep_until(now() + 100000000);
    if (starts() != before) {
        fprintf(stderr, "takeover: services were started again\n");
        return EXIT_FAILURE;
    }
    file = results("pid");
    fprintf(file, "%d\n", daemon);
    fclose(file);
    return EXIT_SUCCESS;
}
