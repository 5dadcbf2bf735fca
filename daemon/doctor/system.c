/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of itself: the clock, its command line, the file systems, how many processes there may be. */
#include <time.h>

#include "base/file.h"
#include "base/util.h"
#include "doctor/judge.h"
#include "doctor/probe.h"
#include "host/module.h"

#define TEXT_LARGEST (64 * 1024)
#define ROOM_NEEDED 512 /* processes and threads: dockerd, containerd and edgecore have about 60, a container its own */

/* The build defines it from SOURCE_DATE_EPOCH; else a day before this line was written. Nothing on the board can be older
 * than the program. */
#ifndef EDGEINIT_BUILD_TIME
#define EDGEINIT_BUILD_TIME 1793491200 /* 2026-11-01 */
#endif

enum { ROW_CLOCK, ROW_CMDLINE, ROW_F2FS, ROW_PIDS, ROW_READY };

static const struct probe_row rows[] = {
    [ROW_CLOCK] =
        {"clock.sane", NEED_KUBEEDGE, "the clock is not before the day when this program was built",
         "no certificate is valid yet: edgecore cannot join, docker cannot pull",
         "set it (\"date\", NTP, a clock with a battery), and let edgecore wait: \"conditions\": [{\"clock\": "
         "\"2026-01-01\"}]"},
    [ROW_CMDLINE] = {"boot.cgroups", NEED_DOCKER, "the kernel's command line leaves the controllers on",
                     "the controller cannot be mounted", "take it out of the boot arguments and reboot"},
    [ROW_F2FS] = {"card.f2fs", NEED_OVERLAY, "the kernel can mount f2fs", "a card with f2fs cannot be mounted",
                  "build the kernel with CONFIG_F2FS_FS=y, or format the card as ext4 and say so in \"mounts\""},
    [ROW_PIDS] =
        {"limits.pids", NEED_DOCKER, "there is room for some hundred more processes",
         "dockerd or a container ends with \"resource temporarily unavailable\"",
         "raise kernel.pid_max or kernel.threads-max in \"sysctls\", or pids.max of the group that edgeinit is in"},
    [ROW_READY] = {"boot.ready", NEED_EDGEINIT, "everything of the manifest came up, and how long after the boot",
                   "the board is not what the manifest says", "\"edgeinit status\" says what it waits for"},
};

int64_t board_least_time(void)
{
    return EDGEINIT_BUILD_TIME;
}

static char *read_text(const char *path)
{
    struct error ignored = {0};
    char *text = NULL;
    size_t length = 0;

    return file_read(path, TEXT_LARGEST, &text, &length, &ignored) == 0 ? text : NULL;
}

static void check_clock(struct answers *answers)
{
    time_t now = time(NULL);
    time_t built = EDGEINIT_BUILD_TIME;
    struct tm date;
    char now_text[32] = "?";
    char built_text[32] = "?";

    strftime(now_text, sizeof(now_text), "%Y-%m-%d %H:%M", gmtime_r(&now, &date));
    strftime(built_text, sizeof(built_text), "%Y-%m-%d", gmtime_r(&built, &date));
    if (now >= built) {
        say(answers, ROW_CLOCK, ANSWER_YES, "the clock says %s UTC", now_text);
    } else {
        say(answers, ROW_CLOCK, ANSWER_NO, "the clock says %s UTC, and this program was built on %s", now_text,
            built_text);
    }
}

static void check_command_line(struct answers *answers, const struct board *board)
{
    CLEANUP_FREE char *cmdline = read_text("/proc/cmdline");
    CLEANUP_TEXT struct text off = {0};
    struct board_controller controller;
    bool needed = false;
    char word[64] = "";
    char one[64];

    for (size_t i = 0; cmdline != NULL && board_controller(board, i, &controller); i++) {
        if (judge_disabled(cmdline, controller.name, one)) {
            text_format(&off, "%s%s", off.length == 0 ? "" : ", ", controller.name);
            memcpy(word, one, sizeof(word));
            needed |= controller.required;
        }
    }
    if (off.length == 0) {
        say(answers, ROW_CMDLINE, ANSWER_YES, "the kernel's command line leaves the controllers on");
    } else {
        say(answers, ROW_CMDLINE, needed ? ANSWER_NO : ANSWER_WARNING,
            "\"%s\" in the kernel's command line switches off %s", word, text_string(&off));
    }
}

static void check_f2fs(struct answers *answers, const struct board *board)
{
    bool wanted = board_wants_type(board, "f2fs");

    if (!wanted && board->manifest != NULL) {
        return; /* nobody asked */
    }
    if (module_knows_file_system("f2fs")) {
        say(answers, ROW_F2FS, ANSWER_YES, "the kernel can mount f2fs");
    } else {
        say(answers, ROW_F2FS, wanted ? ANSWER_NO : ANSWER_WARNING, "this kernel has no f2fs");
    }
}

static int64_t read_number(const char *path)
{
    CLEANUP_FREE char *text = read_text(path);

    return text == NULL ? 0 : strtoll(text, NULL, 10); /* "max" is 0: no limit */
}

/* The limit of our own group in the pids hierarchy; 0 if that is mounted nowhere that we know. */
static int64_t read_group_limit(const struct board *board)
{
    CLEANUP_FREE char *groups = read_text("/proc/self/cgroup");
    CLEANUP_FREE char *path = NULL;
    const char *at = groups == NULL ? NULL : strstr(groups, ":pids:");

    if (at == NULL) {
        return 0;
    }
    at += strlen(":pids:");
    path = xasprintf("%s/pids%.*s/pids.max", board_cgroup_root(board), (int)strcspn(at, "\n"), at);
    return read_number(path);
}

static void check_processes(struct answers *answers, const struct board *board)
{
    CLEANUP_FREE char *load = read_text("/proc/loadavg");
    const char *slash = load == NULL ? NULL : strchr(load, '/');
    int64_t limits[] = {read_number("/proc/sys/kernel/pid_max"), read_number("/proc/sys/kernel/threads-max"),
                        read_group_limit(board)};
    int64_t running = slash == NULL ? 0 : strtoll(slash + 1, NULL, 10);
    int64_t room = judge_process_room(running, limits, ARRAY_SIZE(limits));

    say(answers, ROW_PIDS, room >= ROOM_NEEDED ? ANSWER_YES : ANSWER_NO,
        "%lld processes and threads run, and there is room for %lld more", (long long)running, (long long)room);
}

/* The running daemon notes when it all became true (control/daemon.c). Without a daemon there is nothing to say. */
static void check_ready(struct answers *answers, const struct board *board)
{
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE char *text = NULL;
    char took[32];

    if (board->daemon == 0) {
        return;
    }
    path = xasprintf("%s/ready", board->run_dir);
    text = read_text(path);
    if (text == NULL) {
        say(answers, ROW_READY, ANSWER_WARNING, "not everything has come up since the boot");
    } else {
        text_show_duration(strtoll(text, NULL, 10) * 1000, took, sizeof(took));
        say(answers, ROW_READY, ANSWER_YES, "everything was in place and ready %s after the boot", took);
    }
}

static void quick(struct answers *answers, const struct board *board)
{
    check_clock(answers);
    check_command_line(answers, board);
    check_f2fs(answers, board);
    check_processes(answers, board);
}

static void run(struct answers *answers, const struct board *board)
{
    quick(answers, board);
    check_ready(answers, board);
}

const struct probe probe_system = {
    .name = "system", .rows = rows, .count = ARRAY_SIZE(rows), .run = run, .quick = quick, .quick_count = ROW_READY};
