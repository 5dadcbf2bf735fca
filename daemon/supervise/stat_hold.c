/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/stat_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/util.h"

static void close_sockets(struct stat_hold *hold)
{
    if (hold->socket >= 0) {
        close(hold->socket);
        close(hold->entry.socket);
        hold->socket = -1;
        hold->entry.socket = -1;
    }
}

static void forget_listener(struct stat_hold *hold)
{
    if (hold->source->fd >= 0) {
        close(hold->source->fd);
        hold->source->fd = -1;
    }
    hold->source->revents = 0; /* what poll(2) said of it says nothing about the next one */
}

void stat_hold_open(struct stat_hold *hold, struct keeper_record *record, struct pollfd *source)
{
    hold->record = record;
    hold->source = source;
    hold->socket = -1;
    hold->entry = (struct stat_entry){.plan = &hold->plan, .socket = -1};
}

/* What the plan of the one service that there is points into. Not in struct stat_hold: what a quiet keeper uses lies together. */
static char plan_text[STAT_PLAN_LARGEST];

/* No file is the plan of nearly all services. */
static bool read_plan(struct stat_hold *hold)
{
    CLEANUP_CLOSE int fd = open(STAT_PLAN_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t length = fd < 0 ? 0 : read(fd, plan_text, sizeof(plan_text) - 1);

    plan_text[length < 0 ? 0 : length] = '\0';
    hold->plan = (struct stat_plan){0};
    return (fd < 0 && errno == ENOENT) || (fd >= 0 && stat_plan_parse(plan_text, &hold->plan));
}

static bool can_cover(const struct stat_plan *plan)
{
    bool covers = false;

    for (size_t i = 0; i < plan->count; i++) {
        covers |= plan->acts[i].kind == STAT_ACT_COVER;
    }
    return covers;
}

/* Why not in the way that was planned: the first reason is the one that counts. */
static void go_lower(struct stat_hold *hold, enum stat_step step, int error)
{
    if (hold->record->filter_step == STAT_STEP_NONE) {
        hold->record->filter_step = (int32_t)step;
        hold->record->filter_error = error;
    }
    hold->plan.way = hold->plan.way == STAT_NOTIFY && can_cover(&hold->plan) ? STAT_REFRESH : STAT_NONE;
}

static bool make_sockets(struct stat_hold *hold)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return false;
    }
    hold->socket = pair[0];
    hold->entry.socket = pair[1];
    return true;
}

static void get_ready(struct stat_hold *hold)
{
    int error;

    stat_hold_end(hold);
    if (hold->plan.way == STAT_NOTIFY) {
        if ((error = stat_serve_try_copy()) != 0) {
            go_lower(hold, STAT_STEP_COPY, error);
        } else if (!make_sockets(hold)) {
            go_lower(hold, STAT_STEP_HAND, errno);
        }
    }
    if (hold->plan.way == STAT_REFRESH && stat_copies_begin(&hold->copies, &hold->plan) != 0) {
        go_lower(hold, STAT_STEP_COPY, errno);
    }
    hold->record->filter = (int32_t)hold->plan.way;
}

void stat_hold_begin(struct stat_hold *hold)
{
    forget_listener(hold);
    hold->record->filter_step = STAT_STEP_NONE;
    hold->record->filter_error = 0;
    if (!read_plan(hold)) {
        go_lower(hold, STAT_STEP_PLAN, EINVAL);
    }
    get_ready(hold);
}

static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* In the way that is planned? If not, the plan is now another one. */
static bool is_as_planned(struct stat_hold *hold, pid_t pid)
{
    int listener;
    int error;

    if (hold->record->step == STEP_FILTER) {
        go_lower(hold, (enum stat_step)hold->entry.step, hold->record->error);
        return false;
    }
    if (hold->plan.way != STAT_NOTIFY || hold->record->step != STEP_NONE || has_ended(pid)) {
        return true;
    }
    listener = stat_enter_receive(hold->socket);
    if (listener < 0) {
        go_lower(hold, STAT_STEP_HAND, errno);
        return false;
    }
    error = stat_serve_try_look(pid);
    if (error != 0) {
        close(listener);
        go_lower(hold, STAT_STEP_LOOK, error);
        return false;
    }
    stat_serve_begin(&hold->server, listener);
    hold->source->fd = listener;
    return true;
}

bool stat_hold_is_right(struct stat_hold *hold, pid_t pid)
{
    bool right = is_as_planned(hold, pid);

    if (right) {
        close_sockets(hold);
    } else {
        get_ready(hold);
    }
    return right;
}

void stat_hold_resume(struct stat_hold *hold)
{
    if (hold->record->filter == STAT_REFRESH && read_plan(hold)) {
        (void)stat_copies_begin(&hold->copies, &hold->plan);
    }
}

void stat_hold_end(struct stat_hold *hold)
{
    stat_copies_end(&hold->copies);
    close_sockets(hold);
}

bool stat_hold_serve(struct stat_hold *hold)
{
    int refused = hold->server.refused;

    /* Its end is heard here and waited for nowhere: on 5.10 it comes only when the last process has been reaped. */
    if ((hold->source->revents & POLLIN) == 0 || !stat_serve(&hold->server)) {
        forget_listener(hold);
    }
    if (hold->server.refused == refused) {
        return false;
    }
    hold->record->filter_refused = hold->server.refused;
    return true;
}
