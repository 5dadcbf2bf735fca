/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: JSON merged into what is there, lines that must be there, whole texts, YAML, and writes to kernel files. All
 * but the last are written whole or not at all (base/file.h). A symlink is followed, never replaced. Where the target's
 * directory is read-only, or the target is a mount point, the content is staged in the state directory and bound over
 * the target; where the target does not exist either, only a remount window can help.
 */
#include "host/file.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/file.h"
#include "base/path.h"
#include "base/util.h"
#include "host/directory.h"
#include "host/file_spec.h"
#include "host/good.h"
#include "host/made.h"
#include "host/mounts.h"
#include "host/owner.h"
#include "host/window.h"

#define NOW_LONGEST 256           /* what a kernel file holds; more is read once more */
#define CONFIGFS_MAGIC 0x62656570 /* fs/configfs/mount.c; not in linux/magic.h */

static bool is_string_list(const struct reader *reader)
{
    static const struct field line = {NULL, FIELD_TEXT, .example = "\"127.0.0.1 localhost\""};
    struct reader item;
    const char *text = NULL;
    bool good = reader_is_array(reader, "[\"127.0.0.1 localhost\"]");

    for (bool more = good && reader_first(reader, &item); more; more = reader_next(&item)) {
        if (!reader_value(&item, &line, &text)) {
            good = false;
        } else if (strchr(text, '\n') != NULL) {
            reader_problem(&item, "make it two entries", "a line cannot contain a newline");
            good = false;
        }
    }
    return good;
}

static bool is_text(const struct reader *reader)
{
    static const struct field text = {NULL, FIELD_TEXT, .example = "\"0\""};
    const char *ignored = NULL;

    return reader_value(reader, &text, &ignored);
}

static bool is_json(const struct reader *reader)
{
    return reader_is_object(reader, "{\"storage-driver\": \"overlay2\"}");
}

static bool is_anything(const struct reader *reader)
{
    (void)reader;
    return true;
}

static const struct {
    const char *key;
    bool (*good)(const struct reader *reader);
} forms[] = {
    [FORM_JSON] = {"json", is_json},     [FORM_LINES] = {"lines", is_string_list}, [FORM_TEXT] = {"text", is_text},
    [FORM_YAML] = {"yaml", is_anything}, [FORM_WRITE] = {"write", is_text},
};

static void read_form(const struct reader *reader, void *record)
{
    struct file_spec *spec = record;

    for (int form = 0; form < (int)ARRAY_SIZE(forms); form++) {
        if (!streq(forms[form].key, reader_key(reader)) || !forms[form].good(reader)) {
            continue;
        }
        if (spec->form >= 0) {
            reader_problem_key(reader, "keep one of them", "\"%s\" and \"%s\" both say what the file holds",
                               forms[spec->form].key, forms[form].key);
        }
        spec->form = form;
        spec->value = reader->node;
    }
}

static void add(struct host *host, const struct reader *reader, const struct file_spec *spec)
{
    struct file_spec *kept = xcalloc(1, sizeof(*kept));

    *kept = *spec;
    host_add(host, reader, &kind_file, spec->path, spec->path, kept)->rank = RANK_FILE;
}

static void parse_one(const struct reader *reader, struct host *host)
{
    static const char *const when_words[] = {[WHEN_ALWAYS] = "always", [WHEN_ABSENT] = "absent", NULL};
    static const struct field fields[] = {
        {"path", FIELD_PATH, .required = true, .offset = offsetof(struct file_spec, path), .example = "\"/etc/hosts\""},
        {"json", FIELD_READ, .read = read_form},
        {"lines", FIELD_READ, .read = read_form},
        {"text", FIELD_READ, .read = read_form},
        {"yaml", FIELD_READ, .read = read_form},
        {"write", FIELD_READ, .read = read_form},
        {"mode", FIELD_MODE, .offset = offsetof(struct file_spec, ownership.mode), .example = "\"0644\""},
        {"owner", FIELD_STRING, .offset = offsetof(struct file_spec, ownership.owner), .example = "\"root\""},
        {"group", FIELD_STRING, .offset = offsetof(struct file_spec, ownership.group), .example = "\"root\""},
        {"when", FIELD_CHOICE, .offset = offsetof(struct file_spec, when), .choices = when_words},
        {"remount", FIELD_BOOLEAN, .offset = offsetof(struct file_spec, remount), .example = "true"},
    };
    struct file_spec spec = {.ownership.mode = -1, .form = -1};

    if (!reader_object(reader, fields, ARRAY_SIZE(fields), &spec)) {
        return;
    }
    if (spec.form < 0) {
        reader_problem(reader, "add one of \"json\", \"lines\", \"text\", \"yaml\" and \"write\"",
                       "does not say what the file holds");
        return;
    }
    if (spec.form == FORM_WRITE && (spec.ownership.mode >= 0 || spec.ownership.owner != NULL ||
                                    spec.ownership.group != NULL || spec.when != WHEN_ALWAYS || spec.remount)) {
        reader_problem(reader, "keep \"path\" and \"write\" alone; a regular file takes \"text\"",
                       "a write to a kernel file has no mode, owner, group, \"when\" or \"remount\"");
        return;
    }
    add(host, reader, &spec);
}

