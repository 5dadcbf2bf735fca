/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: as much of YAML as a Go program writes, block mappings of scalars and lists. What is wrong about it
 * ends the process with the sentences of the real one's readers.
 */
#include "edgecore.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEEPEST 16

enum type { TYPE_TEXT, TYPE_BOOL, TYPE_NUMBER };

/* Keys that are looked at, or whose type is; numbers are nobody's, so their offset is 0. */
static const struct key {
    const char *path;
    enum type type;
    size_t offset;
    const char *standard; /* the default */
    const char *field;    /* Go's name for it, for messages about its type */
} keys[] = {
    {"database.dataSource", TYPE_TEXT, offsetof(struct config, database), "/var/lib/kubeedge/edgecore.db", ""},
    {"modules.edgeHub.enable", TYPE_BOOL, offsetof(struct config, edge_hub), "true", "EdgeHub.modules.edgeHub.enable"},
    {"modules.edgeHub.heartbeat", TYPE_NUMBER, 0, "15", "EdgeHub.modules.edgeHub.heartbeat"},
    {"modules.edgeHub.httpServer", TYPE_TEXT, offsetof(struct config, http_server), "https://:10002", ""},
    {"modules.edgeHub.token", TYPE_TEXT, offsetof(struct config, token), "", ""},
    {"modules.edgeHub.tlsCaFile", TYPE_TEXT, offsetof(struct config, ca_file), "/etc/kubeedge/ca/rootCA.crt", ""},
    {"modules.edgeHub.tlsCertFile", TYPE_TEXT, offsetof(struct config, cert_file), "/etc/kubeedge/certs/server.crt",
     ""},
    {"modules.edgeHub.tlsPrivateKeyFile", TYPE_TEXT, offsetof(struct config, key_file),
     "/etc/kubeedge/certs/server.key", ""},
    {"modules.edgeHub.websocket.enable", TYPE_BOOL, offsetof(struct config, websocket), "true",
     "EdgeHubWebSocket.modules.edgeHub.websocket.enable"},
    {"modules.edgeHub.websocket.server", TYPE_TEXT, offsetof(struct config, ws_server), ":10000", ""},
    {"modules.edgeHub.quic.enable", TYPE_BOOL, offsetof(struct config, quic), "false",
     "EdgeHubQUIC.modules.edgeHub.quic.enable"},
    {"modules.edged.enable", TYPE_BOOL, offsetof(struct config, edged), "true", "Edged.modules.edged.enable"},
    {"modules.edged.enableMetrics", TYPE_BOOL, offsetof(struct config, metrics), "true",
     "Edged.modules.edged.enableMetrics"},
    {"modules.edged.tailoredKubeletConfig.enableDebuggingHandlers", TYPE_BOOL, offsetof(struct config, debugging),
     "true", "TailoredKubeletConfiguration.modules.edged.tailoredKubeletConfig.enableDebuggingHandlers"},
    {"modules.edged.cgroupDriver", TYPE_TEXT, offsetof(struct config, driver), "cgroupfs", ""},
    {"modules.edged.dockerAddress", TYPE_TEXT, offsetof(struct config, docker), "unix:///var/run/docker.sock", ""},
    {"modules.edged.hostnameOverride", TYPE_TEXT, offsetof(struct config, node), "", ""},
    {"modules.edged.nodeIP", TYPE_TEXT, offsetof(struct config, address), "", ""},
    {"modules.edged.customInterfaceName", TYPE_TEXT, offsetof(struct config, interface), "", ""},
    {"modules.edged.concurrentConsumers", TYPE_NUMBER, 0, "5", "Edged.modules.edged.concurrentConsumers"},
    {"modules.edged.nodeStatusUpdateFrequency", TYPE_NUMBER, 0, "10", "Edged.modules.edged.nodeStatusUpdateFrequency"},
    {"modules.metaManager.metaServer.enable", TYPE_BOOL, offsetof(struct config, meta_server), "false",
     "MetaServer.modules.metaManager.metaServer.enable"},
    {"modules.metaManager.metaServer.server", TYPE_TEXT, offsetof(struct config, meta_address), "127.0.0.1:10550", ""},
};

#define COUNT (sizeof(keys) / sizeof(keys[0]))

static _Noreturn void refuse_text(const char *path, const char *why)
{
    say('E', "helper.go:34", "Failed to unmarshal configfile %s: %s", path, why);
    refuse('F', "server.go:65", "%s", why);
}

static _Noreturn void refuse_yaml(const char *path, int line, const char *what)
{
    char why[256];

    snprintf(why, sizeof(why), "error converting YAML to JSON: yaml: line %d: %s", line, what);
    refuse_text(path, why);
}

