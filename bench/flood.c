/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood LINES FILE — stamps FILE (stamp.h), then writes that many lines in klog's style, 120 bytes each, to stdout, 64 KiB
 * at a time: as fast as a program can talk, for they are made before.
 */
#include <string.h>

#include "stamp.h"

#define LINE 120
#define LINES 8192 /* that are made */
#define PIECE 65536

static char text[LINES * LINE];

int main(int argc, char **argv)
{
    size_t left = argc == 3 ? strtoul(argv[1], NULL, 10) * LINE : 0;
    size_t at = 0;

    for (size_t i = 0; i < LINES; i++) {
        char *line = text + i * LINE;
        int length = snprintf(line, LINE, "I1122 09:12:%02zu.%06zu    2311 kubelet_node_status.go:%03zu] ", i / 1000,
                              i * 997 % 1000000, i % 1000);

        memset(line + length, 'x', LINE - (size_t)length);
        line[LINE - 1] = '\n';
    }
    if (left == 0) {
        fprintf(stderr, "flood LINES FILE\n");
        return EXIT_FAILURE;
    }
    stamp_put(stamp_map(argv[2]), now());
    while (left > 0) {
        size_t piece = sizeof(text) - at < PIECE ? sizeof(text) - at : PIECE;
        ssize_t written = write(STDOUT_FILENO, text + at, piece < left ? piece : left);

        if (written < 0) {
            die("flood");
        }
        left -= (size_t)written;
        at = (at + (size_t)written) % sizeof(text);
    }
    return EXIT_SUCCESS;
}
