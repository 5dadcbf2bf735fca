/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dockerd believes docker.pid too easily (18.03 to 24): any living process with that number keeps it from starting, itself
 * included, for after a reboot it often gets the number that it had. A power cut, or a SIGKILL, leaves the file.
 *
 * Whether a living dockerd with that number is the one that wrote it is told by a note that is made once ours is ready: the
 * writer's number, its start time and the boot, and which writing of the file this is about (inode and time of modification:
 * equal or not, what the clock says does not matter). About a file that somebody else wrote the note says nothing; then the
 * dockerd with the number is believed, unless it has a pid file of its own elsewhere.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"
#include "edge/dockerd.h"
#include "edge/process.h"
#include "supervise/record.h"

#define LOOK_AGAIN INT64_C(10000) /* milliseconds: a dockerd that is killed leaves its pid file as it is */
#define NOTE_LONGEST 256
#define WORDS 256 /* of a command line that are looked at */

enum pid_owner {
    OWNER_NO_NUMBER,
    OWNER_STRANGER,
    OWNER_OTHER_BOOT,
    OWNER_SUCCESSOR,
    OWNER_ELSEWHERE,
    OWNER_LIVES,
};

/* Why the file is stale; the number follows where there is one. */
static const char *const stale[] = {
    [OWNER_NO_NUMBER] = "it holds no number",
    [OWNER_STRANGER] = "no dockerd has the number",
    [OWNER_OTHER_BOOT] = "it was written before a reboot, not by the dockerd that now has the number",
    [OWNER_SUCCESSOR] = "who wrote it has ended; a dockerd that was started later has the number",
    [OWNER_ELSEWHERE] = "another pid file is that of the dockerd with the number",
};

struct pid_note {
    int64_t pid;
    int64_t start_time;
    char boot_id[40];
    int64_t inode;
    int64_t seconds;
    int64_t nanoseconds;
};

static char *note_path(const struct profile_call *call)
{
    return xasprintf("%s/dockerd/pid", call->paths->state_dir);
}

/* The next number of the note, which ends with this character. */
static bool take_number(const char **at, char end, int64_t *number)
{
    char *after = NULL;

    errno = 0;
    *number = strtoll(*at, &after, 10);
    if (after == *at || errno != 0 || *after != end) {
        return false;
    }
    *at = after + 1;
    return true;
}

static bool note_read(const char *path, struct pid_note *note)
{
    CLEANUP_FREE char *text = NULL;
    struct error ignored = {0};
    size_t length = 0;
    const char *at;

    if (file_read(path, NOTE_LONGEST, &text, &length, &ignored) != 0) {
        return false;
    }
    at = text;
    if (!take_number(&at, ' ', &note->pid) || !take_number(&at, ' ', &note->start_time)) {
        return false;
    }
    length = strcspn(at, " ");
    if (length == 0 || length >= sizeof(note->boot_id) || at[length] != ' ') {
        return false;
    }
    memcpy(note->boot_id, at, length);
    note->boot_id[length] = '\0';
    at += length + 1;
    return take_number(&at, ' ', &note->inode) && take_number(&at, '.', &note->seconds) &&
           take_number(&at, '\n', &note->nanoseconds);
}

/* Is the note about the file as it is now? */
static bool is_about(const struct pid_note *note, const char *path, pid_t pid)
{
    struct stat status;

    return note->pid == pid && stat(path, &status) == 0 && note->inode == (int64_t)status.st_ino &&
           note->seconds == status.st_mtim.tv_sec && note->nanoseconds == status.st_mtim.tv_nsec;
}

static bool is_dockerd(const struct profile_call *call, pid_t pid)
{
    return pid > 0 && (process_runs(pid, "dockerd") || process_runs(pid, path_name(call->service->command[0]))) &&
           !process_is_contained(pid);
}

/* The same path as this process sees it: another root, other mounts. */
static char *seen_by(pid_t pid, const char *path)
{
    return xasprintf("/proc/%d/root%s", (int)pid, path);
}

/* Has this dockerd written its number into another file than this? */
static bool is_elsewhere(pid_t pid, const char *path)
{
    size_t length = 0;
    CLEANUP_FREE char *line = process_read(pid, "cmdline", &length);
    CLEANUP_JSON cJSON *config = NULL;
    CLEANUP_FREE char *config_file = NULL;
    CLEANUP_FREE char *pid_file = NULL;
    const char *words[WORDS + 1] = {NULL};
    struct docker_options options;
    struct stat ours;
    struct stat its;
    size_t count = 0;

    for (const char *word = line; word != NULL && word < line + length && count < WORDS; word += strlen(word) + 1) {
        words[count++] = word;
    }
    docker_options_read(&options, words, NULL);
    config_file = seen_by(pid, options.config_file);
    config = dockerd_config_peek(NULL, config_file);
    docker_options_read(&options, words, config);
    pid_file = seen_by(pid, options.pid_file);
    return process_read_pid(pid_file) == pid && stat(pid_file, &its) == 0 && stat(path, &ours) == 0 &&
           (its.st_dev != ours.st_dev || its.st_ino != ours.st_ino);
}

