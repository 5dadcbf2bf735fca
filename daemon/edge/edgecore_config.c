/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/edgecore_config.h"

#include <assert.h>

#include "base/util.h"

#define HEADER                                                                                                         \
    "# Written by edgeinit from the \"edge\" section of its manifest. What is changed here does not last: it is put\n" \
    "# aside as FILE.edited at the next start. Keys of your own belong into \"merge\" of that section.\n"

/* Where a value comes from. */
enum value {
    VALUE_TEXT, /* the row's own */
    VALUE_TRUE,
    VALUE_FALSE,
    VALUE_EXTERNAL_MQTT, /* 2: an external broker alone */
    VALUE_VERSION,
    VALUE_NODE,
    VALUE_LABELS,
    VALUE_CGROUP_DRIVER,
    VALUE_INTERFACE,
    VALUE_ADDRESS,
    VALUE_METRICS,
    VALUE_WEBSOCKET,
    VALUE_HTTPS,
    VALUE_TOKEN,
    VALUE_HAS_MQTT,
    VALUE_MQTT,
    VALUES /* their number */
};

/* In the order of the file. `from`, `until`: minor versions of 1.x; 0: since or for ever. */
static const struct key {
    const char *path;
    unsigned from;
    unsigned until;
    enum value value;
    const char *text;
} keys[] = {
    {"apiVersion", 0, 11, VALUE_TEXT, "edgecore.config.kubeedge.io/v1alpha1"},
    {"apiVersion", 12, 0, VALUE_TEXT, "edgecore.config.kubeedge.io/v1alpha2"},
    {"kind", 0, 0, VALUE_TEXT, "EdgeCore"},
    /* Where it differs from its own, edgecore writes the file anew at each start. */
    {"edgecoreVersion", 21, 0, VALUE_VERSION, NULL},
    {"database.dataSource", 0, 0, VALUE_TEXT, "/var/lib/kubeedge/edgecore.db"},
    {"modules.edgeHub.enable", 0, 0, VALUE_TRUE, NULL},
    {"modules.edgeHub.httpServer", 0, 0, VALUE_HTTPS, NULL},
    {"modules.edgeHub.websocket.enable", 0, 0, VALUE_TRUE, NULL},
    {"modules.edgeHub.websocket.server", 0, 0, VALUE_WEBSOCKET, NULL},
    {"modules.edgeHub.quic.enable", 0, 0, VALUE_FALSE, NULL},
    {"modules.edgeHub.tlsCaFile", 0, 0, VALUE_TEXT, "/etc/kubeedge/ca/rootCA.crt"},
    {"modules.edgeHub.tlsCertFile", 0, 0, VALUE_TEXT, "/etc/kubeedge/certs/server.crt"},
    {"modules.edgeHub.tlsPrivateKeyFile", 0, 0, VALUE_TEXT, "/etc/kubeedge/certs/server.key"},
    {"modules.edgeHub.token", 0, 0, VALUE_TOKEN, NULL},
    {"modules.edged.enable", 0, 0, VALUE_TRUE, NULL},
    {"modules.edged.hostnameOverride", 0, 0, VALUE_NODE, NULL},
    {"modules.edged.customInterfaceName", 0, 0, VALUE_INTERFACE, NULL},
    {"modules.edged.nodeIP", 0, 0, VALUE_ADDRESS, NULL},
    {"modules.edged.labels", 0, 11, VALUE_LABELS, NULL},
    {"modules.edged.nodeLabels", 12, 0, VALUE_LABELS, NULL},
    {"modules.edged.enableMetrics", 0, 11, VALUE_METRICS, NULL},
    {"modules.edged.cgroupDriver", 0, 11, VALUE_CGROUP_DRIVER, NULL},
    {"modules.edged.tailoredKubeletConfig.cgroupDriver", 12, 0, VALUE_CGROUP_DRIVER, NULL},
    /* 1.12.0 and, again, 1.20 say /var/lib/kubelet; one place for all is what the manifest can bind. */
    {"modules.edged.rootDirectory", 12, 0, VALUE_TEXT, "/var/lib/edged"},
    {"modules.edged.runtimeType", 0, 11, VALUE_TEXT, "docker"},
    {"modules.edged.dockerAddress", 0, 11, VALUE_TEXT, "unix:///var/run/docker.sock"},
    /* 1.13 has dockershim still, but no longer by default. */
    {"modules.edged.containerRuntime", 12, 13, VALUE_TEXT, "docker"},
    {"modules.edged.dockerEndpoint", 12, 13, VALUE_TEXT, "unix:///var/run/docker.sock"},
    {"modules.edged.remoteRuntimeEndpoint", 12, 13, VALUE_TEXT, "unix:///var/run/dockershim.sock"},
    {"modules.edged.remoteImageEndpoint", 12, 13, VALUE_TEXT, "unix:///var/run/dockershim.sock"},
    {"modules.edged.containerRuntime", 14, 15, VALUE_TEXT, "remote"},
    {"modules.edged.remoteRuntimeEndpoint", 14, 15, VALUE_TEXT, "unix:///run/containerd/containerd.sock"},
    {"modules.edged.remoteImageEndpoint", 14, 15, VALUE_TEXT, "unix:///run/containerd/containerd.sock"},
    {"modules.edged.tailoredKubeletConfig.containerRuntimeEndpoint", 16, 0, VALUE_TEXT,
     "unix:///run/containerd/containerd.sock"},
    {"modules.eventBus.enable", 0, 0, VALUE_HAS_MQTT, NULL},
    {"modules.eventBus.mqttMode", 0, 0, VALUE_EXTERNAL_MQTT, NULL},
    {"modules.eventBus.mqttServerExternal", 0, 0, VALUE_MQTT, NULL},
    {"modules.metaManager.enable", 0, 0, VALUE_TRUE, NULL},
    /* It also spares the look for a kubelet among all processes. */
    {"modules.metaManager.metaServer.enable", 0, 0, VALUE_TRUE, NULL},
};

