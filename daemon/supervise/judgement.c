/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/judgement.h"

#include <assert.h>
#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "base/util.h"
#include "host/facts.h"
#include "supervise/record.h"

#define FILE_NAME "judgement"
#define FILE_MAGIC 0x474a4445U /* "EDJG" in memory */
#define FILE_VERSION 1
#define WITHOUT_WAKE INT64_C(60000)             /* milliseconds, for a judgement whose wake could not be kept */
#define MOST_PRINTS 64                          /* addresses and routes beyond that do not count */
#define CLOCK_SET (5 * MICROSECONDS_PER_SECOND) /* a clock is also slewed (adjtimex(2)), which is no news */

/* A judgement is written to a pipe at once, and must arrive whole. */
static_assert(sizeof(struct judgement) <= PIPE_BUF, "pipe(7)");

struct judgement_file {
    uint32_t magic;
    uint32_t version;
    char boot_id[40]; /* stamps and clocks of another boot mean nothing */
    struct judgement judgement;
};

/* All zero if there is no such file. */
static void stamp_file(struct wake *wake)
{
    struct stat status;

    if (stat(wake->value, &status) == 0) {
        wake->stamp[0] = (int64_t)status.st_ino;
        wake->stamp[1] = status.st_size;
        wake->stamp[2] = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    }
}

/* Their order is the kernel's affair: a sum. */
static void stamp_network(struct wake *wake)
{
    uint64_t prints[MOST_PRINTS];
    size_t count = facts_network_prints(prints, MOST_PRINTS);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        sum += prints[i];
    }
    memcpy(&wake->stamp[0], &sum, sizeof(sum));
}

static int64_t microseconds(clockid_t clock)
{
    struct timespec now = {0};

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * MICROSECONDS_PER_SECOND + now.tv_nsec / 1000;
}

/* How far the wall clock is ahead of the clock that nobody sets. */
static void stamp_clock(struct wake *wake)
{
    wake->stamp[0] = microseconds(CLOCK_REALTIME) - microseconds(CLOCK_BOOTTIME);
}

static void stamp_service(struct wake *wake)
{
    wake->stamp[0] = clock_now();
}

static bool file_changed(const struct wake *wake)
{
    struct wake now = *wake;

    memset(now.stamp, 0, sizeof(now.stamp));
    stamp_file(&now);
    return memcmp(now.stamp, wake->stamp, sizeof(now.stamp)) != 0;
}

static bool network_changed(const struct wake *wake)
{
    struct wake now = {0};

    stamp_network(&now);
    return now.stamp[0] != wake->stamp[0];
}

static bool clock_changed(const struct wake *wake)
{
    struct wake now = {0};

    stamp_clock(&now);
    return llabs(now.stamp[0] - wake->stamp[0]) > CLOCK_SET;
}

static const struct {
    const char *text; /* with the value */
    void (*stamp)(struct wake *wake);
    bool (*changed)(const struct wake *wake);
} kinds[] = {
    [WAKE_NONE] = {"nothing", NULL, NULL},
    [WAKE_ROUTE] = {"a route to %s", NULL, NULL},
    [WAKE_ADDRESS] = {"an address of %s", NULL, NULL},
    [WAKE_CLOCK] = {"the clock to reach %s", NULL, NULL},
    [WAKE_FILE] = {"%s to appear", NULL, NULL},
    [WAKE_MOUNT] = {"a mount at %s", NULL, NULL},
    [WAKE_FILE_CHANGED] = {"%s to change", stamp_file, file_changed},
    [WAKE_NETWORK_CHANGED] = {"another address or route", stamp_network, network_changed},
    [WAKE_CLOCK_CHANGED] = {"the clock to be set", stamp_clock, clock_changed},
    [WAKE_SERVICE_READY] = {"%s to become ready", stamp_service, NULL},
};
static_assert(ARRAY_SIZE(kinds) == WAKE_KINDS, "a row for each kind of wake");

void judgement_wake(struct judgement *judgement, enum wake_kind kind, const char *value)
{
    for (size_t i = 0; i < JUDGEMENT_WAKES && strlen(value) < JUDGEMENT_VALUE; i++) {
        struct wake *wake = &judgement->wakes[i];

        if (wake->kind == WAKE_NONE) {
            wake->kind = (int32_t)kind;
            snprintf(wake->value, sizeof(wake->value), "%s", value);
            if (kinds[kind].stamp != NULL) {
                kinds[kind].stamp(wake);
            }
            return;
        }
    }
    judgement->again_after = judgement->again_after == 0 ? WITHOUT_WAKE : judgement->again_after;
}

