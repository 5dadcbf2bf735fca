/* SPDX-License-Identifier: Apache-2.0 */
#include "control/colour.h"

#include <assert.h>

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
    static const char blanks[] = "                                             ";
    bool plain = !colour || code == COLOUR_NONE;
    size_t length = strlen(name);

    static_assert(sizeof(blanks) > NAME_WIDTH + 1, "the blanks between the columns");
    text_add(out, plain ? "" : colour_codes[code]);
    text_append(out, (const char[]){mark, ' '}, 2);
    text_append(out, name, length);
    if (rest[0] != '\0') {
        text_append(out, blanks, length < NAME_WIDTH ? NAME_WIDTH + 1 - length : 1);
    }
    text_add(out, rest);
    text_add(out, plain ? "\n" : "\033[0m\n");
}
