/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "control/asking.h"
#include "control/bringup.h"
#include "control/diagnosis.h"
#include "control/drift.h"
#include "control/server.h"
#include "control/status.h"
#include "control/verbs.h"
#include "edge/profile.h"
#include "host/owner.h"

#define LOCK_NAME "daemon.lock"
#define READY_NAME "ready"
#define EDGE_NAME "edge"
#define LOCK_PATIENCE (500 * MICROSECONDS_PER_MILLISECOND)

struct daemon {
    const struct node_paths *paths;
    struct node *node;
    bool own_node; /* it came with a reload, and is ours to free */
    struct loop loop;
    struct supervisor supervisor;
    struct bringup bringup;
    struct drift drift;
    struct recording recording;
    struct diagnosis diagnosis;
    struct asking asking;
    struct server server;
    struct loop_source signals;
    bool ready;    /* everything was, once */
    bool examined; /* by doctor */
    int64_t started;
};

/* Keep of the node what the services need, and give the rest back: the resources' part of the manifest is read anew by
 * the workers that want it. */
static void keep_little(struct node *node)
{
    cJSON *edge = cJSON_GetObjectItemCaseSensitive(node->manifest.root, "edge");
    char *token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(edge, "token"));

    /* In no core file of a process that lives for months: whoever needs it reads it anew. */
    if (token != NULL) {
        explicit_bzero(token, strlen(token));
    }
    plan_free(&node->plan);
    host_free(&node->host);
    cJSON_DeleteItemFromObjectCaseSensitive(node->manifest.root, "host");
    free(node->manifest.places.items);
    node->manifest.places = (struct place_list){0};
#ifdef __GLIBC__
    malloc_trim(0); /* musl's free() gives whole pages back by itself */
#endif
}

static void release_node(struct daemon *daemon)
{
    if (daemon->own_node) {
        node_free(daemon->node);
        free(daemon->node);
    }
}

/* Who may use the control socket besides root; a name that the board does not know is said, and nobody then. */
static gid_t control_group(const struct node *node)
{
    const struct ownership wanted = {.group = node->control_group, .mode = -1};
    struct error err = {0};
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;
    char text[1024];

    if (node->control_group != NULL && owner_resolve(&wanted, &uid, &gid, &err) != 0) {
        log_warning("control.group: %s; until then only root may use the control socket",
                    error_text(&err, text, sizeof(text)));
        return (gid_t)-1;
    }
    return gid;
}

/* The section "edge" as a number (FNV-1a), for it is in no service's spec, and there may be a secret in it. "" without one. */
static void print_edge(const struct node *node, char text[20])
{
    CLEANUP_TEXT struct text section = {0};
    const cJSON *edge = cJSON_GetObjectItemCaseSensitive(node->manifest.root, "edge");
    uint64_t print = UINT64_C(0xcbf29ce484222325);

    text[0] = '\0';
    if (edge == NULL) {
        return;
    }
    json_write_line(edge, &section);
    for (size_t i = 0; i < section.length; i++) {
        print = (print ^ (unsigned char)section.data[i]) * UINT64_C(0x100000001b3);
    }
    snprintf(text, 20, "%016llx\n", (unsigned long long)print);
}

/* Another section than that with which the services were prepared: those that are made of it start anew. Noted after they have
 * been told, so that no death in between loses a change. */
static void note_edge(struct daemon *daemon)
{
    const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *path = xasprintf("%s/" EDGE_NAME, daemon->paths->run_dir);
    CLEANUP_FREE char *before = NULL;
    struct error err = {0};
    char now[20];
    char text[1024];
    size_t length = 0;
    bool noted = file_read(path, sizeof(now), &before, &length, &err) == 0;

    print_edge(daemon->node, now);
    if (streq(noted ? before : "", now)) {
        return;
    }
    for (size_t i = 0; i < daemon->supervisor.count; i++) {
        struct service *service = daemon->supervisor.services[i];
        const struct profile *profile = profile_find(service_profile_words[service->config->profile]);

        if (profile != NULL && profile->reads_edge) {
            supervisor_renew(service);
        }
    }
    error_clear(&err);
    if (file_write(path, now, strlen(now), &attributes, &err) != 0) {
        log_error("%s", error_text(&err, text, sizeof(text)));
    }
}

