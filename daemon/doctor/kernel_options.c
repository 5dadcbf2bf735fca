/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/kernel_options.h"

#include "base/util.h"
#include "doctor/kernel_table.h"

/* Nobody knows the version: OpenHarmony's long-lived one. */
#define VERSION_ASSUMED KERNEL(5, 10)
/* A chain of dependencies is at most this long; the tables' test holds it, and against a cycle nothing else would. */
#define DEPTH 12

/* One configuration, seen by one kernel. */
struct view {
    const struct kernel_config *config;
    unsigned version;
    enum kernel_arch arch;
    bool expert;
    const struct kernel_option *rows[512]; /* which this kernel has, by name */
    size_t count;
};

static bool exists(const struct view *view, const struct kernel_option *option)
{
    return view->version >= option->since && (option->until == 0 || view->version < option->until) &&
           (option->arches == 0 || (option->arches & 1U << view->arch) != 0);
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp((*(const struct kernel_option *const *)a)->name, (*(const struct kernel_option *const *)b)->name);
}

static void view_open(struct view *view, const struct kernel_config *config, unsigned version)
{
    view->config = config;
    view->version = version == 0 ? kernel_config_version(config) : version;
    view->version = view->version == 0 ? VERSION_ASSUMED : view->version;
    view->arch = kernel_config_arch(config);
    view->expert = kernel_config_setting(config, "EXPERT") == SETTING_YES ||
                   kernel_config_setting(config, "EMBEDDED") == SETTING_YES; /* which selected it, before 6.7 */
    view->count = 0;
    for (size_t i = 0; i < GROUPS; i++) {
        for (size_t j = 0; j < kernel_groups[i]->count && view->count < ARRAY_SIZE(view->rows); j++) {
            if (exists(view, &kernel_groups[i]->options[j])) {
                view->rows[view->count++] = &kernel_groups[i]->options[j];
            }
        }
    }
    qsort(view->rows, view->count, sizeof(view->rows[0]), compare_rows);
}

/* The row that this kernel has under the name; NULL if it has none. */
static const struct kernel_option *find(const struct view *view, const char *name)
{
    const struct kernel_option key = {.name = name};
    const struct kernel_option *wanted = &key;
    const struct kernel_option *const *found =
        bsearch(&wanted, view->rows, view->count, sizeof(view->rows[0]), compare_rows);

    return found == NULL ? NULL : *found;
}

/* The next name of a list, which moves on; false at its end. */
static bool next_name(const char **list, char *name, size_t size)
{
    size_t length;

    if (*list == NULL) {
        return false;
    }
    *list += strspn(*list, " ");
    length = strcspn(*list, " ");
    snprintf(name, size, "%.*s", (int)length, *list);
    *list += length;
    return length > 0;
}

#define NAME_SIZE 48

static enum kernel_setting setting_of(const struct view *view, const struct kernel_option *option);

static const struct kernel_option *dropped_by(const struct view *view, const struct kernel_option *option, int depth);

/* Of alternatives, "A|B": the first that is set and stays so, else the first. NULL if this kernel has none of them. */
static const struct kernel_option *choose(const struct view *view, char *alternatives, int depth)
{
    const struct kernel_option *first = NULL;
    char *rest = NULL;

    for (char *name = strtok_r(alternatives, "|", &rest); name != NULL; name = strtok_r(NULL, "|", &rest)) {
        const struct kernel_option *option = find(view, name);

        first = first == NULL ? option : first;
        if (option != NULL && setting_of(view, option) != SETTING_NO && dropped_by(view, option, depth + 1) == NULL) {
            return option;
        }
    }
    return first;
}

/* The next of a row's dependencies that this kernel has. */
static const struct kernel_option *next_dependency(const struct view *view, const char **list, int depth)
{
    const struct kernel_option *option = NULL;
    char names[3 * NAME_SIZE];

    while (option == NULL && next_name(list, names, sizeof(names))) {
        option = strchr(names, '|') != NULL ? choose(view, names, depth) : find(view, names);
    }
    return option;
}

