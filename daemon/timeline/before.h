/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was before edgeinit, as the kernel tells it afterwards. Nothing of it is asked for while the board comes up.
 */
#ifndef EDGEINIT_TIMELINE_BEFORE_H
#define EDGEINIT_TIMELINE_BEFORE_H

#include <stdbool.h>
#include <stdint.h>

/* When the kernel executed its first process, microseconds since its own start, as its log says; 0: that is not to be read,
 * or overwritten. Process 1 itself is older: it is the thread in which the kernel starts up. */
int64_t before_init(void);

/* Is this the message of /dev/kmsg that says so? "6,345,1203456,-;Run /init as init process": priority, number, microseconds.
 * init/main.c has it since 4.19. */
bool before_is_init(const char *line, int64_t *time);

/* When this process was made: /proc/self/stat has it in clock ticks (10 ms); `entered`, a clock_now() of it, and the CPU
 * time that it had used by then make it better than that. */
int64_t before_process(int64_t entered, int64_t used);

#endif
