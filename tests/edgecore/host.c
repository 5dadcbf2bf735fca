/* SPDX-License-Identifier: Apache-2.0 */
/* What edgecore needs of the host, each thing really looked at, and refused in the real one's words. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "edgecore.h"

#define EDGED "/var/lib/edged"
#define CPU_STATE EDGED "/cpu_manager_state"

bool host_make_parents(const char *path, unsigned mode)
{
    char copy[512];

    snprintf(copy, sizeof(copy), "%s", path);
    for (char *at = strchr(copy + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(copy, 0755);
        *at = '/';
    }
    return mkdir(copy, mode) == 0 || errno == EEXIST;
}

static _Noreturn void refuse_start(const char *why)
{
    refuse('E', "edged.go:272", "init new edged error, %s", why);
}

static _Noreturn void refuse_module(const char *place, const char *prefix, const char *why)
{
    say('E', place, "%s%s", prefix, why);
    refuse('E', "edged.go:300", "initialize module error: %s", why);
}

static _Noreturn void refuse_manager(const char *why)
{
    refuse_module("edged.go:800", "Failed to start container manager, err: ", why);
}

/* The first global unicast address of an interface (NULL: of any that is up), as text. */
static bool find_address(const char *interface, char *text, size_t size)
{
    struct ifaddrs *list = NULL;
    bool found = false;

    getifaddrs(&list);
    for (const struct ifaddrs *item = list; item != NULL && !found; item = item->ifa_next) {
        const struct sockaddr_in *address = (const struct sockaddr_in *)item->ifa_addr;

        found = item->ifa_addr != NULL && address->sin_family == AF_INET && (item->ifa_flags & IFF_UP) != 0 &&
                (interface != NULL ? strcmp(item->ifa_name, interface) == 0 : (item->ifa_flags & IFF_LOOPBACK) == 0) &&
                inet_ntop(AF_INET, &address->sin_addr, text, (socklen_t)size) != NULL &&
                strncmp(text, "169.254.", 8) != 0;
    }
    freeifaddrs(list);
    return found;
}

/* The interface of the IPv4 default route. */
static bool find_default_route(char interface[64])
{
    FILE *file = fopen("/proc/net/route", "re");
    char line[256];
    unsigned long there = 1;
    unsigned long mask = 1;
    bool found = false;

    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
        /* NOLINTNEXTLINE(cert-err34-c): the kernel's numbers fit */
        int fields = sscanf(line, "%63s %lx %*x %*x %*d %*d %*d %lx", interface, &there, &mask);

        found = fields == 3 && there == 0 && mask == 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

static void look_up(const char *name)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;

    if (getaddrinfo(name, NULL, &hints, &list) == 0) { /* blocks as long as the resolver does, as the real one's */
        freeaddrinfo(list);
    }
}

void host_check_address(const struct config *config)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;
    char interface[64] = "";
    char address[64] = "";

    if (config->interface[0] != '\0') {
        if (!find_address(config->interface, address, sizeof(address))) {
            char why[128];

            snprintf(why, sizeof(why), "unable to select an IP from %s network interface", config->interface);
            refuse('E', "server.go:96", "Failed to get IP address by custom interface %s, err: %s", config->interface,
                   if_nametoindex(config->interface) == 0 ? "route ip+net: no such network interface" : why);
        }
        say('I', "server.go:100", "Get IP address by custom interface successfully, %s: %s", config->interface,
            address);
    } else if (config->address[0] == '\0') {
        look_up(config->node);
        if (!find_default_route(interface)) {
            refuse('E', "server.go:110",
                   "Failed to get Local IP address: no default routes found in \"/proc/net/route\" or "
                   "\"/proc/net/ipv6_route\"");
        }
        if (!find_address(interface, address, sizeof(address)) && !find_address(NULL, address, sizeof(address))) {
            refuse('E', "server.go:110", "Failed to get Local IP address: unable to select an IP from default routes.");
        }
        say('I', "server.go:114", "Get node local IP address successfully: %s", address);
    } else if (inet_pton(AF_INET, config->address, &ipv4) == 1 || inet_pton(AF_INET6, config->address, &ipv6) == 1) {
        say('I', "server.go:103", "Use node IP address from config: %s", config->address);
    } else {
        refuse('E', "server.go:105", "invalid node IP address specified: %s", config->address);
    }
}

/* The streaming server listens at a port of "localhost". */
void host_check_names(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_INET};
    struct addrinfo *list = NULL;
    int fd;

    if (getaddrinfo("localhost", "0", &hints, &list) != 0) {
        refuse('E', "docker_service.go:416",
               "\"Streaming server stopped unexpectedly\" err=\"listen tcp: lookup localhost on [::1]:53: read udp "
               "[::1]:33432->[::1]:53: read: connection refused\"");
    }
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, list->ai_addr, list->ai_addrlen) != 0 || listen(fd, 16) != 0) {
        refuse('E', "docker_service.go:416",
               "\"Streaming server stopped unexpectedly\" err=\"listen tcp 127.0.0.1:0: %s\"", strerror(errno));
    }
    freeaddrinfo(list);
}