/* As its dependencies are. */
static enum kernel_setting derived(const struct view *view, const struct kernel_option *option)
{
    enum kernel_setting setting = SETTING_YES;
    const char *list = option->depends;

    for (const struct kernel_option *on; (on = next_dependency(view, &list, 0)) != NULL;) {
        enum kernel_setting other = setting_of(view, on);

        setting = other < setting ? other : setting;
    }
    return setting;
}

/* What selects it, if that is set itself. */
static enum kernel_setting selection_of(const struct view *view, const struct kernel_option *option)
{
    enum kernel_setting setting = SETTING_NO;
    const char *list = option->selected;
    char name[NAME_SIZE];

    while (setting == SETTING_NO && next_name(&list, name, sizeof(name))) {
        enum kernel_setting named = kernel_config_setting(view->config, name);
        const struct kernel_option *by = named >= SETTING_MODULE ? find(view, name) : NULL;

        if (named >= SETTING_MODULE && (by == NULL || dropped_by(view, by, 0) == NULL)) {
            setting = option->form == FORM_BOOL ? SETTING_YES : named;
        }
    }
    return setting;
}

/* What the configuration makes of an option if it has all its dependencies: NO, MODULE or YES. */
static enum kernel_setting setting_of(const struct view *view, const struct kernel_option *option)
{
    enum kernel_setting setting = kernel_config_setting(view->config, option->name);

    if (option->form == FORM_DERIVED) {
        return derived(view, option);
    }
    if (option->unnamed >= DEFAULT_EXPERT_YES && !view->expert) {
        return SETTING_YES;
    }
    if (setting == SETTING_UNNAMED) {
        setting = option->unnamed == DEFAULT_NO || option->unnamed == DEFAULT_EXPERT_NO ? SETTING_NO : SETTING_YES;
    } else if (setting == SETTING_MODULE && option->form == FORM_BOOL) {
        setting = SETTING_NO; /* Kconfig refuses the line */
    }
    return setting == SETTING_NO ? selection_of(view, option) : setting;
}

/* The dependency because of which Kconfig drops the option, the deepest one; NULL if it has all. What is selected stays
 * without them. */
static const struct kernel_option *dropped_by(const struct view *view, const struct kernel_option *option, int depth)
{
    const char *list = option->depends;

    if (option->form != FORM_DERIVED && selection_of(view, option) != SETTING_NO) {
        return NULL;
    }
    for (const struct kernel_option *on; depth < DEPTH && (on = next_dependency(view, &list, depth)) != NULL;) {
        const struct kernel_option *deeper = dropped_by(view, on, depth + 1);

        if (deeper != NULL || setting_of(view, on) == SETTING_NO) {
            return deeper != NULL ? deeper : on;
        }
    }
    return NULL;
}

/* Lines to add, each behind those that it depends on. */
struct lines {
    const struct kernel_option *items[512];
    size_t count;
};

static bool has_line(const struct lines *lines, const struct kernel_option *option)
{
    for (size_t i = 0; i < lines->count; i++) {
        if (lines->items[i] == option) {
            return true;
        }
    }
    return false;
}

static void collect(const struct view *view, const struct kernel_option *option, struct lines *lines, int depth)
{
    const char *list = option->depends;

    if (option->form == FORM_ABSENT) {
        if (kernel_config_setting(view->config, option->name) >= SETTING_MODULE) {
            lines->items[lines->count++] = option;
        }
        return;
    }
    for (const struct kernel_option *on; depth < DEPTH && (on = next_dependency(view, &list, depth)) != NULL;) {
        collect(view, on, lines, depth + 1);
    }
    if (option->form != FORM_DERIVED && setting_of(view, option) == SETTING_NO && !has_line(lines, option) &&
        lines->count < ARRAY_SIZE(lines->items)) {
        lines->items[lines->count++] = option;
    }
}

/* y, but m where Kconfig allows no more because a dependency is a module. */
static char line_value(const struct view *view, const struct kernel_option *option, int depth)
{
    const char *list = option->depends;

    if (option->form != FORM_TRISTATE) {
        return 'y';
    }
    for (const struct kernel_option *on; depth < DEPTH && (on = next_dependency(view, &list, depth)) != NULL;) {
        enum kernel_setting setting = setting_of(view, on);

        if (setting == SETTING_MODULE || (setting == SETTING_NO && line_value(view, on, depth + 1) == 'm')) {
            return 'm';
        }
    }
    return 'y';
}

