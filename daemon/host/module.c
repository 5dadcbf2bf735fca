/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel modules: finit_module(2) and modules.dep, without libkmod (design: memory is spent on purpose). A module that
 * is built into the kernel counts as present. An entry is a name, looked up in the directories of this kernel's
 * modules, or the path of a .ko file, as OpenHarmony images keep them below /vendor/modules.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "base/path.h"
#include "base/util.h"
#include "host/host.h"
#include "host/module.h"

#define INDEX_LARGEST (8 * 1024 * 1024)

struct module_spec {
    const char *name; /* as the manifest has it */
    char *key;        /* as the kernel names it: no directory, no ".ko", '_' for '-' */
};

/* "br-netfilter", "/vendor/modules/br_netfilter.ko.xz" -> "br_netfilter" */
static char *module_key(const char *name)
{
    char *key = xstrdup(path_name(name));
    char *suffix = strstr(key, ".ko");

    if (suffix != NULL) {
        *suffix = '\0';
    }
    for (char *at = key; *at != '\0'; at++) {
        *at = *at == '-' ? '_' : *at;
    }
    return key;
}

static void parse(const struct reader *section, struct host *host)
{
    static const struct field field = {NULL, FIELD_STRING, .example = "\"br_netfilter\""};
    struct reader item;

    if (!reader_is_array(section, "[\"br_netfilter\"]")) {
        return;
    }
    for (bool more = reader_first(section, &item); more; more = reader_next(&item)) {
        struct module_spec *spec;
        const char *name = NULL;
        const char *why = NULL;

        if (!reader_value(&item, &field, &name)) {
            continue;
        }
        if (strchr(name, '/') != NULL && !path_is_normal(name, &why)) {
            reader_problem(&item, "write a module's name, or the absolute path of its .ko file", "\"%s\" %s", name,
                           why);
            continue;
        }
        spec = xcalloc(1, sizeof(*spec));
        spec->name = name;
        spec->key = module_key(name);
        host_add(host, &item, &kind_module, spec->key, NULL, spec)->rank = RANK_MODULE;
    }
}

static void needs(const struct resource *resource, struct need_list *list)
{
    const struct module_spec *spec = resource->spec;

    if (spec->name[0] == '/') {
        need_path(list, spec->name);
    }
}

/* "/lib/modules/5.10.79/modules.dep" and the like; NULL if this kernel has no such file. */
static char *read_index(const char *file, char directory[PATH_MAX])
{
    static const char *const roots[] = {"/lib/modules", "/vendor/lib/modules", "/system/lib/modules"};
    struct utsname kernel;
    struct error ignored = {0};

    uname(&kernel);
    for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
        CLEANUP_FREE char *path = NULL;
        char *data = NULL;
        size_t length = 0;

        snprintf(directory, PATH_MAX, "%s/%s", roots[i], kernel.release);
        path = xasprintf("%s/%s", directory, file);
        if (file_read(path, INDEX_LARGEST, &data, &length, &ignored) == 0) {
            return data;
        }
    }
    return NULL;
}

