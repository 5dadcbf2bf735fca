/* SPDX-License-Identifier: Apache-2.0 */
#include "control/about_node.h"

#include <limits.h>

#include "base/util.h"
#include "edge/node_line.h"

static const struct service *find_edgecore(const struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        if (supervisor->services[i]->config->profile == PROFILE_EDGECORE) {
            return supervisor->services[i];
        }
    }
    return NULL;
}

cJSON *about_node(const struct node *node, const struct supervisor *supervisor)
{
    const struct service *service = find_edgecore(supervisor);
    char host[HOST_NAME_MAX + 1] = "";
    char reason[512] = "";
    struct node_view view = {.edge = &node->edge, .name = node->edge.node};

    if (!node->edge.present || service == NULL) {
        return NULL;
    }
    if (view.name == NULL) {
        gethostname(host, sizeof(host) - 1);
        view.name = host;
    }
    view.service = (enum service_state)service->machine.state;
    view.service_name = service->config->name;
    view.reason = running_reason(service, reason, sizeof(reason));
    view.judgement = counsel_verdict(service);
    return node_line_json(&view);
}
