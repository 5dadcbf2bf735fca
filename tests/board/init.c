/* SPDX-License-Identifier: Apache-2.0 */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLICIES "/system/etc/selinux/targeted/policy/"

#define CFG_DIRECTORY "/system/etc/init"
#define SECOND_STAGE "--second-stage"

static cJSON *files[16];
static size_t file_count;

void say(const char *format, ...)
{
    char line[512];
    struct timespec now;
    va_list arguments;
    int length;

    clock_gettime(CLOCK_MONOTONIC, &now);
    length = snprintf(line, sizeof(line), "init: [%ld.%06ld] ", (long)now.tv_sec, now.tv_nsec / 1000);
    va_start(arguments, format);
    length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
    va_end(arguments);
    if ((size_t)length > sizeof(line) - 2) {
        length = sizeof(line) - 2;
    }
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)length) < 0) {
        return; /* nobody to tell */
    }
}

static char *read_file(const char *path, size_t *size)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = NULL;

    if (fd >= 0 && fstat(fd, &status) == 0) {
        text = malloc((size_t)status.st_size + 1);
        *size = text == NULL ? 0 : (size_t)read(fd, text, (size_t)status.st_size);
        if (text != NULL) {
            text[*size] = '\0';
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return text;
}

/* What OpenHarmony's init makes before it reads any file. */
static void mount_first(void)
{
    static const struct {
        const char *source, *target, *type;
        unsigned long flags;
        const char *data;
    } mounts[] = {
        {"tmpfs", "/dev", "tmpfs", MS_NOSUID, "mode=0755"},
        {"tmpfs", "/mnt", "tmpfs", MS_NOSUID, "mode=0755"},
        {"proc", "/proc", "proc", 0, "hidepid=2"},
        {"sysfs", "/sys", "sysfs", 0, NULL},
        {"selinuxfs", "/sys/fs/selinux", "selinuxfs", 0, NULL},
    };

    for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
        if (mount(mounts[i].source, mounts[i].target, mounts[i].type, mounts[i].flags, mounts[i].data) != 0 &&
            strcmp(mounts[i].type, "selinuxfs") != 0) {
            say("mount %s: %m", mounts[i].target);
        }
    }
    mkdir("/dev/pts", 0755);
    mount("devpts", "/dev/pts", "devpts", 0, NULL);
}

/* Without a policy the kernel allows everything; with one, enforcing= on its command line says whether it is obeyed. The image
 * has those of several releases: board.policy=5.1 there takes another than the newest. */
static void load_policy(void)
{
    size_t size;
    char words[1024] = "";
    const char *word;
    char path[128] = POLICIES "policy.33";
    char release[16];
    char *policy;
    int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        (void)!read(fd, words, sizeof(words) - 1);
        close(fd);
    }
    word = strstr(words, "board.policy=");
    if (word != NULL && sscanf(word, "board.policy=%15[0-9.]", release) == 1) {
        snprintf(path, sizeof(path), POLICIES "policy-%s.33", release);
    }
    policy = read_file(path, &size);
    fd = policy == NULL ? -1 : open("/sys/fs/selinux/load", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        say("SELinux policy of %zu bytes: %s", size,
            write(fd, policy, size) == (ssize_t)size ? "loaded" : strerror(errno));
        close(fd);
    }
    free(policy);
}

static void read_cfg(const char *path)
{
    size_t size;
    char *text = read_file(path, &size);
    cJSON *file = text == NULL ? NULL : cJSON_Parse(text);
    const cJSON *item;

    free(text);
    if (file == NULL || file_count == sizeof(files) / sizeof(*files)) {
        say("%s: not to be read", path);
        return;
    }
    files[file_count++] = file;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(file, "services"))
    {
        service_add(item);
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(file, "import"))
    {
        read_cfg(item->valuestring);
    }
}

static void read_cfgs(void)
{
    DIR *directory = opendir(CFG_DIRECTORY);
    char path[512];

    read_cfg("/etc/init.cfg");
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name);

        if (length > 4 && strcmp(entry->d_name + length - 4, ".cfg") == 0) {
            snprintf(path, sizeof(path), CFG_DIRECTORY "/%s", entry->d_name);
            read_cfg(path);
        }
    }
    if (directory != NULL) {
        closedir(directory);
    }
}

void job_run(const char *name)
{
    for (size_t i = 0; i < file_count; i++) {
        const cJSON *job;
        const cJSON *command;

        cJSON_ArrayForEach(job, cJSON_GetObjectItem(files[i], "jobs"))
        {
            const char *own = cJSON_GetStringValue(cJSON_GetObjectItem(job, "name"));

            if (own == NULL || strcmp(own, name) != 0) {
                continue;
            }
            cJSON_ArrayForEach(command, cJSON_GetObjectItem(job, "cmds"))
            {
                command_run(command->valuestring);
            }
        }
    }
}

/* As on a board, services are killed; and what they started is not. */
static void end(int how)
{
    service_stop(NULL);
    job_run("reboot");
    sync();
    say("down");
    reboot(how);
}

static void serve(const sigset_t *signals)
{
    static const char *const jobs[] = {"pre-init", "init", "early-fs", "fs", "post-fs", "post-fs-data", "boot"};
    struct pollfd polled[] = {{.fd = signalfd(-1, signals, SFD_CLOEXEC), .events = POLLIN},
                              {.fd = devices_open(), .events = POLLIN}};
    struct signalfd_siginfo signal;

    devices_cold(); /* now that nothing can be missed */
    for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++) {
        job_run(jobs[i]);
    }
    service_start_others();
    while (poll(polled, 2, -1) >= 0 || errno == EINTR) {
        int status;

        if (polled[1].revents != 0) {
            devices_changed(polled[1].fd);
        }
        if (polled[0].revents == 0 || read(polled[0].fd, &signal, sizeof(signal)) != sizeof(signal)) {
            continue;
        }
        if (signal.ssi_signo != SIGCHLD) {
            end(signal.ssi_signo == SIGTERM ? RB_AUTOBOOT : RB_POWER_OFF);
        }
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            service_reap(pid, status);
        }
    }
}

int main(int count, char **arguments)
{
    sigset_t signals;

    if (count < 2 || strcmp(arguments[1], SECOND_STAGE) != 0) {
        umask(022);
        mount_first();
        mknod("/dev/console", S_IFCHR | 0600, makedev(5, 1));
        load_policy();
        /* Again, so that the policy can give it a domain of its own. */
        execl("/proc/self/exe", "/system/bin/init", SECOND_STAGE, (char *)NULL);
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM); /* reboot */
    sigaddset(&signals, SIGUSR2); /* power off */
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    say("second stage");
    label_read();
    label_tree("/dev");
    read_cfgs();
    serve(&signals);
    return 1;
}