/* The line of an index whose first word is the file of this module, or NULL. Cuts the data into lines. */
static char *find_line(char *data, const char *key)
{
    char *rest = NULL;

    for (char *line = strtok_r(data, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        CLEANUP_FREE char *file = xstrndup(line, strcspn(line, ":"));
        CLEANUP_FREE char *found = module_key(file);

        if (streq(found, key)) {
            return line;
        }
    }
    return NULL;
}

static bool is_loaded(const char *key)
{
    CLEANUP_FREE char *path = xasprintf("/sys/module/%s/initstate", key);
    CLEANUP_FREE char *state = NULL;
    struct error ignored = {0};
    size_t length = 0;

    return file_read(path, 64, &state, &length, &ignored) == 0 && starts_with(state, "live");
}

/* Built in: said by modules.builtin, by /sys/module (without initstate; only modules with parameters show there), or,
 * on images that carry neither, by the trace that the module leaves in /proc. */
static bool is_built_in(const char *key)
{
    static const struct {
        const char *key;
        const char *trace;
    } traces[] = {
        {"br_netfilter", "/proc/sys/net/bridge/bridge-nf-call-iptables"},
        {"nf_conntrack", "/proc/sys/net/netfilter/nf_conntrack_max"},
        {"ip_tables", "/proc/net/ip_tables_names"},
        {"ip6_tables", "/proc/net/ip6_tables_names"},
        {"ip_vs", "/proc/net/ip_vs"},
        {"overlay", "/sys/module/overlay"},
        {"tun", "/sys/class/misc/tun"},
        {"fuse", "/sys/class/misc/fuse"},
        {"loop", "/sys/class/misc/loop-control"},
        {"bridge", "/proc/sys/net/bridge"},
    };
    CLEANUP_FREE char *path = xasprintf("/sys/module/%s", key);
    CLEANUP_FREE char *data = NULL;
    char directory[PATH_MAX];

    if (access(path, F_OK) == 0 && !is_loaded(key)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_SIZE(traces); i++) {
        if (streq(traces[i].key, key) && access(traces[i].trace, F_OK) == 0) {
            return true;
        }
    }
    data = read_index("modules.builtin", directory);
    return data != NULL && find_line(data, key) != NULL;
}

static bool file_system_listed(const char *type)
{
    CLEANUP_FREE char *list = NULL;
    struct error ignored = {0};
    size_t length = 0;
    char *rest = NULL;

    if (file_read("/proc/filesystems", 64 * 1024L, &list, &length, &ignored) != 0) {
        return true; /* no /proc: mount(2) will tell */
    }
    for (char *line = strtok_r(list, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (streq(strchr(line, '\t') == NULL ? line : strchr(line, '\t') + 1, type)) {
            return true;
        }
    }
    return false;
}

bool module_knows_file_system(const char *type)
{
    CLEANUP_FREE char *data = NULL;
    CLEANUP_FREE char *key = NULL;
    char directory[PATH_MAX];

    if (file_system_listed(type)) {
        return true;
    }
    key = module_key(type);
    data = read_index("modules.dep", directory);
    return data != NULL && find_line(data, key) != NULL;
}

static enum verdict probe(struct resource *resource, struct host *host)
{
    const struct module_spec *spec = resource->spec;
    CLEANUP_FREE char *data = NULL;
    struct error err = {0};
    struct utsname kernel;
    int errnum;
    char directory[PATH_MAX];

    (void)host;
    if (is_loaded(spec->key)) {
        return VERDICT_IN_PLACE;
    }
    if (spec->name[0] == '/' && access(spec->name, R_OK) == 0) {
        return VERDICT_ABSENT;
    }
    errnum = errno;
    if (is_built_in(spec->key)) {
        resource_detail(resource, "built into the kernel");
        return VERDICT_IN_PLACE;
    }
    data = read_index("modules.dep", directory);
    if (data != NULL && find_line(data, spec->key) != NULL) {
        return VERDICT_ABSENT;
    }
    if (spec->name[0] == '/') {
        error_system(&err, errnum, "open module %s", spec->name);
        error_remedy(&err, "correct the path, or put the module there");
        return resource_impossible(resource, &err);
    }
    uname(&kernel);
    error_set(&err, ERROR_UNSUPPORTED, 0,
              "find module %s: not built in, and in no modules.dep below /lib/modules/%s, "
              "/vendor/lib/modules/%s and /system/lib/modules/%s",
              spec->key, kernel.release, kernel.release, kernel.release);
    error_remedy(&err, "build the kernel with it, or give the path of its .ko file");
    return resource_impossible(resource, &err);
}

static int load(const char *path, struct error *err)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    const char *suffix = strstr(path_name(path), ".ko");
    /* Compressed modules: the kernel unpacks them itself since 5.17 (CONFIG_MODULE_DECOMPRESS). */
    int flags = suffix != NULL && suffix[3] != '\0' ? MODULE_INIT_COMPRESSED_FILE : 0;

    if (fd < 0) {
        return error_system(err, errno, "open module %s", path);
    }
    if (syscall(SYS_finit_module, fd, "", flags) != 0 && errno != EEXIST) {
        error_system(err, errno, "load module %s", path);
        if (err->errnum == ENOSYS) {
            error_remedy(err, "this kernel loads no modules (CONFIG_MODULES): build it in");
        }
        if (err->errnum == ENOEXEC || err->errnum == EINVAL) {
            error_remedy(err,
                         "the file does not fit this kernel: take the module from the same build; see the kernel log");
        }
        return -1;
    }
    return 0;
}

/* A line of modules.dep: "kernel/net/bridge/br_netfilter.ko: kernel/net/bridge/bridge.ko kernel/net/802/stp.ko". What a
 * module depends on stands after it, the deepest last, so load from the end. */
static int load_line(const char *directory, char *line, struct error *err)
{
    char *colon = strchr(line, ':');
    char *words[64] = {0};
    size_t count = 0;
    char *rest = NULL;

    if (colon != NULL) {
        *colon = ' ';
    }
    for (char *word = strtok_r(line, " ", &rest); word != NULL && count < ARRAY_SIZE(words);
         word = strtok_r(NULL, " ", &rest)) {
        words[count++] = word;
    }
    while (count > 0) {
        const char *word = words[--count];
        CLEANUP_FREE char *path = word[0] == '/' ? xstrdup(word) : xasprintf("%s/%s", directory, word);
        CLEANUP_FREE char *key = module_key(word);

        if (!is_loaded(key) && load(path, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static int apply(struct resource *resource, struct host *host, struct error *err)
{
    const struct module_spec *spec = resource->spec;
    CLEANUP_FREE char *data = NULL;
    char directory[PATH_MAX];
    char *line;

    (void)host;
    if (spec->name[0] == '/') {
        return load(spec->name, err);
    }
    data = read_index("modules.dep", directory);
    line = data == NULL ? NULL : find_line(data, spec->key);
    if (line == NULL) {
        return error_set(err, ERROR_UNSUPPORTED, ENOENT, "find module %s in modules.dep", spec->key);
    }
    return load_line(directory, line, err);
}

static bool slow(const struct resource *resource)
{
    (void)resource;
    return true; /* a module's init function may do anything */
}

static void free_spec(void *spec)
{
    free(((struct module_spec *)spec)->key);
    free(spec);
}

const struct resource_kind kind_module = {
    .name = "module",
    .section = "modules",
    .parse = parse,
    .needs = needs,
    .probe = probe,
    .apply = apply,
    .slow = slow,
    .free_spec = free_spec,
};
