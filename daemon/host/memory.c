/* SPDX-License-Identifier: Apache-2.0 */
#include "host/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"

#define INITIAL_PID_NAMESPACE "pid:[4026531836]" /* PROC_PID_INIT_INO: ABI since 3.8 */
/* The log's clock and ours are not the same, but near. */
#define CLOCKS_APART MICROSECONDS_PER_SECOND

/* "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS;TEXT\n KEY=VALUE...". The text since 5.x: "Out of memory: Killed process 123 (name)
 * total-vm:...", "Memory cgroup out of memory: Killed process 123 (name) ...". */
enum memory_kill memory_parse(const char *record, size_t length, pid_t pid, int64_t since)
{
    const char *text = memchr(record, ';', length);
    const char *killed = memmem(record, length, "Killed process ", strlen("Killed process "));
    const char *comma = memchr(record, ',', length);
    char *rest = NULL;

    /* Priorities from 8 on are of what users write there. */
    if (text == NULL || killed == NULL || strtol(record, NULL, 10) > 7 || killed < text || comma == NULL ||
        (comma = strchr(comma + 1, ',')) == NULL || comma > text || strtoll(comma + 1, NULL, 10) < since ||
        strtol(killed + strlen("Killed process "), &rest, 10) != pid || !starts_with(rest, " (")) {
        return MEMORY_NO_KILL;
    }
    return starts_with(text + 1, "Memory cgroup") ? MEMORY_GROUP : MEMORY_BOARD;
}

/* Elsewhere the kernel's log tells other numbers than ours. The link is read, not followed: under SELinux a name space's file
 * has no label. */
static bool is_initial_namespace(void)
{
    char name[64];
    ssize_t length = readlink("/proc/self/ns/pid", name, sizeof(name) - 1);

    name[length < 0 ? 0 : length] = '\0';
    return streq(name, INITIAL_PID_NAMESPACE);
}

enum memory_kill memory_killed(pid_t pid, int64_t since)
{
    CLEANUP_CLOSE int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    enum memory_kill found = MEMORY_NO_KILL;
    char record[8192];
    ssize_t length;

    if (fd < 0 || !is_initial_namespace()) {
        return MEMORY_NO_KILL;
    }
    /* One record a read; EPIPE: some were overwritten meanwhile. */
    while (found == MEMORY_NO_KILL &&
           ((length = read(fd, record, sizeof(record) - 1)) > 0 || (length < 0 && errno == EPIPE))) {
        if (length > 0) {
            record[length] = '\0';
            found = memory_parse(record, (size_t)length, pid, since - CLOCKS_APART);
        }
    }
    return found;
}
