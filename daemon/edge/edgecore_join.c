/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/edgecore_join.h"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "base/util.h"
#include "edge/aside.h"
#include "edge/edgecore_config.h"
#include "edge/edgecore_reasons.h"
#include "edge/token.h"

#define STATE_LARGEST (64 * 1024)
#define PEM_LARGEST (256 * 1024)
#define MOST_USED 32 /* digests that are kept */
#define SETTLE_TRIES 28
#define SETTLE_PAUSE \
    250 /* milliseconds; a join takes well below a second, and there is nothing to wait for in the kernel */

#define CERTIFICATE "modules.edgeHub.tlsCertFile", "/etc/kubeedge/certs/server.crt"
#define KEY "modules.edgeHub.tlsPrivateKeyFile", "/etc/kubeedge/certs/server.key"

struct join {
    const struct profile_call *call;
    const char *directory;
    const char *node;
    const cJSON *config;
    struct judgement *judgement;
    char *token; /* what the manifest or the file says now; NULL: nothing */
    char digest[DIGEST_TEXT];
};

void edgecore_token_free(char **token)
{
    if (*token != NULL) {
        explicit_bzero(*token, strlen(*token));
        free(*token);
        *token = NULL;
    }
}

/* After a power cut a file may be empty, or zeros: edgecore applies anew then (crypto/tls.LoadX509KeyPair fails). */
static bool is_pem(const char *path)
{
    CLEANUP_TOKEN char *text = NULL; /* the key is a secret, too */
    struct error ignored = {0};
    size_t length = 0;
    const char *begin;

    if (file_read(path, PEM_LARGEST, &text, &length, &ignored) != 0) {
        return false;
    }
    begin = strstr(text, "-----BEGIN ");
    return begin != NULL && strstr(begin, "-----END ") != NULL;
}

bool edgecore_has_joined(const cJSON *config)
{
    return is_pem(edgecore_config_string(config, CERTIFICATE)) && is_pem(edgecore_config_string(config, KEY));
}

/* Where a new token is to be written, for a remedy. */
static const char *place_of(const struct join *join)
{
    const struct edge_config *edge = &join->call->node->edge;

    return edge->token_file != NULL ? edge->token_file : "\"token_file\" or \"token\" of \"edge\"";
}

/* What may bring a token: before it is looked for, so that nothing is missed. */
static void wake_by_token(const struct join *join)
{
    const struct edge_config *edge = &join->call->node->edge;

    if (edge->token_file != NULL) {
        edgecore_wake(join->judgement, WAKE_FILE_CHANGED, edge->token_file);
    }
}

static void take_token(struct join *join)
{
    const struct edge_config *edge = &join->call->node->edge;
    struct stat status;

    join->token = token_read(edge);
    if (join->token == NULL) {
        return;
    }
    digest_text(join->token, strlen(join->token), join->digest);
    if (edge->token_file != NULL && stat(edge->token_file, &status) == 0 && (status.st_mode & 077) != 0) {
        log_warning("%s: others than its owner may read the token; chmod 600 %s", edge->token_file, edge->token_file);
    }
}

static char *read_state(const struct join *join, const char *name)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", join->directory, name);
    struct error ignored = {0};
    char *text = NULL;
    size_t length = 0;

    return file_read(path, STATE_LARGEST, &text, &length, &ignored) == 0 ? text : NULL;
}

/* On flash, so written only when something else is true: a join that fails is tried again and again. */
static int write_state(const struct join *join, const char *name, const char *text, struct error *err)
{
    static const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *path = xasprintf("%s/%s", join->directory, name);
    CLEANUP_FREE char *before = read_state(join, name);

    if (before != NULL && streq(before, text)) {
        return 0;
    }
    return file_write(path, text, strlen(text), &attributes, err);
}

static void remove_state(const struct join *join, const char *name)
{
    CLEANUP_FREE char *path = xasprintf("%s/%s", join->directory, name);

    unlink(path);
}

static bool is_used(const struct join *join)
{
    CLEANUP_FREE char *used = read_state(join, "used");

    return used != NULL && join->token != NULL && strstr(used, join->digest) != NULL;
}

/* The youngest come last; of too many the oldest are forgotten. */
static int add_used(const struct join *join, const char *digest, struct error *err)
{
    CLEANUP_FREE char *used = read_state(join, "used");
    CLEANUP_FREE char *text = NULL;
    const char *from = used == NULL ? "" : used;

    if (strstr(from, digest) != NULL) {
        return 0;
    }
    if (strlen(from) >= (size_t)(MOST_USED * DIGEST_TEXT)) {
        from += strlen(from) - (size_t)((MOST_USED - 1) * DIGEST_TEXT);
    }
    text = xasprintf("%s%s\n", from, digest);
    return write_state(join, "used", text, err);
}

