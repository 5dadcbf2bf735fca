/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/util.h"

#define FEW_KEYS 12 /* up to here each is compared with each */

static void add_problem(struct manifest *manifest, struct problem problem)
{
    size_t count = manifest->problem_count;

    /* Powers of two: grow when the count reaches one. */
    if ((count & (count - 1)) == 0) {
        manifest->problems = xrealloc(manifest->problems, (count == 0 ? 1 : count * 2) * sizeof(problem));
    }
    manifest->problems[manifest->problem_count++] = problem;
    manifest->mistakes += !problem.warning;
}

/* A copy of a text that may quote a whole value of the file: its start and its end are enough. */
static char *shortened(const char *text)
{
    enum { START = 400, END = 100 };
    size_t length = strlen(text);
    size_t start = START;
    size_t end = length - END;

    if (length <= START + END) {
        return xstrdup(text);
    }
    while (((unsigned char)text[start] & 0xc0) == 0x80) {
        start--; /* no half characters */
    }
    while (((unsigned char)text[end] & 0xc0) == 0x80) {
        end++;
    }
    return xasprintf("%.*s…%s", (int)start, text, text + end);
}

void manifest_problem(struct manifest *manifest, bool warning, const struct place *place, const char *path,
                      const char *what, const char *remedy)
{
    const char *file = "manifest";

    if (manifest->file_count > 0) {
        file = manifest->files[place == NULL ? manifest->file_count - 1 : place->source];
    }
    add_problem(manifest, (struct problem){
                              .file = xstrdup(file),
                              .line = place == NULL ? 0 : place->line,
                              .column = place == NULL ? 0 : place->column,
                              .path = shortened(path),
                              .what = shortened(what),
                              .remedy = xstrdup(remedy),
                              .warning = warning,
                          });
}

static int compare_children(const void *a, const void *b)
{
    const cJSON *const *left = a;
    const cJSON *const *right = b;
    int order = strcmp((*left)->string, (*right)->string);

    return order != 0 ? order : (*left)->valueint - (*right)->valueint;
}

/* Has a small object two equal keys? */
static bool has_twins(const cJSON *object)
{
    for (const cJSON *child = object->child; child != NULL; child = child->next) {
        for (const cJSON *other = child->next; other != NULL; other = other->next) {
            if (streq(child->string, other->string)) {
                return true;
            }
        }
    }
    return false;
}

/* cJSON keeps both of two equal keys and finds the first; JSON leaves it open (RFC 8259 §4), so we refuse. Sorting
 * keeps a hostile file with 100,000 keys cheap. */
static void refuse_duplicates(struct manifest *manifest, const cJSON *object)
{
    CLEANUP_FREE const cJSON **many = NULL;
    const cJSON *few[32];
    const cJSON **sorted = few;
    size_t count = 0;

    for (const cJSON *child = object->child; child != NULL; child = child->next) {
        count++;
    }
    if (count <= FEW_KEYS && !has_twins(object)) {
        return; /* nearly every object there is */
    }
    if (count > ARRAY_SIZE(few)) {
        many = xcalloc(count, sizeof(*many));
        sorted = many;
    }
    count = 0;
    for (const cJSON *child = object->child; child != NULL; child = child->next) {
        sorted[count++] = child;
    }
    qsort(sorted, count, sizeof(*sorted), compare_children);
    for (size_t i = 1; i < count; i++) {
        if (streq(sorted[i]->string, sorted[i - 1]->string)) {
            struct place at = manifest->places.items[sorted[i]->valueint];

            at.line = at.key_line;
            at.column = at.key_column;
            manifest_problem(manifest, false, &at, sorted[i]->string, "this key stands twice in one object",
                             "keep one of them");
        }
    }
}

static void check_objects(struct manifest *manifest, const cJSON *node)
{
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (child->child != NULL) {
            check_objects(manifest, child);
        }
    }
    if (cJSON_IsObject(node)) {
        refuse_duplicates(manifest, node);
    }
}

/* Parse one text and merge it over what is there. */
static void merge_text(struct manifest *manifest, const char *text, size_t length)
{
    uint32_t source = (uint32_t)(manifest->file_count - 1);
    struct scan_error wrong = {0};
    cJSON *root = scan_text(text, length, source, &manifest->places, &wrong);

    if (root == NULL) {
        struct place at = {.source = source, .line = wrong.line, .column = wrong.column};

        manifest_problem(manifest, false, &at, "", wrong.what, wrong.remedy);
        manifest->incomplete = true;
        return;
    }
    check_objects(manifest, root);
    if (!cJSON_IsObject(root)) {
        manifest_problem(manifest, false, &manifest->places.items[root->valueint], "", "a manifest is an object",
                         "write { \"version\": 1, … }");
        manifest->incomplete = true;
        cJSON_Delete(root);
    } else if (manifest->root == NULL) {
        manifest->root = root;
    } else {
        manifest->root = json_merge(manifest->root, root);
    }
}

