/* SPDX-License-Identifier: Apache-2.0 */
/* The tables as Markdown. */
#include "base/util.h"
#include "doctor/explain.h"
#include "doctor/probe.h"

typedef void printer(const char *text);

/* A '|' would end the cell, and <, * mean something to Markdown. */
static void add_cell(struct text *line, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '|' || *at == '<' || *at == '*') {
            text_add(line, "\\");
        }
        text_append(line, at, 1);
    }
    text_add(line, " | ");
}

static void describe_row(printer *print, const struct probe_row *row, bool is_quick)
{
    CLEANUP_TEXT struct text line = {0};

    text_format(&line, "| `%s` | %s | ", row->code, doctor_needs[row->need].word);
    add_cell(&line, row->title);
    add_cell(&line, row->cost);
    add_cell(&line, row->remedy);
    text_format(&line, "%s |\n", is_quick ? "yes" : "");
    print(text_string(&line));
}

static void describe_needs(printer *print)
{
    print("## Needs\n\n| need | what for | a \"no\" makes the board unfit |\n|---|---|---|\n");
    for (unsigned need = 0; need < NEEDS; need++) {
        CLEANUP_FREE char *line = xasprintf("| `%s` | %s | %s |\n", doctor_needs[need].word, doctor_needs[need].title,
                                            doctor_needs[need].required ? "yes" : "");

        print(line);
    }
}

static void describe_explanations(printer *print)
{
    const struct explain_pattern *pattern;

    print("\n## What the last words of a service mean\n\n| in its log | finding |\n|---|---|\n");
    for (size_t i = 0; (pattern = explain_pattern_at(i)) != NULL; i++) {
        CLEANUP_FREE char *line =
            pattern->parts[1] == NULL
                ? xasprintf("| `` %s `` | `%s` |\n", pattern->parts[0], pattern->code)
                : xasprintf("| `` %s `` … `` %s `` | `%s` |\n", pattern->parts[0], pattern->parts[1], pattern->code);

        print(line);
    }
}

void doctor_describe(printer *print)
{
    describe_needs(print);
    print("\n## Findings of the probes\n\nQuick ones are looked at by the daemon too, when it starts.\n");
    for (size_t i = 0; i < doctor_probe_count; i++) {
        const struct probe *probe = doctor_probes[i];
        CLEANUP_FREE char *title = xasprintf("\n### %s\n\n| code | need | asked | cost of a \"no\" | remedy | quick |\n"
                                             "|---|---|---|---|---|---|\n",
                                             probe->name);

        print(title);
        for (size_t j = 0; j < probe->count; j++) {
            describe_row(print, &probe->rows[j], probe->quick == probe->run || j < probe->quick_count);
        }
        if (probe->describe != NULL) {
            probe->describe(print);
        }
    }
    describe_explanations(print);
}
