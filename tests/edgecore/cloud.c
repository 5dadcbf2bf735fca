/* SPDX-License-Identifier: Apache-2.0 */
/* The cloud's two ports: certificates by a token, and the connection that stays. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "edgecore.h"

#define LARGEST 65536
#define CONNECT_PATIENCE 30000 /* milliseconds, of Go's dialer */
#define ANSWER_PATIENCE 300    /* seconds */
#define RETRIES 5
#define RETRY_PAUSE 5  /* seconds */
#define BREAK_PAUSE 30 /* seconds: twice the heartbeat */

static atomic_bool connected;

bool cloud_is_connected(void)
{
    return atomic_load(&connected);
}

/* "https://10.0.0.5:10002" or "10.0.0.5:10000". */
static void split(const char *server, char host[256], char port[16])
{
    const char *start = strstr(server, "://") == NULL ? server : strstr(server, "://") + 3;
    const char *colon = strrchr(start, ':');

    snprintf(host, 256, "%.*s", colon == NULL ? (int)strlen(start) : (int)(colon - start), start);
    snprintf(port, 16, "%.*s", (int)strspn(colon == NULL ? "" : colon + 1, "0123456789"),
             colon == NULL ? "" : colon + 1);
}

static const char *words_of(int errnum)
{
    return errnum == ECONNREFUSED   ? "connection refused"
           : errnum == ENETUNREACH  ? "network is unreachable"
           : errnum == EHOSTUNREACH ? "no route to host"
                                    : strerror(errnum);
}

/* -1: `why` is Go's sentence for it. */
static int dial(const char *server, char *why, size_t size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    struct pollfd poll_fd = {.events = POLLOUT};
    socklen_t length = sizeof(int);
    char host[256];
    char port[16];
    int errnum = 0;

    split(server, host, port);
    if (getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &list) != 0) {
        snprintf(why, size, "dial tcp: lookup %s: no such host", host);
        return -1;
    }
    poll_fd.fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connect(poll_fd.fd, list->ai_addr, list->ai_addrlen) != 0) {
        errnum = errno;
    }
    freeaddrinfo(list);
    if (errnum == EINPROGRESS) {
        errnum = 0;
        if (poll(&poll_fd, 1, CONNECT_PATIENCE) <= 0) {
            errnum = ETIMEDOUT;
        } else {
            getsockopt(poll_fd.fd, SOL_SOCKET, SO_ERROR, &errnum, &length);
        }
    }
    if (errnum == ETIMEDOUT) {
        snprintf(why, size, "dial tcp %s:%s: i/o timeout", host, port);
    } else if (errnum != 0) {
        snprintf(why, size, "dial tcp %s:%s: connect: %s", host, port, words_of(errnum));
    }
    if (errnum != 0) {
        close(poll_fd.fd);
        return -1;
    }
    fcntl(poll_fd.fd, F_SETFL, 0);
    return poll_fd.fd;
}

/* The whole answer, its head included. NULL: `why`. */
static char *get(const char *server, const char *path, const char *headers, int patience, char *why, size_t size)
{
    struct timeval timeout = {.tv_sec = patience};
    int fd = dial(server, why, size);
    char *answer;
    size_t length = 0;
    ssize_t more = 0;

    if (fd < 0) {
        return NULL;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    dprintf(fd, "GET %s HTTP/1.0\r\nHost: cloud\r\n%s\r\n", path, headers);
    answer = calloc(1, LARGEST);
    while (length < LARGEST - 1 && (more = read(fd, answer + length, LARGEST - 1 - length)) > 0) {
        length += (size_t)more;
    }
    if (length == 0) {
        snprintf(why, size,
                 more < 0 && errno == ECONNRESET ? "read tcp: read: connection reset by peer"
                 : more < 0                      ? "net/http: timeout awaiting response headers"
                                                 : "EOF");
        free(answer);
        answer = NULL;
    }
    close(fd);
    return answer;
}

static void header(const char *answer, const char *name, char *value, size_t size)
{
    const char *at = strstr(answer, name);

    snprintf(value, size, "%.*s", at == NULL ? 0 : (int)strcspn(at + strlen(name), "\r\n"),
             at == NULL ? "" : at + strlen(name));
}

static const char *body(const char *answer)
{
    const char *at = strstr(answer, "\r\n\r\n");

    return at == NULL ? "" : at + 4;
}

static void write_file(const char *path, const char *text, unsigned mode)
{
    char parent[512];
    int fd;

    snprintf(parent, sizeof(parent), "%.*s", strrchr(path, '/') == NULL ? 1 : (int)(strrchr(path, '/') - path), path);
    host_make_parents(parent, 0755);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) {
        refuse('F', "certmanager.go:93", "Error: failed to save the CA certificate to file: %s, error: open %s: %s",
               path, path, errno == EROFS ? "read-only file system" : "permission denied");
    }
    close(fd);
}

/* "20260101120000Z" against our clock: what TLS would find. */
static void check_validity(const struct config *config, const char *answer)
{
    char start[32];
    char end[32];
    char now_text[32];
    char words[32];
    struct tm time_utc = {0};
    time_t now = time(NULL);

    header(answer, "X-Not-Before: ", start, sizeof(start));
    header(answer, "X-Not-After: ", end, sizeof(end));
    gmtime_r(&now, &time_utc);
    strftime(now_text, sizeof(now_text), "%Y%m%d%H%M%SZ", &time_utc);
    strftime(words, sizeof(words), "%Y-%m-%dT%H:%M:%SZ", &time_utc);
    if (strcmp(now_text, start) < 0 || strcmp(now_text, end) > 0) {
        refuse(
            'F', "certmanager.go:93",
            "Error: failed to get edge certificate from the cloudcore, error: Get \"%s/edge.crt\": x509: certificate has "
            "expired or is not yet valid: current time %s is %s %.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ",
            config->http_server, words, strcmp(now_text, start) < 0 ? "before" : "after",
            strcmp(now_text, start) < 0 ? start : end, (strcmp(now_text, start) < 0 ? start : end) + 4,
            (strcmp(now_text, start) < 0 ? start : end) + 6, (strcmp(now_text, start) < 0 ? start : end) + 8,
            (strcmp(now_text, start) < 0 ? start : end) + 10, (strcmp(now_text, start) < 0 ? start : end) + 12);
    }
}

