/* SPDX-License-Identifier: Apache-2.0 */
#include "control/recording.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "control/show.h"
#include "supervise/record.h"
#include "timeline/before.h"
#include "timeline/store.h"

#define LONGEST_DETAIL 130 /* bytes: three records */
#define MOST_CHANGES 60    /* noted of one service: one that fails again and again must not fill the file */
#define MOST_COMPARED 64   /* needs of one resource: beyond that all are noted */

static bool is_over(const struct recording *recording)
{
    return recording->recorder.fd < 0 || recording->recorder.ready || recording->recorder.closed;
}

static int64_t microseconds(const struct timeval *time)
{
    return time->tv_sec * MICROSECONDS_PER_SECOND + time->tv_usec;
}

/* Keeping it. */

/* In a process of its own. What the kernel says of its own start is asked for here, where nobody waits. */
static void keep_and_exit(struct recording *recording)
{
    struct timeline_record init = {.type = TIMELINE_INIT, .at = before_init()};
    struct timeline_record kept = {.type = TIMELINE_KEPT};
    struct error err = {0};
    char text[1024];
    char *data = NULL;
    size_t length = 0;

    prctl(PR_SET_NAME, "edgeinit-keep");
    child_reset_signals();
    if (init.at > 0) {
        recorder_add(&recording->recorder, &init);
    }
    if (recorder_read(recording->run_dir, &data, &length, &err) != 0 ||
        store_keep(recording->state_dir, data, length, recording->boots, &err) != 0) {
        log_warning("the timeline of this boot cannot be kept: %s", error_text(&err, text, sizeof(text)));
        kept.total.error = err.errnum == 0 ? EIO : (uint32_t)err.errnum;
    }
    kept.at = clock_now();
    recorder_add(&recording->recorder, &kept);
    _exit(EXIT_SUCCESS);
}

static void keep(struct recording *recording)
{
    if (recording->recorder.fd < 0 || recording->recorder.kept) {
        return;
    }
    recording->recorder.kept = true;
    loop_timer_clear(recording->loop, &recording->deadline);
    if (recording->boots > 0 && fork() == 0) { /* reaped with all others, and not waited for */
        keep_and_exit(recording);
    }
}

/* What the daemon notes before comes before. It does not wait for us. */
static void flush(struct recording *recording)
{
    char byte;

    if (recording->turn >= 0) {
        while (read(recording->turn, &byte, 1) < 0 && errno == EINTR) {
        }
        close(recording->turn);
        recording->turn = -1;
    }
    recorder_flush(&recording->recorder);
}

static void note_detail(struct recording *recording, enum timeline_kind kind, size_t number, const char *text)
{
    CLEANUP_FREE char *detail = xstrndup(text, LONGEST_DETAIL);

    recorder_text(&recording->recorder, TIMELINE_DETAIL, kind, number, 0, detail);
    flush(recording);
}

/* Services. */

/* Its number, which it gets when it is seen for the first time; they are asked for one after another. */
static size_t number_of(struct recording *recording, const char *name)
{
    size_t number = recording->likely;

    if (number >= recording->count || !streq(recording->names[number], name)) {
        for (number = 0; number < recording->count && !streq(recording->names[number], name); number++) {
        }
    }
    if (number == recording->count) {
        recording->count++;
        recording->names = xrealloc(recording->names, recording->count * sizeof(*recording->names));
        recording->changes = xrealloc(recording->changes, recording->count * sizeof(*recording->changes));
        recording->names[number] = xstrdup(name);
        recording->changes[number] = 0;
        recorder_text(&recording->recorder, TIMELINE_ITEM, TIMELINE_OF_SERVICE, number, 0, name);
    }
    recording->likely = number + 1;
    return number;
}

static void note_service(struct recording *recording, const struct service *service, int64_t at)
{
    const struct machine *machine = &service->machine;
    size_t number = number_of(recording, service->config->name);
    struct timeline_record record = {
        .type = TIMELINE_SERVICE,
        .kind = TIMELINE_OF_SERVICE,
        .index = (uint16_t)number,
        .at = at,
        .service = {.instance = (uint32_t)machine->instance,
                    .restarts = (uint32_t)machine->restarts,
                    .executed = machine->started_at},
    };

    recording->changes[number] += recording->changes[number] <= MOST_CHANGES;
    if (recording->changes[number] > MOST_CHANGES && !recording->concluding) {
        return;
    }
    snprintf(record.service.state, sizeof(record.service.state), "%s", machine_state_name(machine->state));
    snprintf(record.service.cause, sizeof(record.service.cause), "%s", machine_cause_name(machine->cause));
    recorder_add(&recording->recorder, &record);
    if (service->detail[0] != '\0' && machine->cause != CAUSE_NONE) {
        note_detail(recording, TIMELINE_OF_SERVICE, number, service->detail);
    }
}

void recording_service(struct recording *recording, const struct service *service)
{
    if (!is_over(recording)) {
        note_service(recording, service, clock_now());
    }
}

