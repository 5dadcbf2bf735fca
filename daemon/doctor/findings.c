/* SPDX-License-Identifier: Apache-2.0 */
/* Findings as values: the list, their words, and what they come to. */
#include <assert.h>

#include "base/util.h"
#include "doctor/doctor.h"

const struct need_words doctor_needs[NEEDS] = {
    [NEED_DOCKER] = {"docker", "dockerd and a container", true},
    [NEED_OPTIONAL] = {"docker-optional", "features of docker", false},
    [NEED_OVERLAY] = {"overlay", "overlay2 on the data-root", true},
    [NEED_KUBEEDGE] = {"kubeedge", "edgecore", true},
    [NEED_MIGRATION] = {"migration", "checkpoint and restore with CRIU", false},
    [NEED_EDGEINIT] = {"edgeinit", "edgeinit itself, and what the manifest asks for", true},
};
static_assert(ARRAY_SIZE(doctor_needs) == NEEDS, "every need has its words");

const char *const doctor_answers[ANSWERS] = {
    [ANSWER_YES] = "yes",
    [ANSWER_WARNING] = "warning",
    [ANSWER_NO] = "no",
    [ANSWER_UNKNOWN] = "unknown",
};
static_assert(ARRAY_SIZE(doctor_answers) == ANSWERS, "every answer has its word");

void findings_add(struct findings *findings, const struct finding *finding)
{
    /* Room for a power of two. */
    if ((findings->count & (findings->count - 1)) == 0) {
        findings->items =
            xrealloc(findings->items, (findings->count == 0 ? 1 : findings->count * 2) * sizeof(*finding));
    }
    findings->items[findings->count++] = *finding;
}

const struct finding *findings_find(const struct findings *findings, const char *code)
{
    for (size_t i = 0; i < findings->count; i++) {
        if (streq(findings->items[i].code, code)) {
            return &findings->items[i];
        }
    }
    return NULL;
}

void findings_free(struct findings *findings)
{
    free(findings->items);
    *findings = (struct findings){0};
}

enum fitness findings_judge(const struct findings *findings, size_t counts[ANSWERS])
{
    enum fitness fitness = FIT;

    memset(counts, 0, ANSWERS * sizeof(counts[0]));
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];

        counts[finding->answer]++;
        if (finding->answer == ANSWER_NO && doctor_needs[finding->need].required) {
            fitness = UNFIT;
        } else if (finding->answer != ANSWER_YES && fitness == FIT) {
            fitness = FIT_WITH_WARNINGS;
        }
    }
    return fitness;
}
