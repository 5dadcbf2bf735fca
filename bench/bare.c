/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare: the DAYU200's bring-up as a list of system calls and nothing around it: no manifest, no probe, no message but
 * "failed". It makes the very calls by which `edgeinit apply` changes a fresh board (bench/run compares their traces)
 * in the same order, one after the other, so it is what the kernel's own work costs.
 *
 * ABSENT and HELD name the controllers that this PC cannot show: those its kernel lacks, and those cgroup2 holds, which
 * the manifest of the bench leaves out of cgroups.json too.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rule.h"

#ifndef ABSENT
#define ABSENT "rdma", "schedtune"
#endif
#ifndef HELD
#define HELD NULL
#endif
#ifndef CARD_TYPE
#define CARD_TYPE "f2fs"
#endif

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define TMPFS_FLAGS (MS_NOSUID | MS_NODEV)
#define CGROUP_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define SYSTEM 1000

static const char *const absent[] = {ABSENT};
static const char *const held[] = {HELD};

static const char *const directories[] = {
    "/data/bin", "/data/etc", "/data/etc/docker", "/data/opt",     "/data/root", "/data/run",
    "/data/tmp", "/data/usr", "/data/var",        "/data/var/run", "/mnt/f2fs",  "/etc/docker",
};

static const struct {
    const char *source;
    const char *target;
} binds[] = {
    {"/data/etc/docker", "/etc/docker"},
    {"/data/var", "/var"},
    {"/data/run", "/run"},
    {"/data/tmp", "/tmp"},
    {"/data/opt", "/opt"},
    {"/data/usr", "/usr"},
};

static const struct controller {
    const char *name;
    const char *below_root;
    const char *below_dev;
    const char *options;
    int owner; /* -1: left as it is */
    mode_t mode;
    const char *described;
} controllers[] = {
#define ENTRY(path, name) "\"Path\":\"" path "\",\"Controller\":\"" name "\"}"
#define SYSTEMS(name, path)                                                               \
    {                                                                                     \
        name, "/sys/fs/cgroup/" name, path, name, SYSTEM, 0755,                           \
            "{\"UID\":\"system\",\"GID\":\"system\",\"Mode\":\"0755\"," ENTRY(path, name) \
    }
    SYSTEMS("blkio", "/dev/blkio"),
    SYSTEMS("cpu", "/dev/cpu"),
    {"cpuacct", "/sys/fs/cgroup/cpuacct", "/dev/cpuacct", "cpuacct", -1, 0555,
     "{\"Mode\":\"0555\"," ENTRY("/dev/cpuacct", "cpuacct")},
    SYSTEMS("cpuset", "/dev/cpuset"),
    SYSTEMS("memory", "/dev/memcg"),
    SYSTEMS("schedtune", "/dev/stune"),
    SYSTEMS("devices", "/dev/devices"),
    SYSTEMS("freezer", "/dev/freezer"),
    SYSTEMS("hugetlb", "/dev/hugetlb"),
    SYSTEMS("net_cls", "/dev/net_cls"),
    SYSTEMS("net_prio", "/dev/net_prio"),
    SYSTEMS("perf_event", "/dev/perf_event"),
    SYSTEMS("pids", "/dev/pids"),
    SYSTEMS("rdma", "/dev/rdma"),
};

static void must(bool good, const char *what)
{
    if (!good) {
        perror(what);
        exit(EXIT_FAILURE);
    }
}

