/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/words.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

const struct machine_word machine_states[] = {
    [SERVICE_WAITING] = {"waiting",
                         "for resources, conditions, a service that it comes after, or what is left of itself"},
    [SERVICE_BLOCKED] = {"blocked", "a resource that it needs failed"},
    [SERVICE_PARKED] = {"parked",
                        "a restart cannot help; waits for what can: its program to appear, or what its profile found"},
    [SERVICE_STARTING] = {"starting", "asked for, or runs and is not ready yet"},
    [SERVICE_READY] = {"ready", "runs, and is ready by all its checks"},
    [SERVICE_DELAYED] = {"delayed", "ended; starts again when the delay is over"},
    [SERVICE_STOPPING] = {"stopping", "signalled; ends, or is killed when `stop.timeout` is over"},
    [SERVICE_STOPPED] = {"stopped", "on request; stays so until somebody starts it"},
    [SERVICE_FINISHED] = {"finished", "ended by itself, and `restart.policy` does not start it again"},
};
static_assert(sizeof(machine_states) == sizeof(machine_states[0]) * SERVICE_STATES, "a row for each state");

const struct machine_word machine_events[] = {
    [EVENT_HOLD] = {"hold", "what it waits for before a start is not there, or not any more"},
    [EVENT_RELEASE] = {"release", "all that it waits for is there"},
    [EVENT_BLOCK] = {"block", "a resource that it needs failed"},
    [EVENT_EXECUTED] = {"executed", "the keeper: the instance executes its program"},
    [EVENT_READY] = {"ready", "the checks or the service itself: it is ready"},
    [EVENT_ENDED] = {"ended", "the keeper: the instance ended"},
    [EVENT_FAILED] = {"failed", "the keeper: the instance never executed its program"},
    [EVENT_TIMER] = {"timer", "the time of this state is over"},
    [EVENT_EXTEND] = {"extend", "the service: `EXTEND_TIMEOUT_USEC=`"},
    [EVENT_UNHEALTHY] = {"unhealthy", "liveness checks, watchdog, or a lost keeper with `orphan: stop`"},
    [EVENT_WANT_UP] = {"want-up", "`edgeinit start`, or the daemon after an orderly end"},
    [EVENT_WANT_DOWN] = {"want-down", "`edgeinit stop`, or the daemon's orderly end"},
    [EVENT_WANT_AGAIN] = {"want-again", "`edgeinit restart`, a manifest that changed, or a card that was pulled out"},
    [EVENT_APPEARED] = {"appeared", "the missing program is there"},
    [EVENT_JUDGED] = {"judged", "its profile: what its end was, or that a start makes no sense now"},
    [EVENT_WAKE] = {"wake", "what a judged service waits for has come"},
};
static_assert(sizeof(machine_events) == sizeof(machine_events[0]) * EVENTS, "a row for each event");

const struct machine_cause_words machine_causes[] = {
    [CAUSE_NONE] = {"none", "nothing to tell", "it is as it should be", ""},
    [CAUSE_RESOURCES] = {"resources", "waits for its resources", "resources that it needs are not in place yet",
                         "`edgeinit status` names them"},
    [CAUSE_AFTER] = {"after", "waits for a service that it comes after", "a service named in `after` is not ready",
                     "look at that service"},
    [CAUSE_CONDITION] = {"condition", "waits for a condition", "a fact named in `conditions` does not hold",
                         "plug the cable, set the clock; it starts at that moment"},
    [CAUSE_BLOCKED] = {"blocked", "a resource that it needs failed",
                       "a resource that it needs could not be put in place",
                       "`edgeinit status` says which, why, and the remedy; then `edgeinit apply`"},
    [CAUSE_EXITED] = {"exited", "ended by itself", "it ended with an exit code",
                      "`edgeinit logs SERVICE` has its last words"},
    [CAUSE_SIGNALLED] = {"signalled", "killed by a signal", "a signal that was not edgeinit's killed it",
                         "9: `dmesg` tells whether the kernel ran out of memory; 6, 11: a bug of the program"},
    [CAUSE_UNKNOWN_END] = {"unknown-end", "ended while nobody was its parent",
                           "its keeper had been killed, so its exit status is lost",
                           "look for who kills `edgeinit-keeper`: its log ends there"},
    [CAUSE_START_TIMEOUT] = {"start-timeout", "not ready in time", "it was not ready within `ready.timeout`",
                             "its log; a longer `ready.timeout`, or `EXTEND_TIMEOUT_USEC=`"},
    [CAUSE_LIVENESS] = {"liveness", "its liveness checks failed", "`alive.failures` checks in a row failed",
                        "its log; a longer `alive.timeout` on a slow board"},
    [CAUSE_WATCHDOG] = {"watchdog", "no sign of life in time",
                        "`WATCHDOG=1` did not come within `alive.watchdog`, or it said `WATCHDOG=trigger`", "its log"},
    [CAUSE_STOP_TIMEOUT] = {"stop-timeout", "did not stop in time, and was killed",
                            "it did not end within `stop.timeout` after its signal",
                            "a longer `stop.timeout`. If it stays so, it hangs in the kernel: `cat /proc/PID/stack`"},
    [CAUSE_REQUEST] = {"request", "on request", "somebody asked for it with `edgeinit`", "`edgeinit start SERVICE`"},
    [CAUSE_CHANGED] = {"changed", "the manifest changed", "what the manifest says about its start changed", ""},
    [CAUSE_KEEPER_LOST] = {"keeper-lost", "its keeper was killed", "its keeper was killed, and `orphan` is `stop`",
                           "look for who kills `edgeinit-keeper`"},
    [CAUSE_MISSING] = {"missing", "its program is missing",
                       "its program, or a file that starting it needs, is not there",
                       "install it; it starts at that moment"},
    [CAUSE_CANNOT_START] = {"cannot-start", "could not be started", "a step between fork and exec failed",
                            "`edgeinit status` names the step and the error"},
    [CAUSE_REMAINS] = {"remains", "processes of its last instance are still there",
                       "`stop.scope` is `group`, and not all of its group has ended",
                       "nothing, for a moment; for longer: they hang in the kernel"},
    [CAUSE_OUT_OF_MEMORY] =
        {"out-of-memory", "killed by the kernel, out of memory",
         "the kernel killed it: its control group was at its limit, or the board had no memory left",
         "a higher `memory.limit_in_bytes`; `dmesg` shows who had the memory"},
    [CAUSE_SHUTDOWN] = {"shutdown", "edgeinit was told to end", "the daemon ended in order and stopped its services",
                        "it starts with the next daemon"},
    [CAUSE_PREPARING] = {"preparing", "being prepared for its start",
                         "its profile puts right what is needed for the start, for 10 s at most", "nothing"},
    [CAUSE_JUDGING] = {"judging", "its end is being looked into",
                       "its profile looks for the cause of its end, for 10 s at most", "nothing"},
    [CAUSE_JUDGED] = {"judged", "a restart cannot help",
                      "its profile found why it cannot run; `status` has a word of its own for that, and the remedy",
                      "what `status` says; it starts at that moment, or with `edgeinit start`"},
};
static_assert(sizeof(machine_causes) == sizeof(machine_causes[0]) * CAUSES, "a row for each cause");