static bool has_certificate(const struct config *config)
{
    struct stat certificate;
    struct stat key;

    return stat(config->cert_file, &certificate) == 0 && certificate.st_size > 0 && stat(config->key_file, &key) == 0 &&
           key.st_size > 0;
}

static void join(const struct config *config)
{
    char *headers = NULL;
    char *answer;
    char why[512] = "";
    char ours[128];
    char theirs[128];
    int dots = 0;

    say('I', "http.go:40", "tlsConfig InsecureSkipVerify true");
    answer = get(config->http_server, "/ca.crt", "", ANSWER_PATIENCE, why, sizeof(why));
    if (answer == NULL) {
        refuse('F', "certmanager.go:93", "Error: failed to get CA certificate, err: Get \"%s/ca.crt\": %s",
               config->http_server, why);
    }
    for (const char *at = config->token; *at != '\0'; at++) {
        dots += *at == '.' ? 1 : 0;
    }
    if (dots != 3) {
        refuse('F', "certmanager.go:93", "Error: token credentials are in the wrong format");
    }
    snprintf(ours, sizeof(ours), "%.*s", (int)strcspn(config->token, "."), config->token);
    header(answer, "X-CA-Hash: ", theirs, sizeof(theirs));
    if (strcmp(ours, theirs) != 0) {
        refuse('F', "certmanager.go:93", "Error: failed to validate CA certificate. tokenCAhash: %s, CAhash: %s", ours,
               theirs);
    }
    write_file(config->ca_file, body(answer), 0644);
    check_validity(config, answer);
    free(answer);
    if (asprintf(&headers, "Authorization: Bearer %s\r\nNodeName: %s\r\n", strchr(config->token, '.') + 1,
                 config->node) < 0) {
        abort();
    }
    answer = get(config->http_server, "/edge.crt", headers, ANSWER_PATIENCE, why, sizeof(why));
    if (answer == NULL || strncmp(answer + strcspn(answer, " "), " 200", 4) != 0) {
        refuse('F', "certmanager.go:93", "Error: failed to get edge certificate from the cloudcore, error: %s",
               answer == NULL ? why : body(answer));
    }
    write_file(config->key_file,
               strstr(body(answer), "-----BEGIN EC") == NULL ? "" : strstr(body(answer), "-----BEGIN EC"), 0600);
    *strstr(answer, "-----BEGIN EC") = '\0';
    write_file(config->cert_file, body(answer), 0644);
    free(answer);
    free(headers);
}

/* Until it breaks. */
static bool hold_connection(const struct config *config)
{
    char why[256] = "";
    char bytes[1024] = "";
    int fd = dial(config->ws_server, why, sizeof(why));

    say('I', "websocket.go:51", "Websocket start to connect Access");
    if (fd < 0) {
        say('E', "websocket.go:90", "Init websocket connection failed %s", why);
        return false;
    }
    dprintf(
        fd,
        "GET /e632aba927ea4ac2b575ec1603d56f10/%s/events HTTP/1.1\r\nHost: cloud\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Key: c3RhbmQtaW4=\r\nSec-WebSocket-Version: 13\r\nnode_id: %s\r\n\r\n",
        config->node, config->node);
    if (read(fd, bytes, sizeof(bytes) - 1) <= 0 || strstr(bytes, " 101 ") == NULL) {
        say('E', "websocket.go:90", "Init websocket connection failed websocket: bad handshake");
        close(fd);
        return false;
    }
    say('I', "websocket.go:93", "Websocket connect to cloud access successful");
    say('I', "process.go:316", "node connection event occur: cloud_connected");
    atomic_store(&connected, true);
    while (read(fd, bytes, sizeof(bytes)) > 0) {
    }
    atomic_store(&connected, false);
    say('E', "process.go:94", "websocket read error: %s", "EOF");
    say('W', "edgehub.go:124", "connection is broken, will reconnect after 30s");
    close(fd);
    return true;
}

static void *talk(void *data)
{
    const struct config *config = data;

    if (!has_certificate(config)) {
        join(config);
    }
    say('I', "certmanager.go:160", "Certificate rotation is enabled.");
    for (;;) {
        bool held = false;

        for (int i = 0; i < RETRIES && !held; i++) {
            held = hold_connection(config);
            if (!held) {
                sleep(RETRY_PAUSE);
            }
        }
        if (!held) {
            say('E', "edgehub.go:105",
                "connection failed: max retry count reached when connecting to cloud, will reconnect after 30s");
        }
        sleep(BREAK_PAUSE);
    }
    return NULL;
}

void cloud_start(const struct config *config)
{
    pthread_t thread;

    if (config->edge_hub && pthread_create(&thread, NULL, talk, (void *)(uintptr_t)config) != 0) {
        abort();
    }
}

char *cloud_ask_node(const struct config *config)
{
    char path[320];
    char why[256];
    char *answer;

    snprintf(path, sizeof(path), "/node/%s", config->node);
    answer = cloud_is_connected() ? get(config->ws_server, path, "", 60, why, sizeof(why)) : NULL;
    if (answer != NULL) {
        memmove(answer, body(answer), strlen(body(answer)) + 1);
    }
    return answer;
}
