/* SPDX-License-Identifier: Apache-2.0 */
#include "control/colour.h"

#include "base/util.h"

#define NAME_WIDTH 44

static const char *const colour_codes[COLOURS] = {
    [COLOUR_NONE] = "",        [COLOUR_GREEN] = "\033[32m", [COLOUR_YELLOW] = "\033[33m",
    [COLOUR_RED] = "\033[31m", [COLOUR_DIM] = "\033[2m",
};

bool colour_is_wanted(int fd)
{
    const char *off = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    return (off == NULL || off[0] == '\0') && terminal != NULL && !streq(terminal, "dumb") && isatty(fd) == 1;
}

void colour_add(struct text *out, bool colour, enum colour code, const char *string)
{
    bool plain = !colour || code == COLOUR_NONE;

    text_format(out, "%s%s%s", plain ? "" : colour_codes[code], string, plain ? "" : "\033[0m");
}

void colour_add_line(struct text *out, bool colour, enum colour code, char mark, const char *name, const char *rest)
{
    bool plain = !colour || code == COLOUR_NONE;

    text_format(out, "%s%c %-*s%s%s%s\n", plain ? "" : colour_codes[code], mark, rest[0] == '\0' ? 0 : NAME_WIDTH, name,
                rest[0] == '\0' ? "" : " ", rest, plain ? "" : "\033[0m");
}
