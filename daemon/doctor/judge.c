/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/judge.h"

#include <linux/capability.h>

#include "base/util.h"

bool judge_status_field(const char *status, const char *key, char value[64])
{
    size_t length = strlen(key);

    for (const char *line = status; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            line += length + 1;
            line += strspn(line, " \t");
            snprintf(value, 64, "%.*s", (int)strcspn(line, "\n"), line);
            return true;
        }
    }
    return false;
}

/* What docker gives a container by default, for it cannot give what it does not have, and what dockerd itself does. */
static const struct {
    enum capability_set set;
    unsigned number;
    const char *name;
} capabilities[] = {
    {CAPABILITIES_DOCKER, CAP_CHOWN, "CHOWN"},
    {CAPABILITIES_DOCKER, CAP_DAC_OVERRIDE, "DAC_OVERRIDE"},
    {CAPABILITIES_DOCKER, CAP_FOWNER, "FOWNER"},
    {CAPABILITIES_DOCKER, CAP_FSETID, "FSETID"},
    {CAPABILITIES_DOCKER, CAP_KILL, "KILL"},
    {CAPABILITIES_DOCKER, CAP_SETGID, "SETGID"},
    {CAPABILITIES_DOCKER, CAP_SETUID, "SETUID"},
    {CAPABILITIES_DOCKER, CAP_SETPCAP, "SETPCAP"},
    {CAPABILITIES_DOCKER, CAP_NET_BIND_SERVICE, "NET_BIND_SERVICE"},
    {CAPABILITIES_DOCKER, CAP_NET_ADMIN, "NET_ADMIN"},
    {CAPABILITIES_DOCKER, CAP_NET_RAW, "NET_RAW"},
    {CAPABILITIES_DOCKER, CAP_SYS_CHROOT, "SYS_CHROOT"},
    {CAPABILITIES_DOCKER, CAP_SYS_ADMIN, "SYS_ADMIN"},
    {CAPABILITIES_DOCKER, CAP_MKNOD, "MKNOD"},
    {CAPABILITIES_DOCKER, CAP_AUDIT_WRITE, "AUDIT_WRITE"},
    {CAPABILITIES_DOCKER, CAP_SETFCAP, "SETFCAP"},
    {CAPABILITIES_RESOURCE, CAP_SYS_RESOURCE, "SYS_RESOURCE"},
};

void judge_capabilities(uint64_t mask, enum capability_set set, struct text *missing)
{
    for (size_t i = 0; i < ARRAY_SIZE(capabilities); i++) {
        if (capabilities[i].set == set && (mask >> capabilities[i].number & 1) == 0) {
            text_format(missing, "%s%s", missing->length == 0 ? "" : " ", capabilities[i].name);
        }
    }
}

/* "u:r:limit_domain:s0": the type is the third part. */
enum domain judge_context(const char *context)
{
    static const struct {
        const char *type;
        enum domain domain;
    } types[] = {
        {"limit_domain", DOMAIN_GENERIC}, /* a service without "secon", OpenHarmony 3.2+ */
        {"init", DOMAIN_GENERIC},         /* the same, 3.1 */
        {"chipset_init", DOMAIN_GENERIC}, /* a service of /vendor without "secon" */
        {"kernel", DOMAIN_GENERIC},       /* no policy was loaded */
        {"unlabeled", DOMAIN_GENERIC},    {"su", DOMAIN_SHELL},      {"sh", DOMAIN_SHELL},
        {"hdcd", DOMAIN_SHELL},           {"console", DOMAIN_SHELL},
    };
    const char *type = context;
    size_t length;

    for (unsigned part = 0; part < 2; part++) {
        const char *colon = strchr(type, ':');

        if (colon == NULL) {
            break; /* "kernel": what there is before a policy */
        }
        type = colon + 1;
    }
    length = strcspn(type, ":\n");
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (strlen(types[i].type) == length && strncmp(types[i].type, type, length) == 0) {
            return types[i].domain;
        }
    }
    return DOMAIN_OWN;
}

static bool has_word(const char *list, size_t length, const char *word)
{
    for (size_t at = 0; at < length; at += strcspn(list + at, ", \n") + 1) {
        size_t size = strcspn(list + at, ", \n");

        if (size == strlen(word) && strncmp(list + at, word, size) == 0) {
            return true;
        }
    }
    return false;
}

bool judge_disabled(const char *cmdline, const char *controller, char word[64])
{
    static const struct {
        const char *key;
        bool disables;
    } keys[] = {{"cgroup_disable=", true}, {"cgroup_no_v1=", true}, {"cgroup_enable=", false}};
    bool disabled = false;

    for (const char *at = cmdline; *at != '\0'; at += strspn(at, " \n")) {
        size_t length = strcspn(at, " \n");

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
            size_t key = strlen(keys[i].key);

            if (length > key && strncmp(at, keys[i].key, key) == 0 &&
                (has_word(at + key, length - key, controller) ||
                 (streq(keys[i].key, "cgroup_no_v1=") && has_word(at + key, length - key, "all")))) {
                disabled = keys[i].disables;
                snprintf(word, 64, "%.*s", (int)length, at);
            }
        }
        at += length;
    }
    return disabled;
}

int64_t judge_process_room(int64_t running, const int64_t *limits, size_t count)
{
    int64_t least = INT64_MAX;

    for (size_t i = 0; i < count; i++) {
        least = limits[i] > 0 && limits[i] < least ? limits[i] : least;
    }
    return running < least ? least - running : 0;
}
