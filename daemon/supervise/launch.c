/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <libcgroup.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/util.h"

/* Programs look for helpers (runc, iptables, uname, sh) along PATH; init gives us none. */
#define DEFAULT_PATH "/system/bin:/vendor/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#define KERNEL_SIGNALS 64L

/* What a child reports when it cannot become the service; as shells do. */
#define EXIT_CANNOT_PREPARE 125
#define EXIT_CANNOT_EXEC 127

/* In the child: stderr is the service's log. */
static void complain(const char *what, const char *name)
{
    dprintf(STDERR_FILENO, "edgeinit: %s %s: %s\n", what, name, strerror(errno));
}

static void set_rlimits(const struct service_config *service)
{
    for (const cJSON *limit = service->rlimits == NULL ? NULL : service->rlimits->child; limit != NULL;
         limit = limit->next) {
        struct rlimit value = {(rlim_t)limit->valuedouble, (rlim_t)limit->valuedouble};

        if (setrlimit(service_rlimit(limit->string), &value) != 0) {
            complain("cannot set limit", limit->string);
        }
    }
}

static void set_oom_score(const struct service_config *service)
{
    CLEANUP_FREE char *value = xasprintf("%lld", (long long)service->oom_score_adj);
    struct error err = {0};

    if (service->has_oom_score_adj && file_put("/proc/self/oom_score_adj", value, &err) != 0) {
        errno = err.errnum;
        complain("cannot set", "oom_score_adj");
    }
}

/* "memory.limit_in_bytes" belongs to "memory". */
static struct cgroup_controller *controller_of(struct cgroup *group, const char *file)
{
    CLEANUP_FREE char *name = xstrndup(file, strcspn(file, "."));
    struct cgroup_controller *controller = cgroup_get_controller(group, name);

    return controller == NULL ? cgroup_add_controller(group, name) : controller;
}

/* A group of its own in each controller that the configuration names, directly below the root: a child of a cpuset group
 * without cpus could not run at all. cgroup_init() costs hundreds of kilobytes, which exec gives back. */
static int join_cgroups(const struct service_config *service)
{
    CLEANUP_FREE char *name = xasprintf("edgeinit-%s", service->name);
    struct cgroup *group;
    int result;

    if (service->cgroup == NULL || service->cgroup->child == NULL) {
        return 0;
    }
    result = cgroup_init();
    group = result == 0 ? cgroup_new_cgroup(name) : NULL;
    for (const cJSON *file = service->cgroup->child; group != NULL && file != NULL; file = file->next) {
        struct cgroup_controller *controller = controller_of(group, file->string);

        if (controller == NULL || cgroup_add_value_string(controller, file->string, file->valuestring) != 0) {
            result = ECGINVAL;
        }
    }
    if (result == 0 && group != NULL) {
        result = cgroup_create_cgroup(group, 0);
    }
    if (result == 0 && group != NULL) {
        result = cgroup_attach_task(group);
    }
    if (result != 0) {
        dprintf(STDERR_FILENO, "edgeinit: cannot set up cgroup %s: %s; see that the manifest mounts its controllers\n",
                name, result == ECGOTHER ? strerror(cgroup_get_last_errno()) : cgroup_strerror(result));
    }
    cgroup_free(&group);
    return result;
}

static char **make_environment(const struct service_config *service, const char *notify_path)
{
    size_t count = (size_t)(service->environment == NULL ? 0 : cJSON_GetArraySize(service->environment));
    char **environment = xcalloc(count + 3, sizeof(*environment));
    size_t at = 0;

    if (service->environment == NULL || cJSON_GetObjectItemCaseSensitive(service->environment, "PATH") == NULL) {
        environment[at++] = xstrdup("PATH=" DEFAULT_PATH);
    }
    if (notify_path != NULL) {
        environment[at++] = xasprintf("NOTIFY_SOCKET=%s", notify_path);
    }
    for (const cJSON *entry = count == 0 ? NULL : service->environment->child; entry != NULL; entry = entry->next) {
        environment[at++] = xasprintf("%s=%s", entry->string, entry->valuestring);
    }
    return environment;
}

static void reset_signals(void)
{
    /* Straight to the kernel: libc keeps the first realtime signals for itself and refuses to touch them, but one that was
     * ignored when we were started would stay so through exec. All zero is SIG_DFL on every architecture. */
    static const char by_default[64];
    sigset_t none;

    for (long number = 1; number <= KERNEL_SIGNALS; number++) {
        syscall(SYS_rt_sigaction, number, by_default, NULL, KERNEL_SIGNALS / 8); /* refused for KILL and STOP */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void become_service(const struct service_config *service, int log_fd, const char *notify_path)
{
    int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    reset_signals();
    setsid();
    dup2(null_fd, STDIN_FILENO);
    dup2(log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    set_rlimits(service);
    set_oom_score(service);
    if (join_cgroups(service) != 0) {
        _exit(EXIT_CANNOT_PREPARE);
    }
    execve(service->command[0], (char *const *)service->command, make_environment(service, notify_path));
    complain("cannot execute", service->command[0]);
    _exit(EXIT_CANNOT_EXEC);
}

pid_t launch_service(const struct service_config *service, int log_fd, const char *notify_path, struct error *err)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid < 0) {
        return error_system(err, errno, "fork %s", service->name);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(EXIT_CANNOT_PREPARE);
        }
        become_service(service, log_fd, notify_path);
    }
    return pid;
}
