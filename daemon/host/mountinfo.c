/* SPDX-License-Identifier: Apache-2.0 */
#include "host/mountinfo.h"

#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "base/util.h"

static bool is_octal(char digit)
{
    return digit >= '0' && digit <= '7';
}

/* The kernel writes blank, tab, newline and backslash as "\040" and the like. In place. */
static char *unescape(char *field)
{
    char *to = field;

    for (const char *at = field; *at != '\0'; to++) {
        if (at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && is_octal(at[2]) && is_octal(at[3])) {
            *to = (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
            at += 4;
        } else {
            *to = *at++;
        }
    }
    *to = '\0';
    return field;
}

/* "36 35 98:0 /root /target rw,noatime master:1 - ext3 /dev/root rw,errors=continue": any number of optional fields stand
 * before the dash. An empty source is an empty field. */
static bool parse_line(char *line, struct mount_entry *entry)
{
    char *fields[6] = {0};
    char *dash = strstr(line, " - ");
    char *rest = line;
    char *propagation;
    char *colon = NULL;
    unsigned high;

    if (dash == NULL) {
        return false;
    }
    *dash = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        fields[i] = strsep(&rest, " ");
        if (fields[i] == NULL || fields[i][0] == '\0') {
            return false;
        }
    }
    high = (unsigned)strtoul(fields[2], &colon, 10);
    propagation = rest; /* what strsep() left before the dash */
    rest = dash + strlen(" - ");
    *entry = (struct mount_entry){
        .id = (int)strtol(fields[0], NULL, 10),
        .parent = (int)strtol(fields[1], NULL, 10),
        .device = makedev(high, *colon == ':' ? (unsigned)strtoul(colon + 1, NULL, 10) : 0),
        .root = unescape(fields[3]),
        .target = unescape(fields[4]),
        .options = fields[5],
        .propagation = propagation == NULL ? "" : propagation,
        .type = strsep(&rest, " "),
        .source = rest == NULL ? "" : unescape(strsep(&rest, " ")),
    };
    entry->fs_options = rest == NULL ? "" : rest;
    return true;
}

void mountinfo_parse(struct mount_table *table, char *text)
{
    size_t room = 0;
    char *rest = NULL;

    *table = (struct mount_table){.text = text};
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (table->count == room) {
            room = room == 0 ? 64 : room * 2;
            table->entries = xrealloc(table->entries, room * sizeof(table->entries[0]));
        }
        table->count += parse_line(line, &table->entries[table->count]);
    }
}

void mountinfo_free(struct mount_table *table)
{
    free(table->entries);
    free(table->text);
    *table = (struct mount_table){0};
}

void mountinfo_split_options(const char *options, unsigned long *flags, struct text *data)
{
    static const struct {
        const char *word;
        unsigned long set;
        unsigned long clear;
    } words[] = {
        {"ro", MS_RDONLY, 0},           {"rw", 0, MS_RDONLY},
        {"nosuid", MS_NOSUID, 0},       {"suid", 0, MS_NOSUID},
        {"nodev", MS_NODEV, 0},         {"dev", 0, MS_NODEV},
        {"noexec", MS_NOEXEC, 0},       {"exec", 0, MS_NOEXEC},
        {"sync", MS_SYNCHRONOUS, 0},    {"async", 0, MS_SYNCHRONOUS},
        {"dirsync", MS_DIRSYNC, 0},     {"noatime", MS_NOATIME, 0},
        {"atime", 0, MS_NOATIME},       {"nodiratime", MS_NODIRATIME, 0},
        {"diratime", 0, MS_NODIRATIME}, {"relatime", MS_RELATIME, 0},
        {"norelatime", 0, MS_RELATIME}, {"strictatime", MS_STRICTATIME, 0},
        {"lazytime", MS_LAZYTIME, 0},   {"nolazytime", 0, MS_LAZYTIME},
        {"silent", MS_SILENT, 0},       {"defaults", 0, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS},
        {"bind", MS_BIND, 0},           {"remount", MS_REMOUNT, 0},
    };
    size_t length;

    for (const char *word = options; *word != '\0'; word += length + (word[length] == ',')) {
        size_t i = 0;

        length = strcspn(word, ",");
        while (i < ARRAY_SIZE(words) && (words[i].word[0] != word[0] || strncmp(words[i].word, word, length) != 0 ||
                                         words[i].word[length] != '\0')) {
            i++;
        }
        if (i < ARRAY_SIZE(words)) {
            *flags = (*flags | words[i].set) & ~words[i].clear;
        } else if (length > 0) {
            text_append(data, ",", data->length > 0);
            text_append(data, word, length);
        }
    }
}

bool mountinfo_has_tag(const char *propagation, const char *tag)
{
    size_t length = strlen(tag);

    for (const char *at = propagation; *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
        if (strncmp(at, tag, length) == 0 && strchr(": ", at[length]) != NULL) {
            return true; /* strchr finds the end as well */
        }
    }
    return false;
}
