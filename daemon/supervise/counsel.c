/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/counsel.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "supervise/keeping.h"
#include "supervise/supervisor.h"

/* Of a failure that is judged and may be over already: the pause before it is tried whether it is. */
#define LEAST_PAUSE MACHINE_FAILED_LEAST

/* Does somebody wait for the answer? */
static bool is_open(const struct service *service, enum question question)
{
    const struct machine *machine = &service->machine;

    if (question == QUESTION_PREPARE) {
        return machine->state == SERVICE_WAITING && machine->held == CAUSE_PREPARING;
    }
    if (question == QUESTION_SETTLE) {
        return machine->state == SERVICE_READY;
    }
    return machine->judged != machine->collected;
}

const struct judgement *counsel_verdict(const struct service *service)
{
    const struct machine *machine = &service->machine;
    const struct judgement *judgement = service->judgement;
    bool of_last_end = judgement != NULL && judgement->instance == machine->collected;

    if (judgement == NULL || (machine->state == SERVICE_PARKED && machine->cause != CAUSE_JUDGED)) {
        return NULL;
    }
    return machine->state == SERVICE_PARKED || (machine->state == SERVICE_DELAYED && of_last_end) ? judgement : NULL;
}

static void forget_judgement(struct service *service)
{
    waking_end(take_pointer(&service->waking));
    if (service->judgement != NULL) {
        free(take_pointer(&service->judgement));
        judgement_remove(service->directory);
    }
}

void counsel_open(struct service *service)
{
    struct judgement judgement;

    if (service->config->profile != PROFILE_NONE && judgement_read(&judgement, service->directory)) {
        service->judgement = xmalloc(sizeof(judgement));
        *service->judgement = judgement;
    }
}

static void let_go(struct service *service, enum question question)
{
    const struct counsel_calls *calls = &service->supervisor->counsel;

    if (service->asked_profile[question]) {
        service->asked_profile[question] = false;
        calls->forget(calls->data, service, question);
    }
}

void counsel_close(struct service *service)
{
    let_go(service, QUESTION_PREPARE);
    let_go(service, QUESTION_JUDGE);
    let_go(service, QUESTION_SETTLE);
    waking_end(take_pointer(&service->waking));
    free(take_pointer(&service->judgement));
}

static void ask(struct service *service, enum question question)
{
    const struct counsel_calls *calls = &service->supervisor->counsel;

    if (!service->asked_profile[question] && calls->ask != NULL && calls->has(service->config, question)) {
        service->asked_profile[question] = true;
        calls->ask(calls->data, service, question);
    }
}

/* It has run well since, or nobody wants it to run. */
static bool is_over(const struct machine *machine)
{
    return machine->state == SERVICE_STOPPED || machine->state == SERVICE_FINISHED ||
           (machine->state == SERVICE_READY && machine->failures == 0);
}

void counsel_follow(struct service *service, unsigned actions)
{
    for (int question = 0; question < QUESTIONS; question++) {
        if (!is_open(service, (enum question)question)) {
            let_go(service, (enum question)question);
        }
    }
    if (is_over(&service->machine)) {
        forget_judgement(service);
    }
    if (service->machine.state == SERVICE_PARKED && service->machine.cause == CAUSE_JUDGED &&
        service->judgement == NULL) {
        running_event(service, EVENT_WAKE, CAUSE_NONE, NULL); /* nobody knows any more why */
        return;
    }
    if ((actions & ACTION_PREPARE) != 0 && is_open(service, QUESTION_PREPARE)) {
        ask(service, QUESTION_PREPARE);
    }
    if ((actions & ACTION_JUDGE) != 0 && is_open(service, QUESTION_JUDGE)) {
        ask(service, QUESTION_JUDGE);
    }
    if (is_open(service, QUESTION_SETTLE) && service->settled != service->machine.instance) {
        service->settled = service->machine.instance;
        ask(service, QUESTION_SETTLE);
    }
    /* Last, for the kernel takes its time to close what watches files (a grace period, some ten milliseconds), and the start
     * that was waited for is being prepared meanwhile. */
    if (counsel_verdict(service) == NULL) {
        waking_end(take_pointer(&service->waking));
    } else if (service->waking == NULL) {
        service->waking = waking_begin(service);
    }
}