static enum pid_owner find_owner(const struct profile_call *call, const char *path, pid_t pid)
{
    CLEANUP_FREE char *note_file = note_path(call);
    struct pid_note note;
    char boot_id[40];

    if (pid < 0) {
        return OWNER_NO_NUMBER;
    }
    if (!is_dockerd(call, pid)) {
        return OWNER_STRANGER;
    }
    if (!note_read(note_file, &note) || !is_about(&note, path, pid)) {
        return is_elsewhere(pid, path) ? OWNER_ELSEWHERE : OWNER_LIVES;
    }
    boot_id_read(boot_id);
    if (!streq(note.boot_id, boot_id)) {
        return OWNER_OTHER_BOOT;
    }
    return note.start_time != (int64_t)process_start_time(pid) ? OWNER_SUCCESSOR : OWNER_LIVES;
}

static void park(const char *path, pid_t pid, struct judgement *judgement)
{
    judgement->hold = JUDGEMENT_PARK;
    judgement->again_after = LOOK_AGAIN;
    snprintf(judgement->code, sizeof(judgement->code), "docker-running");
    snprintf(judgement->what, sizeof(judgement->what), "another dockerd runs already, with pid %d (%.96s)", (int)pid,
             path);
    snprintf(judgement->remedy, sizeof(judgement->remedy),
             "stop that one (kill %d), and see who starts it: edgeinit starts its own as soon as it has ended",
             (int)pid);
}

int dockerd_clear_pid_file(const struct dockerd_start *start, struct judgement *judgement, struct error *err)
{
    const char *path = start->options.pid_file;
    struct judgement parked = {0};
    enum pid_owner owner;
    char why[128];
    pid_t pid;

    judgement_wake(&parked, WAKE_FILE_CHANGED, path); /* before it is looked at */
    pid = process_read_pid(path);
    if (pid == 0) {
        return 0;
    }
    owner = find_owner(start->call, path, pid);
    if (owner == OWNER_LIVES) {
        park(path, pid, &parked);
        *judgement = parked;
        return 0;
    }
    snprintf(why, sizeof(why), pid > 0 ? "%s %d" : "%s", stale[owner], (int)pid);
    return dockerd_remove_stale(start->call->service->name, path, why, err);
}

static int note_writer(const struct profile_call *call, const char *path, struct error *err)
{
    static const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *note_file = note_path(call);
    CLEANUP_FREE char *text = NULL;
    struct pid_note before;
    struct stat status;
    uint64_t start_time;
    char boot_id[40];
    char parent[PATH_MAX];
    pid_t pid = process_read_pid(path);

    if (!is_dockerd(call, pid) || stat(path, &status) != 0) {
        return 0; /* it has none, or has ended meanwhile */
    }
    start_time = process_start_time(pid);
    boot_id_read(boot_id);
    if (start_time == 0 || boot_id[0] == '\0' ||
        (note_read(note_file, &before) && is_about(&before, path, pid) && before.start_time == (int64_t)start_time &&
         streq(before.boot_id, boot_id))) {
        return 0;
    }
    text = xasprintf("%d %" PRIu64 " %s %" PRIu64 " %" PRId64 ".%09ld\n", (int)pid, start_time, boot_id,
                     (uint64_t)status.st_ino, (int64_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    path_parent(note_file, parent);
    return file_make_parents(parent, err) != 0 ? -1 : file_write(note_file, text, strlen(text), &attributes, err);
}

void dockerd_settle(const struct profile_call *call)
{
    const char *const *words = (const char *const *)call->service->command;
    CLEANUP_JSON cJSON *config = NULL;
    struct docker_options options;
    struct error err = {0};
    char text[1024];

    docker_options_read(&options, words, NULL);
    config = dockerd_config_peek(call->node->manifest.root, options.config_file);
    docker_options_read(&options, words, config);
    if (note_writer(call, options.pid_file, &err) != 0) {
        log_error("%s: cannot note who wrote %s: %s", call->service->name, options.pid_file,
                  error_text(&err, text, sizeof(text)));
    }
}
