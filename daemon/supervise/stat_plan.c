/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/stat_plan.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

static const char *const ways[] = {
    [STAT_CLEAN] = "clean", [STAT_NOTIFY] = "notify", [STAT_REFRESH] = "refresh", [STAT_NONE] = "none"};
static const char *const acts[] = {[STAT_ACT_SLAVE] = "slave", [STAT_ACT_HIDE] = "hide", [STAT_ACT_COVER] = "cover"};

static_assert(ARRAY_SIZE(ways) == STAT_WAYS, "every way has a name");
static_assert(ARRAY_SIZE(acts) == STAT_ACTS, "every act has a name");

const char *stat_way_name(int way)
{
    return way >= 0 && way < STAT_WAYS ? ways[way] : "unknown";
}

static int index_of(const char *const *names, int count, const char *word)
{
    for (int i = 0; i < count; i++) {
        if (streq(names[i], word)) {
            return i;
        }
    }
    return -1;
}

static bool parse_line(const char *word, const char *rest, bool first, struct stat_plan *plan)
{
    int found = first ? (streq(word, "way") ? index_of(ways, STAT_WAYS, rest) : -1) : index_of(acts, STAT_ACTS, word);
    size_t covers = 0;

    if (found < 0) {
        return false;
    }
    if (first) {
        plan->way = (enum stat_filter_way)found;
        return true;
    }
    for (size_t i = 0; i < plan->count; i++) {
        covers += plan->acts[i].kind == STAT_ACT_COVER;
    }
    if (rest[0] != '/' || plan->count == STAT_PLAN_MOST || (found == STAT_ACT_COVER && covers == STAT_MOST_COVERS)) {
        return false;
    }
    plan->acts[plan->count++] = (struct stat_act){.kind = (enum stat_act_kind)found, .path = rest};
    return true;
}

bool stat_plan_parse(char *text, struct stat_plan *plan)
{
    bool good = text[0] != '\0';
    char *next;

    memset(plan, 0, sizeof(*plan));
    for (char *line = text; good && *line != '\0'; line = next) {
        char *end = line + strcspn(line, "\n");
        char *blank = memchr(line, ' ', (size_t)(end - line));

        good = *end == '\n' && blank != NULL;
        next = end + 1;
        if (good) {
            *end = '\0';
            *blank = '\0';
            good = parse_line(line, blank + 1, line == text, plan);
        }
    }
    if (!good) {
        memset(plan, 0, sizeof(*plan));
    }
    return good;
}

size_t stat_plan_write(const struct stat_plan *plan, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "way %s\n", ways[plan->way]);

    for (size_t i = 0; i < plan->count && used < size; i++) {
        if (strchr(plan->acts[i].path, '\n') != NULL) {
            return 0;
        }
        used += (size_t)snprintf(text + used, size - used, "%s %s\n", acts[plan->acts[i].kind], plan->acts[i].path);
    }
    return used < size ? used : 0;
}

bool stat_plan_has_namespace(const struct stat_plan *plan)
{
    bool hides = false;

    for (size_t i = 0; i < plan->count; i++) {
        hides |= plan->acts[i].kind == STAT_ACT_HIDE;
    }
    return plan->way == STAT_REFRESH || (plan->way == STAT_NOTIFY && hides);
}