static void set(struct config *config, const char *file, const char *path, char *value, bool quoted)
{
    for (size_t i = 0; i < COUNT; i++) {
        const struct key *key = &keys[i];
        bool number = value[0] != '\0' && value[strspn(value, "0123456789")] == '\0';
        bool truth = strcmp(value, "true") == 0 || strcmp(value, "false") == 0;

        if (strcmp(key->path, path) != 0) {
            continue;
        }
        if ((key->type == TYPE_BOOL && (quoted || !truth)) || (key->type == TYPE_NUMBER && (quoted || !number))) {
            char why[256];

            snprintf(
                why, sizeof(why),
                "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go struct field %s "
                "of type %s",
                key->field, key->type == TYPE_BOOL ? "bool" : "int32");
            refuse_text(file, why);
        }
        if (key->type == TYPE_BOOL) {
            *(bool *)((char *)config + key->offset) = strcmp(value, "true") == 0;
        } else if (key->type == TYPE_TEXT) {
            *(char **)((char *)config + key->offset) = strdup(value);
        }
    }
}

/* A scalar in place: quotes off, comment off. Returns whether it was quoted; -1: a quote is open. */
static int unquote(char *value)
{
    size_t length;

    if (value[0] == '"' || value[0] == '\'') {
        char *end = strchr(value + 1, value[0]);

        if (end == NULL) {
            return -1;
        }
        *end = '\0';
        memmove(value, value + 1, strlen(value));
        return 1;
    }
    for (char *hash = strchr(value, '#'); hash != NULL; hash = strchr(hash + 1, '#')) {
        if (hash == value || isspace((unsigned char)hash[-1])) {
            *hash = '\0';
            break;
        }
    }
    for (length = strlen(value); length > 0 && isspace((unsigned char)value[length - 1]); length--) {
        value[length - 1] = '\0';
    }
    return 0;
}

struct level {
    int indent;
    size_t path; /* length of the path above */
};

static void parse(struct config *config, const char *file, char *text)
{
    struct level levels[DEEPEST] = {{.indent = 0}};
    char path[512] = "";
    int depth = 0;
    int number = 0;
    bool opened = true; /* the line before opened a mapping: this one may be deeper */

    for (char *line = text, *next; *line != '\0'; line = next) {
        int indent = (int)strspn(line, " ");
        size_t length = strcspn(line, "\n");
        char *key = line + indent;
        char *colon;
        int quoted;

        next = line + length + (line[length] == '\n' ? 1 : 0);
        line[length] = '\0';
        number++;
        if (key[0] == '\0' || key[0] == '#' || strcmp(key, "---") == 0 || key[0] == '-') {
            continue; /* items of lists are nobody's here */
        }
        if (key[0] == '\t') {
            refuse_yaml(file, number, "found character that cannot start any token");
        }
        colon = strchr(key, ':');
        if (colon == NULL || (colon[1] != '\0' && colon[1] != ' ')) {
            refuse_yaml(file, number, "could not find expected ':'");
        }
        if (colon == key) {
            refuse_yaml(file, number, "did not find expected key");
        }
        if (indent > levels[depth].indent) {
            if (!opened || depth + 1 == DEEPEST) {
                refuse_yaml(file, number, "mapping values are not allowed in this context");
            }
            depth++;
            levels[depth] = (struct level){.indent = indent, .path = strlen(path)};
        }
        while (indent < levels[depth].indent) {
            depth--;
        }
        if (indent != levels[depth].indent) {
            refuse_yaml(file, number, "did not find expected key");
        }
        *colon = '\0';
        path[levels[depth].path] = '\0';
        snprintf(path + strlen(path), sizeof(path) - strlen(path), "%s%s", path[0] == '\0' ? "" : ".", key);
        colon += 1 + strspn(colon + 1, " ");
        quoted = unquote(colon);
        if (quoted < 0) {
            refuse_yaml(file, number, "found unexpected end of stream");
        }
        opened = quoted == 0 && colon[0] == '\0';
        if (!opened) {
            set(config, file, path, colon, quoted == 1);
        }
    }
}

