/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for a service's program, and says on the console when it was executed; init says when it started edgeinit. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    struct timespec now;
    FILE *console = fopen("/dev/console", "w");

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (console != NULL) {
        fprintf(console, "stamp: [%ld.%06ld] executed\n", (long)now.tv_sec, now.tv_nsec / 1000);
        fclose(console);
    }
    for (;;) {
        pause();
    }
}
