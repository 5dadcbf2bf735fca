/* SPDX-License-Identifier: Apache-2.0 */
#include "host/host.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>

#include "base/util.h"
#include "host/made.h"
#include "host/mounts.h"
#include "host/rule.h"
#include "host/window.h"

static void read_section(const struct reader *reader, void *record);

/* One row a kind: the section's key is the row's, and so is all else. */
static const struct resource_kind *const kinds[] = {
    &kind_directory, &kind_mount, &kind_cgroup, &kind_file, &kind_sysctl, &kind_module, &kind_rule, &kind_selinux,
};

#define FEW 128 /* a power of two */
#define KINDS ARRAY_SIZE(kinds)
static_assert(KINDS == 8, "a kind is a file, a row here, and an entry in cfg/edgeinit.schema.json");

static void read_section(const struct reader *reader, void *record)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (streq(kinds[i]->section, reader_key(reader))) {
            kinds[i]->parse(reader, record);
        }
    }
}

void host_parse(const struct reader *section, struct host *host)
{
    struct field fields[KINDS];

    for (size_t i = 0; i < KINDS; i++) {
        fields[i] = (struct field){.key = kinds[i]->section, .type = FIELD_READ, .read = read_section};
    }
    reader_object(section, fields, KINDS, host);
}

/* FNV-1a: names of one kind begin alike, and each is compared with each other. */
static uint32_t hash_of(const char *name)
{
    uint32_t hash = 2166136261U;

    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    }
    return hash;
}

/* The resource that a new one of this kind and name would be in conflict with, or NULL. */
static const struct resource *find_conflict(const struct host *host, const struct resource_kind *kind, const char *name,
                                            uint32_t hash, const char *path)
{
    const struct resource_kind *rival = kind == &kind_file        ? &kind_directory
                                        : kind == &kind_directory ? &kind_file
                                                                  : NULL;

    for (size_t i = 0; i < host->count; i++) {
        const struct resource *other = &host->resources[i];

        if ((hash == other->hash && streq(name, other->name)) ||
            (rival != NULL && other->kind == rival && streq(path, other->path))) {
            return other; /* a name begins with its kind's */
        }
    }
    return NULL;
}

struct resource *host_add(struct host *host, const struct reader *reader, const struct resource_kind *kind,
                          const char *subject, const char *path, void *spec)
{
    CLEANUP_FREE char *name = xasprintf("%s %s", kind->name, subject);
    uint32_t hash = hash_of(name);
    const struct resource *conflict = host->count < HOST_MOST ? find_conflict(host, kind, name, hash, path) : NULL;
    struct resource *resource;

    if (host->count == HOST_MOST) {
        reader_problem(reader, "no board needs that; remove some", "more than %d resources", HOST_MOST);
    } else if (conflict != NULL && conflict->kind == kind) {
        reader_problem(reader, "keep one of them", "\"%s\" is asked for twice", name);
    } else if (conflict != NULL) {
        reader_problem(reader, "keep one of them", "\"%s\" and \"%s\" stand at the same place", name, conflict->name);
    }
    /* Room for a power of two, from as many on as a board has: what is not used is never touched. */
    if (host->count == 0 || (host->count >= FEW && (host->count & (host->count - 1)) == 0)) {
        host->resources =
            xrealloc(host->resources, (host->count == 0 ? FEW : host->count * 2) * sizeof(*host->resources));
    }
    resource = &host->resources[host->count++];
    *resource = (struct resource){
        .kind = kind,
        .hash = hash,
        .name = take_pointer(&name),
        .path = path,
        .spec = spec,
    };
    return resource;
}

struct resource *host_find(const struct host *host, const char *name)
{
    for (size_t i = 0; i < host->count; i++) {
        if (streq(host->resources[i].name, name)) {
            return &host->resources[i];
        }
    }
    return NULL;
}

static void forget(struct resource *resource)
{
    resource_detail(resource, NULL);
    free(resource->error);
    resource->error = NULL;
    resource->proven = false;
    resource->begun = false;
}