static void validate(struct config *config)
{
    const char *name = config->node;
    char *parent = strdup(config->database);
    char *slash = strrchr(parent, '/');
    bool good = name[0] != '\0' && isalnum((unsigned char)name[0]) && isalnum((unsigned char)name[strlen(name) - 1]);

    if (slash != NULL) {
        *slash = '\0';
        host_make_parents(parent, 0777);
    }
    for (size_t i = 0; name[i] != '\0'; i++) {
        good = good &&
               (islower((unsigned char)name[i]) || isdigit((unsigned char)name[i]) || strchr("-.", name[i]) != NULL);
    }
    if (config->edged && !good) {
        refuse(
            'F', "server.go:68",
            "[\n  HostnameOverride: Invalid value: \"%s\": a lowercase RFC 1123 subdomain must consist of lower case "
            "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character\n]",
            name);
    }
    if (config->edged && config->address[0] == '\0') {
        say('W', "validation.go:71", "NodeIP is empty , use default ip which can connect to cloud.");
    }
    if (config->edged && strcmp(config->driver, "cgroupfs") != 0 && strcmp(config->driver, "systemd") != 0) {
        refuse('F', "server.go:68", "[\n  CGroupDriver: Invalid value: \"%s\": CGroupDriver value error\n]",
               config->driver);
    }
    if (config->edge_hub && config->websocket == config->quic) {
        refuse('F', "server.go:68",
               "[\n  enable: Invalid value: %s: websocket.enable and quic.enable cannot be true and false at the same "
               "time\n]",
               config->quic ? "true" : "false");
    }
    free(parent);
}

void config_read(struct config *config, const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = calloc(1, 1 << 20);
    char host[256] = "";

    if (file == NULL) {
        refuse(
            'F', "server.go:60",
            "[\n  config: Required value: config file %s not exist. For the configuration file format, please refer to "
            "--minconfig and --defaultconfig command\n]",
            path);
    }
    for (size_t i = 0; i < COUNT; i++) {
        char *standard = strdup(keys[i].standard);

        set(config, path, keys[i].path, standard, false);
        free(standard);
    }
    gethostname(host, sizeof(host) - 1);
    free(config->node);
    config->node = strdup(host);
    if (fread(text, 1, (1 << 20) - 1, file) == 0 && ferror(file) != 0) {
        refuse('E', "helper.go:29", "Failed to read configfile %s", path);
    }
    fclose(file);
    parse(config, path, text);
    free(text);
    validate(config);
}

/* --minconfig and --defaultconfig, without the keys that nobody looks at. The trap of the real one is in it: the smallest
 * configuration switches its modules off. */
void config_print(bool all)
{
    char host[256] = "";

    gethostname(host, sizeof(host) - 1);
    printf(
        "# With --%s %s\n\n"
        "apiVersion: edgecore.config.kubeedge.io/v1alpha1\ndatabase:\n"
        "%s  dataSource: /var/lib/kubeedge/edgecore.db\nkind: EdgeCore\nmodules:\n"
        "  edgeHub:\n    enable: %s\n    heartbeat: 15\n    httpServer: https://:10002\n"
        "    tlsCaFile: /etc/kubeedge/ca/rootCA.crt\n    tlsCertFile: /etc/kubeedge/certs/server.crt\n"
        "    tlsPrivateKeyFile: /etc/kubeedge/certs/server.key\n    token: \"\"\n    websocket:\n      enable: true\n"
        "      handshakeTimeout: 30\n      readDeadline: 15\n      server: :10000\n      writeDeadline: 15\n"
        "  edged:\n    cgroupDriver: cgroupfs\n    cgroupRoot: \"\"\n    cgroupsPerQOS: true\n    clusterDNS: \"\"\n"
        "    clusterDomain: \"\"\n    devicePluginEnabled: false\n    dockerAddress: unix:///var/run/docker.sock\n"
        "    enable: %s\n%s    gpuPluginEnabled: false\n    hostnameOverride: %s\n    nodeIP: \"\"\n"
        "    podSandboxImage: kubeedge/pause:3.1\n    remoteImageEndpoint: unix:///var/run/dockershim.sock\n"
        "    remoteRuntimeEndpoint: unix:///var/run/dockershim.sock\n    runtimeType: docker\n"
        "  eventBus:\n    enable: %s\n    mqttMode: 2\n    mqttQOS: 0\n    mqttRetain: false\n"
        "    mqttServerExternal: tcp://127.0.0.1:1883\n    mqttServerInternal: tcp://127.0.0.1:1884\n%s\n",
        all ? "defaultconfig flag, users can easily get a default full config file as reference"
            : "minconfig , you can easily used this configurations as reference.",
        "", all ? "  aliasName: default\n  driverName: sqlite3\n" : "", all ? "true" : "false", all ? "true" : "false",
        all ? "    enableMetrics: true\n" : "", host, all ? "true" : "false",
        all ? "  metaManager:\n    enable: true\n    metaServer:\n      enable: false\n      server: 127.0.0.1:10550\n"
            : "");
}
