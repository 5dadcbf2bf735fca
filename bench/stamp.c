/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stamp [/FILE] — the service of the bench: says when it reached main(), and does nothing more. Without a path, as runsv
 * and s6-supervise start a service, the file is `stamp` of the working directory. s6-supervise gives a name, and then hears
 * that the service is ready: it would wait for a second before each restart of one that does not say so.
 */
#include "stamp.h"

#define READY_FD 3 /* as the file `notification-fd` says (trees.sh) */

int main(int argc, char **argv)
{
    int64_t started = now();
    bool has_path = argc > 1 && argv[1][0] == '/';

    stamp_put(stamp_map(has_path ? argv[1] : "stamp"), started);
    if (argc > 1 && !has_path && write(READY_FD, "\n", 1) < 0) {
        return EXIT_FAILURE;
    }
    for (;;) {
        pause();
    }
}