static bool knows(const struct key *key, const struct edgecore_version *version)
{
    return version->minor >= key->from && (key->until == 0 || version->minor <= key->until);
}

/* "HOST:PORT", with brackets around an IPv6 address. */
static cJSON *make_endpoint(const char *scheme, const char *host, int64_t port)
{
    bool bare = strchr(host, ':') == NULL;
    CLEANUP_FREE char *text =
        xasprintf("%s%s%s%s:%lld", scheme, bare ? "" : "[", host, bare ? "" : "]", (long long)port);

    return cJSON_CreateString(text);
}

/* Of an optional string: NULL if there is none, then the key is left out. */
static cJSON *make_string(const char *text)
{
    return text == NULL || text[0] == '\0' ? NULL : cJSON_CreateString(text);
}

static cJSON *make_value(const struct key *key, const struct edge_config *edge, const struct edgecore_facts *facts)
{
    switch (key->value) {
        case VALUE_TEXT:
            return cJSON_CreateString(key->text);
        case VALUE_TRUE:
            return cJSON_CreateTrue();
        case VALUE_FALSE:
            return cJSON_CreateFalse();
        case VALUE_EXTERNAL_MQTT:
            return edge->mqtt == NULL ? NULL : cJSON_CreateNumber(2);
        case VALUE_VERSION:
            return make_string(facts->version.exact);
        case VALUE_NODE:
            return make_string(facts->node);
        case VALUE_LABELS:
            return edge->labels == NULL || edge->labels->child == NULL ? NULL : cJSON_Duplicate(edge->labels, 1);
        case VALUE_CGROUP_DRIVER:
            return make_string(facts->cgroup_driver);
        case VALUE_INTERFACE:
            return make_string(edge->interface);
        case VALUE_ADDRESS:
            return make_string(edge->address != NULL ? edge->address : edge->interface == NULL ? facts->address : NULL);
        case VALUE_METRICS:
            return cJSON_CreateBool(edge->metrics && facts->metrics);
        case VALUE_WEBSOCKET:
            return make_endpoint("", edge->cloud, edge->websocket_port);
        case VALUE_HTTPS:
            return make_endpoint("https://", edge->cloud, edge->https_port);
        case VALUE_TOKEN:
            return cJSON_CreateString(facts->token == NULL ? "" : facts->token);
        case VALUE_HAS_MQTT:
            return cJSON_CreateBool(edge->mqtt != NULL);
        case VALUE_MQTT:
            return make_string(edge->mqtt);
        default:
            return NULL;
    }
}

/* Put a value at a path, making the objects on the way. */
static void put(cJSON *config, const char *path, cJSON *value)
{
    const char *dot;

    while ((dot = strchr(path, '.')) != NULL) {
        CLEANUP_FREE char *step = xstrndup(path, (size_t)(dot - path));
        cJSON *child = cJSON_GetObjectItemCaseSensitive(config, step);

        config = child != NULL ? child : cJSON_AddObjectToObject(config, step);
        path = dot + 1;
    }
    cJSON_AddItemToObject(config, path, value);
}

cJSON *edgecore_config_make(const struct edge_config *edge, const struct edgecore_facts *facts)
{
    cJSON *config = cJSON_CreateObject();

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        cJSON *value = knows(&keys[i], &facts->version) ? make_value(&keys[i], edge, facts) : NULL;

        if (value != NULL) {
            put(config, keys[i].path, value);
        }
    }
    return edge->merge == NULL ? config : json_merge(config, cJSON_Duplicate(edge->merge, 1));
}

void edgecore_config_write(const cJSON *config, struct text *out)
{
    text_add(out, HEADER);
    json_write_yaml(config, out);
}

bool edgecore_config_is_ours(const char *text)
{
    return starts_with(text, "# Written by edgeinit ");
}

const char *edgecore_config_string(const cJSON *config, const char *path, const char *otherwise)
{
    const char *string;
    const char *dot;

    while ((dot = strchr(path, '.')) != NULL) {
        CLEANUP_FREE char *step = xstrndup(path, (size_t)(dot - path));

        config = cJSON_GetObjectItemCaseSensitive(config, step);
        path = dot + 1;
    }
    string = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, path));
    return string == NULL || string[0] == '\0' ? otherwise : string;
}

/* The path at which a version has this value, or NULL. */
static const char *path_of(enum value value, const struct edgecore_version *version)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].value == value && knows(&keys[i], version)) {
            return keys[i].path;
        }
    }
    return NULL;
}

bool edgecore_knows_metrics(const struct edgecore_version *version)
{
    return path_of(VALUE_METRICS, version) != NULL;
}

bool edgecore_uses_docker(const struct edgecore_version *version)
{
    return version->minor < 14;
}

const char *edgecore_cgroup_driver_path(const struct edgecore_version *version)
{
    return path_of(VALUE_CGROUP_DRIVER, version);
}
