/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/section.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>

#include "base/util.h"

#define LONGEST_NAME 253 /* of a node, and of a host: RFC 1123 */
#define LONGEST_PART 63  /* of a label's key and value */

static const struct field text_field = {NULL, FIELD_STRING, .example = "\"…\""};

static bool all_in(const char *text, size_t length, const char *marks)
{
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)text[i]) && strchr(marks, text[i]) == NULL) {
            return false;
        }
    }
    return true;
}

bool edge_node_name(const char *name, const char **why)
{
    size_t length = strlen(name);

    if (length == 0 || length > LONGEST_NAME) {
        *why = "must have 1 to 253 characters";
        return false;
    }
    for (const char *at = name; *at != '\0'; at++) {
        bool edge = at == name || at[1] == '\0' || at[1] == '.' || at[-1] == '.';

        if (!islower((unsigned char)*at) && !isdigit((unsigned char)*at) && (edge || (*at != '-' && *at != '.'))) {
            *why = "may hold small letters, digits, \"-\" and \".\", and begins and ends with a letter or a digit";
            return false;
        }
    }
    return true;
}

bool edge_token_form(const char *token)
{
    size_t parts = 1;

    for (const char *at = token; *at != '\0'; at++) {
        if (*at == '.' && (at[1] == '.' || at[1] == '\0' || at == token)) {
            return false;
        }
        parts += *at == '.';
    }
    return parts == 4 && all_in(token, strlen(token), ".-_=");
}

/* An address, or a name that a resolver takes. */
static bool is_host(const char *host, size_t length)
{
    CLEANUP_FREE char *copy = xstrndup(host, length);
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, copy, address) == 1 || inet_pton(AF_INET6, copy, address) == 1 ||
           (length > 0 && length <= LONGEST_NAME && all_in(copy, length, "-._") && isalnum((unsigned char)copy[0]) &&
            copy[strspn(copy, "0123456789.")] != '\0');
}

static void read_cloud(const struct reader *reader, void *record)
{
    const char *cloud = NULL;
    const char *colon;

    if (!reader_value(reader, &(struct field){NULL, FIELD_STRING, .example = "\"10.0.0.5\""}, &cloud)) {
        return;
    }
    colon = strrchr(cloud, ':');
    if (strstr(cloud, "://") != NULL) {
        reader_problem(reader, "write the cloud's name or address alone: \"10.0.0.5\"", "\"%s\" is a URL", cloud);
    } else if (is_host(cloud, strlen(cloud))) {
        ((struct edge_config *)record)->cloud = cloud;
    } else if (colon != NULL && is_host(cloud, (size_t)(colon - cloud))) {
        reader_problem(reader, "write the port as \"websocket_port\" or \"https_port\"", "\"%s\" names a port", cloud);
    } else {
        reader_problem(reader, "write for example \"10.0.0.5\" or \"cloud.example.org\"",
                       "\"%s\" is neither a host name nor an address", cloud);
    }
}

static void read_node(const struct reader *reader, void *record)
{
    const char *node = NULL;
    const char *why = NULL;

    if (!reader_value(reader, &text_field, &node)) {
        return;
    }
    if (!edge_node_name(node, &why)) {
        reader_problem(reader, "write for example \"edge-07\"", "\"%s\": the name of a node %s", node, why);
        return;
    }
    ((struct edge_config *)record)->node = node;
}

/* Never quoted. */
static void read_token(const struct reader *reader, void *record)
{
    const char *token = NULL;

    if (!reader_value(reader, &text_field, &token)) {
        return;
    }
    if (!edge_token_form(token)) {
        reader_problem(reader, "copy the whole line that \"keadm gettoken\" prints on the cloud",
                       "is no token: that has four parts with dots between them, and no blanks");
        return;
    }
    ((struct edge_config *)record)->token = token;
}

static void read_interface(const struct reader *reader, void *record)
{
    const char *name = NULL;

    if (!reader_value(reader, &text_field, &name)) {
        return;
    }
    if (strlen(name) >= IFNAMSIZ || strpbrk(name, "/: \t\n") != NULL) {
        reader_problem(reader, "write a name that \"ip link\" shows, such as \"wlan0\"",
                       "\"%s\" cannot be the name of an interface", name);
        return;
    }
    ((struct edge_config *)record)->interface = name;
}

