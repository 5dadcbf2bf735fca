/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SELinux mode, by selinuxfs alone: libselinux brings a constructor and pcre for what is one byte in one file. A kernel
 * without SELinux is as permissive as can be.
 */
#include <errno.h>

#include "base/file.h"
#include "base/util.h"
#include "host/host.h"

#define ENFORCE_PATH "/sys/fs/selinux/enforce"

enum selinux_mode { MODE_ENFORCING, MODE_PERMISSIVE, MODE_UNCHANGED };

static const char *const mode_words[] = {
    [MODE_ENFORCING] = "enforcing", [MODE_PERMISSIVE] = "permissive", [MODE_UNCHANGED] = "unchanged", NULL};

struct selinux_spec {
    int mode;
};

static void parse(const struct reader *section, struct host *host)
{
    static const struct field field = {NULL, FIELD_CHOICE, .offset = offsetof(struct selinux_spec, mode),
                                       .choices = mode_words, .example = "\"permissive\""};
    struct selinux_spec spec = {0};
    struct selinux_spec *kept;

    if (!reader_value(section, &field, &spec)) {
        return;
    }
    if (spec.mode == MODE_PERMISSIVE) {
        reader_warning(section, "give the services a policy and write \"unchanged\"",
                       "permissive switches the protection of the whole system off");
    }
    if (spec.mode == MODE_UNCHANGED) {
        return; /* nothing asked for, nothing to look at */
    }
    kept = xcalloc(1, sizeof(*kept));
    *kept = spec;
    host_add(host, section, &kind_selinux, mode_words[spec.mode], NULL, kept)->rank =
        spec.mode == MODE_PERMISSIVE ? RANK_SELINUX_LOOSEN : RANK_SELINUX_TIGHTEN;
}

static void needs(const struct resource *resource, struct need_list *list)
{
    (void)resource;
    (void)list;
}

static enum verdict probe(struct resource *resource, struct host *host)
{
    const struct selinux_spec *spec = resource->spec;
    CLEANUP_FREE char *current = NULL;
    struct error err = {0};
    size_t length = 0;

    (void)host;
    if (file_read(ENFORCE_PATH, 16, &current, &length, &err) != 0) {
        if (err.errnum == ENOENT && spec->mode == MODE_PERMISSIVE) {
            resource_detail(resource, "this kernel runs without SELinux");
            return VERDICT_IN_PLACE;
        }
        if (err.errnum == ENOENT) {
            error_remedy(&err,
                         "this kernel runs without SELinux: boot it with security=selinux, or write \"unchanged\"");
        }
        return resource_impossible(resource, &err);
    }
    if ((current[0] == '1') == (spec->mode == MODE_ENFORCING)) {
        return VERDICT_IN_PLACE;
    }
    resource_detail(resource, "is %s", mode_words[current[0] == '1' ? MODE_ENFORCING : MODE_PERMISSIVE]);
    return VERDICT_DIFFERS;
}

static int apply(struct resource *resource, struct host *host, struct error *err)
{
    const struct selinux_spec *spec = resource->spec;

    (void)host;
    if (file_put(ENFORCE_PATH, spec->mode == MODE_ENFORCING ? "1" : "0", err) != 0) {
        return error_remedy(err, "the loaded policy does not allow setenforce: allow it there (security:setenforce), "
                                 "boot with enforcing=0, or write \"unchanged\"");
    }
    return 0;
}

const struct resource_kind kind_selinux = {
    .name = "selinux",
    .section = "selinux",
    .parse = parse,
    .needs = needs,
    .probe = probe,
    .apply = apply,
};