static const struct machine_decision decisions[] = {
    {decide_ignore, "–", "changes nothing"},
    {decide_note_hold, "note-hold", "note the reason; it counts at the next start, what runs goes on"},
    {decide_note_block, "note-block", "note that a resource failed; what runs goes on"},
    {decide_note_release, "note-release", "note that it may be started"},
    {decide_wait, "wait", "wait, for the reason given"},
    {decide_block, "block", "be blocked"},
    {decide_release, "start", "start"},
    {decide_executed, "executed", "begin the readiness checks; without any it is ready"},
    {decide_ready, "ready", "be ready; begin the liveness checks, and forget the failures after `reset_after`"},
    {decide_end_by_policy, "by-policy", "count the end; by the policy start again after the delay, or be finished"},
    {decide_fail_start, "fail",
     "count the end; park if the program is missing, else delay at least 1 s, or be finished"},
    {decide_end_of_stop, "end-of-stop",
     "count the end; be stopped, start at once if it was to start again, else as after a failure"},
    {decide_collect_again, "collect", "the end was counted already: tell the keeper once more"},
    {decide_judged, "judge",
     "note what its end was, and that it does not count if so; be parked if a restart cannot help, else go on"},
    {decide_wake, "wake", "start, unless its own failed starts are what wakes it: then not before a delay is over"},
    {decide_appeared, "try", "start, but not before the delay since the failure is over"},
    {decide_start_timeout, "time-out", "stop it: it was not ready in time"},
    {decide_forget_failures, "forget", "forget the failures"},
    {decide_delay_over, "delay-over", "start, or wait if it is held"},
    {decide_kill, "kill", "SIGKILL; again later if that does not end it"},
    {decide_extend, "extend", "move the timer, at most an hour ahead, and never back"},
    {decide_unhealthy, "replace", "stop it, then as after a failure"},
    {decide_signal_again, "signal", "signal it again: the first one met no process yet"},
    {decide_up, "up", "forget the failures; start, or wait if it is held"},
    {decide_up_after_stop, "up-after", "start again at once when it has ended"},
    {decide_up_if_asked, "up?", "as up if a person asked; stays down if only the manifest changed"},
    {decide_again_after_stop, "up-after?", "as up-after if a person asked, or if it is wanted up"},
    {decide_down, "down", "be stopped"},
    {decide_down_if_asked, "down?", "be stopped if a person asked; stays finished at the daemon's end"},
    {decide_stop, "stop", "stop it, and keep it stopped"},
    {decide_stay_down, "stay-down", "keep it stopped when it has ended"},
    {decide_restart, "restart", "stop it, and start it again at once"},
};

const struct machine_decision *machine_decision_at(size_t index)
{
    return index < sizeof(decisions) / sizeof(decisions[0]) ? &decisions[index] : NULL;
}

const struct machine_decision *machine_decision_of(machine_handler *handler)
{
    const struct machine_decision *decision;

    for (size_t i = 0; (decision = machine_decision_at(i)) != NULL; i++) {
        if (decision->handler == handler) {
            return decision;
        }
    }
    return NULL;
}

const char *machine_state_name(unsigned state)
{
    return state < SERVICE_STATES ? machine_states[state].name : "?";
}

const char *machine_cause_name(unsigned cause)
{
    return cause < CAUSES ? machine_causes[cause].name : "?";
}

const char *machine_event_name(unsigned event)
{
    return event < EVENTS ? machine_events[event].name : "?";
}

const char *machine_cause_text(unsigned cause, int status, char *buffer, size_t size)
{
    if (cause == CAUSE_EXITED && status >= 0) {
        snprintf(buffer, size, "exit code %d", WEXITSTATUS(status));
    } else if (cause == CAUSE_SIGNALLED && status >= 0) {
        snprintf(buffer, size, "killed by signal %d (%s)%s", WTERMSIG(status), strsignal(WTERMSIG(status)),
                 WCOREDUMP(status) ? ", core dumped" : "");
    } else {
        snprintf(buffer, size, "%s", cause < CAUSES ? machine_causes[cause].text : "?");
    }
    return buffer;
}