static void print_line(const struct view *view, const struct kernel_option *option, const char *end, struct text *out)
{
    const char *list = option->excludes;
    char name[NAME_SIZE];

    while (next_name(&list, name, sizeof(name))) {
        if (kernel_config_setting(view->config, name) >= SETTING_MODULE) {
            text_format(out, "# CONFIG_%s is not set%s", name, end);
        }
    }
    if (option->form == FORM_ABSENT) {
        text_format(out, "# CONFIG_%s is not set%s", option->name, end);
    } else {
        text_format(out, "CONFIG_%s=%c%s", option->name, line_value(view, option, 0), end);
    }
}

static void describe_remedy(const struct view *view, const struct kernel_option *option, char *remedy, size_t size)
{
    CLEANUP_TEXT struct text text = {0};
    struct lines lines = {.count = 0};

    collect(view, option, &lines, 0);
    text_add(&text, "kernel defconfig: ");
    for (size_t i = 0; i < lines.count; i++) {
        print_line(view, lines.items[i], i + 1 < lines.count ? ", " : "", &text);
    }
    if (option->remedy != NULL) {
        text_format(&text, "; %s", option->remedy);
    }
    snprintf(remedy, size, "%s", text_string(&text)); /* the longest fits: the test holds it */
}

/* The fact in words, for a setting that is not good. */
static void describe_lack(const struct view *view, const struct kernel_option *option, struct finding *finding)
{
    enum kernel_setting named = kernel_config_setting(view->config, option->name);
    const struct kernel_option *dropped = dropped_by(view, option, 0);

    if (option->form == FORM_ABSENT) {
        snprintf(finding->what, sizeof(finding->what), "CONFIG_%s is set", option->name);
    } else if (setting_of(view, option) != SETTING_NO && dropped != NULL) {
        snprintf(finding->what, sizeof(finding->what), "CONFIG_%s is set, but Kconfig drops it: CONFIG_%s is not set",
                 option->name, dropped->name);
    } else if (named == SETTING_MODULE) {
        snprintf(finding->what, sizeof(finding->what), "CONFIG_%s=m is ignored: this one cannot be a module",
                 option->name);
    } else if (option->former != NULL && kernel_config_setting(view->config, option->former) >= SETTING_MODULE) {
        snprintf(finding->what, sizeof(finding->what),
                 "CONFIG_%s is not set; CONFIG_%s, as it was called long ago, is ignored", option->name,
                 option->former);
    } else {
        snprintf(finding->what, sizeof(finding->what), "CONFIG_%s is not set", option->name);
    }
}

static void check_option(const struct view *view, const struct kernel_option *option, struct findings *findings)
{
    struct finding finding = {.need = option->need, .answer = ANSWER_YES};
    enum kernel_setting setting = setting_of(view, option);
    bool harm = option->form == FORM_ABSENT;

    if (harm ? setting == SETTING_NO : setting != SETTING_NO && dropped_by(view, option, 0) == NULL) {
        if (harm) {
            return; /* most kernels have no such option */
        }
        snprintf(finding.what, sizeof(finding.what), "CONFIG_%s=%s", option->name,
                 setting == SETTING_MODULE ? "m, a module" : "y");
    } else {
        finding.answer = option->level == LEVEL_REQUIRED ? ANSWER_NO : ANSWER_WARNING;
        describe_lack(view, option, &finding);
        snprintf(finding.cost, sizeof(finding.cost), "%s", option->cost);
        describe_remedy(view, option, finding.remedy, sizeof(finding.remedy));
    }
    snprintf(finding.code, sizeof(finding.code), "kernel.%s", option->name);
    findings_add(findings, &finding);
}

