/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In the place of edge/profile.c in out/edgeinit-profiled, for tests/sandbox/47-profile.t: a profile "dockerd" that does what
 * the test says. /tmp/work/NAME.prepare and NAME.judge, where they are, are read line by line:
 *
 *   hold park|retry     code WORD     what TEXT     remedy TEXT     suspect NAME     blameless     again MILLISECONDS
 *   wake KIND [VALUE]   see kinds[]
 *   line TEXT           the rest counts only if the log has a line with TEXT, which becomes the judgement's
 *   sleep SECONDS       crash         fail TEXT: an error instead of an answer
 *
 * Each call notes "NAME QUESTION INSTANCE-WORDS" in /tmp/work/asked.
 */
#include "edge/profile.h"

#include "base/util.h"

static const char *const kinds[WAKE_KINDS] = {
    [WAKE_NONE] = "none",
    [WAKE_ROUTE] = "route",
    [WAKE_ADDRESS] = "address",
    [WAKE_CLOCK] = "clock",
    [WAKE_FILE] = "file",
    [WAKE_MOUNT] = "mount",
    [WAKE_FILE_CHANGED] = "file-changed",
    [WAKE_NETWORK_CHANGED] = "network-changed",
    [WAKE_CLOCK_CHANGED] = "clock-changed",
    [WAKE_SERVICE_READY] = "service-ready",
};

static void add_wake(struct judgement *judgement, char *words)
{
    char *value = strchr(words, ' ');

    if (value != NULL) {
        *value++ = '\0';
    }
    for (int kind = 0; kind < WAKE_KINDS; kind++) {
        if (streq(kinds[kind], words)) {
            judgement_wake(judgement, (enum wake_kind)kind, value == NULL ? "" : value);
        }
    }
}

/* False: the log has no such line. */
static bool find_line(const struct profile_call *call, struct judgement *judgement, const char *wanted)
{
    const char *at = call->log == NULL ? NULL : strstr(call->log, wanted);

    if (at != NULL) {
        snprintf(judgement->line, sizeof(judgement->line), "%.*s", (int)strcspn(at, "\n"), at);
    }
    return at != NULL;
}

/* False: the rest does not count. */
static bool obey(const struct profile_call *call, struct judgement *judgement, const char *word, char *rest,
                 struct error *err)
{
    if (streq(word, "hold")) {
        judgement->hold = streq(rest, "park") ? JUDGEMENT_PARK : JUDGEMENT_RETRY;
    } else if (streq(word, "code")) {
        snprintf(judgement->code, sizeof(judgement->code), "%s", rest);
    } else if (streq(word, "what")) {
        snprintf(judgement->what, sizeof(judgement->what), "%s", rest);
    } else if (streq(word, "remedy")) {
        snprintf(judgement->remedy, sizeof(judgement->remedy), "%s", rest);
    } else if (streq(word, "suspect")) {
        snprintf(judgement->suspect, sizeof(judgement->suspect), "%s", rest);
    } else if (streq(word, "blameless")) {
        judgement->blameless = 1;
    } else if (streq(word, "again")) {
        judgement->again_after = strtoll(rest, NULL, 10);
    } else if (streq(word, "wake")) {
        add_wake(judgement, rest);
    } else if (streq(word, "line")) {
        return find_line(call, judgement, rest);
    } else if (streq(word, "sleep")) {
        sleep((unsigned)strtoul(rest, NULL, 10));
    } else if (streq(word, "crash")) {
        abort();
    } else if (streq(word, "fail")) {
        error_set(err, ERROR_INPUT, 0, "%s", rest);
        return false;
    }
    return true;
}

static int answer(const struct profile_call *call, const char *question, struct judgement *judgement, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("/tmp/work/%s.%s", call->service->name, question);
    CLEANUP_FILE FILE *asked = fopen("/tmp/work/asked", "a");
    CLEANUP_FILE FILE *script = fopen(path, "r");
    char line[512];

    if (asked != NULL) {
        fprintf(asked, "%s %s %d %d %lld\n", call->service->name, question, (int)call->end, call->status,
                (long long)call->lived);
        fflush(asked);
    }
    while (script != NULL && fgets(line, sizeof(line), script) != NULL) {
        char *rest = line + strcspn(line, " \n");

        line[strcspn(line, "\n")] = '\0';
        if (*rest == ' ') {
            *rest++ = '\0';
        }
        if (!obey(call, judgement, line, rest, err)) {
            break;
        }
    }
    return err->code == ERROR_NONE ? 0 : -1;
}

static int prepare(const struct profile_call *call, struct judgement *judgement, struct error *err)
{
    return answer(call, "prepare", judgement, err);
}

static void judge(const struct profile_call *call, struct judgement *judgement)
{
    struct error ignored = {0};

    answer(call, "judge", judgement, &ignored);
}

static const struct profile profiles[] = {
    {.name = "dockerd", .prepare = prepare, .judge = judge},
    {.name = "edgecore", .reads_edge = true, .prepare = NULL, .judge = judge},
};

const struct profile *profile_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
        if (streq(profiles[i].name, name)) {
            return &profiles[i];
        }
    }
    return NULL;
}
