/* SPDX-License-Identifier: Apache-2.0 */
#include "host/label.h"

#include <errno.h>

#include "base/text.h"
#include "base/util.h"
#include "host/module.h"
#include "host/policy.h"

struct option {
    const char *text;
    size_t length;
};

/* The next of options separated by commas; a comma in quotes separates nothing. */
static bool next_option(const char **rest, struct option *option)
{
    const char *at = *rest;
    bool quoted = false;

    if (at == NULL || *at == '\0') {
        return false;
    }
    for (; *at != '\0' && (*at != ',' || quoted); at++) {
        quoted ^= *at == '"';
    }
    *option = (struct option){*rest, (size_t)(at - *rest)};
    *rest = *at == ',' ? at + 1 : at;
    return true;
}

/* Length of "context=" and the like at the start of the option; 0: another option. */
static size_t key_length(const struct option *option)
{
    static const char *const keys[] = {"context=", "defcontext=", "fscontext=", "rootcontext="};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        size_t length = strlen(keys[i]);

        if (option->length > length && strncmp(option->text, keys[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

/* As the policy knows it: without the quotes. */
static char *bare(const char *text, size_t length)
{
    struct text out = {0};

    for (size_t i = 0; i < length; i++) {
        if (text[i] != '"') {
            text_append(&out, text + i, 1);
        }
    }
    return text_take(&out);
}

static bool has_same(const char *shown, const struct option *wanted)
{
    CLEANUP_FREE char *label = bare(wanted->text, wanted->length);
    struct option option;

    while (next_option(&shown, &option)) {
        CLEANUP_FREE char *other = bare(option.text, option.length);

        if (streq(label, other)) {
            return true;
        }
    }
    return false;
}

bool label_is_used(void)
{
    /* SELinux makes this directory when it registers its file system (security/selinux/selinuxfs.c): asked for each mount
     * with a label, and read from no list. */
    return access("/sys/fs/selinux", F_OK) == 0 ||
           (access("/sys/fs", F_OK) != 0 && module_knows_file_system("selinuxfs"));
}

bool label_is_asked(const char *options)
{
    struct option option;

    while (next_option(&options, &option)) {
        if (key_length(&option) > 0) {
            return true;
        }
    }
    return false;
}

char *label_options(const char *options)
{
    struct text kept = {0};
    struct option option;

    if (options == NULL) {
        return NULL;
    }
    if (!label_is_asked(options) || label_is_used()) {
        return xstrdup(options);
    }
    while (next_option(&options, &option)) {
        if (key_length(&option) == 0) {
            text_format(&kept, "%s%.*s", kept.length == 0 ? "" : ",", (int)option.length, option.text);
        }
    }
    return text_take(&kept);
}

char *label_missing(const char *options, const char *shown)
{
    struct option option;

    while (next_option(&options, &option)) {
        if (key_length(&option) > 0 && !has_same(shown, &option)) {
            return xstrndup(option.text, option.length);
        }
    }
    return NULL;
}

bool label_is_there(const char *label, const char *shown)
{
    static const char *const keys[] = {"context=", "defcontext="};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        CLEANUP_FREE char *text = xasprintf("%s%s", keys[i], label);

        if (has_same(shown, &(struct option){text, strlen(text)})) {
            return true;
        }
    }
    return false;
}

/* Asked beforehand, for trying it leaves a denial in the log. Who gets no answer tries the better one. */
static bool may_replace(const char *label)
{
    char own[POLICY_LONGEST];

    return !policy_is_enforcing() || !policy_own_context(own) ||
           policy_allows(own, label, "filesystem", "relabelto") != 0;
}

/* The option that "label" means here; NULL: none. */
static char *label_option(const char *label)
{
    const char *quote = strchr(label, ',') == NULL ? "" : "\"";

    if (!label_is_used() || !policy_is_loaded() || !policy_knows(label)) {
        return NULL;
    }
    return xasprintf("%s=%s%s%s", may_replace(label) ? "context" : "defcontext", quote, label, quote);
}

char *label_join(const char *options, const char *label)
{
    CLEANUP_FREE char *option = label == NULL ? NULL : label_option(label);

    if (option == NULL) {
        return options == NULL ? NULL : xstrdup(options);
    }
    return options == NULL || options[0] == '\0' ? take_pointer(&option) : xasprintf("%s,%s", options, option);
}

int label_check(const char *options, const char *label, const struct mount_entry *entry, struct error *err)
{
    /* Nobody is asked about a label that is there. */
    bool is_there = label == NULL || label_is_there(label, entry->fs_options);
    CLEANUP_FREE char *wanted = label_join(options, is_there ? NULL : label);
    CLEANUP_FREE char *missing = NULL;

    if (!label_is_asked(wanted) || !label_is_used()) {
        return 0;
    }
    missing = label_missing(wanted, entry->fs_options);
    if (missing == NULL) {
        return 0;
    }
    error_set(err, ERROR_SYSTEM, EBUSY, "mount %s with %s: it is mounted without, and its label cannot change",
              entry->target, missing);
    return error_remedy(err, "stop what uses it, umount %s, and apply again", entry->target);
}

bool label_explain(const char *options, struct error *err)
{
    struct option option;

    if (!label_is_asked(options) || !label_is_used()) {
        return false;
    }
    if (err->errnum == EACCES) {
        error_remedy(err,
                     "look for \"avc: denied\" in the kernel log: context= needs filesystem relabelfrom and relabelto, "
                     "defcontext= relabelfrom; see docs/selinux.md for what each release allows");
        return true;
    }
    while (err->errnum == EINVAL && next_option(&options, &option)) {
        size_t key = key_length(&option);
        CLEANUP_FREE char *context = bare(option.text + key, option.length - key);

        if (key > 0 && !policy_knows(context)) {
            error_remedy(err,
                         "the loaded policy has no label %s: correct \"options\", or build the image with sepolicy/",
                         context);
            return true;
        }
    }
    return false;
}
