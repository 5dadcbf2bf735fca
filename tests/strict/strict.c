/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of memory.stat and cpu.stat that is as strict as edgecore, and finds and opens them the same way (runc's cgroups/
 * fscommon, as cAdvisor uses it): the first mount of the controller in mountinfo; below /sys/fs/cgroup by openat2(2) from an
 * O_PATH descriptor of that, without asking what it got; elsewhere by openat(2), and then it must be a file of a control
 * group. Every line must be "name number". libc only, so that it runs on any board.
 *
 *   strict once [GROUP]             both files of a group ("/" without); prints them; exit code 1 as soon as one is wrong
 *   strict watch COUNTERS [GROUP]   again and again, ending as edgecore does: with exit code 1 at the first that is wrong.
 *                                   COUNTERS is a file of 64-bit numbers: reads; how many of them told other numbers than
 *                                   the one before; the sum of all numbers of the last memory.stat
 *   strict storm SECONDS            from four threads that are interrupted all the time; ends with a line of numbers:
 *                                   reads, wrong ones, descriptors that are left over
 *   strict time WHAT LOOPS PATH     nanoseconds of opening and closing PATH by "openat" or "openat2", or of opening it by
 *                                   openat2, reading and closing it ("raw", "hit"); the best of 20 batches
 *   strict turns SIDE WHAT LOOPS TURNS PATH TABLE
 *                                   nanoseconds of opening PATH by "openat" and closing it, or of opening it alone ("open"), in
 *                                   two processes of which one may be under a filter: SIDE 0 and 1 take turns of so many LOOPS
 *                                   on one processor, through the file TABLE, which must not exist. Side 1 ends with a line:
 *                                   median of side 0 and of side 1, and of their ratio, turn by turn, in units of 0.01 %
 *   strict deny CALL COMMAND...     run this where CALL (see denials[]) fails or kills, as on a kernel that lacks something
 *                                   or under somebody's filter
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <dirent.h>

#define GROUND "/sys/fs/cgroup"
#define BATCHES 20
#define THREADS 4

static struct {
    char mount[4096]; /* "" if there is none */
    const char *controller;
    const char *file;
} files[] = {{.controller = "memory", .file = "memory.stat"}, {.controller = "cpu", .file = "cpu.stat"}};
#define FILES (sizeof(files) / sizeof(files[0]))

static int ground = -1;

static int open_as_runc(int directory, const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};

    return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

/* The first in the list that has the controller. */
static void find_mount(size_t number)
{
    FILE *table = fopen("/proc/self/mountinfo", "re");
    char line[8192];

    while (table != NULL && files[number].mount[0] == '\0' && fgets(line, sizeof(line), table) != NULL) {
        char *rest = strstr(line, " - cgroup ");
        char *word;

        if (rest == NULL || sscanf(line, "%*d %*d %*s %*s %4095s", files[number].mount) != 1) {
            continue;
        }
        for (word = strtok(strrchr(rest, ' ') + 1, ",\n");
             word != NULL && strcmp(word, files[number].controller) != 0;) {
            word = strtok(NULL, ",\n");
        }
        if (word == NULL) {
            files[number].mount[0] = '\0';
        }
    }
    if (table != NULL) {
        fclose(table);
    }
}

static int open_statistics(size_t number, const char *group)
{
    const char *mount = files[number].mount;
    struct statfs system;
    char path[8192];
    int fd;

    if (strncmp(mount, GROUND "/", sizeof(GROUND)) == 0 && ground >= 0) {
        snprintf(path, sizeof(path), "%s%s/%s", mount + sizeof(GROUND), group, files[number].file);
        return open_as_runc(ground, path, O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
    }
    snprintf(path, sizeof(path), "%s%s/%s", mount, group, files[number].file);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && (fstatfs(fd, &system) != 0 || system.f_type != CGROUP_SUPER_MAGIC)) {
        close(fd);
        errno = EMEDIUMTYPE; /* "not a cgroup file" */
        return -1;
    }
    return fd;
}

