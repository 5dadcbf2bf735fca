/* SPDX-License-Identifier: Apache-2.0 */
/* The "cgroups" section of the manifest, and the descriptor made of it (Android's cgroups.json). */
#include <ctype.h>

#include "base/format.h"
#include "base/util.h"
#include "host/cgroup.h"
#include "host/file.h"

/* One entry of "controllers" or "named", before it becomes resources. */
struct entry {
    const char *name;
    const char *path;
    const char *uid;
    const char *gid;
    int mode;
    bool optional;
};

struct section {
    struct host *host;
    const char *root;
    int64_t size;
    bool remount; /* of the descriptor and of second places */
    const char *descriptor;
    cJSON *described; /* the "Cgroups" array of the descriptor */
};

static char *below(const char *root, const char *name)
{
    return xasprintf("%s/%s", streq(root, "/") ? "" : root, name);
}

static void add_mount(const struct reader *reader, struct host *host, const struct cgroup_spec *spec)
{
    struct cgroup_spec *kept = xcalloc(1, sizeof(*kept));

    *kept = *spec;
    host_add(host, reader, &kind_cgroup, kept->path, kept->path, kept)->rank = RANK_CGROUP;
}

static void describe(struct section *section, const struct entry *entry, const char *path)
{
    cJSON *item = cJSON_CreateObject();
    char mode[16];

    if (entry->uid != NULL) {
        cJSON_AddStringToObject(item, "UID", entry->uid);
    }
    if (entry->gid != NULL) {
        cJSON_AddStringToObject(item, "GID", entry->gid);
    }
    format_print(mode, sizeof(mode), "%04o", (unsigned)(entry->mode < 0 ? 0755 : entry->mode));
    cJSON_AddStringToObject(item, "Mode", mode);
    cJSON_AddStringToObject(item, "Path", path);
    cJSON_AddStringToObject(item, "Controller", entry->name);
    cJSON_AddItemToArray(section->described, item);
}

static bool is_plain_name(const struct reader *reader, const char *name)
{
    bool good = name[0] != '.'; /* "." and ".." would leave the root */

    for (const char *at = name; *at != '\0'; at++) {
        good &= isalnum((unsigned char)*at) || strchr("_-.", *at) != NULL;
    }
    if (!good) {
        reader_problem(reader, "write one name such as \"memory\"", "\"%s\" is no name of a hierarchy", name);
    }
    return good;
}

static void parse_entry(const struct reader *reader, struct section *section, enum cgroup_role role)
{
    static const struct field fields[] = {
        {"name", FIELD_STRING, .required = true, .offset = offsetof(struct entry, name), .example = "\"memory\""},
        {"path", FIELD_PATH, .offset = offsetof(struct entry, path), .example = "\"/dev/memcg\""},
        {"uid", FIELD_STRING, .offset = offsetof(struct entry, uid), .example = "\"system\""},
        {"gid", FIELD_STRING, .offset = offsetof(struct entry, gid), .example = "\"system\""},
        {"mode", FIELD_MODE, .offset = offsetof(struct entry, mode), .example = "\"0755\""},
        {"optional", FIELD_BOOLEAN, .offset = offsetof(struct entry, optional), .example = "true"},
    };
    static const struct field short_form = {NULL, FIELD_STRING, .offset = offsetof(struct entry, name),
                                            .example = "\"memory\""};
    struct entry entry = {.mode = -1};
    bool is_short = !cJSON_IsObject(reader->node);
    bool good = is_short ? reader_value(reader, &short_form, &entry)
                         : reader_object(reader, fields, ARRAY_SIZE(fields), &entry);
    struct cgroup_spec spec;

    if (!good || !is_plain_name(reader, entry.name)) {
        return;
    }
    if (is_short) {
        entry.uid = entry.gid = "root";
    }
    spec = (struct cgroup_spec){
        .role = role,
        .name = entry.name,
        .path = below(section->root, entry.name),
        .ownership.mode = -1,
        .optional = entry.optional,
    };
    add_mount(reader, section->host, &spec);
    if (role == ROLE_CONTROLLER) {
        describe(section, &entry, entry.path == NULL ? spec.path : entry.path);
    }
    if (entry.path != NULL) {
        spec.path = xstrdup(entry.path);
        spec.ownership = (struct ownership){.owner = entry.uid, .group = entry.gid, .mode = entry.mode};
        add_mount(reader, section->host, &spec);
    }
}