bool judgement_edge_came(const struct wake *wake)
{
    return kinds[wake->kind].changed != NULL && kinds[wake->kind].changed(wake);
}

const char *judgement_wake_text(const struct wake *wake, char *buffer, size_t size)
{
    const char *text = kinds[wake->kind].text;
    const char *place = strstr(text, "%s");

    if (wake->kind == WAKE_ROUTE && streq(wake->value, "default")) {
        text = "a default route";
        place = NULL;
    }
    if (place == NULL) {
        snprintf(buffer, size, "%s", text);
    } else {
        snprintf(buffer, size, "%.*s%s%s", (int)(place - text), text, wake->value, place + 2);
    }
    return buffer;
}

/* A cut character, or one of a log in another encoding, is shown as "?". */
static void clean(char *text, size_t size)
{
    size_t bad = 0;

    text[size - 1] = '\0';
    for (char *at = text; *at != '\0'; at++) {
        *at = (unsigned char)*at < ' ' || *at == 0x7f ? ' ' : *at;
    }
    while (!text_is_utf8(text, strlen(text), &bad)) {
        text[bad] = '?';
    }
}

bool judgement_take(struct judgement *judgement, const void *bytes, size_t length)
{
    if (length != sizeof(*judgement)) {
        return false;
    }
    memmove(judgement, bytes, length);
    if (judgement->hold < JUDGEMENT_NONE || judgement->hold > JUDGEMENT_PARK || judgement->again_after < 0) {
        return false;
    }
    judgement->blameless = judgement->blameless != 0;
    clean(judgement->code, sizeof(judgement->code));
    clean(judgement->what, sizeof(judgement->what));
    clean(judgement->remedy, sizeof(judgement->remedy));
    clean(judgement->line, sizeof(judgement->line));
    clean(judgement->suspect, sizeof(judgement->suspect));
    for (size_t i = 0; i < JUDGEMENT_WAKES; i++) {
        judgement->wakes[i].value[JUDGEMENT_VALUE - 1] = '\0';
        if (judgement->wakes[i].kind < WAKE_NONE || judgement->wakes[i].kind >= WAKE_KINDS) {
            return false;
        }
    }
    return judgement->hold == JUDGEMENT_NONE || judgement->code[0] != '\0';
}

int judgement_write(const struct judgement *judgement, const char *directory, struct error *err)
{
    const struct file_attributes attributes = {.mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
    struct judgement_file file = {.magic = FILE_MAGIC, .version = FILE_VERSION, .judgement = *judgement};
    CLEANUP_FREE char *path = xasprintf("%s/" FILE_NAME, directory);

    boot_id_read(file.boot_id);
    return file_write(path, (const char *)&file, sizeof(file), &attributes, err);
}

bool judgement_read(struct judgement *judgement, const char *directory)
{
    CLEANUP_FREE char *path = xasprintf("%s/" FILE_NAME, directory);
    CLEANUP_FREE char *data = NULL;
    struct error ignored = {0};
    struct judgement_file file;
    char boot_id[40];
    size_t length = 0;

    if (file_read(path, sizeof(file), &data, &length, &ignored) != 0 || length != sizeof(file)) {
        return false;
    }
    memcpy(&file, data, sizeof(file));
    boot_id_read(boot_id);
    return file.magic == FILE_MAGIC && file.version == FILE_VERSION &&
           strncmp(file.boot_id, boot_id, sizeof(boot_id)) == 0 &&
           judgement_take(judgement, &file.judgement, sizeof(file.judgement)) && judgement->hold != JUDGEMENT_NONE;
}

void judgement_remove(const char *directory)
{
    CLEANUP_FREE char *path = xasprintf("%s/" FILE_NAME, directory);

    unlink(path);
}

const char *judgement_text(const struct judgement *judgement, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s: %s%s%s", judgement->code, judgement->what, judgement->remedy[0] == '\0' ? "" : "; ",
             judgement->remedy);
    return buffer;
}
