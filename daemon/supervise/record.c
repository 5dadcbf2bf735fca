/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/record.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>

#include "base/util.h"
#include "supervise/stat_plan.h"

/* A field whose type lets any bits in. */
static bool is_flag_set(const void *flag)
{
    uint8_t value;

    memcpy(&value, flag, 1);
    return value != 0;
}

static bool header_is_right(const void *data, size_t length)
{
    struct wire_header header;

    if (length < sizeof(header)) {
        return false;
    }
    memcpy(&header, data, sizeof(header));
    return header.magic == KEEPER_MAGIC;
}

static int32_t in_range(int32_t value, int32_t end, int32_t otherwise)
{
    return value >= 0 && value < end ? value : otherwise;
}

bool record_read(const void *data, size_t length, struct keeper_record *record)
{
    struct notify_state *notify = &record->notify;

    memset(record, 0, sizeof(*record));
    if (!header_is_right(data, length)) {
        return false;
    }
    memcpy(record, data, length < sizeof(*record) ? length : sizeof(*record));
    if (record->header.type != WIRE_RECORD) {
        memset(record, 0, sizeof(*record));
        return false;
    }
    record->boot_id[sizeof(record->boot_id) - 1] = '\0';
    record->keeper_pid = record->keeper_pid > 0 ? record->keeper_pid : 0;
    record->pid = record->pid > 0 ? record->pid : 0;
    /* A phase that a later version knows is taken for one in which a process runs, never for one that allows a second. */
    record->phase = in_range(record->phase, PHASES, record->pid > 0 ? PHASE_RUNNING : PHASE_IDLE);
    record->adopted = in_range(record->adopted, ADOPTIONS, ADOPTION_ADOPTED);
    record->step = in_range(record->step, STEPS, STEP_NONE);
    record->filter = in_range(record->filter, STAT_WAYS, STAT_NONE);
    record->filter_step = in_range(record->filter_step, STAT_STEPS, STAT_STEP_NONE);
    notify->ready = is_flag_set(&notify->ready);
    notify->stopping = is_flag_set(&notify->stopping);
    notify->reloading = is_flag_set(&notify->reloading);
    notify->trigger = is_flag_set(&notify->trigger);
    notify->main_pid = notify->main_pid > 0 ? notify->main_pid : 0;
    notify->status[sizeof(notify->status) - 1] = '\0';
    return true;
}

bool message_read(const void *data, size_t length, struct wire_message *message)
{
    memset(message, 0, sizeof(*message));
    if (!header_is_right(data, length)) {
        return false;
    }
    memcpy(message, data, length < sizeof(*message) ? length : sizeof(*message));
    return true;
}

/* A small file as text; "" if it cannot be read. */
static void read_text(const char *path, char *buffer, size_t size)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, buffer, size - 1);

    buffer[length < 0 ? 0 : length] = '\0';
}

/* A number of /proc/PID/stat, counted from 1 as proc(5) does; only those after the name, which may contain anything. */
static uint64_t stat_field(pid_t pid, int field)
{
    char path[32];
    char text[1024];
    const char *at;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    read_text(path, text, sizeof(text));
    at = strrchr(text, ')');
    for (int i = 2; at != NULL && i < field; i++) {
        at = strchr(at + 1, ' ');
    }
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}

uint64_t process_start_time(pid_t pid)
{
    return stat_field(pid, 22);
}

pid_t process_parent(pid_t pid)
{
    return (pid_t)stat_field(pid, 4);
}

void boot_id_read(char id[40])
{
    read_text("/proc/sys/kernel/random/boot_id", id, 40);
    id[strcspn(id, "\n")] = '\0';
}

const char *phase_name(int phase)
{
    static const char *const names[] = {
        [PHASE_IDLE] = "idle",   [PHASE_STARTING] = "starting", [PHASE_RUNNING] = "running",
        [PHASE_ENDED] = "ended", [PHASE_FAILED] = "failed",
    };

    static_assert(ARRAY_SIZE(names) == PHASES, "every phase has a name");
    return phase >= 0 && phase < PHASES ? names[phase] : "unknown";
}

const char *step_text(int step)
{
    static const char *const texts[] = {
        [STEP_NONE] = "nothing went wrong",
        [STEP_SPEC] = "its description could not be read",
        [STEP_FORK] = "no process could be made",
        [STEP_LOG] = "its log pipe could not be opened",
        [STEP_CGROUP] = "its cgroup could not be joined",
        [STEP_CREDENTIALS] = "its user could not be set",
        [STEP_DIRECTORY] = "its working directory could not be entered",
        [STEP_CONTEXT] = "its SELinux context could not be set",
        [STEP_EXECUTE] = "its program could not be executed",
        [STEP_FILTER] = "its statistics could not be filtered",
    };

    static_assert(ARRAY_SIZE(texts) == STEPS, "every step has a text");
    return step >= 0 && step < STEPS ? texts[step] : "unknown";
}
