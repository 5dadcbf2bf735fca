/* SPDX-License-Identifier: Apache-2.0 */
#include "timeline/before.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "base/clock.h"
#include "base/util.h"
#include "supervise/record.h"

#define MOST_LINES 20000

bool before_is_init(const char *line, int64_t *time)
{
    const char *text = strchr(line, ';');
    const char *at = strchr(line, ',');

    at = at == NULL ? NULL : strchr(at + 1, ',');
    if (text == NULL || at == NULL || at > text || !starts_with(text, ";Run ") ||
        strstr(text, " as init process") == NULL) {
        return false;
    }
    *time = strtoll(at + 1, NULL, 10);
    return true;
}

int64_t before_init(void)
{
    CLEANUP_CLOSE int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char line[2048];

    for (int i = 0; fd >= 0 && i < MOST_LINES; i++) {
        ssize_t length = read(fd, line, sizeof(line) - 1); /* one message */
        int64_t time = 0;

        if (length < 0 && errno == EPIPE) {
            continue; /* overwritten before we came to it */
        }
        if (length <= 0) {
            break;
        }
        line[length] = '\0';
        if (before_is_init(line, &time)) {
            return time;
        }
    }
    return 0;
}

int64_t before_process(int64_t entered, int64_t used)
{
    int64_t second = sysconf(_SC_CLK_TCK);
    int64_t tick = MICROSECONDS_PER_SECOND / (second > 0 ? second : 100);
    int64_t earliest = (int64_t)process_start_time(getpid()) * tick;
    int64_t likely = entered - used;

    if (earliest <= 0 || earliest > entered) {
        return likely;
    }
    likely = likely < earliest ? earliest : likely;
    return likely < earliest + tick ? likely : earliest + tick;
}
