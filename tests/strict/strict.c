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
#include "strict.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int least; /* words after the name */
    int (*run)(char **words);
} modes[] = {
    {"once", 0, mode_once}, {"watch", 1, mode_watch}, {"storm", 1, mode_storm},
    {"time", 3, mode_time}, {"turns", 6, mode_turns}, {"deny", 2, mode_deny},
};

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    find_mounts();
    for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[1], modes[i].name) == 0 && argc - 2 >= modes[i].least) {
            return modes[i].run(argv + 2);
        }
    }
    fputs("usage: strict once|watch|storm|time|turns|deny ..., see its source\n", stderr);
    return 64;
}
