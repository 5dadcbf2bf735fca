/* SPDX-License-Identifier: Apache-2.0 */
#include "control/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/spare.h"
#include "base/util.h"
#include "control/asking.h"
#include "control/bringup.h"
#include "control/diagnosis.h"
#include "control/drift.h"
#include "control/guests.h"
#include "control/lock.h"
#include "control/publish.h"
#include "control/server.h"
#include "control/status.h"
#include "control/terminal.h"
#include "control/verbs.h"
#include "edge/profile.h"

#define READY_NAME "ready"
#define EDGE_NAME "edge"
#define LOCK_PATIENCE (500 * MICROSECONDS_PER_MILLISECOND)
#define REST_AFTER (300 * MICROSECONDS_PER_MILLISECOND)
#define HASTE (10 * MICROSECONDS_PER_SECOND)  /* of a bring-up: what takes longer waits for something */
#define EXAMINE_AFTER MICROSECONDS_PER_SECOND /* what is being started then has the processors for itself */

struct daemon {
    const struct node_paths *paths;
    struct node *kept; /* the services of the manifest */
    struct loop loop;
    struct supervisor supervisor;
    struct bringup bringup;
    struct drift drift;
    struct recording recording;
    struct diagnosis diagnosis;
    struct asking asking;
    struct terminal terminal;
    struct publish publish;
    struct server server;
    struct loop_source signals;
    struct loop_timer rest;
    struct loop_timer examination;
    bool ready;    /* everything was, once */
    bool examined; /* by doctor */
    int64_t started;
};

/* All that the manifest says, but for the services, is read anew by the workers that want it. */
static struct node *keep_services(const struct node *node)
{
    struct node *kept = xcalloc(1, sizeof(*kept));

    node_keep_services(kept, node);
    return kept;
}

static void forget(struct node *node)
{
    cJSON *edge = cJSON_GetObjectItemCaseSensitive(node->manifest.root, "edge");
    char *token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(edge, "token"));

    /* In no core file of a process that lives for months: whoever needs it reads it anew. */
    if (token != NULL) {
        explicit_bzero(token, strlen(token));
    }
    node_free(node);
}

static void release_kept(struct node *kept)
{
    if (kept != NULL) {
        node_free(kept);
        free(kept);
    }
}

static void come_to_rest(void *data)
{
    struct daemon *daemon = data;

    /* Its end stirs again; but a card may never come. */
    if (bringup_is_running(&daemon->bringup) && clock_now() < daemon->started + HASTE) {
        loop_timer_set(&daemon->loop, &daemon->rest, daemon->started + HASTE, come_to_rest, daemon);
        return;
    }
    asking_expect_nothing(&daemon->asking);
    spare_heap();
    spare_stack();
    spare_code();
}