/* Is there a v1 hierarchy with this controller? */
static bool is_mounted(const char *controller)
{
    FILE *file = fopen("/proc/self/mountinfo", "re");
    char line[4096];
    bool found = false;

    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
        char *type = strstr(line, " - cgroup ");

        if (type != NULL) {
            char *options = strrchr(line, ' ');

            for (char *word = strtok(options, " ,\n"); word != NULL && !found; word = strtok(NULL, " ,\n")) {
                found = strcmp(word, controller) == 0;
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

void host_check_cpu_mount(void)
{
    if (!is_mounted("cpu")) {
        refuse_start("mountpoint for cpu not found");
    }
}

void host_check_groups(void)
{
    static const char *const wanted[] = {"cpu", "cpuacct", "cpuset", "memory"};

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (!is_mounted(wanted[i])) {
            char why[128];

            snprintf(why, sizeof(why), "system validation failed - Following Cgroup subsystem not mounted: [%s]",
                     wanted[i]);
            refuse_manager(why);
        }
    }
}

/* Really executed, found in the PATH that was given: without PATH nothing is. */
static int run(const char *const arguments[])
{
    pid_t pid;
    int status = 0;
    bool found = strchr(arguments[0], '/') != NULL;
    char path[1024];
    const char *given = getenv("PATH");
    char *copy = strdup(given == NULL ? "" : given);

    if (copy == NULL) {
        abort();
    }
    for (char *part = strtok(copy, ":"); part != NULL && !found; part = strtok(NULL, ":")) {
        snprintf(path, sizeof(path), "%s/%s", part, arguments[0]);
        found = access(path, X_OK) == 0;
    }
    free(copy);
    if (!found) {
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);

        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execv(path, (char *const *)arguments);
        _exit(126);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void host_check_programs(void)
{
    static const char *const uname[] = {"uname", "-r", NULL};
    static const char *const release[] = {"sh", "-c", "cat /etc/os-release | grep PRETTY_NAME| awk -F'\"' '{print$2}'",
                                          NULL};
    static const char *const *const programs[] = {uname, release};

    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        int status = run(programs[i]);
        char why[128];

        if (status < 0) {
            snprintf(why, sizeof(why), "exec: \"%s\": executable file not found in $PATH", programs[i][0]);
        } else {
            snprintf(why, sizeof(why), "exit status %d", status);
        }
        if (status != 0) {
            say('E', "util.go:107", "exec command failed: %s", why);
            refuse_module("edged.go:788", "Failed to initialNode ", why);
        }
    }
}

/* What cAdvisor knows, and the mount that holds docker's data-root whatever it is. */
void host_check_partition(void)
{
    static const char *const known[] = {"ext", "nfs", "btrfs", "overlay", "tmpfs", "xfs", "zfs"};
    static const char *const roots[] = {"overlay2", "docker/overlay2"};
    FILE *file = fopen("/proc/self/mountinfo", "re");
    struct stat info = {0};
    char line[4096];
    char type[64] = "";
    bool good = false;

    stat(EDGED, &info);
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        unsigned major = 0;
        unsigned minor = 0;
        const char *dash = strstr(line, " - ");
        struct stat there;
        char target[512];

        /* NOLINTNEXTLINE(cert-err34-c): the kernel's numbers fit */
        if (sscanf(line, "%*d %*d %u:%u %*s %511s", &major, &minor, target) != 3 || dash == NULL ||
            makedev(major, minor) != info.st_dev) {
            continue;
        }
        sscanf(dash, " - %63s", type);
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            good = good || strncmp(type, known[i], strlen(known[i])) == 0;
        }
        /* The data-root is the mount itself, as on the DAYU200, or a directory of it. */
        for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
            snprintf(line, sizeof(line), "%s/%s", target, roots[i]);
            good = good || (stat(line, &there) == 0 && there.st_dev == info.st_dev);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    if (!good) {
        char why[256];

        snprintf(why, sizeof(why),
                 "failed to get device for dir \"" EDGED
                 "\": could not find device with major: %u, minor: %u in cached "
                 "partitions map",
                 major(info.st_dev), minor(info.st_dev));
        refuse_module("edged.go:788", "Failed to initialNode ", why);
    }
}

void host_check_cpu_state(void)
{
    static const char fresh[] = "{\"policyName\":\"none\",\"defaultCpuSet\":\"\",\"checksum\":1353318690}";
    int fd = open(CPU_STATE, O_RDONLY | O_CLOEXEC);
    char text[4096] = "";
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    char why[512];
    char whole[600];

    say('I', "cpu_manager.go:199", "\"Starting CPU manager\" policy=\"none\"");
    if (length >= 0) {
        close(fd);
        if (text[0] == '{' && strchr(text, '}') != NULL && strstr(text, "\"policyName\"") != NULL &&
            strstr(text, "\"checksum\"") != NULL) {
            return;
        }
        snprintf(
            why, sizeof(why),
            "could not restore state from checkpoint: %s, please drain this node and delete the CPU manager checkpoint "
            "file \"" CPU_STATE "\" before restarting Kubelet",
            length == 0 || text[0] == '{' ? "unexpected end of JSON input"
                                          : "invalid character looking for beginning of value");
        say('E', "cpu_manager.go:209",
            "\"Could not initialize checkpoint manager, please drain node and remove policy state file\" err=\"%s\"",
            why);
        snprintf(whole, sizeof(whole), "start cpu manager error: %s", why);
        refuse_manager(whole);
    }
    fd = open(CPU_STATE, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, fresh, strlen(fresh)) < 0) {
        refuse_manager("start cpu manager error: could not create checkpoint");
    }
    close(fd);
}

