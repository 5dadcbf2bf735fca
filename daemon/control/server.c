/* SPDX-License-Identifier: Apache-2.0 */
#include "control/server.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/file.h"
#include "base/util.h"

#define NGROUPS_MOST 256 /* of a client that we look at */

static void drop(struct server_client *client)
{
    struct server *server = client->server;
    int fd = client->source.fd;

    loop_timer_clear(server->loop, &client->deadline);
    loop_remove(server->loop, &client->source);
    close(fd);
    for (size_t i = 0; i < CONTROL_MOST_CLIENTS; i++) {
        if (server->clients[i] == client) {
            server->clients[i] = NULL;
        }
    }
    free(client);
}

/* A short answer: it fits into the socket's buffer, or the client does not deserve it. Takes the answer. */
static void answer_and_drop(struct server_client *client, cJSON *answer)
{
    CLEANUP_TEXT struct text line = {0};
    ssize_t ignored;

    json_write_line(answer, &line);
    text_add(&line, "\n");
    ignored = send(client->source.fd, text_string(&line), line.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)ignored;
    cJSON_Delete(answer);
    drop(client);
}

static void refuse(struct server_client *client, const char *reason)
{
    cJSON *answer = cJSON_CreateObject();

    cJSON_AddBoolToObject(answer, "ok", 0);
    cJSON_AddStringToObject(answer, "error", reason);
    answer_and_drop(client, answer);
}

/* "status" may be long, and looks at the board: a child of ours does both. */
static void answer_status(struct server_client *client)
{
    struct server *server = client->server;
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        CLEANUP_TEXT struct text line = {0};
        sigset_t none;

        child_die_with(parent);
        prctl(PR_SET_NAME, "edgeinit-status");
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        alarm(10); /* for a client that does not read */
        json_write_line(server->calls.status(server->calls.data), &line);
        text_add(&line, "\n");
        _exit(file_write_all(client->source.fd, text_string(&line), line.length) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    if (pid < 0) {
        refuse(client, strerror(errno));
        return;
    }
    drop(client);
}

static void accept_answer(struct server_client *client)
{
    cJSON *answer = cJSON_CreateObject();

    cJSON_AddBoolToObject(answer, "ok", 1);
    if (client->note[0] != '\0') {
        cJSON_AddStringToObject(answer, "note", client->note);
    }
    answer_and_drop(client, answer);
}

static void look(struct server_client *client)
{
    struct server *server = client->server;
    char reason[512] = "";
    int done = server->calls.is_done(server->calls.data, &client->request, client->ticket, reason, sizeof(reason));

    if (done == 1) {
        accept_answer(client);
    } else if (done < 0) {
        refuse(client, reason);
    }
}

void server_look_again(struct server *server)
{
    for (size_t i = 0; i < CONTROL_MOST_CLIENTS; i++) {
        if (server->clients[i] != NULL && server->clients[i]->waiting) {
            look(server->clients[i]);
        }
    }
}

static void handle(struct server_client *client)
{
    struct server *server = client->server;

    loop_timer_clear(server->loop, &client->deadline);
    if (streq(client->request.verb, "status")) {
        answer_status(client);
        return;
    }
    if (client->right != RIGHT_ALL) {
        refuse(client,
               "you may ask \"status\" and nothing else: your group is \"readers\" of \"control\" in the manifest");
        return;
    }
    if (server->calls.begin(server->calls.data, &client->request, &client->ticket, client->note,
                            sizeof(client->note)) != 0) {
        refuse(client, client->note);
    } else if (!client->request.wait) {
        accept_answer(client);
    } else {
        client->waiting = true;
        look(client);
    }
}

static void client_readable(void *data, uint32_t events)
{
    struct server_client *client = data;
    size_t space = sizeof(client->input) - client->length;
    ssize_t length = recv(client->source.fd, client->input + client->length, space, MSG_DONTWAIT);
    const char *refusal = NULL;
    int whole;

    (void)events;
    if (length <= 0) {
        if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
            drop(client);
        }
        return;
    }
    client->length += (size_t)length;
    if (client->waiting) {
        client->length = 0; /* it has asked already, and talks on */
        return;
    }
    whole = request_read(client->input, client->length, &client->request, &refusal);
    if (whole < 0) {
        refuse(client, refusal);
    } else if (whole > 0) {
        handle(client);
    }
}

static void client_late(void *data)
{
    struct server_client *client = data;
    int waiting = 0;

    /* Who is late may be we, busy with the start of hundreds of services: what is there already is still read. */
    if (ioctl(client->source.fd, FIONREAD, &waiting) == 0 && waiting > 0) {
        loop_timer_set(client->server->loop, &client->deadline, clock_now() + CONTROL_REQUEST_PATIENCE, client_late,
                       client);
        return;
    }
    refuse(client, "no request came in time");
}