/* Something was done that it is not the daemon's business to do all the time. Its checks are: they wake nobody twice. */
static void stir(struct daemon *daemon)
{
    loop_timer_set(&daemon->loop, &daemon->rest, clock_now() + REST_AFTER, come_to_rest, daemon);
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
static void note_edge(struct daemon *daemon, const struct node *node)
{
    const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *path = xasprintf("%s/" EDGE_NAME, daemon->paths->run_dir);
    CLEANUP_FREE char *before = NULL;
    struct error err = {0};
    char now[20];
    char text[1024];
    size_t length = 0;
    bool noted = file_read(path, sizeof(now), &before, &length, &err) == 0;

    print_edge(node, now);
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
    struct node fresh = {0};
    struct node *kept;
    struct server_guests guests;
    struct error err = {0};
    char text[1024];

    stir(daemon);
    if (node_load(&fresh, daemon->paths) != 0) {
        CLEANUP_TEXT struct text problems = {0};

        manifest_describe(&fresh.manifest, &problems);
        snprintf(note, size, "the manifest is refused, and nothing was changed: %s", text_string(&problems));
        log_error("%s", note);
        node_free(&fresh);
        return -1;
    }
    log_info("reading the manifest anew");
    asking_expect_nothing(&daemon->asking);
    kept = keep_services(&fresh);
    supervisor_reload(&daemon->supervisor, &kept->services);
    recording_services(&daemon->recording, &daemon->supervisor);
    publish_services(&daemon->publish, &daemon->supervisor);
    guests = guests_of(&fresh);
    server_set_guests(&daemon->server, &guests);
    if (bringup_start(&daemon->bringup, &fresh, &err) != 0) {
        log_error("%s", error_text(&err, text, sizeof(text)));
    }
    release_kept(daemon->kept);
    daemon->kept = kept;
    note_edge(daemon, &fresh);
    forget(&fresh);
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
    stir(daemon);
    return streq(request->verb, "reload") ? reload(daemon, note, size)
                                          : verbs_begin(&daemon->bringup, request, ticket, note, size);
}

static int is_done(void *data, const struct request *request, uint64_t ticket, char *reason, size_t size)
{
    const struct daemon *daemon = data;

    return streq(request->verb, "reload") ? !bringup_is_running(&daemon->bringup)
                                          : verbs_is_done(&daemon->bringup, request, ticket, reason, size);
}

/* The service that became ready after all others; "" if there is none. */
static const char *last_ready(const struct daemon *daemon)
{
    const struct supervisor *supervisor = &daemon->supervisor;
    const char *name = "";
    int64_t latest = 0;

    for (size_t i = 0; i < supervisor->count; i++) {
        const struct service *service = supervisor->services[i];

        if (!service->retired && service->machine.ready_at > latest) {
            latest = service->machine.ready_at;
            name = service->config->name;
        }
    }
    return name;
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
    int64_t boot;

    if (daemon->ready) {
        return;
    }
    daemon->ready = true;
    recording_ready(&daemon->recording);
    path = xasprintf("%s/" READY_NAME, daemon->paths->run_dir);
    if (access(path, F_OK) != 0 && clock_gettime(CLOCK_BOOTTIME, &now) == 0) {
        boot = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
        text = xasprintf("%lld\n", (long long)boot);
        file_write(path, text, strlen(text), &attributes, &ignored);
        publish_boot(&daemon->publish, (clock_now() - daemon->started) / MICROSECONDS_PER_MILLISECOND, boot,
                     last_ready(daemon));
    }
}

static void examine_now(void *data)
{
    struct daemon *daemon = data;

    diagnosis_examine(&daemon->diagnosis);
    stir(daemon);
}

/* Once after bring-up, which may be over before the loop begins. */
static void examine(struct daemon *daemon)
{
    if (!daemon->examined && !bringup_is_running(&daemon->bringup)) {
        daemon->examined = true;
        loop_timer_set(&daemon->loop, &daemon->examination, clock_now() + EXAMINE_AFTER, examine_now, daemon);
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
    bool ready = verbs_all_ready(&daemon->bringup);

    stir(daemon);
    if (service != NULL) {
        recording_service(&daemon->recording, service);
        diagnosis_look(&daemon->diagnosis, service);
        publish_service(&daemon->publish, service);
    } else {
        publish_services(&daemon->publish, &daemon->supervisor);
    }
    publish_ready(&daemon->publish, ready);
    drift_look(&daemon->drift);
    if (!bringup_is_running(&daemon->bringup)) {
        asking_expect_nothing(&daemon->asking);
    }
    if (ready) {
        note_ready(daemon);
    }
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
        if (!supervisor_reap(&daemon->supervisor, pid, status) && !asking_reap(&daemon->asking, pid) &&
            !publish_reap(&daemon->publish, pid, status)) {
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

/* They wait until they are read. */
static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGCHLD);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    sigprocmask(SIG_BLOCK, signals, NULL);
    signal(SIGCHLD, SIG_DFL); /* left ignored by whoever started us, no child could be waited for */
}

static int watch_signals(struct daemon *daemon, const sigset_t *signals, struct error *err)
{
    int fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);

    return fd < 0 ? error_system(err, errno, "signalfd")
                  : loop_add(&daemon->loop, &daemon->signals, fd, EPOLLIN, signal_readable, daemon, err);
}

/* A device is gone, and what was mounted from it. */
static void resource_lost(void *data, const char *resource)
{
    struct daemon *daemon = data;

    publish_drift(&daemon->publish, resource, "its device is gone");
}

/* A device came or went. */
static void bring_up_again(void *data)
{
    char note[1024];

    reload(data, note, sizeof(note));
}

/* The first daemon of this boot takes nothing over. */
static bool is_first(const struct daemon *daemon)
{
    CLEANUP_FREE char *services = xasprintf("%s/services", daemon->paths->run_dir);

    return access(services, F_OK) != 0;
}

/* Whatever else init left open is not for our services. */
static void keep_to_ourselves(void)
{
    CLEANUP_DIR DIR *directory = opendir("/proc/self/fd");
    const struct dirent *entry;

    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        int64_t fd = 0;

        if (text_parse_integer(entry->d_name, &fd) && fd > STDERR_FILENO) {
            fcntl((int)fd, F_SETFD, FD_CLOEXEC);
        }
    }
}