static void parse_entries(const struct reader *reader, struct section *section, enum cgroup_role role)
{
    struct reader item;

    if (!reader_is_array(reader, role == ROLE_NAMED ? "[\"systemd\"]" : "[\"cpu\", \"memory\"]")) {
        return;
    }
    for (bool more = reader_first(reader, &item); more; more = reader_next(&item)) {
        parse_entry(&item, section, role);
    }
}

static void read_controllers(const struct reader *reader, void *record)
{
    parse_entries(reader, record, ROLE_CONTROLLER);
}

static void read_named(const struct reader *reader, void *record)
{
    parse_entries(reader, record, ROLE_NAMED);
}

static void read_later(const struct reader *reader, void *record)
{
    (void)reader;
    (void)record;
}

/* In two passes: the entries need the root, wherever it stands in the section. */
void cgroup_parse(const struct reader *section_reader, struct host *host)
{
    static const struct field settings[] = {
        {"root", FIELD_PATH, .offset = offsetof(struct section, root), .example = "\"/sys/fs/cgroup\""},
        {"size", FIELD_SIZE, .offset = offsetof(struct section, size), .min = 4096, .max = INT64_C(1) << 40,
         .example = "\"16M\""},
        {"remount", FIELD_BOOLEAN, .offset = offsetof(struct section, remount), .example = "true"},
        {"descriptor", FIELD_PATH, .offset = offsetof(struct section, descriptor), .example = "\"/etc/cgroups.json\""},
        {"controllers", FIELD_READ, .read = read_later},
        {"named", FIELD_READ, .read = read_later},
    };
    static const struct {
        const char *key;
        void (*read)(const struct reader *reader, void *record);
    } lists[] = {{"controllers", read_controllers}, {"named", read_named}};
    struct section section = {.host = host, .root = "/sys/fs/cgroup"};
    struct cgroup_spec root;
    struct reader item;

    /* Going on after a mistake, so that those of the lists are found in the same go. */
    if (!reader_object(section_reader, settings, ARRAY_SIZE(settings), &section) &&
        !cJSON_IsObject(section_reader->node)) {
        return;
    }
    root = (struct cgroup_spec){
        .role = ROLE_ROOT,
        .path = xstrdup(section.root),
        .unified = below(section.root, "unified"),
        .ownership.mode = -1,
        .size = section.size,
    };
    add_mount(section_reader, host, &root);
    section.described = cJSON_CreateArray();
    for (bool more = reader_first(section_reader, &item); more; more = reader_next(&item)) {
        for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
            if (streq(reader_key(&item), lists[i].key)) {
                lists[i].read(&item, &section);
            }
        }
    }
    if (section.descriptor == NULL) {
        cJSON_Delete(section.described);
    } else {
        cJSON *document = cJSON_CreateObject();
        cJSON *unified = cJSON_CreateObject();

        cJSON_AddItemToObject(document, "Cgroups", section.described);
        cJSON_AddStringToObject(unified, "UID", "root");
        cJSON_AddStringToObject(unified, "GID", "root");
        cJSON_AddStringToObject(unified, "Mode", "0600");
        cJSON_AddStringToObject(unified, "Path", "/dev/cg2_bpf");
        cJSON_AddItemToObject(document, "Cgroups2", unified);
        file_add_json(host, section_reader, section.descriptor, section.remount, document);
    }
}