/* Only what differs is written. */
void host_check_sysctls(void)
{
    static const struct {
        const char *path;
        const char *value;
    } wanted[] = {{"/proc/sys/vm/overcommit_memory", "1"},
                  {"/proc/sys/vm/panic_on_oom", "0"},
                  {"/proc/sys/kernel/panic", "10"},
                  {"/proc/sys/kernel/panic_on_oops", "1"}};
    char why[512] = "";

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        char value[32] = "";
        FILE *file = fopen(wanted[i].path, "re");

        if (file != NULL && fgets(value, sizeof(value), file) != NULL &&
            strtol(value, NULL, 10) == strtol(wanted[i].value, NULL, 10)) {
            fclose(file);
            continue;
        }
        if (file != NULL) {
            fclose(file);
        }
        file = fopen(wanted[i].path, "we");
        if (file == NULL || fputs(wanted[i].value, file) < 0 || fclose(file) != 0) {
            snprintf(why + strlen(why), sizeof(why) - strlen(why), "%sopen %s: %s", why[0] == '\0' ? "[" : ", ",
                     wanted[i].path, errno == EROFS ? "read-only file system" : "permission denied");
        }
    }
    if (why[0] != '\0') {
        snprintf(why + strlen(why), sizeof(why) - strlen(why), "]");
        refuse_manager(why);
    }
}

void host_make_groups(void)
{
    static const char *const wanted[] = {"cpu", "cpuacct", "cpuset", "memory", "pids", "freezer", "devices", "blkio"};
    char path[128];

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", wanted[i]);
        if (access(path, F_OK) == 0 && is_mounted(wanted[i])) {
            snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/kubepods/burstable", wanted[i]);
            host_make_parents(path, 0755);
            snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/kubepods/besteffort", wanted[i]);
            mkdir(path, 0755);
        }
    }
}

void host_make_directories(void)
{
    mkdir(EDGED, 0750);
    if (!host_make_parents(EDGED "/pods", 0750)) {
        refuse('E', "edged.go:478", "create pod dir [" EDGED "/pods] failed: mkdir " EDGED "/pods: %s",
               errno == EROFS ? "read-only file system" : strerror(errno));
    }
    chmod(EDGED, 0750);
    mkdir(EDGED "/plugins_registry", 0755);
    host_make_parents("/var/log/pods", 0755);
    host_make_parents("/var/log/containers", 0755);
    host_make_parents("/var/lib/dockershim/sandbox", 0755);
}

/* An empty database has no bytes, or a first page with this header. */
void host_open_database(const struct config *config)
{
    static const char magic[16] = "SQLite format 3";
    static const unsigned char rest[] = {0x10, 0, 1, 1, 0, 64, 32, 32, 0, 0, 0, 1, 0, 0, 0, 1};
    int fd = open(config->database, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    char page[4096] = "";
    ssize_t length = fd < 0 ? -1 : read(fd, page, sizeof(page));

    if (length < 0 || (length > 0 && memcmp(page, magic, sizeof(magic)) != 0)) {
        const char *why = length < 0 ? "unable to open database file" : "file is not a database";
        time_t now = time(NULL);
        struct tm local;
        char words[32];

        strftime(words, sizeof(words), "%Y/%m/%d %H:%M:%S", localtime_r(&now, &local));
        dprintf(STDERR_FILENO, "[ORM]%s register db Ping `default`, %s\n", words, why);
        refuse('F', "db.go:27", "Failed to register db: register db Ping `default`, %s", why);
    }
    if (length == 0) {
        memcpy(page, magic, sizeof(magic));
        memcpy(page + sizeof(magic), rest, sizeof(rest));
        page[100] = 0x0d;
        page[105] = 0x10;
        if (write(fd, page, sizeof(page)) != sizeof(page)) {
            refuse('F', "db.go:27", "Failed to register db: register db Ping `default`, disk I/O error");
        }
    }
    /* It stays open, as long as the process lives. */
}
