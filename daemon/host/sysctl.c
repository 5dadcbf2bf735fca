/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel parameters below /proc/sys. The key is written as sysctl(8) does: dots for slashes, or slashes. */
#include <ctype.h>
#include <errno.h>

#include "base/file.h"
#include "base/path.h"
#include "base/util.h"
#include "host/host.h"

#define VALUE_LARGEST (64 * 1024)
#define NOW_LONGEST 256 /* nearly all values; a longer one is read once more */

struct sysctl_spec {
    const char *value;
    char *path;
};

/* "net.ipv4.ip_forward" and "net/ipv4/ip_forward" alike; whichever separator comes first rules, so that
 * "net/ipv4/conf/eth0.100/forwarding" can be said. */
static void swap_separators(char *text)
{
    for (; *text != '\0'; text++) {
        *text = *text == '.' ? '/' : *text == '/' ? '.' : *text;
    }
}

static char *sysctl_path(const char *key)
{
    char *path = xasprintf("/proc/sys/%s", key);
    char *own = path + strlen("/proc/sys/");

    if (own[strcspn(own, "./")] == '.') {
        swap_separators(own);
    }
    return path;
}

/* The name with dots, however the manifest wrote it: one parameter, one name. */
static char *sysctl_name(const char *path)
{
    char *name = xstrdup(path + strlen("/proc/sys/"));

    swap_separators(name);
    return name;
}

static void parse(const struct reader *section, struct host *host)
{
    static const struct field field = {NULL, FIELD_TEXT, .example = "\"1\""};
    struct reader item;

    if (!reader_is_object(section, "{\"net.ipv4.ip_forward\": \"1\"}")) {
        return;
    }
    for (bool more = reader_first(section, &item); more; more = reader_next(&item)) {
        const char *key = reader_key(&item);
        struct sysctl_spec *spec;
        const char *value = NULL;
        const char *why = NULL;
        CLEANUP_FREE char *path = sysctl_path(key);
        CLEANUP_FREE char *name = NULL;

        if (!path_is_normal(path, &why)) {
            reader_problem_key(&item, "write a key such as \"net.ipv4.ip_forward\"", "\"%s\" %s", key, why);
            continue;
        }
        if (!reader_value(&item, &field, &value)) {
            continue;
        }
        spec = xcalloc(1, sizeof(*spec));
        spec->value = value;
        spec->path = take_pointer(&path);
        name = sysctl_name(spec->path);
        host_add(host, &item, &kind_sysctl, name, spec->path, spec)->rank = RANK_SYSCTL;
    }
}

static void needs(const struct resource *resource, struct need_list *list)
{
    /* Keys that exist only once a module is there. */
    static const struct {
        const char *directory;
        const char *module;
    } owners[] = {
        {"/proc/sys/net/bridge", "module br_netfilter"},
        {"/proc/sys/net/netfilter", "module nf_conntrack"},
        {"/proc/sys/net/ipv4/vs", "module ip_vs"},
    };

    need_path(list, resource->path);
    for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
        if (path_is_below(resource->path, owners[i].directory)) {
            need_name(list, owners[i].module);
        }
    }
}

/* Compare word by word: the kernel prints tabs where people write spaces. */
static bool same_words(const char *a, const char *b)
{
    for (;;) {
        size_t length_a;
        size_t length_b;

        a += strspn(a, " \t\n");
        b += strspn(b, " \t\n");
        length_a = strcspn(a, " \t\n");
        length_b = strcspn(b, " \t\n");
        if (length_a != length_b || memcmp(a, b, length_a) != 0) {
            return false;
        }
        if (length_a == 0) {
            return true;
        }
        a += length_a;
        b += length_b;
    }
}

static enum verdict probe(struct resource *resource, struct host *host)
{
    const struct sysctl_spec *spec = resource->spec;
    CLEANUP_FREE char *current = NULL;
    struct error err = {0};
    size_t length = 0;

    (void)host;
    if (file_read(spec->path, VALUE_LARGEST, &current, &length, &err) != 0) {
        if (err.errnum == ENOENT) {
            error_remedy(&err, "this kernel has no such parameter: correct the key, or load the module that brings it");
        } else if (err.errnum == EISDIR) {
            error_remedy(&err, "this is a group of parameters: name one of those in it");
        }
        return resource_impossible(resource, &err);
    }
    if (same_words(current, spec->value)) {
        return VERDICT_IN_PLACE;
    }
    current[strcspn(current, "\n")] = '\0';
    resource_detail(resource, "is %s, wanted %s", current, spec->value);
    return VERDICT_DIFFERS;
}

static int apply(struct resource *resource, struct host *host, struct error *err)
{
    const struct sysctl_spec *spec = resource->spec;
    char now[NOW_LONGEST];

    (void)host;
    if (file_put_and_look(spec->path, spec->value, now, sizeof(now), err) != 0) {
        if (err->errnum == EINVAL) {
            error_remedy(err, "the kernel refuses this value: see what it has now with \"cat %s\"", spec->path);
        } else if (err->errnum == EROFS) {
            error_remedy(err, "/proc/sys is mounted read-only, as in a container: set it where the kernel is run");
        }
        return -1;
    }
    resource->proven = now[0] != '\0' && same_words(now, spec->value);
    return 0;
}

static void free_spec(void *spec)
{
    free(((struct sysctl_spec *)spec)->path);
    free(spec);
}

const struct resource_kind kind_sysctl = {
    .name = "sysctl",
    .section = "sysctls",
    .parse = parse,
    .needs = needs,
    .probe = probe,
    .apply = apply,
    .free_spec = free_spec,
};