/* strings.SplitN(line, " ", 3) must give two words, and strconv.ParseUint(second, 10, 64) take the second. */
static bool is_statistic(const char *line)
{
    const char *blank = strchr(line, ' ');
    const char *digits = blank == NULL ? "" : blank + 1;

    errno = 0;
    (void)strtoull(digits, NULL, 10);
    return *digits != '\0' && digits[strspn(digits, "0123456789")] == '\0' && errno == 0;
}

/* The sum of all numbers; -1 with a word about it if the file is not as it must be. */
static int64_t read_statistics(size_t number, const char *group, bool print)
{
    char text[65536];
    size_t length = 0;
    ssize_t got = 0;
    uint64_t sum = 0;
    int fd = open_statistics(number, group);
    char *next;

    while (fd >= 0 && (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0) {
        length += (size_t)got;
    }
    if (fd < 0 || got < 0) {
        printf("strict: %s%s/%s: %s\n", files[number].mount, group, files[number].file, strerror(errno));
        return -1;
    }
    /* The kernel's file cannot be written to either. */
    if (print && (write(fd, "x", 1) >= 0 || (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)) {
        printf("strict: the descriptor is not as asked for\n");
        close(fd);
        return -1;
    }
    close(fd);
    text[length] = '\0';
    for (char *line = text; *line != '\0'; line = next) {
        next = line + strcspn(line, "\n");
        next += *next == '\n' ? (*next = '\0', 1) : 0;
        if (!is_statistic(line)) {
            printf("strict: failed to parse %s%s/%s: \"%s\"\n", files[number].mount, group, files[number].file, line);
            return -1;
        }
        if (print) {
            puts(line);
        }
        sum += strtoull(strchr(line, ' ') + 1, NULL, 10);
    }
    return (int64_t)(sum & INT64_MAX);
}

static int once(const char *group)
{
    for (size_t i = 0; i < FILES; i++) {
        if (files[i].mount[0] != '\0' && read_statistics(i, group, true) < 0) {
            return 1;
        }
    }
    return 0;
}

static int watch(const char *counters, const char *group)
{
    int fd = open(counters, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    uint64_t *page = MAP_FAILED;
    int64_t before[FILES] = {0};

    if (fd >= 0 && ftruncate(fd, 4096) == 0) {
        page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (page == MAP_FAILED) {
        perror(counters);
        return 1;
    }
    for (;;) {
        const struct timespec pause = {.tv_nsec = 200000};

        for (size_t i = 0; i < FILES; i++) {
            int64_t sum = files[i].mount[0] == '\0' ? 0 : read_statistics(i, group, false);

            if (sum < 0) {
                return 1;
            }
            page[0]++;
            page[1] += sum != before[i];
            before[i] = sum;
        }
        page[2] = (uint64_t)before[0];
        nanosleep(&pause, NULL);
    }
}

/* ---- storm ---- */

static atomic_int over;
static atomic_long reads;
static atomic_long wrong;

static void ignore(int number)
{
    (void)number;
}

static void *read_on(void *unused)
{
    while (!atomic_load(&over)) {
        atomic_fetch_add(&reads, 1);
        atomic_fetch_add(&wrong, read_statistics(0, "", false) < 0);
    }
    return unused;
}

static int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (directory != NULL && readdir(directory) != NULL) {
        count++;
    }
    if (directory != NULL) {
        closedir(directory);
    }
    return count;
}

/* As Go's scheduler does it: signals to single threads, whose calls are restarted. */
static int storm(long seconds)
{
    const struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART};
    const struct timespec pause = {.tv_nsec = 50000};
    int descriptors = count_descriptors();
    pthread_t threads[THREADS];
    time_t end = time(NULL) + seconds;

    sigaction(SIGURG, &action, NULL);
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, read_on, NULL) != 0) {
            return 1;
        }
    }
    for (int i = 0; time(NULL) < end; i++) {
        pthread_kill(threads[i % THREADS], SIGURG);
        nanosleep(&pause, NULL);
    }
    atomic_store(&over, 1);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    printf("storm %ld %ld %d\n", atomic_load(&reads), atomic_load(&wrong), count_descriptors() - descriptors);
    return 0;
}