static void read_address(const struct reader *reader, void *record)
{
    const char *address = NULL;
    unsigned char bytes[sizeof(struct in6_addr)] = {0};
    static const unsigned char nothing[sizeof(bytes)];

    if (!reader_value(reader, &text_field, &address)) {
        return;
    }
    if (inet_pton(AF_INET, address, bytes) != 1 && inet_pton(AF_INET6, address, bytes) != 1) {
        reader_problem(reader, "write for example \"192.168.1.7\"", "\"%s\" is no address", address);
    } else if (memcmp(bytes, nothing, sizeof(bytes)) == 0) {
        reader_problem(reader,
                       "write the address at which others reach the board, or nothing for that of the default route",
                       "\"%s\" stands for any address", address);
    } else {
        ((struct edge_config *)record)->address = address;
    }
}

/* A label's value, or the name in its key. */
static bool is_label_part(const char *part)
{
    size_t length = strlen(part);

    return length > 0 && length <= LONGEST_PART && all_in(part, length, "-_.") && isalnum((unsigned char)part[0]) &&
           isalnum((unsigned char)part[length - 1]);
}

static bool is_label_key(const char *key)
{
    const char *slash = strchr(key, '/');
    CLEANUP_FREE char *prefix = xstrndup(key, slash == NULL ? 0 : (size_t)(slash - key));
    const char *why = NULL;

    return is_label_part(slash == NULL ? key : slash + 1) && (slash == NULL || edge_node_name(prefix, &why));
}

static void read_labels(const struct reader *reader, void *record)
{
    static const struct field value_field = {NULL, FIELD_TEXT, .example = "\"hall-2\""};
    size_t before = reader->manifest->mistakes;
    struct reader label;

    if (!reader_is_object(reader, "{\"site\": \"hall-2\"}")) {
        return;
    }
    for (bool more = reader_first(reader, &label); more; more = reader_next(&label)) {
        const char *value = NULL;

        if (!is_label_key(reader_key(&label))) {
            reader_problem_key(
                &label,
                "at most 63 letters, digits, \"-\", \"_\", \".\", where wanted after a domain and \"/\": "
                "\"example.org/site\"",
                "\"%s\" cannot be the key of a label", reader_key(&label));
        }
        if (reader_value(&label, &value_field, &value) && value[0] != '\0' && !is_label_part(value)) {
            reader_problem(&label,
                           "at most 63 letters, digits, \"-\", \"_\", \".\", a letter or digit at both ends, or \"\"",
                           "\"%s\" cannot be the value of a label", value);
        }
    }
    if (reader->manifest->mistakes == before) {
        ((struct edge_config *)record)->labels = reader->node;
    }
}

static void read_mqtt(const struct reader *reader, void *record)
{
    const char *mqtt = NULL;
    const char *host;
    const char *colon;
    int64_t port = 0;

    if (!reader_value(reader, &text_field, &mqtt)) {
        return;
    }
    host = starts_with(mqtt, "tcp://") || starts_with(mqtt, "ssl://") ? mqtt + strlen("tcp://") : "";
    colon = strrchr(host, ':');
    if (colon == NULL || !is_host(host, (size_t)(colon - host)) || !text_parse_integer(colon + 1, &port) || port < 1 ||
        port > 65535) {
        reader_problem(reader, "write for example \"tcp://127.0.0.1:1883\"; without \"mqtt\" there is no event bus",
                       "\"%s\" is no address of a broker", mqtt);
        return;
    }
    ((struct edge_config *)record)->mqtt = mqtt;
}

static void read_version(const struct reader *reader, void *record)
{
    const char *version = NULL;
    const char *at;
    unsigned long minor;
    char *end = NULL;

    if (!reader_value(reader, &text_field, &version)) {
        return;
    }
    at = version + (version[0] == 'v');
    minor = starts_with(at, "1.") ? strtoul(at + 2, &end, 10) : 0;
    if (minor < 9 || minor > 999 || strspn(at, "0123456789.") != strlen(at) || (*end != '\0' && *end != '.')) {
        reader_problem(reader, "write for example \"1.9\", or leave it out: it is asked of the program itself",
                       "\"%s\" is no version of edgecore that is known (1.9 and later)", version);
        return;
    }
    ((struct edge_config *)record)->version = version;
}

