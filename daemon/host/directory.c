/* SPDX-License-Identifier: Apache-2.0 */
/* Directories: existence, mode and owner. Missing parents are made with mode 0755. */
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/util.h"
#include "host/directory.h"
#include "host/host.h"
#include "host/owner.h"
#include "host/window.h"

struct directory_spec {
    const char *path;
    struct ownership ownership;
    bool remount;
};

static void parse_one(const struct reader *reader, struct host *host)
{
    static const struct field fields[] = {
        {"path", FIELD_PATH, .required = true, .offset = offsetof(struct directory_spec, path),
         .example = "\"/data/var\""},
        {"mode", FIELD_MODE, .offset = offsetof(struct directory_spec, ownership.mode), .example = "\"0755\""},
        {"owner", FIELD_STRING, .offset = offsetof(struct directory_spec, ownership.owner), .example = "\"root\""},
        {"group", FIELD_STRING, .offset = offsetof(struct directory_spec, ownership.group), .example = "\"root\""},
        {"remount", FIELD_BOOLEAN, .offset = offsetof(struct directory_spec, remount), .example = "true"},
    };
    static const struct field short_form = {NULL, FIELD_PATH, .offset = offsetof(struct directory_spec, path),
                                            .example = "\"/data/var\""};
    struct directory_spec spec = {.ownership.mode = -1};
    struct directory_spec *kept;
    bool good = cJSON_IsObject(reader->node) ? reader_object(reader, fields, ARRAY_SIZE(fields), &spec)
                                             : reader_value(reader, &short_form, &spec);

    if (!good) {
        return;
    }
    kept = xcalloc(1, sizeof(*kept));
    *kept = spec;
    host_add(host, reader, &kind_directory, spec.path, spec.path, kept)->rank = RANK_DIRECTORY;
}

static void parse(const struct reader *section, struct host *host)
{
    struct reader item;

    if (!reader_is_array(section, "[\"/data/var\"]")) {
        return;
    }
    for (bool more = reader_first(section, &item); more; more = reader_next(&item)) {
        parse_one(&item, host);
    }
}

static void needs(const struct resource *resource, struct need_list *list)
{
    need_path(list, resource->path);
}

static enum verdict probe_absent(struct resource *resource, const struct host *host)
{
    const struct directory_spec *spec = resource->spec;
    struct error err = {0};
    uid_t uid;
    gid_t gid;

    if (owner_resolve(&spec->ownership, &uid, &gid, &err) != 0) {
        return resource_impossible(resource, &err);
    }
    if (window_is_needed(host, spec->path)) {
        if (!spec->remount) {
            error_system(&err, EROFS, "mkdir %s", spec->path);
            return resource_impossible(resource, &err);
        }
        resource_detail(resource, "through a remount window");
    }
    return VERDICT_ABSENT;
}

static enum verdict probe(struct resource *resource, struct host *host)
{
    const struct directory_spec *spec = resource->spec;
    struct error err = {0};
    struct stat status;

    (void)host;
    if (stat(spec->path, &status) != 0) {
        if (errno == ENOENT) {
            return probe_absent(resource, host);
        }
        error_system(&err, errno, "stat %s", spec->path);
        return resource_impossible(resource, &err);
    }
    if (!S_ISDIR(status.st_mode)) {
        error_system(&err, ENOTDIR, "mkdir %s", spec->path);
        error_remedy(&err, "something that is no directory stands there: move it away or choose another path");
        return resource_impossible(resource, &err);
    }
    return owner_probe(&spec->ownership, &status, resource);
}

int directory_make(struct host *host, const char *path, bool remount, struct error *err)
{
    if (file_make_parents(path, err) == 0) {
        return 0;
    }
    if (err->errnum != EROFS || !remount) {
        return -1;
    }
    return window_open(host, path, err) != 0 ? -1 : file_make_parents(path, err);
}

/* No mode or owner of its own: mkdir(2) is all there is to do. */
static bool is_plain(const struct directory_spec *spec)
{
    return spec->ownership.mode < 0 && spec->ownership.owner == NULL && spec->ownership.group == NULL;
}

static bool begin(struct resource *resource, struct host *host)
{
    const struct directory_spec *spec = resource->spec;

    (void)host;
    return is_plain(spec) && mkdir(spec->path, 0755) == 0;
}

static int apply(struct resource *resource, struct host *host, struct error *err)
{
    const struct directory_spec *spec = resource->spec;

    if (resource->begun || (is_plain(spec) && mkdir(spec->path, 0755) == 0)) {
        resource->proven = true;
        return 0;
    }
    if (directory_make(host, spec->path, spec->remount, err) != 0) {
        return -1;
    }
    if (owner_apply(&spec->ownership, spec->path, err) == 0) {
        return 0;
    }
    if (err->errnum != EROFS || !spec->remount || window_open(host, spec->path, err) != 0) {
        return -1;
    }
    return owner_apply(&spec->ownership, spec->path, err);
}

const struct resource_kind kind_directory = {
    .name = "directory",
    .section = "directories",
    .parse = parse,
    .needs = needs,
    .probe = probe,
    .begin = begin,
    .apply = apply,
};