/* There are certificates, and a token was handed out: the join came off. In this order, for it may be killed in between. */
static int settle(const struct join *join, struct error *err)
{
    CLEANUP_FREE char *joining = read_state(join, "joining");
    CLEANUP_FREE char *joined = read_state(join, "joined");
    CLEANUP_FREE char *name = NULL;

    if (joining != NULL && strlen(joining) > DIGEST_TEXT) {
        name = xstrdup(joining + DIGEST_TEXT);
        joining[DIGEST_TEXT - 1] = '\0';
        if (add_used(join, joining, err) != 0 || write_state(join, "joined", name, err) != 0) {
            return -1;
        }
        remove_state(join, "joining");
        log_info("edgecore: the node has joined as %.*s", (int)strcspn(name, "\n"), name);
        if (join->call->node->edge.token != NULL) {
            log_info("edgecore: the token is used up; take \"token\" out of the manifest");
        }
    } else if (joined == NULL) {
        /* It joined before edgeinit cared for it. */
        name = xasprintf("%s\n", join->node);
        return write_state(join, "joined", name, err);
    }
    return 0;
}

/* The bootstrap secret is of no more use to anybody but a thief. Another token that lies there is for the next join. */
static void remove_token_file(const struct join *join)
{
    const char *path = join->call->node->edge.token_file;

    if (path == NULL || !is_used(join)) {
        return;
    }
    if (unlink(path) == 0) {
        log_info("edgecore: %s removed, for its token is used up", path);
    } else {
        log_warning("edgecore: %s holds a token that is used up, and cannot be removed: %s", path, strerror(errno));
    }
}

/* Certificates are there. 1: go on without a token; 0: held; 2: join anew. */
static int with_certificates(const struct join *join)
{
    CLEANUP_FREE char *joined = read_state(join, "joined");
    bool fresh = join->token != NULL && edge_token_form(join->token) && !is_used(join);

    remove_token_file(join);
    if (joined == NULL) {
        return 1;
    }
    joined[strcspn(joined, "\n")] = '\0';
    if (streq(joined, join->node)) {
        return 1;
    }
    if (!fresh) {
        edgecore_hold(join->judgement, REASON_NAME_CHANGED, place_of(join),
                      "the node joined as %s, and is to be %s now", joined, join->node);
        return 0;
    }
    log_info("edgecore: the node, %s until now, joins as %s with the new token", joined, join->node);
    return 2;
}

static int without_certificates(const struct join *join, char **token, struct error *err)
{
    CLEANUP_FREE char *text = NULL;

    if (join->token == NULL) {
        return edgecore_hold(join->judgement, REASON_NO_TOKEN, place_of(join), "not joined yet, and %s holds no token",
                             place_of(join));
    }
    if (!edge_token_form(join->token)) {
        return edgecore_hold(join->judgement, REASON_TOKEN_FORM, place_of(join),
                             "%s does not hold a token: four parts with dots between them", place_of(join));
    }
    if (is_used(join)) {
        return edgecore_hold(join->judgement, REASON_TOKEN_USED, place_of(join),
                             "the token has been used for a join, and the certificates of that are gone");
    }
    text = xasprintf("%s\n%s\n", join->digest, join->node);
    if (write_state(join, "joining", text, err) != 0) {
        return -1;
    }
    *token = xstrdup(join->token);
    return 1;
}

/* The old identity is not deleted: it is the node's way back. */
static int put_certificates_aside(const struct join *join, struct error *err)
{
    /* The key last: as long as it is there, the next run comes here again. */
    return aside_move(edgecore_config_string(join->config, CERTIFICATE), NULL, "old", err) != 0 ||
                   aside_move(edgecore_config_string(join->config, KEY), NULL, "old", err) != 0
               ? -1
               : 0;
}

static int decide(struct join *join, char **token, struct error *err)
{
    int next;

    wake_by_token(join);
    take_token(join);
    if (!edgecore_has_joined(join->config)) {
        return without_certificates(join, token, err);
    }
    if (settle(join, err) != 0) {
        return -1;
    }
    next = with_certificates(join);
    if (next != 2) {
        return next;
    }
    return put_certificates_aside(join, err) != 0 ? -1 : without_certificates(join, token, err);
}

int edgecore_join(const struct profile_call *call, const char *directory, const char *node, const cJSON *config,
                  char **token, struct judgement *judgement, struct error *err)
{
    struct join join = {call, directory, node, config, judgement, NULL, ""};
    int result = decide(&join, token, err);

    edgecore_token_free(&join.token);
    return result;
}

/* Has a token been handed out, and is it not known yet what became of it? */
static bool is_joining(const char *directory)
{
    CLEANUP_FREE char *path = xasprintf("%s/joining", directory);

    return access(path, F_OK) == 0;
}

void edgecore_join_settle(const struct profile_call *call, const char *directory, const cJSON *config)
{
    struct join join = {call, directory, "", config, NULL, NULL, ""};
    struct error err = {0};
    char buffer[512];

    for (int i = 0; i < SETTLE_TRIES && is_joining(directory) && !edgecore_has_joined(config); i++) {
        poll(NULL, 0, SETTLE_PAUSE);
    }
    if (!edgecore_has_joined(config)) {
        return; /* the next preparation will know */
    }
    if (is_joining(directory) && settle(&join, &err) != 0) {
        log_error("edgecore: %s", error_text(&err, buffer, sizeof(buffer)));
        return;
    }
    /* Also of a join that was settled by one that was killed after that. */
    take_token(&join);
    remove_token_file(&join);
    edgecore_token_free(&join.token);
}