/* Read the manifest anew. The board goes on as it was if that has mistakes; they are told. */
static int reload(struct daemon *daemon, char *note, size_t size)
{
    struct node *fresh = xcalloc(1, sizeof(*fresh));
    struct error err = {0};
    char text[1024];

    if (node_load(fresh, daemon->paths) != 0) {
        CLEANUP_TEXT struct text problems = {0};

        manifest_describe(&fresh->manifest, &problems);
        snprintf(note, size, "the manifest is refused, and nothing was changed: %s", text_string(&problems));
        log_error("%s", note);
        node_free(fresh);
        free(fresh);
        return -1;
    }
    log_info("reading the manifest anew");
    supervisor_reload(&daemon->supervisor, &fresh->services);
    recording_services(&daemon->recording, &daemon->supervisor);
    server_set_group(&daemon->server, control_group(fresh));
    if (bringup_start(&daemon->bringup, fresh, &err) != 0) {
        log_error("%s", error_text(&err, text, sizeof(text)));
    }
    release_node(daemon);
    daemon->node = fresh;
    daemon->own_node = true;
    note_edge(daemon);
    keep_little(fresh);
    return 0;
}

/* What the server asks. */

static cJSON *make_status(void *data)
{
    const struct daemon *daemon = data;

    return status_make(daemon->paths, &daemon->bringup, daemon->started);
}

static int begin(void *data, const struct request *request, uint64_t *ticket, char *note, size_t size)
{
    struct daemon *daemon = data;

    *ticket = 0;
    return streq(request->verb, "reload") ? reload(daemon, note, size)
                                          : verbs_begin(&daemon->bringup, request, ticket, note, size);
}

static int is_done(void *data, const struct request *request, uint64_t ticket, char *reason, size_t size)
{
    const struct daemon *daemon = data;

    return streq(request->verb, "reload") ? !bringup_is_running(&daemon->bringup)
                                          : verbs_is_done(&daemon->bringup, request, ticket, reason, size);
}

/* When it all became true for the first time since the boot, in milliseconds: for doctor, and for whoever waits for a file. A
 * daemon that comes back finds the note of the one before. */
static void note_ready(struct daemon *daemon)
{
    const struct file_attributes attributes = {.mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE char *text = NULL;
    struct error ignored = {0};
    struct timespec now;

    if (daemon->ready || !verbs_all_ready(&daemon->bringup)) {
        return;
    }
    daemon->ready = true;
    recording_ready(&daemon->recording);
    path = xasprintf("%s/" READY_NAME, daemon->paths->run_dir);
    if (access(path, F_OK) != 0 && clock_gettime(CLOCK_BOOTTIME, &now) == 0) {
        text = xasprintf("%lld\n", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
        file_write(path, text, strlen(text), &attributes, &ignored);
    }
}

/* Once after bring-up. */
static void examine(struct daemon *daemon)
{
    if (!daemon->examined && !bringup_is_running(&daemon->bringup)) {
        daemon->examined = true;
        diagnosis_examine(&daemon->diagnosis);
    }
}

/* An earlier daemon has seen this board ready. */
static bool was_ready(const struct daemon *daemon)
{
    CLEANUP_FREE char *path = xasprintf("%s/" READY_NAME, daemon->paths->run_dir);

    return access(path, F_OK) == 0;
}

static void service_changed(void *data, struct service *service)
{
    struct daemon *daemon = data;

    if (service != NULL) {
        recording_service(&daemon->recording, service);
        diagnosis_look(&daemon->diagnosis, service);
    }
    drift_look(&daemon->drift);
    note_ready(daemon);
    examine(daemon);
    server_look_again(&daemon->server);
}

static void all_stopped(void *data)
{
    struct daemon *daemon = data;
    CLEANUP_FREE char *path = xasprintf("%s/" READY_NAME, daemon->paths->run_dir);
    CLEANUP_FREE char *edge = xasprintf("%s/" EDGE_NAME, daemon->paths->run_dir);

    unlink(path);
    unlink(edge);
    daemon->loop.stop = true;
}

static void reap(struct daemon *daemon)
{
    int status = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (!supervisor_reap(&daemon->supervisor, pid, status) && !asking_reap(&daemon->asking, pid)) {
            bringup_reap(&daemon->bringup, pid, status);
        }
    }
}

static void signal_readable(void *data, uint32_t events)
{
    struct daemon *daemon = data;
    struct signalfd_siginfo info;
    char note[1024];

    (void)events;
    while (read(daemon->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD) {
            reap(daemon);
        } else if (info.ssi_signo == SIGHUP) {
            reload(daemon, note, sizeof(note));
        } else {
            log_info("stopping on %s", strsignal((int)info.ssi_signo));
            drift_close(&daemon->drift); /* nothing is brought up any more */
            recording_end(&daemon->recording);
            bringup_close(&daemon->bringup);
            supervisor_end(&daemon->supervisor);
        }
    }
}

static int watch_signals(struct daemon *daemon, struct error *err)
{
    sigset_t signals;
    int fd;

    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGCHLD, SIG_DFL); /* left ignored by whoever started us, no child could be waited for */
    fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd < 0 ? error_system(err, errno, "signalfd")
                  : loop_add(&daemon->loop, &daemon->signals, fd, EPOLLIN, signal_readable, daemon, err);
}