static int open_all(struct daemon *daemon, const struct node *node, struct error *err)
{
    const struct server_calls calls = {.status = make_status, .begin = begin, .is_done = is_done, .data = daemon};
    struct server_guests guests;
    sigset_t signals;
    bool first = is_first(daemon);

    block_signals(&signals);
    if (loop_open(&daemon->loop, err) != 0) {
        return -1;
    }
    daemon->supervisor.changed = service_changed;
    daemon->supervisor.stopped = all_stopped;
    daemon->supervisor.data = daemon;
    recording_open(&daemon->recording, &daemon->loop, daemon->paths, node->timeline_boots, daemon->started);
    bringup_open(&daemon->bringup, &daemon->loop, &daemon->supervisor, &daemon->recording, daemon->paths->run_dir);
    /* The slowest resource is what a boot waits for, so its worker begins before all else. */
    if (first && bringup_begin(&daemon->bringup, node, err) != 0) {
        return -1;
    }
    drift_open(&daemon->drift, &daemon->bringup, bring_up_again, resource_lost,
               daemon); /* before anything is mounted */
    daemon->bringup.drift = &daemon->drift;
    if (first) {
        bringup_proceed(&daemon->bringup, node);
    }
    if (watch_signals(daemon, &signals, err) != 0) {
        return -1;
    }
    recording_begin(&daemon->recording);
    daemon->examined = was_ready(daemon);
    diagnosis_open(&daemon->diagnosis, &daemon->loop, &daemon->supervisor, daemon->paths);
    keep_to_ourselves();
    publish_open(&daemon->publish, &daemon->loop, daemon->paths->run_dir);
    asking_open(&daemon->asking, &daemon->loop, &daemon->supervisor, daemon->paths);
    daemon->kept = keep_services(node);
    if (supervisor_open(&daemon->supervisor, &daemon->loop, &daemon->kept->services, daemon->paths->run_dir, err) !=
        0) {
        return -1;
    }
    recording_services(&daemon->recording, &daemon->supervisor);
    publish_services(&daemon->publish, &daemon->supervisor);
    if (!first && bringup_start(&daemon->bringup, node, err) != 0) {
        return -1;
    }
    asking_expect(&daemon->asking, node);
    supervisor_expect(&daemon->supervisor);
    guests = guests_of(node);
    return server_open(&daemon->server, &daemon->loop, daemon->paths->run_dir, &guests, &calls, err);
}

int daemon_run(struct node *node, const struct node_paths *paths, int64_t started, struct error *err)
{
    struct daemon daemon = {.paths = paths,
                            .started = started,
                            .loop.epoll = -1,
                            .bringup.journal.fd = -1,
                            .bringup.turn = -1,
                            .recording.recorder.fd = -1};
    CLEANUP_CLOSE int lock = lock_take(paths->run_dir, LOCK_DAEMON, LOCK_PATIENCE, err);
    int result = -1;

    if (lock < 0) {
        return -1;
    }
    log_never_block();
    terminal_open(&daemon.terminal, &daemon.loop);
    if (open_all(&daemon, node, err) == 0) {
        note_edge(&daemon, node);
        forget(node);
        stir(&daemon);
        result = loop_run(&daemon.loop, err);
    }
    drift_close(&daemon.drift);
    bringup_close(&daemon.bringup);
    recording_close(&daemon.recording);
    publish_close(&daemon.publish);
    diagnosis_close(&daemon.diagnosis);
    server_close(&daemon.server);
    supervisor_close(&daemon.supervisor);
    asking_close(&daemon.asking);
    terminal_close(&daemon.terminal);
    loop_close(&daemon.loop);
    release_kept(daemon.kept);
    return result;
}
