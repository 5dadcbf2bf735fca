/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/edgecore_file.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"
#include "edge/edgecore_config.h"
#include "edge/edgecore_join.h"
#include "edge/token.h"

#define CONFIG_LARGEST (1 << 20)

static const struct file_attributes secret = {.mode = 0600};

static int write_secret(const char *path, const char *data, size_t length, struct error *err)
{
    struct file_attributes attributes = secret;

    if (geteuid() != 0) {
        attributes.uid = (uid_t)-1;
        attributes.gid = (gid_t)-1;
    }
    return file_write(path, data, length, &attributes, err);
}

/* Is this text what was written here last, or, where that was interrupted, the time before? */
static bool is_last(const char *directory, const char digest[DIGEST_TEXT])
{
    CLEANUP_FREE char *path = xasprintf("%s/config", directory);
    CLEANUP_FREE char *last = NULL;
    struct error ignored = {0};
    size_t length = 0;

    return file_read(path, 4096, &last, &length, &ignored) == 0 && strstr(last, digest) != NULL;
}

/* Before it is written: killed in between, the file is one or the other. `before`: what of ours is there now, or "". */
static int note(const char *directory, const char *digest, const char *before, struct error *err)
{
    CLEANUP_FREE char *path = xasprintf("%s/config", directory);
    CLEANUP_FREE char *text = xasprintf("%s\n%s%s", digest, before, before[0] == '\0' ? "" : "\n");

    return write_secret(path, text, strlen(text), err);
}

/* edgecore's own text is the structure as Go's YAML prints it: no comment, keys in the order of the alphabet. */
static bool is_edgecores(const char *text)
{
    return !edgecore_config_is_ours(text) && starts_with(text, "apiVersion: edgecore.config.kubeedge.io/v1alpha2\n") &&
           strstr(text, "\nmodules:\n") != NULL;
}

/* What somebody wrote here, and is about to be lost. */
static void keep(const char *path, char *text, bool was_written)
{
    CLEANUP_FREE char *aside = xasprintf("%s.edited", path);
    struct error err = {0};
    char buffer[512];

    if (text[strspn(text, " \t\r\n")] == '\0') {
        return;
    }
    if (was_written && is_edgecores(text)) {
        log_info("%s: edgecore has written it itself, as it does; written anew", path);
        return;
    }
    token_redact(text);
    if (write_secret(aside, text, strlen(text), &err) != 0) {
        log_error("%s", error_text(&err, buffer, sizeof(buffer)));
        return;
    }
    log_warning(
        "%s was changed by somebody else: kept as %s and written anew; what is to stay belongs into \"merge\" of "
        "the manifest's \"edge\" section",
        path, aside);
}

int edgecore_file_write(const char *path, const struct text *wanted, const char *directory, struct error *err)
{
    CLEANUP_FREE char *text = NULL;
    struct error unread = {0};
    struct stat status;
    char target[PATH_MAX];
    char parent[PATH_MAX];
    char digest[DIGEST_TEXT];
    char found[DIGEST_TEXT] = "";
    size_t length = 0;
    bool ours = false;

    digest_text(text_string(wanted), wanted->length, digest);
    if (path_follow(path, target, err) != 0) {
        return -1;
    }
    path_parent(target, parent);
    if (file_make_parents(parent, err) != 0) {
        return -1;
    }
    if (file_read(target, CONFIG_LARGEST, &text, &length, &unread) == 0) {
        digest_text(text, length, found);
        ours = is_last(directory, found);
        if (streq(found, digest) && stat(target, &status) == 0 && (status.st_mode & 07777) == 0600) {
            return ours ? 0 : note(directory, digest, "", err);
        }
        if (!ours && !streq(found, digest)) {
            CLEANUP_FREE char *last = xasprintf("%s/config", directory);

            keep(target, text, access(last, F_OK) == 0);
        }
    } else if (unread.errnum != ENOENT && unread.errnum != EFBIG) {
        *err = unread;
        return -1;
    }
    return note(directory, digest, ours ? found : "", err) != 0
               ? -1
               : write_secret(target, text_string(wanted), wanted->length, err);
}

int edgecore_file_forget_token(const char *path, const char *directory, struct error *err)
{
    static const char key[] = "\n    token: ";
    CLEANUP_TOKEN char *text = NULL;
    struct text without = {0};
    char target[PATH_MAX];
    char digest[DIGEST_TEXT];
    size_t length = 0;
    const char *at;
    const char *rest;
    int result;

    if (path_follow(path, target, err) != 0 || file_read(target, CONFIG_LARGEST, &text, &length, err) != 0) {
        return err->errnum == ENOENT ? 0 : -1;
    }
    digest_text(text, length, digest);
    at = strstr(text, key);
    if (at == NULL || !is_last(directory, digest)) {
        return 0;
    }
    at += strlen(key);
    rest = at + strcspn(at, "\n");
    text_append(&without, text, (size_t)(at - text));
    text_add(&without, "\"\"");
    text_add(&without, rest);
    result = edgecore_file_write(path, &without, directory, err);
    text_free(&without);
    return result;
}