/* Who holds the lock; 0: nobody any more. */
static pid_t lock_holder(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK ? whole.l_pid : 0;
}

/* A lock of the process (fcntl(2)): one of flock(2) would live on in every child, and a worker that hangs with a broken card
 * would keep the next daemon out. A daemon that was killed may still be on its way out: then the lock is worth a wait. */
static int lock_or_wait(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int64_t deadline = clock_now() + LOCK_PATIENCE;

    while (fcntl(fd, F_SETLK, &whole) != 0) {
        bool taken = errno == EAGAIN || errno == EACCES;
        pid_t holder = lock_holder(fd);
        CLEANUP_CLOSE int pidfd = holder <= 0 ? -1 : (int)syscall(SYS_pidfd_open, holder, 0);
        struct pollfd watched = {.fd = pidfd, .events = POLLIN};
        int64_t left = (deadline - clock_now()) / MICROSECONDS_PER_MILLISECOND;

        if (!taken || left <= 0) {
            return -1;
        }
        poll(&watched, pidfd >= 0, pidfd >= 0 ? (int)left : 1);
    }
    return 0;
}

/* One daemon at a time for a run directory: the lock dies with its holder. */
static int take_lock(const char *run_dir, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/" LOCK_NAME, run_dir);
    CLEANUP_CLOSE int fd = -1;

    if (file_make_private(run_dir, err) != 0) {
        error_wrap(err, "make the run directory");
        return error_remedy(err, "name a place on a tmpfs with --run-dir");
    }
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return error_system(err, errno, "open %s", path);
    }
    if (lock_or_wait(fd) != 0) {
        error_set(err, ERROR_INPUT, 0, "another edgeinit daemon holds %s: pid %d", path, lock_holder(fd));
        return error_remedy(err, "see \"edgeinit status\"");
    }
    return take_fd(&fd);
}

/* A device came or went. */
static void bring_up_again(void *data)
{
    char note[1024];

    reload(data, note, sizeof(note));
}

static int open_all(struct daemon *daemon, struct error *err)
{
    const struct server_calls calls = {.status = make_status, .begin = begin, .is_done = is_done, .data = daemon};

    if (loop_open(&daemon->loop, err) != 0 || watch_signals(daemon, err) != 0) {
        return -1;
    }
    daemon->supervisor.changed = service_changed;
    daemon->supervisor.stopped = all_stopped;
    daemon->supervisor.data = daemon;
    daemon->examined = was_ready(daemon);
    diagnosis_open(&daemon->diagnosis, &daemon->loop, &daemon->supervisor, daemon->paths);
    recording_open(&daemon->recording, &daemon->loop, daemon->paths, daemon->node->timeline_boots, daemon->started);
    asking_open(&daemon->asking, &daemon->loop, &daemon->supervisor, daemon->paths);
    bringup_open(&daemon->bringup, &daemon->loop, &daemon->supervisor, &daemon->recording, daemon->paths->run_dir);
    drift_open(&daemon->drift, &daemon->bringup, bring_up_again, daemon);
    daemon->bringup.drift = &daemon->drift;
    if (supervisor_open(&daemon->supervisor, &daemon->loop, &daemon->node->services, daemon->paths->run_dir, err) !=
        0) {
        return -1;
    }
    recording_services(&daemon->recording, &daemon->supervisor);
    return bringup_start(&daemon->bringup, daemon->node, err) != 0
               ? -1
               : server_open(&daemon->server, &daemon->loop, daemon->paths->run_dir, control_group(daemon->node),
                             &calls, err);
}

int daemon_run(struct node *node, const struct node_paths *paths, int64_t started, struct error *err)
{
    struct daemon daemon = {.paths = paths,
                            .node = node,
                            .started = started,
                            .loop.epoll = -1,
                            .bringup.journal.fd = -1,
                            .recording.recorder.fd = -1};
    CLEANUP_CLOSE int lock = take_lock(paths->run_dir, err);
    int result = -1;

    if (lock < 0) {
        return -1;
    }
    log_never_block();
    if (open_all(&daemon, err) == 0) {
        note_edge(&daemon);
        keep_little(daemon.node);
        result = loop_run(&daemon.loop, err);
    }
    drift_close(&daemon.drift);
    bringup_close(&daemon.bringup);
    recording_close(&daemon.recording);
    diagnosis_close(&daemon.diagnosis);
    server_close(&daemon.server);
    supervisor_close(&daemon.supervisor);
    asking_close(&daemon.asking);
    loop_close(&daemon.loop);
    release_node(&daemon);
    return result;
}