static bool is_in_group(int fd, const struct ucred *peer, gid_t group)
{
    gid_t groups[NGROUPS_MOST];
    socklen_t size = sizeof(groups);

    if (group == (gid_t)-1) {
        return false;
    }
    if (peer->gid == group) {
        return true;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) != 0) {
        return false; /* before Linux 4.13, or in more groups than anybody needs */
    }
    for (size_t i = 0; i < size / sizeof(groups[0]); i++) {
        if (groups[i] == group) {
            return true;
        }
    }
    return false;
}

static enum server_right right_of(const struct server *server, int fd)
{
    struct ucred peer = {0};
    socklen_t size = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return RIGHT_NONE;
    }
    if (peer.uid == 0 || peer.uid == geteuid() || is_in_group(fd, &peer, server->guests.group)) {
        return RIGHT_ALL;
    }
    return is_in_group(fd, &peer, server->guests.readers) ? RIGHT_STATUS : RIGHT_NONE;
}

/* To somebody who is no client yet, and becomes none. */
static void turn_away(int fd, const char *answer)
{
    ssize_t sent = send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);

    (void)sent; /* they see the end in any case */
}

static void listener_readable(void *data, uint32_t events)
{
    struct server *server = data;
    CLEANUP_CLOSE int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC); // cppcheck-suppress nullPointer
    enum server_right right = fd < 0 ? RIGHT_NONE : right_of(server, fd);
    struct server_client *client;
    struct error ignored = {0};

    (void)events;
    for (size_t i = 0; fd >= 0 && i < CONTROL_MOST_CLIENTS; i++) {
        if (server->clients[i] != NULL) {
            continue;
        }
        if (right == RIGHT_NONE) {
            turn_away(
                fd,
                "{\"ok\":false,\"error\":\"only root may ask the daemon, and whom the manifest names in \\\"control\\\"\"}\n");
            return;
        }
        client = xcalloc(1, sizeof(*client));
        client->server = server;
        client->right = right;
        if (loop_add(server->loop, &client->source, fd, EPOLLIN, client_readable, client, &ignored) != 0) {
            free(client);
            return;
        }
        take_fd(&fd);
        server->clients[i] = client;
        loop_timer_set(server->loop, &client->deadline, clock_now() + CONTROL_REQUEST_PATIENCE, client_late, client);
        return;
    }
    if (fd >= 0) {
        turn_away(fd, "{\"ok\":false,\"error\":\"too many clients wait already; try again\"}\n");
    }
}

void server_set_guests(struct server *server, const struct server_guests *guests)
{
    bool grouped = guests->group != (gid_t)-1;

    server->guests = *guests;
    if (chown(server->path, (uid_t)-1, grouped ? guests->group : 0) != 0) {
        return;
    }
    /* A file has one group. With readers everybody reaches the socket, and SO_PEERCRED alone decides. */
    chmod(server->path, guests->readers != (gid_t)-1 ? 0666 : grouped ? 0660 : 0600);
}

int server_open(struct server *server, struct loop *loop, const char *run_dir, const struct server_guests *guests,
                const struct server_calls *calls, struct error *err)
{
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CLEANUP_FREE char *final = NULL;
    struct sockaddr_un address;
    mode_t mask;
    int bound;

    *server = (struct server){.loop = loop, .calls = *calls, .listener.fd = -1, .guests = *guests};
    if (control_address(run_dir, &address, err) != 0) {
        return -1;
    }
    /* Bound and listening under another name first: whoever sees the socket's own name can connect to it. What has
     * either name is dead: the daemon's lock says that nobody else lives here. */
    final = xasprintf("%s", address.sun_path);
    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s.new", final) >= (int)sizeof(address.sun_path)) {
        return error_system(err, ENAMETOOLONG, "listen at %s", final);
    }
    unlink(address.sun_path);
    mask = umask(0177);
    bound = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(mask);
    if (bound != 0 || listen(fd, CONTROL_MOST_CLIENTS) != 0 || rename(address.sun_path, final) != 0) {
        return error_system(err, errno, "listen at %s", final);
    }
    snprintf(server->path, sizeof(server->path), "%s", final);
    if (loop_add(loop, &server->listener, fd, EPOLLIN, listener_readable, server, err) != 0) {
        return -1;
    }
    take_fd(&fd);
    server_set_guests(server, guests);
    return 0;
}

void server_close(struct server *server)
{
    if (server->loop == NULL || server->listener.fd < 0) {
        return;
    }
    for (size_t i = 0; i < CONTROL_MOST_CLIENTS; i++) {
        if (server->clients[i] != NULL) {
            drop(server->clients[i]);
        }
    }
    close(server->listener.fd);
    unlink(server->path);
}