/* Of those that changed so often that not all was noted. */
static void note_last_states(struct recording *recording)
{
    const struct supervisor *supervisor = recording->supervisor;

    recording->concluding = true;
    for (size_t i = 0; supervisor != NULL && i < supervisor->count; i++) {
        const struct service *service = supervisor->services[i];

        if (recording->changes[number_of(recording, service->config->name)] > MOST_CHANGES) {
            note_service(recording, service, service->machine.since);
        }
    }
    recording->concluding = false;
}

/* READY or CLOSED, with the CPU time of this process; that of the worker is noted with what it did. */
static void conclude(struct recording *recording, enum timeline_type type)
{
    struct timeline_record record = {.type = (uint8_t)type, .at = clock_now()};
    struct rusage usage = {0};

    if (is_over(recording)) {
        return;
    }
    note_last_states(recording);
    getrusage(RUSAGE_SELF, &usage);
    record.total.user = microseconds(&usage.ru_utime);
    record.total.system = microseconds(&usage.ru_stime);
    recorder_add(&recording->recorder, &record);
    recording->recorder.ready |= type == TIMELINE_READY;
    recording->recorder.closed |= type == TIMELINE_CLOSED;
    keep(recording);
}

static void deadline_due(void *data)
{
    conclude(data, TIMELINE_CLOSED);
}

void recording_ready(struct recording *recording)
{
    conclude(recording, TIMELINE_READY);
}

void recording_end(struct recording *recording)
{
    conclude(recording, TIMELINE_CLOSED);
}

/* Coming and going. */

static void note_daemon(struct recording *recording)
{
    struct timeline_record record = {.type = TIMELINE_DAEMON, .at = recording->loaded};
    int64_t entered = recording->entered;
    int64_t user = microseconds(&recording->used.ru_utime);
    int64_t system = microseconds(&recording->used.ru_stime);
    /* Reading the manifest is nearly all CPU time, so what was used before is the rest. */
    int64_t before = user + system - (record.at - entered);
    record.daemon.process = before_process(entered, before < 0 ? 0 : before);
    record.daemon.entered = entered;
    record.daemon.version = TIMELINE_VERSION;
    record.daemon.user = (uint32_t)user;
    record.daemon.system = (uint32_t)system;
    record.daemon.pid = getpid();
    recorder_add(&recording->recorder, &record);
}

static void complain(const struct error *err)
{
    char text[1024];

    log_warning("no timeline of this boot: %s", error_text(err, text, sizeof(text)));
}

void recording_open(struct recording *recording, struct loop *loop, const struct node_paths *paths, size_t boots,
                    int64_t entered)
{
    struct error err = {0};
    bool is_new = false;

    *recording = (struct recording){.loop = loop,
                                    .run_dir = paths->run_dir,
                                    .state_dir = paths->state_dir,
                                    .boots = boots,
                                    .recorder.fd = -1,
                                    .entered = entered,
                                    .loaded = clock_now(),
                                    .turn = -1};
    getrusage(RUSAGE_SELF, &recording->used);
    if (recorder_open(&recording->recorder, paths->run_dir, &is_new, &err) != 0) {
        complain(&err);
        recording->begun = true;
    } else if (!is_new) { /* of this boot, it says whether anything is to be noted */
        recording_begin(recording);
    }
}

void recording_begin(struct recording *recording)
{
    struct error err = {0};
    struct timespec wall = {0};
    char boot_id[40];
    int64_t began;

    if (recording->begun) {
        return;
    }
    recording->begun = true;
    boot_id_read(boot_id);
    clock_gettime(CLOCK_REALTIME, &wall);
    if (recorder_begin(&recording->recorder, boot_id, wall.tv_sec * MICROSECONDS_PER_SECOND + wall.tv_nsec / 1000,
                       &err) != 0) {
        complain(&err);
        return;
    }
    note_daemon(recording);
    began = recording->recorder.began == 0 ? clock_now() : recording->recorder.began;
    if (!is_over(recording)) {
        loop_timer_set(recording->loop, &recording->deadline, began + RECORDING_DEADLINE, deadline_due, recording);
    } else {
        keep(recording); /* the daemon before was killed between the two */
    }
}

void recording_close(struct recording *recording)
{
    if (recording->loop == NULL) {
        return;
    }
    loop_timer_clear(recording->loop, &recording->deadline);
    recorder_close(&recording->recorder);
    for (size_t i = 0; i < recording->count; i++) {
        free(recording->names[i]);
    }
    free(recording->names);
    free(recording->changes);
    recording->loop = NULL;
}

