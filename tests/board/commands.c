/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of jobs: a table of words. One that fails is told of, and the job goes on. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_WORDS 12

static int id_of(const char *name, bool group)
{
    const struct passwd *user = group ? NULL : getpwnam(name);
    const struct group *members = group ? getgrnam(name) : NULL;

    if (user != NULL) {
        return (int)user->pw_uid;
    }
    return members != NULL ? (int)members->gr_gid : (int)strtol(name, NULL, 10);
}

static int do_mkdir(char **words, int count)
{
    if (mkdir(words[1], 0755) != 0 && errno != EEXIST) {
        return -1;
    }
    label_set(words[1]);
    if (count > 2 && chmod(words[1], (mode_t)strtoul(words[2], NULL, 8)) != 0) {
        return -1;
    }
    return count > 4 ? chown(words[1], (uid_t)id_of(words[3], false), (gid_t)id_of(words[4], true)) : 0;
}

static int do_chmod(char **words, int count)
{
    (void)count;
    return chmod(words[2], (mode_t)strtoul(words[1], NULL, 8));
}

static int do_chown(char **words, int count)
{
    (void)count;
    return chown(words[3], (uid_t)id_of(words[1], false), (gid_t)id_of(words[2], true));
}

/* mount TYPE SOURCE TARGET [FLAG...] [DATA]; "wait" among the flags waits up to five seconds for the source. */
static int do_mount(char **words, int count)
{
    static const struct {
        const char *name;
        unsigned long flag;
    } flags[] = {{"noatime", MS_NOATIME}, {"noexec", MS_NOEXEC},   {"nosuid", MS_NOSUID}, {"nodev", MS_NODEV},
                 {"ro", MS_RDONLY},       {"remount", MS_REMOUNT}, {"bind", MS_BIND},     {"shared", MS_SHARED},
                 {"slave", MS_SLAVE},     {"rec", MS_REC},         {"defaults", 0}};
    unsigned long set = 0;
    int word = 4;
    bool wait = false;

    for (; word < count; word++) {
        size_t i = 0;

        while (i < sizeof(flags) / sizeof(*flags) && strcmp(words[word], flags[i].name) != 0) {
            i++;
        }
        if (i < sizeof(flags) / sizeof(*flags)) {
            set |= flags[i].flag;
        } else if (strcmp(words[word], "wait") == 0) {
            wait = true;
        } else {
            break;
        }
    }
    for (int tries = 0; wait && tries < 500 && access(words[2], F_OK) != 0; tries++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return mount(words[2], words[3], words[1], set, word < count ? words[word] : NULL);
}

static int do_umount(char **words, int count)
{
    (void)count;
    return umount(words[1]);
}

static int do_restorecon(char **words, int count)
{
    (void)count;
    label_tree(words[1]);
    return 0;
}

static int do_symlink(char **words, int count)
{
    (void)count;
    return symlink(words[1], words[2]);
}

static int do_write(char **words, int count)
{
    int fd = open(words[1], O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int result = fd < 0 || write(fd, words[2], strlen(words[2])) < 0 ? -1 : 0;

    (void)count;
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

static int do_ifup(char **words, int count)
{
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int result;

    (void)count;
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", words[1]);
    result = fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
    close(fd);
    return result;
}

static int do_execute(char **words, int count)
{
    (void)count;
    service_execute(words + 1, strcmp(words[0], "syncexec") == 0);
    return 0;
}

static int do_export(char **words, int count)
{
    (void)count;
    return setenv(words[1], words[2], 1);
}

static int do_hostname(char **words, int count)
{
    (void)count;
    return sethostname(words[1], strlen(words[1]));
}

static int do_start(char **words, int count)
{
    (void)count;
    service_start(words[1]);
    return 0;
}

static int do_stop(char **words, int count)
{
    (void)count;
    service_stop(words[1]);
    return 0;
}

static int do_trigger(char **words, int count)
{
    (void)count;
    job_run(words[1]);
    return 0;
}

void command_run(const char *line)
{
    static const struct {
        const char *name;
        int least; /* words after it */
        int (*run)(char **words, int count);
    } commands[] = {{"chmod", 2, do_chmod},      {"chown", 3, do_chown},       {"exec", 1, do_execute},
                    {"export", 2, do_export},    {"hostname", 1, do_hostname}, {"ifup", 1, do_ifup},
                    {"mkdir", 1, do_mkdir},      {"mount", 3, do_mount},       {"restorecon", 1, do_restorecon},
                    {"start", 1, do_start},      {"stop", 1, do_stop},         {"symlink", 2, do_symlink},
                    {"syncexec", 1, do_execute}, {"trigger", 1, do_trigger},   {"umount", 1, do_umount},
                    {"write", 2, do_write}};
    char *copy = strdup(line);
    char *words[MOST_WORDS + 1] = {NULL};
    char *rest = copy;
    int count = 0;

    while (count < MOST_WORDS && (words[count] = strsep(&rest, " ")) != NULL) {
        count += *words[count] != '\0';
    }
    words[count] = NULL;
    for (size_t i = 0; count > 0 && i < sizeof(commands) / sizeof(*commands); i++) {
        if (strcmp(commands[i].name, words[0]) == 0) {
            if (count <= commands[i].least || commands[i].run(words, count) != 0) {
                say("%s: %s", line, count <= commands[i].least ? "words are missing" : strerror(errno));
            }
            break;
        }
    }
    free(copy);
}