void file_add_json(struct host *host, const struct reader *reader, const char *path, bool remount, cJSON *value)
{
    struct file_spec spec = {.path = path,
                             .ownership = {.mode = -1},
                             .form = FORM_JSON_WHOLE,
                             .remount = remount,
                             .value = value,
                             .owned = value};

    add(host, reader, &spec);
}

static void parse(const struct reader *section, struct host *host)
{
    struct reader item;

    if (!reader_is_array(section, "[{\"path\": \"/etc/hosts\", \"lines\": [\"127.0.0.1 localhost\"]}]")) {
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

/* Does the file exist, and on a file system that keeps data? There a write in place would leave half of the old. */
static bool is_ordinary(const char *path)
{
    static const unsigned long kernel_types[] = {
        PROC_SUPER_MAGIC, SYSFS_MAGIC,  CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, SELINUX_MAGIC,  DEBUGFS_MAGIC,
        TRACEFS_MAGIC,    BPF_FS_MAGIC, SECURITYFS_MAGIC,   BINFMTFS_MAGIC,      CONFIGFS_MAGIC,
    };
    struct statfs status;

    if (statfs(path, &status) != 0) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(kernel_types); i++) {
        if (kernel_types[i] == (unsigned long)status.f_type) {
            return false;
        }
    }
    return true;
}

static enum verdict probe_write(struct resource *resource)
{
    const struct file_spec *spec = resource->spec;
    CLEANUP_FREE char *current = NULL;
    struct error err = {0};
    size_t length = 0;

    if (is_ordinary(spec->path)) {
        error_set(&err, ERROR_INPUT, 0, "write to %s: it is no file of the kernel's", spec->path);
        error_remedy(&err, "use \"text\" for an ordinary file");
        return resource_impossible(resource, &err);
    }
    if (file_read(spec->path, CONTENT_LARGEST, &current, &length, &err) != 0) {
        if (err.errnum == EACCES || err.errnum == EINVAL || err.errnum == EPERM) {
            resource_detail(resource, "cannot be read back, so it is written every time");
            return VERDICT_BLIND;
        }
        if (err.errnum == ENOENT) {
            error_remedy(&err, "this kernel has no such file, or what brings it is not mounted: correct \"path\"");
        }
        return resource_impossible(resource, &err);
    }
    if (file_content_is_same(current, spec->value->valuestring)) {
        return VERDICT_IN_PLACE;
    }
    current[strcspn(current, "\n")] = '\0';
    resource_detail(resource, "holds \"%s\", wanted \"%s\"", current, spec->value->valuestring);
    return VERDICT_DIFFERS;
}

static int refuse_read_only(const struct file_spec *spec, struct error *err)
{
    char parent[PATH_MAX];

    path_parent(spec->path, parent);
    error_system(err, EROFS, "open %s", spec->path);
    return error_remedy(err, "bind a writable directory such as /data%s over %s, or set \"remount\": true", parent,
                        parent);
}

static enum verdict probe_absent(struct resource *resource, const struct host *host)
{
    const struct file_spec *spec = resource->spec;
    struct error err = {0};
    char target[PATH_MAX];
    uid_t uid;
    gid_t gid;

    if (owner_resolve(&spec->ownership, &uid, &gid, &err) != 0) {
        return resource_impossible(resource, &err);
    }
    if (!host->foresee) {
        return VERDICT_ABSENT; /* apply finds out by trying */
    }
    if (path_follow(spec->path, target, &err) != 0) {
        return resource_impossible(resource, &err);
    }
    if (window_is_needed(host, target)) {
        if (!spec->remount) {
            refuse_read_only(spec, &err);
            return resource_impossible(resource, &err);
        }
        resource_detail(resource, "through a remount window");
    }
    return VERDICT_ABSENT;
}

static enum verdict probe(struct resource *resource, struct host *host)
{
    const struct file_spec *spec = resource->spec;
    CLEANUP_FREE char *current = NULL;
    CLEANUP_TEXT struct text wanted = {0};
    struct error err = {0};
    struct stat status;
    char target[PATH_MAX];
    enum verdict verdict;
    size_t length = 0;
    bool broken;

    if (spec->form == FORM_WRITE) {
        return probe_write(resource);
    }
    if (file_read(spec->path, CONTENT_LARGEST, &current, &length, &err) != 0) {
        return err.errnum == ENOENT ? probe_absent(resource, host) : resource_impossible(resource, &err);
    }
    if (stat(spec->path, &status) != 0) {
        error_system(&err, errno, "stat %s", spec->path);
        return resource_impossible(resource, &err);
    }
    if (spec->when == WHEN_ABSENT) {
        return VERDICT_IN_PLACE;
    }
    if (spec->form == FORM_LINES && strlen(current) != length) {
        error_set(&err, ERROR_INPUT, 0, "add lines to %s: it is no text, it holds a NUL byte", spec->path);
        error_remedy(&err, "look what it is, and move it away");
        return resource_impossible(resource, &err);
    }
    verdict = owner_probe(&spec->ownership, &status, resource);
    file_content_make(spec, host, &(struct file_content){current, length}, &wanted, &broken);
    if (verdict != VERDICT_IMPOSSIBLE &&
        (wanted.length != length || memcmp(text_string(&wanted), current, length) != 0)) {
        resource_detail(resource,
                        !broken                                  ? "other content"
                        : file_content_is_blank(current, length) ? "is empty"
                                                                 : "is not JSON; kept aside as %s.broken",
                        spec->path);
        verdict = VERDICT_DIFFERS;
    }
    if (host->foresee && verdict == VERDICT_DIFFERS && !broken && path_follow(spec->path, target, &err) == 0 &&
        window_is_needed(host, target)) {
        resource_detail(resource, "read-only; staged in %s and bound over it", host->state_dir);
    }
    return verdict;
}

/* Put the content into the state directory and bind it over the target. */
static int stage(const char *path, const char *data, size_t length, const struct file_attributes *attributes,
                 struct host *host, struct error *err)
{
    CLEANUP_FREE char *staged = NULL;
    CLEANUP_FREE char *tail = NULL;
    struct mount_entry entry;
    char parent[PATH_MAX];
    char target[PATH_MAX];

    if (path_follow(path, target, err) != 0) {
        return -1;
    }
    staged = xasprintf("%s/files%s", host->state_dir, target);
    tail = xasprintf("/files%s", target);
    path_parent(staged, parent);
    if (file_make_parents(parent, err) != 0 || file_write(staged, data, length, attributes, err) != 0) {
        return error_wrap(err, "stage %s", target);
    }
    /* An earlier content of ours is bound there: the old inode, which the rename above did not touch. */
    if (mounts_at(host, target, &entry, err) == 1) {
        /* mountinfo marks an inode without a name; nothing can be mounted over one (ENOENT). */
        const char *mark = strstr(entry.root, "//deleted");
        size_t root = mark == NULL ? strlen(entry.root) : (size_t)(mark - entry.root);

        if (root >= strlen(tail) && strncmp(entry.root + root - strlen(tail), tail, strlen(tail)) == 0 &&
            mounts_detach(host, target, err) != 0) {
            return -1;
        }
    }
    error_clear(err);
    return made_note(host, false, target, err) != 0 ? -1 : mounts_mount(host, staged, target, NULL, "bind", err);
}

/* The file, in the directory that it needs: whoever is told that it is there already, is not asked before. */
static int write_whole(const struct file_spec *spec, const char *target, const struct text *wanted,
                       const struct file_attributes *attributes, struct host *host, struct error *err)
{
    char parent[PATH_MAX];

    if (file_write(target, text_string(wanted), wanted->length, attributes, err) == 0) {
        return 0;
    }
    if (err->errnum != ENOENT && err->errnum != ENOTDIR) {
        return -1;
    }
    error_clear(err);
    path_parent(target, parent);
    return directory_make(host, parent, spec->remount, err) != 0
               ? -1
               : file_write(target, text_string(wanted), wanted->length, attributes, err);
}

static int write_regular(struct resource *resource, const char *target, bool exists, struct host *host,
                         struct error *err)
{
    const struct file_spec *spec = resource->spec;
    struct file_attributes attributes = {.mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *current = NULL;
    CLEANUP_TEXT struct text wanted = {0};
    struct stat status;
    bool broken = false;
    size_t length = 0;

    exists = exists && stat(target, &status) == 0;
    attributes.fresh = !exists;
    if (exists) {
        if (file_read(target, CONTENT_LARGEST, &current, &length, err) != 0) {
            return -1;
        }
        attributes =
            (struct file_attributes){.mode = status.st_mode & 07777, .uid = status.st_uid, .gid = status.st_gid};
    }
    file_content_make(spec, host, &(struct file_content){current, length}, &wanted, &broken);
    if (broken && !file_content_is_blank(current, length) && good_put_aside(target, current, length, err) != 0 &&
        err->errnum != EROFS) {
        return -1;
    }
    if (spec->ownership.mode >= 0) {
        attributes.mode = (mode_t)spec->ownership.mode;
    }
    if (spec->ownership.owner != NULL || spec->ownership.group != NULL) {
        uid_t uid;
        gid_t gid;

        if (owner_resolve(&spec->ownership, &uid, &gid, err) != 0) {
            return -1;
        }
        attributes.uid = uid != (uid_t)-1 ? uid : attributes.uid;
        attributes.gid = gid != (gid_t)-1 ? gid : attributes.gid;
    }
    if (write_whole(spec, target, &wanted, &attributes, host, err) == 0) {
        resource->proven = true;
        return 0;
    }
    if (exists && (err->errnum == EROFS || err->errnum == EBUSY)) {
        return stage(target, text_string(&wanted), wanted.length, &attributes, host, err);
    }
    if (err->errnum != EROFS) {
        return -1;
    }
    if (!spec->remount) {
        return refuse_read_only(spec, err);
    }
    if (window_open(host, target, err) != 0) {
        return -1;
    }
    return file_write(target, text_string(&wanted), wanted.length, &attributes, err);
}

/* The file to write: what a symlink leads to. `exists`: something may be there. */
static int find_target(const char *path, char target[PATH_MAX], bool *exists, struct error *err)
{
    char link[1];
    bool is_link = readlink(path, link, sizeof(link)) >= 0;

    *exists = is_link || errno != ENOENT;
    if (is_link) {
        return path_follow(path, target, err);
    }
    snprintf(target, PATH_MAX, "%s", path);
    return 0;
}

/* What the kernel made of the value is read back at once; if it cannot be, the last look does. */
static int apply_write(struct resource *resource, struct error *err)
{
    const struct file_spec *spec = resource->spec;
    const char *value = spec->value->valuestring;
    char now[NOW_LONGEST];

    if (file_put_and_look(spec->path, value, now, resource->verdict == VERDICT_BLIND ? 0 : sizeof(now), err) == 0) {
        resource->proven = resource->verdict != VERDICT_BLIND && now[0] != '\0' && file_content_is_same(now, value);
        return 0;
    }
    if (err->errnum == EINVAL) {
        error_remedy(err, "the kernel refuses this value: see what it has now with \"cat %s\"", spec->path);
    }
    return -1;
}

static int apply(struct resource *resource, struct host *host, struct error *err)
{
    const struct file_spec *spec = resource->spec;
    char target[PATH_MAX];
    bool exists;

    if (spec->form == FORM_WRITE) {
        return apply_write(resource, err);
    }
    return find_target(spec->path, target, &exists, err) != 0 ? -1 : write_regular(resource, target, exists, host, err);
}

static void free_spec(void *spec)
{
    cJSON_Delete(((struct file_spec *)spec)->owned);
    free(spec);
}

const struct resource_kind kind_file = {
    .name = "file",
    .section = "files",
    .parse = parse,
    .needs = needs,
    .probe = probe,
    .apply = apply,
    .free_spec = free_spec,
};