static void read_merge(const struct reader *reader, void *record)
{
    if (reader_is_object(reader, "{\"modules\": {\"edged\": {\"clusterDNS\": \"10.96.0.10\"}}}")) {
        ((struct edge_config *)record)->merge = reader->node;
    }
}

/* Written a second time in "merge", a token would come back at each start, whatever became of it. */
static void check_merge(const struct reader *section, const struct edge_config *edge)
{
    static const char *const way[] = {"modules", "edgeHub", "token"};
    struct reader steps[ARRAY_SIZE(way) + 1] = {{section->manifest, (cJSON *)edge->merge, section, -1}};

    for (size_t i = 0; i < ARRAY_SIZE(way) && steps[i].node != NULL; i++) {
        steps[i + 1] = steps[i];
        steps[i + 1].node = cJSON_GetObjectItemCaseSensitive(steps[i].node, way[i]);
        steps[i + 1].parent = &steps[i];
    }
    if (steps[ARRAY_SIZE(way)].node != NULL) {
        reader_problem(&steps[ARRAY_SIZE(way)],
                       "write it as \"token\" or \"token_file\" of \"edge\", which knows when it is used up",
                       "the token has no place in \"merge\"");
    }
}

void edge_section_parse(const struct reader *section, struct edge_config *edge)
{
    static const struct field fields[] = {
        {"cloud", FIELD_READ, .required = true, .read = read_cloud, .example = "\"10.0.0.5\""},
        {"websocket_port", FIELD_INTEGER, .offset = offsetof(struct edge_config, websocket_port), .min = 1,
         .max = 65535, .example = "10000"},
        {"https_port", FIELD_INTEGER, .offset = offsetof(struct edge_config, https_port), .min = 1, .max = 65535,
         .example = "10002"},
        {"node", FIELD_READ, .read = read_node},
        {"token", FIELD_READ, .read = read_token},
        {"token_file", FIELD_PATH, .offset = offsetof(struct edge_config, token_file), .example = "\"/data/token\""},
        {"interface", FIELD_READ, .read = read_interface},
        {"address", FIELD_READ, .read = read_address},
        {"labels", FIELD_READ, .read = read_labels},
        {"metrics", FIELD_BOOLEAN, .offset = offsetof(struct edge_config, metrics), .example = "false"},
        {"mqtt", FIELD_READ, .read = read_mqtt},
        {"version", FIELD_READ, .read = read_version},
        {"config", FIELD_PATH, .offset = offsetof(struct edge_config, config),
         .example = "\"/etc/kubeedge/config/edgecore.yaml\""},
        {"merge", FIELD_READ, .read = read_merge},
    };
    size_t before = section->manifest->mistakes;
    const cJSON *token;

    *edge = (struct edge_config){
        .present = true,
        .websocket_port = 10000,
        .https_port = 10002,
        .metrics = true,
        .config = "/etc/kubeedge/config/edgecore.yaml",
    };
    reader_object(section, fields, ARRAY_SIZE(fields), edge);
    check_merge(section, edge);
    if (edge->token != NULL && edge->token_file != NULL) {
        reader_problem(section, "keep one of them; the file need not be part of a manifest",
                       "\"token\" and \"token_file\" both say what the token is");
    }
    if (edge->interface != NULL && edge->address != NULL) {
        reader_problem(section, "keep \"interface\" if its address may change, else \"address\"",
                       "\"interface\" and \"address\" both say which address the node has");
    }
    token = cJSON_GetObjectItemCaseSensitive(section->node, "token");
    if (edge->token != NULL && section->manifest->mistakes == before) {
        struct reader child = {section->manifest, (cJSON *)token, section, -1};

        if (reader_is_exposed(&child)) {
            reader_warning(&child, "chmod go-r this file, or write the token to a file of its own: \"token_file\"",
                           "the token is a secret, and others than its owner may read this file");
        }
    }
}
