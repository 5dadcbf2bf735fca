/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/killed.h"

#include <errno.h>
#include <fcntl.h>

#include "base/clock.h"
#include "base/util.h"

#define NAME_LONGEST 15
#define RECORD_LARGEST 8192 /* of one line of the log; a longer one is EINVAL */
#define LATELY (30 * MICROSECONDS_PER_SECOND)

/* "oom-kill:constraint=…,task=dockerd,pid=812,uid=0" since 4.19, "Killed process 812 (dockerd)" before and after. */
static bool tells_of(const char *record, const char *name)
{
    char task[NAME_LONGEST + 16];
    char killed[NAME_LONGEST + 16];

    snprintf(task, sizeof(task), ",task=%.*s,", NAME_LONGEST, name);
    snprintf(killed, sizeof(killed), " (%.*s)", NAME_LONGEST, name);
    return (strstr(record, "oom-kill:") != NULL && strstr(record, task) != NULL) ||
           (strstr(record, "Killed process ") != NULL && strstr(record, killed) != NULL);
}

/* The third number of "6,1234,5678901234,-;text": microseconds of a clock that stands still while the board sleeps, as
 * clock_now() does (Documentation/ABI/testing/dev-kmsg). */
static int64_t time_of(const char *record)
{
    const char *comma = strchr(record, ',');

    comma = comma == NULL ? NULL : strchr(comma + 1, ',');
    return comma == NULL ? -1 : strtoll(comma + 1, NULL, 10);
}

bool killed_for_memory(const char *name)
{
    CLEANUP_CLOSE int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char record[RECORD_LARGEST];
    int64_t last = -1;

    while (fd >= 0) {
        ssize_t length = read(fd, record, sizeof(record) - 1);

        /* Records were overwritten while we read: the next read goes on after them. */
        if (length < 0 && (errno == EPIPE || errno == EINTR)) {
            continue;
        }
        if (length <= 0) {
            break;
        }
        record[length] = '\0';
        last = tells_of(record, name) ? time_of(record) : last;
    }
    return last >= 0 && clock_now() - last < LATELY;
}