/* Keep it, for status and for the daemon that comes after us. */
static void keep(struct service *service, const struct judgement *judgement)
{
    struct error err = {0};
    char text[1024];

    forget_judgement(service);
    if (judgement_write(judgement, service->directory, &err) != 0) {
        log_error("%s: %s", service->config->name, error_text(&err, text, sizeof(text)));
    }
    service->judgement = xmalloc(sizeof(*judgement));
    *service->judgement = *judgement;
    free(take_pointer(&service->explanation));
    log_warning("%s: %s%s%s%s", service->config->name, judgement_text(judgement, text, sizeof(text)),
                judgement->line[0] == '\0' ? "" : " (\"", judgement->line, judgement->line[0] == '\0' ? "" : "\")");
}

/* When a parked service is tried in any case. What it waits for may be there already, and it failed all the same: then as
 * after any failure. */
static int64_t park_until(const struct service *service, const struct judgement *judgement, bool holds)
{
    uint32_t failures = service->machine.failures;
    int64_t pause = machine_delay(&service->policy, failures > 0 ? failures : 1);
    int64_t after = judgement->again_after < INT64_MAX / MICROSECONDS_PER_MILLISECOND
                        ? judgement->again_after * MICROSECONDS_PER_MILLISECOND
                        : INT64_MAX;

    pause = pause < LEAST_PAUSE ? LEAST_PAUSE : pause;
    if (holds && (after == 0 || after > pause)) {
        after = pause;
    }
    after = after != 0 && after < MACHINE_WOKEN_LEAST ? MACHINE_WOKEN_LEAST : after;
    return after == 0 ? 0 : clock_now() < INT64_MAX - after ? clock_now() + after : INT64_MAX;
}

static void judged(struct service *service, const struct judgement *judgement)
{
    struct machine_input input = {
        .event = EVENT_JUDGED,
        .instance = service->machine.instance,
        .blameless = judgement->blameless != 0,
    };
    struct judgement noted = *judgement;
    bool holds = false;

    if (judgement->hold == JUDGEMENT_NONE) {
        forget_judgement(service);
    } else {
        waking_note(&noted, &holds);
        keep(service, &noted);
        input.cause = judgement->hold == JUDGEMENT_PARK ? CAUSE_JUDGED : CAUSE_NONE;
        input.until = park_until(service, &noted, holds);
    }
    running_step(service, &input);
}

/* It is good for the start that follows at once, and for no other. */
static void prepared(struct service *service)
{
    if (service->judgement != NULL && service->judgement->instance > service->machine.instance) {
        forget_judgement(service); /* of a preparation that failed: what it said is over */
    }
    service->prepared = true;
    supervisor_gate(service->supervisor, service);
    service->prepared = false;
}

void counsel_answer(struct service *service, enum question question, const struct judgement *judgement)
{
    const struct supervisor *supervisor = service->supervisor;
    struct judgement none = {0};
    struct judgement given = judgement == NULL ? none : *judgement;

    service->asked_profile[question] = false;
    if (question == QUESTION_SETTLE || !is_open(service, question)) {
        return;
    }
    if (question == QUESTION_PREPARE && given.hold != JUDGEMENT_PARK) {
        prepared(service);
        return;
    }
    given.instance = service->machine.instance + (question == QUESTION_PREPARE);
    given.blameless = question == QUESTION_JUDGE && given.blameless;
    judged(service, &given);
    if (supervisor->changed != NULL) { /* a machine that only noted it has told nobody */
        supervisor->changed(supervisor->data, service);
    }
}
