/* SPDX-License-Identifier: Apache-2.0 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_ARGUMENTS 20

static struct service *services;

void service_add(const cJSON *node)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(node, "name"));
    struct service *service;

    if (name == NULL || !cJSON_IsArray(cJSON_GetObjectItem(node, "path"))) {
        say("a service without name or path");
        return;
    }
    for (service = services; service != NULL; service = service->next) {
        if (strcmp(service->name, name) == 0) {
            service->node = node; /* a later file wins */
            return;
        }
    }
    service = calloc(1, sizeof(*service));
    if (service != NULL) {
        *service = (struct service){.name = name, .node = node, .next = services};
        services = service;
    }
}

static struct service *find(const char *name)
{
    struct service *service = services;

    while (service != NULL && strcmp(service->name, name) != 0) {
        service = service->next;
    }
    return service;
}

static int number(const struct service *service, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(service->node, key);

    return cJSON_IsNumber(item) ? item->valueint : 0;
}

static void redirect(const char *path)
{
    int fd = open(path, O_RDWR | O_NOCTTY);

    for (int target = 0; fd >= 0 && target < 3; target++) {
        dup2(fd, target);
    }
    if (fd > 2) {
        close(fd);
    }
}

/* The context is the kernel's to give at exec; refused, the service does not start, as from 3.2 on. */
static void set_context(const char *context)
{
    int fd;

    if (context == NULL || access("/sys/fs/selinux/enforce", F_OK) != 0) {
        return;
    }
    fd = open("/proc/self/attr/exec", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, context, strlen(context)) < 0) {
        say("context %s: %s", context, strerror(errno));
        _exit(126);
    }
    close(fd);
}

static void become(const struct service *service)
{
    char *arguments[MOST_ARGUMENTS + 1] = {NULL};
    const char *user = cJSON_GetStringValue(cJSON_GetObjectItem(service->node, "uid"));
    const struct passwd *entry = user == NULL ? NULL : getpwnam(user);
    const cJSON *word;
    size_t count = 0;

    cJSON_ArrayForEach(word, cJSON_GetObjectItem(service->node, "path"))
    {
        if (count < MOST_ARGUMENTS) {
            arguments[count++] = word->valuestring;
        }
    }
    setpriority(PRIO_PROCESS, 0, number(service, "importance"));
    redirect(number(service, "console") == 1 ? "/dev/console" : "/dev/null");
    if (entry != NULL && entry->pw_uid != 0 &&
        (setgroups(0, NULL) != 0 || setgid(entry->pw_gid) != 0 || setuid(entry->pw_uid) != 0)) {
        _exit(126);
    }
    set_context(cJSON_GetStringValue(cJSON_GetObjectItem(service->node, "secon")));
    if (count > 0) {
        execve(arguments[0], arguments, environ);
        say("%s: %s", arguments[0], strerror(errno));
    }
    _exit(127);
}

void service_start(const char *name)
{
    struct service *service = find(name);
    sigset_t none;

    if (service == NULL || service->pid != 0) {
        return;
    }
    service->wanted = number(service, "once") == 0;
    say("start %s", name); /* before it runs: its exec is later than this */
    service->pid = fork();
    if (service->pid == 0) {
        setsid();
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        become(service);
    }
}

void service_stop(const char *name)
{
    for (struct service *service = services; service != NULL; service = service->next) {
        if (name == NULL || strcmp(service->name, name) == 0) {
            const char *job =
                cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(service->node, "jobs"), "on-stop"));

            service->wanted = false;
            if (service->pid > 0 && job != NULL) {
                job_run(job);
            }
            if (service->pid > 0) {
                kill(service->pid, SIGKILL);
            }
        }
    }
}

void service_reap(pid_t pid, int status)
{
    struct service *service = services;

    while (service != NULL && service->pid != pid) {
        service = service->next;
    }
    if (service == NULL) {
        return; /* an orphan */
    }
    service->pid = 0;
    say("%s ended, status %#x", service->name, (unsigned)status);
    if (service->wanted) {
        service_start(service->name);
    }
}

void service_start_others(void)
{
    for (struct service *service = services; service != NULL; service = service->next) {
        const char *mode = cJSON_GetStringValue(cJSON_GetObjectItem(service->node, "start-mode"));

        if (mode == NULL || strcmp(mode, "condition") != 0) {
            service_start(service->name);
        }
    }
}

void service_execute(char *const arguments[], bool wait)
{
    pid_t pid = fork();

    if (pid == 0) {
        sigset_t none;

        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(arguments[0], arguments, environ);
        say("%s: %s", arguments[0], strerror(errno));
        _exit(127);
    }
    if (wait && pid > 0) {
        waitpid(pid, NULL, 0);
    }
}