static void add_file(struct manifest *manifest, const char *name)
{
    manifest->files = xrealloc(manifest->files, (manifest->file_count + 1) * sizeof(manifest->files[0]));
    manifest->exposed = xrealloc(manifest->exposed, (manifest->file_count + 1) * sizeof(manifest->exposed[0]));
    manifest->exposed[manifest->file_count] = false;
    manifest->files[manifest->file_count++] = xstrdup(name);
}

/* Who may decide what root does: root, and whoever calls us. */
static void check_owner(struct manifest *manifest, int fd)
{
    struct stat status;
    CLEANUP_FREE char *remedy = NULL;
    const char *file = manifest->files[manifest->file_count - 1];

    if (fstat(fd, &status) != 0) {
        manifest_problem(manifest, false, NULL, "", strerror(errno), "");
    } else if (!S_ISREG(status.st_mode)) {
        manifest_problem(manifest, false, NULL, "", "is not a regular file", "name a file that holds a manifest");
    } else if (status.st_uid != 0 && status.st_uid != geteuid()) {
        CLEANUP_FREE char *what = xasprintf("belongs to user %u, who could then decide what root does", status.st_uid);

        remedy = xasprintf("chown root:root %s", file);
        manifest_problem(manifest, false, NULL, "", what, remedy);
    } else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        remedy = xasprintf("chmod go-w %s", file);
        manifest_problem(manifest, false, NULL, "", "can be written by others than its owner", remedy);
    } else {
        manifest->exposed[manifest->file_count - 1] = (status.st_mode & (S_IRGRP | S_IROTH)) != 0;
    }
}

/* Read and merge one file; on a problem the stack stays incomplete. */
static void load_file(struct manifest *manifest, const char *name)
{
    CLEANUP_CLOSE int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    CLEANUP_FREE char *text = NULL;
    struct error err = {0};
    size_t before;
    size_t length = 0;

    add_file(manifest, name);
    before = manifest->mistakes;
    if (fd < 0) {
        manifest->incomplete = true;
        manifest_problem(manifest, false, NULL, "", strerror(errno), errno == ENOENT ? "name a file that exists" : "");
        return;
    }
    check_owner(manifest, fd);
    if (manifest->mistakes > before) {
        manifest->incomplete = true;
        return;
    }
    if (file_read_fd(fd, name, SCAN_LARGEST_TEXT, &text, &length, &err) != 0) {
        manifest->incomplete = true;
        manifest_problem(manifest, false, NULL, "", strerror(err.errnum),
                         err.errnum == EFBIG ? "a manifest has at most 1 MiB" : "");
        return;
    }
    merge_text(manifest, text, length);
}

int manifest_load(struct manifest *manifest, const char *const *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        load_file(manifest, files[i]);
    }
    return manifest->mistakes == 0 ? 0 : -1;
}

int manifest_load_text(struct manifest *manifest, const char *name, const char *text, size_t length)
{
    CLEANUP_FREE char *copy = xrealloc(NULL, length + 1);

    memcpy(copy, text, length);
    copy[length] = '\0';
    add_file(manifest, name);
    merge_text(manifest, copy, length);
    return manifest->mistakes == 0 ? 0 : -1;
}

void manifest_free(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->problem_count; i++) {
        free(manifest->problems[i].file);
        free(manifest->problems[i].path);
        free(manifest->problems[i].what);
        free(manifest->problems[i].remedy);
    }
    for (size_t i = 0; i < manifest->file_count; i++) {
        free(manifest->files[i]);
    }
    free(manifest->problems);
    free(manifest->files);
    free(manifest->exposed);
    free(manifest->places.items);
    cJSON_Delete(manifest->root);
    *manifest = (struct manifest){0};
}

static int compare_problems(const void *a, const void *b)
{
    const struct problem *left = a;
    const struct problem *right = b;
    int order = strcmp(left->file, right->file);

    if (order == 0) {
        order = left->line != right->line ? (left->line < right->line ? -1 : 1)
                                          : (left->column > right->column) - (left->column < right->column);
    }
    return order != 0 ? order : strcmp(left->what, right->what);
}

/* Words of the file in a message must not break the line, nor reach the terminal as an escape sequence. */
static void add_printable(struct text *out, const char *string)
{
    for (const char *at = string; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;

        if (c < 0x20 || c == 0x7f) {
            text_format(out, "\\u%04x", c);
        } else {
            text_append(out, at, 1);
        }
    }
}

void manifest_describe(struct manifest *manifest, struct text *out)
{
    if (manifest->problem_count > 0) {
        qsort(manifest->problems, manifest->problem_count, sizeof(manifest->problems[0]), compare_problems);
    }
    for (size_t i = 0; i < manifest->problem_count; i++) {
        const struct problem *problem = &manifest->problems[i];

        CLEANUP_FREE char *message = xasprintf("%s%s%s%s%s%s", problem->warning ? "warning: " : "", problem->path,
                                               problem->path[0] == '\0' ? "" : ": ", problem->what,
                                               problem->remedy[0] == '\0' ? "" : "; ", problem->remedy);

        text_add(out, problem->file);
        if (problem->line > 0) {
            text_format(out, ":%u:%u", problem->line, problem->column);
        }
        text_add(out, ": ");
        add_printable(out, message);
        text_add(out, "\n");
    }
}