static void look(struct host *host, struct resource *resource,
                 enum verdict (*how)(struct resource *resource, struct host *host))
{
    forget(resource);
    resource->verdict = how(resource, host);
}

void host_probe(struct host *host, struct resource *resource)
{
    look(host, resource, resource->kind->probe);
}

void host_begin(struct host *host, struct resource *resource)
{
    bool begun = host->fresh && resource->kind->begin != NULL && resource->kind->begin(resource, host);

    if (begun) {
        forget(resource);
        resource->begun = true;
        resource->verdict = VERDICT_ABSENT;
    } else {
        host_probe(host, resource);
    }
    host->fresh |= resource->verdict == VERDICT_ABSENT;
}

void host_confirm(struct host *host, struct resource *resource)
{
    look(host, resource, resource->kind->confirm != NULL ? resource->kind->confirm : resource->kind->probe);
}

void host_refresh(struct host *host)
{
    mounts_forget(host);
    rule_forget(host);
}

void host_remedy(struct error *err)
{
    static const struct {
        int errnum;
        const char *remedy;
    } remedies[] = {
        {EPERM,
         "run edgeinit as root with all capabilities; under SELinux, look for \"avc: denied\" in the kernel log"},
        {EACCES, "run edgeinit as root; under SELinux, look for \"avc: denied\" in the kernel log"},
        {EROFS,
         "the file system is read-only: choose a path below /data, or allow a window with \"remount\": true; if /data "
         "itself is, the kernel log says why it was not mounted"},
        {ENOSPC, "the file system is full: free space or move the path to another one"},
        {EDQUOT, "the quota is used up: free space or move the path to another file system"},
        {EIO, "the device reports errors: read the kernel log, check the card's contacts, replace it"},
        {ENOTDIR, "a part of the path is not a directory: move that file away or choose another path"},
        {ENOENT, "a part of the path does not exist: correct it, or make the manifest create it"},
        {EBUSY, "it is in use: see with \"findmnt\" and \"fuser -vm\" by what"},
        {EFBIG, "the file is far larger than such a file can be: look what it is"},
        {EISDIR, "a directory stands there: move it away or choose another path"},
        {ELOOP, "the symlinks form a loop: remove one of them"},
        {ENOMEM, "the kernel is out of memory: see \"free\" and the kernel log"},
        {ENOSYS, "this kernel does not have the call: a kernel of 4.19 or later is needed"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(remedies) && err->remedy[0] == '\0'; i++) {
        if (remedies[i].errnum == err->errnum) {
            error_remedy(err, "%s", remedies[i].remedy);
        }
    }
}

void host_free(struct host *host)
{
    for (size_t i = 0; i < host->count; i++) {
        struct resource *resource = &host->resources[i];

        if (resource->kind->free_spec != NULL) {
            resource->kind->free_spec(resource->spec);
        } else {
            free(resource->spec);
        }
        free(resource->name);
        free(resource->detail);
        free(resource->error);
    }
    free(host->resources);
    free(host->controllers);
    host_refresh(host);
    rule_free(host);
    window_free(host);
    made_free(host);
    host->resources = NULL;
    host->controllers = NULL;
    host->count = 0;
}

void resource_detail(struct resource *resource, const char *format, ...)
{
    va_list arguments;
    char *detail = NULL;

    if (format != NULL) {
        va_start(arguments, format);
        detail = xvasprintf(format, arguments);
        va_end(arguments);
    }
    free(resource->detail);
    resource->detail = detail;
}

enum verdict resource_impossible(struct resource *resource, const struct error *err)
{
    if (resource->error == NULL) {
        resource->error = xcalloc(1, sizeof(*resource->error));
    }
    *resource->error = *err;
    host_remedy(resource->error);
    return VERDICT_IMPOSSIBLE;
}

void need_path(struct need_list *needs, const char *path)
{
    assert(needs->path_count < NEEDS_MOST);
    needs->paths[needs->path_count++] = path;
}

void need_name(struct need_list *needs, const char *name)
{
    assert(needs->name_count < NEEDS_MOST);
    needs->names[needs->name_count++] = name;
}
