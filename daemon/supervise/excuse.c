/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/excuse.h"

/* What was said of it before these failures is no news. */
static bool is_well(const struct service *first, int64_t since)
{
    const struct check *alive = &first->alive;

    return first->machine.state == SERVICE_READY && (!alive->running || (alive->bad == 0 && alive->good_at > since));
}

const struct service *excuse_find(struct service *service)
{
    const struct service *culprit = NULL;

    /* The check begins anew after each excuse; these failures began before. */
    if (service->unwell_since == 0 || service->alive.good_at > service->unwell_since) {
        service->unwell_since = service->alive.bad_since;
        service->excused = false;
    }
    for (size_t i = 0; i < service->first_count; i++) {
        if (!is_well(service->first[i], service->unwell_since)) {
            check_hurry(&service->first[i]->alive);
            culprit = culprit == NULL ? service->first[i] : culprit;
        }
    }
    return culprit;
}
