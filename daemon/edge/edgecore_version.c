/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/edgecore_version.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"
#include "doctor/tool.h"

#define REMEDY "write it into the manifest: \"edge\": {\"version\": \"1.9\", …}"
#define FOR_READING (5 * MICROSECONDS_PER_SECOND)
#define FOR_ASKING 2500 /* milliseconds */
#define CHUNK ((size_t)1 << 20)
#define OVERLAP ((size_t)128) /* longer than any text that is looked for, with what follows it */

/* What is looked for in the program. Each tag is in the programs of that version and later, or up to the next row. */
enum { TEXT_VERSION, TEXT_TAILORED, TEXT_DOCKERSHIM, TEXT_ENDPOINT, TEXTS };

static const char *const texts[TEXTS] = {
    [TEXT_VERSION] = "kubeedge/pkg/version.gitVersion=v1.",
    [TEXT_TAILORED] = "json:\"tailoredKubeletConfig\"",
    [TEXT_DOCKERSHIM] = "json:\"dockershimRootDirectory,omitempty\"", /* 1.12 and 1.13 */
    [TEXT_ENDPOINT] = "json:\"containerRuntimeEndpoint\"",            /* 1.16 */
};

bool edgecore_version_parse(const char *text, struct edgecore_version *version)
{
    for (const char *at = strstr(text, "1."); at != NULL; at = strstr(at + 1, "1.")) {
        bool begins = at == text || at[-1] == 'v' || isspace((unsigned char)at[-1]);
        size_t length = strspn(at, "0123456789.");
        char *end = NULL;
        unsigned long minor = strtoul(at + 2, &end, 10);

        if (!begins || !isdigit((unsigned char)at[2]) || minor < 1 || minor > 999) {
            continue;
        }
        /* "v1.12.0-beta.0.12+3f2a-dirty" */
        length += strspn(at + length, "-+.abcdefghijklmnopqrstuvwxyz0123456789");
        version->minor = (unsigned)minor;
        version->exact[0] = '\0';
        if (*end == '.' && isdigit((unsigned char)end[1])) {
            snprintf(version->exact, sizeof(version->exact), "v%.*s", (int)length, at);
        }
        return true;
    }
    return false;
}

struct search {
    bool found[TEXTS];
    struct edgecore_version version;
};

/* A match that begins after `last` is left for the next chunk, which begins with it. */
static void search_chunk(struct search *search, const char *bytes, size_t length, size_t last)
{
    for (size_t i = 0; i < TEXTS; i++) {
        const char *at = search->found[i] ? NULL : memmem(bytes, length, texts[i], strlen(texts[i]));
        char version[64];

        if (at == NULL || at > bytes + last) {
            continue;
        }
        search->found[i] = true;
        if (i == TEXT_VERSION) {
            at += strcspn(at, "=") + 1;
            snprintf(version, sizeof(version), "%.*s", (int)strcspn(at, " \"'\n"), at);
            search->found[i] = edgecore_version_parse(version, &search->version);
        }
    }
}

/* 1: it tells; 0: it does not; -1: too slow, or it cannot be read. */
static int search_program(const char *program, struct edgecore_version *version, struct error *err)
{
    CLEANUP_CLOSE int fd = open(program, O_RDONLY | O_CLOEXEC);
    CLEANUP_FREE char *buffer = xmalloc(CHUNK + OVERLAP + 1);
    int64_t end = clock_now() + FOR_READING;
    struct search search = {0};
    size_t kept = 0;
    ssize_t length;

    if (fd < 0) {
        return error_system(err, errno, "open %s", program);
    }
    while ((length = read(fd, buffer + kept, CHUNK)) > 0 && !search.found[TEXT_VERSION]) {
        size_t used = kept + (size_t)length;

        buffer[used] = '\0';
        search_chunk(&search, buffer, used, used < OVERLAP ? 0 : used - OVERLAP);
        kept = used < OVERLAP ? used : OVERLAP;
        memmove(buffer, buffer + used - kept, kept);
        if (clock_now() > end) {
            error_set(err, ERROR_TIMEOUT, 0, "read %s: it takes more than 5 s to look for its version", program);
            return error_remedy(err, "%s", REMEDY);
        }
    }
    if (length < 0) {
        return error_system(err, errno, "read %s", program);
    }
    buffer[kept] = '\0';
    search_chunk(&search, buffer, kept, kept);
    if (search.found[TEXT_VERSION]) {
        *version = search.version;
    } else if (search.found[TEXT_TAILORED]) {
        version->minor = search.found[TEXT_DOCKERSHIM] ? 12 : search.found[TEXT_ENDPOINT] ? 16 : 14;
        version->exact[0] = '\0';
    } else {
        return 0;
    }
    return 1;
}

static int ask_program(const char *program, const char *path, struct edgecore_version *version, struct error *err)
{
    const char *const argv[] = {program, "--version", NULL};
    char said[160];
    int code = tool_run(program, argv, path, FOR_ASKING, said, sizeof(said));

    if (code < 0) {
        error_system(err, errno, "%s --version", program);
        err->code = errno == ETIMEDOUT ? ERROR_TIMEOUT : ERROR_SYSTEM;
    } else if (code != 0 || !edgecore_version_parse(said, version)) {
        error_set(err, ERROR_INPUT, 0, "%s does not tell its version: --version ends with %d, \"%.60s\"", program, code,
                  said);
    } else {
        return 0;
    }
    return error_remedy(err, "%s", REMEDY);
}

static char *describe(const struct stat *status)
{
    return xasprintf("%" PRIu64 " %" PRIu64 " %" PRId64 " %ld", (uint64_t)status->st_ino, (uint64_t)status->st_size,
                     (int64_t)status->st_mtim.tv_sec, status->st_mtim.tv_nsec);
}

/* One line: the program's description, a blank, minor and, if it is known, the exact version. */
static bool recall(const char *file, const char *description, struct edgecore_version *version)
{
    CLEANUP_FREE char *text = NULL;
    struct error ignored = {0};
    size_t length = 0;
    const char *at;

    if (file_read(file, 4096, &text, &length, &ignored) != 0 || !starts_with(text, description)) {
        return false;
    }
    at = text + strlen(description);
    return *at == ' ' && edgecore_version_parse(at, version);
}

static void remember(const char *file, const char *description, const struct edgecore_version *version)
{
    static const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    CLEANUP_FREE char *name = version->exact[0] == '\0' ? xasprintf("1.%u", version->minor) : xstrdup(version->exact);
    CLEANUP_FREE char *text = xasprintf("%s %s\n", description, name);
    struct error ignored = {0};

    /* Without it the program is read again, that is all. */
    file_write(file, text, strlen(text), &attributes, &ignored);
}

int edgecore_version_find(const char *program, const char *wanted, const char *path, const char *directory,
                          struct edgecore_version *version, struct error *err)
{
    CLEANUP_FREE char *description = NULL;
    CLEANUP_FREE char *file = xasprintf("%s/version", directory == NULL ? "" : directory);
    struct stat status;
    int found;

    if (wanted != NULL && edgecore_version_parse(wanted, version)) {
        return 0;
    }
    if (stat(program, &status) != 0) {
        return error_system(err, errno, "stat %s", program);
    }
    description = describe(&status);
    if (directory != NULL && recall(file, description, version)) {
        return 0;
    }
    found = search_program(program, version, err);
    if (found < 0 || (found == 0 && ask_program(program, path, version, err) != 0)) {
        return -1;
    }
    if (directory != NULL) {
        remember(file, description, version);
    }
    return 0;
}
