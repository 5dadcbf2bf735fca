/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/node.h"

#include <stddef.h>

#include "base/pool.h"
#include "base/util.h"
#include "edge/docker_check.h"
#include "supervise/service_keys.h"

static void read_version(const struct reader *reader, void *record)
{
    (void)record;
    if (!cJSON_IsNumber(reader->node) || reader->node->valuedouble != 1) {
        reader_problem(reader, "write 1", "this edgeinit understands version 1 of the manifest");
    }
}

static void read_host(const struct reader *reader, void *record)
{
    host_parse(reader, &((struct node *)record)->host);
}

static void read_services(const struct reader *reader, void *record)
{
    service_parse(reader, &((struct node *)record)->services);
}

static void read_edge(const struct reader *reader, void *record)
{
    edge_section_parse(reader, &((struct node *)record)->edge);
}

static void read_control_group(const struct reader *reader, void *record)
{
    service_read_account(reader, "\"shell\"", &((struct node *)record)->control_group);
}

static void read_control_readers(const struct reader *reader, void *record)
{
    service_read_account(reader, "\"shell\"", &((struct node *)record)->control_readers);
}

static void read_control(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"group", FIELD_READ, .read = read_control_group, .example = "\"shell\""},
        {"readers", FIELD_READ, .read = read_control_readers, .example = "\"shell\""},
    };

    reader_object(reader, fields, ARRAY_SIZE(fields), record);
}

static void read_timeline(const struct reader *reader, void *record)
{
    static const struct field fields[] = {
        {"boots", FIELD_INTEGER, .offset = offsetof(struct node, timeline_boots), .min = 0, .max = 100, .example = "5"},
    };

    reader_object(reader, fields, ARRAY_SIZE(fields), record);
}

int node_read(struct node *node)
{
    static const struct field fields[] = {
        {"version", FIELD_READ, .required = true, .read = read_version, .example = "1"},
        {"host", FIELD_READ, .read = read_host},
        {"services", FIELD_READ, .read = read_services},
        {"edge", FIELD_READ, .read = read_edge},
        {"control", FIELD_READ, .read = read_control},
        {"timeline", FIELD_READ, .read = read_timeline},
    };
    struct manifest *manifest = &node->manifest;
    struct error err = {0};
    struct reader root;

    node->timeline_boots = NODE_TIMELINE_BOOTS;
    if (manifest->root == NULL || manifest->incomplete) {
        return -1;
    }
    root = reader_root(manifest);
    reader_object(&root, fields, ARRAY_SIZE(fields), node);
    if (manifest->mistakes == 0) {
        docker_check(&root);
    }
    if (manifest->mistakes == 0 && plan_make(&node->plan, &node->host, &err) != 0) {
        const cJSON *host = cJSON_GetObjectItemCaseSensitive(manifest->root, "host");

        manifest_problem(manifest, false, &manifest->places.items[host->valueint], "host", err.what, err.remedy);
    }
    return manifest->mistakes == 0 ? 0 : -1;
}

int node_load(struct node *node, const struct node_paths *paths)
{
    int result;

    node->host.run_dir = paths->run_dir;
    node->host.state_dir = paths->state_dir;
    pool_open();
    manifest_load(&node->manifest, paths->manifests, paths->manifest_count);
    result = node_read(node);
    pool_close();
    return result;
}

void node_keep_services(struct node *kept, const struct node *node)
{
    cJSON *services = cJSON_GetObjectItemCaseSensitive(node->manifest.root, "services");
    struct manifest told = {0};
    struct reader root;
    struct reader section;

    /* What the problems are told with is borrowed for the time of reading: there are only warnings, which were told before. */
    kept->manifest = node->manifest;
    kept->manifest.root = cJSON_CreateObject();
    kept->manifest.problems = NULL;
    kept->manifest.problem_count = 0;
    if (services != NULL) {
        cJSON_AddItemToObject(kept->manifest.root, "services", cJSON_Duplicate(services, 1));
        root = reader_root(&kept->manifest);
        reader_first(&root, &section);
        service_parse(&section, &kept->services);
    }
    told.problems = kept->manifest.problems;
    told.problem_count = kept->manifest.problem_count;
    manifest_free(&told);
    kept->manifest = (struct manifest){.root = kept->manifest.root};
}

void node_free(struct node *node)
{
    plan_free(&node->plan);
    host_free(&node->host);
    service_list_free(&node->services);
    node->edge = (struct edge_config){0};
    node->control_group = NULL;
    node->control_readers = NULL;
    manifest_free(&node->manifest);
}

struct match {
    const struct plan_entry *entry;
    bool found;
};

static void match_path(void *data, const char *path)
{
    struct match *match = data;

    match->found |= plan_touches(match->entry, path);
}

bool node_service_needs(const struct service_config *service, const struct plan_entry *entry)
{
    struct match match = {.entry = entry};

    service_paths(service, match_path, &match);
    return match.found;
}
