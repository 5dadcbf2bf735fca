/* SPDX-License-Identifier: Apache-2.0 */
/* edgeinit-keeper DIRECTORY RING_SIZE [GROUP]: the command line of the keeper (keeper.h). */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/path.h"
#include "base/util.h"
#include "supervise/keeper.h"
#include "supervise/settle.h"

#define VERSION "0.1.0"

enum { EXIT_BROKEN = 1, EXIT_LOCKED = 3, EXIT_USAGE = 64 };

/* stdin and stdout before anything is opened, so that nothing else gets their numbers; stderr when all is said. */
static void to_null(int from, int to)
{
    int null = open("/dev/null", O_RDWR);

    for (int fd = from; null >= 0 && fd <= to; fd++) {
        dup2(null, fd);
    }
    if (null > STDERR_FILENO) {
        close(null);
    }
}

static int usage(int code)
{
    dprintf(
        code == 0 ? STDOUT_FILENO : STDERR_FILENO,
        "usage: edgeinit-keeper DIRECTORY RING_SIZE [GROUP]\n\n"
        "The parent of one service of edgeinit, which starts it; not meant to be started by hand. DIRECTORY is the\n"
        "absolute path of the service's directory, RING_SIZE the bytes of output to keep, GROUP the cgroup.procs file\n"
        "of the control group that keeper and service shall be in.\n"
        "Exit codes: 0 the daemon ended it, 1 it cannot work, 3 the directory has a keeper, 64 usage.\n");
    return code;
}

/* The daemon that started us has left us the other end of its link. */
static bool is_connected(void)
{
    int type = 0;
    socklen_t length = sizeof(type);

    return getsockopt(KEEPER_DAEMON_FD, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET &&
           fcntl(KEEPER_DAEMON_FD, F_SETFD, FD_CLOEXEC) == 0;
}

int main(int argc, char **argv)
{
    bool connected = is_connected();
    uint64_t ring_size;
    char *end_of_size = NULL;
    struct error err = {0};
    char text[1024];
    int result;

    if (argc == 2 && streq(argv[1], "--help")) {
        return usage(0);
    }
    if (argc == 2 && streq(argv[1], "--version")) {
        dprintf(STDOUT_FILENO, "edgeinit-keeper " VERSION "\n");
        return 0;
    }
    if (argc < 3 || argc > 4 || argv[2][0] < '0' || argv[2][0] > '9') {
        return usage(EXIT_USAGE);
    }
    errno = 0;
    ring_size = strtoull(argv[2], &end_of_size, 10);
    if (errno != 0 || *end_of_size != '\0' || argv[1][0] != '/') {
        return usage(EXIT_USAGE);
    }
    if (strlen(argv[1]) + sizeof("/notify") > sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
        fprintf(stderr, "edgeinit-keeper: %s is too long for a socket's address; use a shorter --run-dir\n", argv[1]);
        return EXIT_USAGE;
    }
    settle_process(path_name(argv[1]), connected ? KEEPER_DAEMON_FD + 1 : KEEPER_DAEMON_FD);
    to_null(STDIN_FILENO, STDOUT_FILENO);
    result = argc == 4 && settle_group(argv[3], &err) != 0
                 ? -1
                 : keeper_settle(argv[1], ring_size, connected ? KEEPER_DAEMON_FD : -1, &err);
    if (result > 0) {
        fprintf(stderr, "edgeinit-keeper: %s has a keeper already; it goes on, and nothing is to be done\n", argv[1]);
        return EXIT_LOCKED;
    }
    if (result < 0) {
        fprintf(stderr, "edgeinit-keeper: %s: %s\n", path_name(argv[1]), error_text(&err, text, sizeof(text)));
        return EXIT_BROKEN;
    }
    to_null(STDERR_FILENO, STDERR_FILENO);
    keeper_run();
    return 0;
}