static bool among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (names[i] != NULL && strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void make(const char *path)
{
    must(mkdir(path, 0755) == 0, path);
}

static void mount_on(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
{
    must(mount(source, target, type, flags, data) == 0, target);
}

static void put(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    must(fd >= 0 && write(fd, value, strlen(value)) > 0, path);
    close(fd);
}

/* Whole or not at all: aside, fsync, rename, fsync of the directory. */
static void replace(const char *directory, const char *aside, const char *name, const char *text, bool existed)
{
    int at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = openat(at, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    must(fd >= 0 && write(fd, text, strlen(text)) > 0 && fchmod(fd, 0644) == 0, name);
    must(!existed || fchown(fd, 0, 0) == 0, name);
    must(fsync(fd) == 0 && close(fd) == 0 && renameat(at, aside, at, name) == 0 && fsync(at) == 0, name);
    close(at);
}

static void mount_controllers(void)
{
    for (size_t i = 0; i < LENGTH(controllers); i++) {
        const struct controller *at = &controllers[i];

        if (among(at->name, absent, LENGTH(absent)) || among(at->name, held, LENGTH(held))) {
            continue;
        }
        make(at->below_root);
        mount_on("cgroup", at->below_root, "cgroup", CGROUP_FLAGS, at->options);
        make(at->below_dev);
        mount_on("cgroup", at->below_dev, "cgroup", CGROUP_FLAGS, at->options);
        must(at->owner < 0 || chown(at->below_dev, (uid_t)at->owner, (gid_t)at->owner) == 0, at->below_dev);
        must(chmod(at->below_dev, at->mode) == 0, at->below_dev);
        if (strcmp(at->name, "cpuset") == 0) {
            make("/dev/cpuset/background");
        }
    }
    make("/sys/fs/cgroup/systemd");
    mount_on("cgroup", "/sys/fs/cgroup/systemd", "cgroup", CGROUP_FLAGS, "none,name=systemd");
}

static void write_descriptor(void)
{
    char text[4096];
    char *end = stpcpy(text, "{\"Cgroups\":[");

    for (size_t i = 0; i < LENGTH(controllers); i++) {
        if (!among(controllers[i].name, held, LENGTH(held))) {
            end = stpcpy(stpcpy(end, controllers[i].described), ",");
        }
    }
    stpcpy(end - 1,
           "],\"Cgroups2\":{\"UID\":\"root\",\"GID\":\"root\",\"Mode\":\"0600\",\"Path\":\"/dev/cg2_bpf\"}}\n");
    replace("/etc", ".cgroups.json.edgeinit-new", "cgroups.json", text, false);
}

static void add_rule(unsigned char table, unsigned priority)
{
    struct rule_request request = rule_request(table, priority);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[256];
    } answer = {0};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    must(fd >= 0 && sendto(fd, &request, sizeof(request), 0, (struct sockaddr *)&kernel, sizeof(kernel)) > 0, "rule");
    must(recv(fd, &answer, sizeof(answer), 0) > 0 && answer.error.error == 0, "rule");
    close(fd);
}

int main(void)
{
    umask(022);
    for (size_t i = 0; i < LENGTH(directories); i++) {
        make(directories[i]);
    }
    mount_on("/dev/block/mmcblk0p1", "/mnt/f2fs", CARD_TYPE, 0, NULL);
    for (size_t i = 0; i < LENGTH(binds); i++) {
        mount_on(binds[i].source, binds[i].target, NULL, MS_BIND, NULL);
    }
    mount_on("tmpfs", "/var/run", "tmpfs", TMPFS_FLAGS, "mode=0755,size=16M");
    mount_on("tmpfs", "/sys/fs/cgroup", "tmpfs", CGROUP_FLAGS, "mode=755,size=1073741824");
    mount_controllers();
    put("/proc/sys/net/ipv4/ip_forward", "1");
    write_descriptor();
    replace("/etc", ".hosts.edgeinit-new", "hosts", "127.0.0.1 edge-board\n127.0.0.1 localhost\n", true);
    replace(
        "/etc/docker", ".daemon.json.edgeinit-new", "daemon.json",
        "{\"registry-mirrors\":[\"https://docker.mirrors.ustc.edu.cn\"],\"experimental\":false,"
        "\"storage-driver\":\"overlay2\",\"data-root\":\"/mnt/f2fs\",\"live-restore\":true,\"log-level\":\"warn\"}\n",
        false);
    if (!among("cpuset", held, LENGTH(held))) {
        put("/dev/cpuset/background/cpuset.mems", "0");
    }
    make("/usr/lib");
    replace("/usr/lib", ".os-release.edgeinit-new", "os-release",
            "NAME=OpenHarmony\nID=openharmony\nPRETTY_NAME=\"OpenHarmony 3.1\"\n", false);
    add_rule(RT_TABLE_MAIN, 1);
    add_rule(RT_TABLE_DEFAULT, 2);
    return EXIT_SUCCESS;
}