void recording_services(struct recording *recording, const struct supervisor *supervisor)
{
    recording->supervisor = supervisor;
    if (is_over(recording)) {
        return;
    }
    for (size_t i = 0; i < supervisor->count; i++) {
        number_of(recording, supervisor->services[i]->config->name);
    }
    for (size_t i = 0; i < supervisor->count; i++) {
        const struct service *service = supervisor->services[i];
        size_t number = number_of(recording, service->config->name);

        for (size_t j = 0; j < service->config->after_count; j++) {
            recorder_need(&recording->recorder, TIMELINE_OF_SERVICE, number, TIMELINE_OF_SERVICE,
                          number_of(recording, service->config->after[j]));
        }
        recording->likely = number + 1;
    }
    for (size_t i = 0; i < supervisor->count; i++) {
        note_service(recording, supervisor->services[i], supervisor->services[i]->machine.since);
    }
    recorder_flush(&recording->recorder);
}

/* Resources. */

/* Does another of these needs it itself? Then that one says enough. Needs of paths are complete: what is needed by what is
 * needed is among them. */
static bool is_implied(const struct plan *plan, const struct plan_entry *entry, size_t need)
{
    for (size_t i = 0; i < entry->need_count && entry->need_count <= MOST_COMPARED; i++) {
        const struct plan_entry *other = &plan->entries[entry->needs[i]];

        for (size_t j = 0; j < other->need_count; j++) {
            if (other->needs[j] == need) {
                return true;
            }
        }
    }
    return false;
}

static void note_resource_needs(struct recording *recording, const struct plan *plan, size_t index)
{
    const struct plan_entry *entry = &plan->entries[index];

    for (size_t i = 0; i < entry->need_count; i++) {
        if (!is_implied(plan, entry, entry->needs[i])) {
            recorder_need(&recording->recorder, TIMELINE_OF_RESOURCE, index, TIMELINE_OF_RESOURCE, entry->needs[i]);
        }
    }
}

void recording_bringup(struct recording *recording, const struct node *node, int64_t at)
{
    struct timeline_record record = {.type = TIMELINE_BRINGUP, .at = at};
    const struct plan *plan = &node->plan;

    if (is_over(recording)) {
        return;
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_entry *entry = &plan->entries[i];

        recorder_text(&recording->recorder, TIMELINE_ITEM, TIMELINE_OF_RESOURCE, i,
                      (entry->in_worker ? TIMELINE_IN_WORKER : 0U) |
                          (entry->resource->path == NULL ? TIMELINE_FOR_ALL : 0U),
                      entry->resource->name);
    }
    for (size_t i = 0; i < plan->count; i++) {
        note_resource_needs(recording, plan, i);
    }
    for (size_t i = 0; i < node->services.count; i++) {
        size_t number = number_of(recording, node->services.items[i].name);

        for (size_t j = 0; j < plan->count; j++) {
            if (node_service_needs(&node->services.items[i], &plan->entries[j])) {
                recorder_need(&recording->recorder, TIMELINE_OF_SERVICE, number, TIMELINE_OF_RESOURCE, j);
            }
        }
    }
    recorder_add(&recording->recorder, &record);
}

static uint32_t bounded(int64_t microseconds_taken)
{
    return microseconds_taken < 0 ? 0 : microseconds_taken > UINT32_MAX ? UINT32_MAX : (uint32_t)microseconds_taken;
}

void recording_entry(struct recording *recording, const struct plan *plan, const struct plan_entry *entry)
{
    size_t index = (size_t)(entry - plan->entries);
    const struct plan_times *times = &entry->times;
    struct timeline_record record = {
        .type = TIMELINE_RESOURCE,
        .kind = TIMELINE_OF_RESOURCE,
        .index = (uint16_t)index,
        .at = clock_now(),
        .resource = {.began = times->began,
                     .ended = times->ended,
                     .waited = bounded(times->waited),
                     .probed = bounded(times->probed),
                     .applied = bounded(times->applied),
                     .user = bounded(times->user),
                     .system = bounded(times->system),
                     .blocker = (uint16_t)entry->blocker},
    };

    if (is_over(recording)) {
        return;
    }
    if (entry->state == STATE_WAITING && entry->resource->detail != NULL) {
        note_detail(recording, TIMELINE_OF_RESOURCE, index, entry->resource->detail);
    }
    if (entry->state < STATE_IN_PLACE) {
        return;
    }
    snprintf(record.resource.state, sizeof(record.resource.state), "%s", show_state_word(entry->state));
    recorder_put(&recording->recorder, &record);
    if (entry->state == STATE_FAILED && entry->resource->error != NULL) {
        note_detail(recording, TIMELINE_OF_RESOURCE, index, entry->resource->error->what);
    }
}

void recording_flush(struct recording *recording)
{
    flush(recording);
}

void recording_applied(struct recording *recording, const struct plan *plan)
{
    struct timeline_record record = {.type = TIMELINE_APPLIED, .at = clock_now()};
    struct rusage usage = {0};

    if (is_over(recording)) {
        return;
    }
    getrusage(RUSAGE_SELF, &usage);
    record.total.user = microseconds(&usage.ru_utime) + plan->worker_user;
    record.total.system = microseconds(&usage.ru_stime) + plan->worker_system;
    recorder_put(&recording->recorder, &record);
    flush(recording);
}