void kernel_options_check(const struct kernel_config *config, unsigned version, struct findings *findings)
{
    struct view view;

    view_open(&view, config, version);
    for (size_t i = 0; i < GROUPS; i++) {
        for (size_t j = 0; j < kernel_groups[i]->count; j++) {
            const struct kernel_option *option = &kernel_groups[i]->options[j];

            if (option->level != LEVEL_SUPPORT && exists(&view, option)) {
                check_option(&view, option, findings);
            }
        }
    }
}

void kernel_options_fragment(const struct kernel_config *config, unsigned version, bool with_optional, struct text *out)
{
    struct lines lines = {.count = 0};
    struct view view;

    view_open(&view, config, version);
    for (size_t i = 0; i < GROUPS; i++) {
        size_t before = lines.count;

        for (size_t j = 0; j < kernel_groups[i]->count; j++) {
            const struct kernel_option *option = &kernel_groups[i]->options[j];

            if (exists(&view, option) && option->level >= (with_optional ? LEVEL_OPTIONAL : LEVEL_REQUIRED)) {
                collect(&view, option, &lines, 0);
            }
        }
        if (lines.count > before) {
            text_format(out, "%s# %s\n", out->length == 0 ? "" : "\n", kernel_groups[i]->title);
        }
        for (size_t j = before; j < lines.count; j++) {
            print_line(&view, lines.items[j], "\n", out);
        }
    }
}

static void describe_window(const struct kernel_option *option, struct text *out)
{
    static const char *const arches[ARCHES] = {"arm64", "arm", "x86", "others"};
    const char *separator = "";

    if (option->since != 0) {
        text_format(out, "from %u.%u", option->since >> 16, option->since >> 8 & 255);
        separator = ", ";
    }
    if (option->until != 0) {
        text_format(out, "%sbefore %u.%u", separator, option->until >> 16, option->until >> 8 & 255);
        separator = ", ";
    }
    for (size_t i = 0; i < ARCHES; i++) {
        if ((option->arches & 1U << i) != 0) {
            text_format(out, "%s%s", separator, arches[i]);
            separator = ", ";
        }
    }
}

/* "A|B C" as "A or B, C" */
static void describe_depends(const char *depends, struct text *out)
{
    for (const char *at = depends == NULL ? "" : depends; *at != '\0'; at++) {
        if (*at == '|' || *at == ' ') {
            text_add(out, *at == '|' ? " or " : ", ");
        } else {
            text_append(out, at, 1);
        }
    }
}

static void describe_option(const struct kernel_option *option, struct text *out)
{
    static const char *const needs[NEEDS] = {
        [NEED_DOCKER] = "docker",     [NEED_OPTIONAL] = "docker's features", [NEED_OVERLAY] = "overlay2",
        [NEED_KUBEEDGE] = "KubeEdge", [NEED_MIGRATION] = "migration",        [NEED_EDGEINIT] = "edgeinit",
    };
    static const char *const forms[] = {
        [FORM_BOOL] = "y", [FORM_TRISTATE] = "y or m", [FORM_DERIVED] = "by itself", [FORM_ABSENT] = "not set"};

    text_format(out, "| `%s` | %s | %s | %s | ", option->name, needs[option->need],
                option->level == LEVEL_REQUIRED ? "yes" : "no", forms[option->form]);
    describe_window(option, out);
    text_add(out, " | ");
    describe_depends(option->depends, out);
    text_format(out, " | %s%s%s |\n", option->cost, option->remedy == NULL ? "" : "; ",
                option->remedy == NULL ? "" : option->remedy);
}

void kernel_options_describe(void (*print)(const char *text))
{
    for (size_t i = 0; i < GROUP_SUPPORT; i++) {
        CLEANUP_TEXT struct text out = {0};

        text_format(&out, "%s### %s\n\n", i == 0 ? "" : "\n", kernel_groups[i]->title);
        text_add(
            &out,
            "| option | for | required | as | kernels | depends on | without it (with it, where it must not be set) |\n"
            "|---|---|---|---|---|---|---|\n");
        for (size_t j = 0; j < kernel_groups[i]->count; j++) {
            describe_option(&kernel_groups[i]->options[j], &out);
        }
        print(text_string(&out));
    }
}
