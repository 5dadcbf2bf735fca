/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/show.h"

#include <assert.h>

#include "base/util.h"

#define CODE_WIDTH 30

static const char *const colours[ANSWERS] = {
    [ANSWER_YES] = "\033[32m",
    [ANSWER_WARNING] = "\033[33m",
    [ANSWER_NO] = "\033[31m",
    [ANSWER_UNKNOWN] = "\033[36m",
};

static const struct {
    const char *word; /* for JSON */
    const char *text;
    enum answer colour;
} fitnesses[FITNESSES] = {
    [FIT] = {"fit", "fit", ANSWER_YES},
    [UNFIT] = {"unfit", "unfit", ANSWER_NO},
    [FIT_WITH_WARNINGS] = {"fit-with-warnings", "fit, with warnings", ANSWER_WARNING},
};
static_assert(FIT == 0 && UNFIT == 1 && FIT_WITH_WARNINGS == 2, "they are the exit codes too");

static void show_finding(const struct finding *finding, bool colour, struct text *out)
{
    text_format(out, "  %s%-7s%s %-*s %s\n", colour ? colours[finding->answer] : "", doctor_answers[finding->answer],
                colour ? "\033[0m" : "", CODE_WIDTH, finding->code, finding->what);
    if (finding->cost[0] != '\0') {
        text_format(out, "          costs: %s\n", finding->cost);
    }
    if (finding->remedy[0] != '\0') {
        text_format(out, "          remedy: %s\n", finding->remedy);
    }
}

/* How many stop the node: "no" to what is required. */
static size_t count_fatal(const struct findings *findings)
{
    size_t count = 0;

    for (size_t i = 0; i < findings->count; i++) {
        count += findings->items[i].answer == ANSWER_NO && doctor_needs[findings->items[i].need].required;
    }
    return count;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void show_summary(const struct findings *findings, bool colour, struct text *out)
{
    size_t counts[ANSWERS];
    enum fitness fitness = findings_judge(findings, counts);
    size_t fatal = count_fatal(findings);
    size_t warnings = counts[ANSWER_WARNING] + counts[ANSWER_NO] - fatal;

    text_format(out, "%s%s%s", colour ? colours[fitnesses[fitness].colour] : "", fitnesses[fitness].text,
                colour ? "\033[0m" : "");
    if (fatal > 0) {
        text_format(out, ": %zu finding%s", fatal, plural(fatal));
    }
    text_format(out, "; %zu warning%s, %zu unknown, %zu in order\n", warnings, plural(warnings), counts[ANSWER_UNKNOWN],
                counts[ANSWER_YES]);
}

void doctor_show(const struct findings *findings, bool colour, struct text *out)
{
    for (unsigned need = 0; need < NEEDS; need++) {
        bool has_title = false;

        for (size_t i = 0; i < findings->count; i++) {
            if (findings->items[i].need != need) {
                continue;
            }
            if (!has_title) {
                text_format(out, "%s%s%s%s\n", colour ? "\033[1m" : "", doctor_needs[need].title,
                            colour ? "\033[0m" : "", doctor_needs[need].required ? "" : " (optional)");
                has_title = true;
            }
            show_finding(&findings->items[i], colour, out);
        }
    }
    show_summary(findings, colour, out);
}

cJSON *doctor_json(const struct findings *findings)
{
    cJSON *document = cJSON_CreateObject();
    cJSON *list = NULL;
    cJSON *summary = NULL;
    size_t counts[ANSWERS];

    cJSON_AddStringToObject(document, "verdict", fitnesses[findings_judge(findings, counts)].word);
    list = cJSON_AddArrayToObject(document, "findings");
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];
        cJSON *item = cJSON_CreateObject();

        cJSON_AddStringToObject(item, "code", finding->code);
        cJSON_AddStringToObject(item, "need", doctor_needs[finding->need].word);
        cJSON_AddStringToObject(item, "answer", doctor_answers[finding->answer]);
        cJSON_AddStringToObject(item, "what", finding->what);
        if (finding->cost[0] != '\0') {
            cJSON_AddStringToObject(item, "cost", finding->cost);
        }
        if (finding->remedy[0] != '\0') {
            cJSON_AddStringToObject(item, "remedy", finding->remedy);
        }
        cJSON_AddItemToArray(list, item);
    }
    summary = cJSON_AddObjectToObject(document, "summary");
    for (unsigned answer = 0; answer < ANSWERS; answer++) {
        cJSON_AddNumberToObject(summary, doctor_answers[answer], (double)counts[answer]);
    }
    return document;
}