/* ---- time ---- */

static int act(const char *what, const char *path)
{
    int fd = strcmp(what, "openat") == 0 ? openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC)
                                         : open_as_runc(AT_FDCWD, path, O_RDONLY, 0);
    char text[65536];
    ssize_t got = fd < 0 ? -1 : strncmp(what, "open", 4) == 0 ? 0 : 1;

    while (got > 0) {
        got = read(fd, text, sizeof(text));
    }
    return fd < 0 || close(fd) != 0 || got < 0 ? -1 : 0;
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int measure(const char *what, long loops, const char *path)
{
    double best = 0;

    for (int batch = 0; batch < BATCHES; batch++) {
        double began = now();
        double each;

        for (long i = 0; i < loops; i++) {
            if (act(what, path) != 0) {
                perror(path);
                return 1;
            }
        }
        each = (now() - began) / (double)loops;
        best = batch == 0 || each < best ? each : best;
    }
    printf("%s %.0f\n", what, best);
    return 0;
}

/* ---- turns ---- */

#define MOST_TURNS 1000
#define MOST_LOOPS 1000 /* fewer than a process may have open */
#define WARMING 10      /* turns of each side that do not count */

struct table {
    atomic_uint turn; /* how many were taken */
    double each[2][MOST_TURNS];
};

/* 0 1 1 0 0 1 1 0 …: what grows or shrinks meanwhile does so for both. */
static unsigned side_of(unsigned turn)
{
    return (turn + 1) / 2 % 2;
}

static void wait_for_turn(struct table *table, unsigned turn)
{
    unsigned now;

    while ((now = atomic_load(&table->turn)) != turn) {
        syscall(SYS_futex, &table->turn, FUTEX_WAIT, now, NULL, NULL, 0);
    }
}

static int compare(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;

    return (difference > 0) - (difference < 0);
}

static double median(const double *values, long count)
{
    double sorted[MOST_TURNS];

    memcpy(sorted, values, (size_t)count * sizeof(values[0]));
    qsort(sorted, (size_t)count, sizeof(sorted[0]), compare);
    return sorted[count / 2];
}

static void tell(const struct table *table, long turns)
{
    double ratio[MOST_TURNS];

    for (long i = WARMING; i < turns; i++) {
        ratio[i - WARMING] = table->each[1][i] / table->each[0][i];
    }
    printf("turns %.0f %.0f %.0f\n", median(table->each[0] + WARMING, turns - WARMING),
           median(table->each[1] + WARMING, turns - WARMING), 10000 * median(ratio, turns - WARMING));
}

/* One turn; nanoseconds of each, negative if the path cannot be opened. */
static double take_turn(const char *what, long loops, const char *path)
{
    static int fds[MOST_LOOPS];
    bool closes = strcmp(what, "open") != 0;
    double took = now();
    bool good = true;

    for (long i = 0; i < loops && good; i++) {
        if (closes) {
            good = act("openat", path) == 0;
        } else {
            fds[i] = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
            good = fds[i] >= 0;
        }
    }
    took = now() - took;
    for (long i = 0; i < loops && good && !closes; i++) {
        close(fds[i]);
    }
    return good ? took / (double)loops : -1;
}

