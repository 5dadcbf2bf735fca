/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, and the order of the start, which decides which of two faults is told. */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "edgecore.h"

#define VERSION "v1.9.1"
#define CONFIG "/etc/kubeedge/config/edgecore.yaml"
#define HOUSEKEEPING 10 /* seconds */

/* What it has read, it keeps until it ends, which is no leak. (AddressSanitizer asks.) */
const char *__asan_default_options(void); /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
const char *__asan_default_options(void)  /* NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
{
    return "detect_leaks=0";
}

/* Unless the server for the board's programs is on, a kubelet is not suffered. */
static void check_environment(const struct config *config)
{
    const char *wish = getenv("CHECK_EDGECORE_ENVIRONMENT");
    DIR *processes = opendir("/proc");
    const struct dirent *entry;

    if (config->meta_server || (wish != NULL && strcmp(wish, "false") == 0)) {
        closedir(processes);
        return;
    }
    while ((entry = readdir(processes)) != NULL) {
        char path[300];
        char name[32] = "";
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
        file = fopen(path, "re");
        if (file != NULL && fgets(name, sizeof(name), file) != NULL) {
            name[strcspn(name, "\n")] = '\0';
        }
        if (file != NULL) {
            fclose(file);
        }
        if (strcmp(name, "kubelet") == 0 || strcmp(name, "kube-proxy") == 0) {
            refuse('F', "server.go:86",
                   "failed to check the running environment: %s should not running on edge node when running edgecore",
                   name);
        }
    }
    closedir(processes);
}

static void *keep_house(void *data)
{
    (void)data;
    for (;;) {
        sleep(HOUSEKEEPING);
        stat_keep_house();
    }
    return NULL;
}

/* The module edged: what cAdvisor and the container manager want. */
static void start_edged(const struct config *config)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    pthread_t thread;

    say('I', "edged.go:296", "Starting edged...");
    say('E', "csi_plugin.go:224", "kubernetes.io/csi: CSIDriverLister not found on KubeletVolumeHost"); /* always */
    nanosleep(&moment, NULL); /* the real one takes as long; a join that is refused at once is told first */
    if (config->metrics) {
        stat_check_root();
    }
    host_check_programs();
    if (config->metrics) {
        host_check_partition();
    }
    host_check_cpu_state();
    host_check_groups();
    host_check_sysctls();
    host_make_groups();
    serve_open_edged(config);
    say('I', "edged.go:373", "starting syncPod");
    if (config->metrics && pthread_create(&thread, NULL, keep_house, NULL) != 0) {
        abort();
    }
}

static const char *name_of(int number)
{
    return number == SIGTERM ? "terminated" : number == SIGINT ? "interrupt" : "hangup";
}

/* Until a signal comes: the real one is not killed by these any more, once its modules were started. */
static _Noreturn void wait_for_end(const sigset_t *signals)
{
    static const char *const modules[] = {"twin", "edged", "websocket", "metaManager"};
    const struct timespec moment = {.tv_nsec = 21000000};
    int number = 0;

    while (sigwait(signals, &number) != 0) {
    }
    say('I', "core.go:56", "Get os signal %s", name_of(number));
    for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
        say('I', "core.go:62", "Cleanup module %s", modules[i]);
        nanosleep(&moment, NULL);
    }
    _exit(0);
}

static void run(const char *path)
{
    static struct config config;
    sigset_t signals;

    config_read(&config, path);
    say('I', "server.go:76", "Version: " VERSION);
    check_environment(&config);
    host_check_address(&config);
    if (config.edged) {
        host_make_directories();
        docker_start(&config);
        if (config.metrics) {
            host_check_cpu_mount();
        }
        say('I', "module.go:52", "Module edged registered successfully");
    }
    host_open_database(&config);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    say('I', "core.go:46", "starting module websocket");
    if (!config.meta_server || serve_open_meta(&config)) {
        cloud_start(&config);
    } else {
        /* The module that talks with the cloud stops, edged starts nevertheless, and every probe says that all is well. */
        say('W', "metamanager.go:79", "MetaManager stop");
    }
    if (config.edged) {
        start_edged(&config);
    }
    wait_for_end(&signals);
}

int main(int argc, char **argv)
{
    const char *path = CONFIG;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--version") == 0) {
            printf("KubeEdge " VERSION "\n");
            return 0;
        }
        if (strcmp(argv[i], "--minconfig") == 0 || strcmp(argv[i], "--defaultconfig") == 0) {
            config_print(strcmp(argv[i], "--defaultconfig") == 0);
            return 0;
        }
        if (strncmp(argv[i], "--config=", strlen("--config=")) == 0) {
            path = argv[i] + strlen("--config=");
        } else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            path = argv[++i];
        } else {
            fprintf(stderr, "Error: unknown flag: %s\n", argv[i]);
            return 1;
        }
    }
    run(path);
    return 0;
}
