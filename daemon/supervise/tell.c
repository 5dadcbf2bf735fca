/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/tell.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "supervise/supervisor.h"

/* "ended: exit code 3, after 605 ms; next try in 408 ms" */
static void tell_end(const struct service *service, const struct machine *before)
{
    const struct machine *now = &service->machine;
    int64_t time = clock_now();
    char text[160];
    char lived[32];
    char left[32] = "";
    const char *where = now->last_end == CAUSE_OUT_OF_MEMORY ? service->detail : "";

    if (now->state == SERVICE_DELAYED) {
        text_show_duration(now->due - time, left, sizeof(left));
    }
    log_info("%s: ended: %s%s%s, after %s; %s%s", service->config->name,
             machine_cause_text(now->last_end, now->last_status, text, sizeof(text)), where[0] == '\0' ? "" : ": ",
             where, text_show_duration(before->started_at == 0 ? 0 : time - before->started_at, lived, sizeof(lived)),
             left[0] == '\0' ? machine_state_name(now->state) : "next try in ", left);
}

void tell_step(struct service *service, const struct machine *before)
{
    char reason[512];

    running_reason(service, reason, sizeof(reason));
    if (before != NULL && before->collected != service->machine.collected) {
        tell_end(service, before);
    } else {
        log_info("%s: %s%s%s", service->config->name, machine_state_name(service->machine.state),
                 reason[0] == '\0' ? "" : ": ", reason);
    }
    if (service->supervisor->changed != NULL) {
        service->supervisor->changed(service->supervisor->data, service);
    }
}
