/* SPDX-License-Identifier: Apache-2.0 */
#include "host/lines.h"

#include <limits.h>

#include "base/util.h"

/* A board without a name is localhost. */
static char *expand(const char *line)
{
    static const char mark[] = "${hostname}";
    CLEANUP_TEXT struct text expanded = {0};
    char name[HOST_NAME_MAX + 1] = "";
    const char *at;

    if (gethostname(name, sizeof(name)) != 0 || name[0] == '\0' || streq(name, "(none)")) {
        snprintf(name, sizeof(name), "localhost");
    }
    while ((at = strstr(line, mark)) != NULL) {
        text_append(&expanded, line, (size_t)(at - line));
        text_add(&expanded, name);
        line = at + strlen(mark);
    }
    text_add(&expanded, line);
    return text_take(&expanded);
}

void lines_complete(const cJSON *list, const char *current, struct text *out)
{
    text_add(out, current);
    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        CLEANUP_FREE char *line = expand(item->valuestring);
        CLEANUP_FREE char *framed = xasprintf("\n%s\n", line);
        CLEANUP_FREE char *whole = xasprintf("\n%s\n", text_string(out));

        if (strstr(whole, framed) == NULL) {
            bool open_end = out->length > 0 && out->data[out->length - 1] != '\n';

            text_format(out, "%s%s\n", open_end ? "\n" : "", line);
        }
    }
}