static int take_turns(unsigned side, const char *what, long loops, long turns, const char *path, const char *name)
{
    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct table *table = MAP_FAILED;
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &one);
    if (fd >= 0 && ftruncate(fd, sizeof(*table)) == 0) {
        table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (table == MAP_FAILED || turns <= WARMING || turns > MOST_TURNS || loops > MOST_LOOPS ||
        sched_setaffinity(0, sizeof(one), &one) != 0) {
        perror(name);
        return 1;
    }
    for (unsigned turn = 0; turn < 2 * (unsigned)turns; turn++) {
        if (side_of(turn) != side) {
            continue;
        }
        wait_for_turn(table, turn);
        act("openat", path); /* what the other has pushed out of the caches */
        table->each[side][turn / 2] = take_turn(what, loops, path);
        if (table->each[side][turn / 2] < 0) {
            perror(path);
            return 1;
        }
        atomic_store(&table->turn, turn + 1);
        syscall(SYS_futex, &table->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
    if (side == 1) {
        wait_for_turn(table, 2 * (unsigned)turns);
        tell(table, turns);
    }
    return 0;
}

/* ---- deny ---- */

#define ADDFD SECCOMP_IOCTL_NOTIF_ADDFD
#define ANY (-1) /* argument */

static const struct {
    const char *name;
    unsigned call;
    int argument; /* the one that is compared; ANY: none is */
    uint32_t value;
    uint32_t action;
} denials[] = {
    {"seccomp", SYS_seccomp, ANY, 0, SECCOMP_RET_ERRNO | EPERM},
    {"filters", SYS_seccomp, 0, SECCOMP_SET_MODE_FILTER, SECCOMP_RET_ERRNO | EACCES},
    {"filters-kill", SYS_seccomp, 0, SECCOMP_SET_MODE_FILTER, SECCOMP_RET_KILL_PROCESS},
    {"addfd", SYS_ioctl, 1, ADDFD, SECCOMP_RET_ERRNO | EINVAL},
    {"look", SYS_process_vm_readv, ANY, 0, SECCOMP_RET_ERRNO | EPERM},
    {"memfd", SYS_memfd_create, ANY, 0, SECCOMP_RET_ERRNO | ENOSYS},
    {"unshare", SYS_unshare, ANY, 0, SECCOMP_RET_ERRNO | EPERM},
    {"openat2", SYS_openat2, ANY, 0, SECCOMP_RET_ERRNO | ENOSYS},
};

static int deny(const char *name, char **command)
{
    size_t i = 0;

    while (i < sizeof(denials) / sizeof(denials[0]) && strcmp(denials[i].name, name) != 0) {
        i++;
    }
    if (i < sizeof(denials) / sizeof(denials[0])) {
        bool any = denials[i].argument == ANY;
        /* The lower half of an argument: the machines that this runs on are little-endian. */
        uint32_t offset = any ? offsetof(struct seccomp_data, nr)
                              : (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)denials[i].argument);
        struct sock_filter program[] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denials[i].call, 0, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, any ? denials[i].call : denials[i].value, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, denials[i].action),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog filter = {sizeof(program) / sizeof(program[0]), program};

        if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0) {
            execv(command[0], command);
        }
    }
    perror(name);
    return 126;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";

    setvbuf(stdout, NULL, _IOLBF, 0);
    ground = open_as_runc(-1, GROUND, O_DIRECTORY | O_PATH, 0);
    for (size_t i = 0; i < FILES; i++) {
        find_mount(i);
    }
    if (strcmp(mode, "once") == 0) {
        return once(argc > 2 ? argv[2] : "");
    }
    if (strcmp(mode, "watch") == 0 && argc > 2) {
        return watch(argv[2], argc > 3 ? argv[3] : "");
    }
    if (strcmp(mode, "storm") == 0 && argc > 2) {
        return storm(strtol(argv[2], NULL, 10));
    }
    if (strcmp(mode, "deny") == 0 && argc > 3) {
        return deny(argv[2], argv + 3);
    }
    if (strcmp(mode, "time") == 0 && argc > 4) {
        return measure(argv[2], strtol(argv[3], NULL, 10), argv[4]);
    }
    if (strcmp(mode, "turns") == 0 && argc > 7) {
        return take_turns(argv[2][0] == '1', argv[3], strtol(argv[4], NULL, 10), strtol(argv[5], NULL, 10), argv[6],
                          argv[7]);
    }
    fputs("usage: strict once|watch|storm|time|turns ..., see its source\n", stderr);
    return 64;
}
