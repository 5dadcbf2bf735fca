/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/limit.h"

#include <sys/resource.h>

#include "base/util.h"

static const char *const names[] = {
    "as",   "core",   "cpu",   "data",   "fsize",      "memlock", "msgqueue",
    "nice", "nofile", "nproc", "rtprio", "sigpending", "stack",
};

static const int numbers[] = {
    RLIMIT_AS,   RLIMIT_CORE,   RLIMIT_CPU,   RLIMIT_DATA,   RLIMIT_FSIZE,      RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE,
    RLIMIT_NICE, RLIMIT_NOFILE, RLIMIT_NPROC, RLIMIT_RTPRIO, RLIMIT_SIGPENDING, RLIMIT_STACK,
};

_Static_assert(ARRAY_SIZE(names) == ARRAY_SIZE(numbers), "every limit has a name");

int limit_number(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (streq(names[i], name)) {
            return numbers[i];
        }
    }
    return -1;
}

const char *limit_name(int number)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (numbers[i] == number) {
            return names[i];
        }
    }
    return NULL;
}

size_t limit_names(const char *const **all)
{
    *all = names;
    return ARRAY_SIZE(names);
}
