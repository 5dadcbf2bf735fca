/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/edgecore_tidy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/util.h"
#include "edge/aside.h"
#include "edge/edgecore_config.h"

#define CHECKPOINT_LARGEST (1 << 20)
#define HEAD 100 /* bytes of an SQLite database's header (fileformat2.html, 1.3) */

bool edgecore_checkpoint_is_good(const char *text, size_t length, const char *policy, const char **why)
{
    CLEANUP_JSON cJSON *checkpoint = json_parse(text, length);
    const char *has;

    if (length == 0) {
        *why = "is empty";
        return false;
    }
    if (!cJSON_IsObject(checkpoint) || !cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(checkpoint, "checksum"))) {
        *why = "is torn";
        return false;
    }
    has = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(checkpoint, "policyName"));
    if (policy != NULL && (has == NULL || strcasecmp(has, policy) != 0)) {
        *why = "was made for another policy";
        return false;
    }
    return true;
}

static long long big_endian(const unsigned char *bytes, size_t count)
{
    long long number = 0;

    for (size_t i = 0; i < count; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

bool edgecore_database_is_good(const unsigned char *head, size_t length, long long size, bool journal, const char **why)
{
    long long page;
    long long pages;

    if (size == 0) {
        return true;
    }
    if (length < HEAD || memcmp(head, "SQLite format 3", 16) != 0) {
        *why = "is no database";
        return false;
    }
    page = big_endian(head + 16, 2);
    page = page == 1 ? 65536 : page;
    if (page < 512 || (page & (page - 1)) != 0) {
        *why = "is no database";
        return false;
    }
    /* The number of pages counts only if the last to write knew it: "version valid for" is the change counter. */
    pages = memcmp(head + 24, head + 92, 4) == 0 ? big_endian(head + 28, 4) : 0;
    if (!journal && pages * page > size) {
        *why = "is cut off";
        return false;
    }
    return true;
}

static void put_aside(const char *path, const char *to, const char *why)
{
    struct error err = {0};
    char buffer[512];

    log_warning("edgecore would end at %s: it %s", path, why);
    if (aside_move(path, to, "broken", &err) != 0) {
        log_error("%s", error_text(&err, buffer, sizeof(buffer)));
    }
}

static void check_checkpoint(const char *path, const char *to, const char *policy)
{
    CLEANUP_FREE char *text = NULL;
    struct error err = {0};
    size_t length = 0;
    const char *why = NULL;

    if (file_read(path, CHECKPOINT_LARGEST, &text, &length, &err) == 0 &&
        !edgecore_checkpoint_is_good(text, length, policy, &why)) {
        put_aside(path, to, why);
    }
}

static bool is_there(const char *path, const char *suffix)
{
    CLEANUP_FREE char *beside = xasprintf("%s%s", path, suffix);
    struct stat status;

    return stat(beside, &status) == 0 && status.st_size > 0;
}

/* A journal belongs to its database: left behind, it would be played back into the next one. */
static void check_database(const char *path)
{
    static const char *const companions[] = {"-journal", "-wal", "-shm"};
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    unsigned char head[HEAD];
    struct stat status;
    ssize_t length;
    const char *why = NULL;
    bool journal = is_there(path, "-journal") || is_there(path, "-wal");

    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        (length = pread(fd, head, sizeof(head), 0)) < 0 ||
        edgecore_database_is_good(head, (size_t)length, status.st_size, journal, &why)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(companions); i++) {
        CLEANUP_FREE char *companion = xasprintf("%s%s", path, companions[i]);
        struct error ignored = {0};

        aside_move(companion, NULL, "broken", &ignored);
    }
    put_aside(path, NULL, why);
}

/* dockershim lists all that lies in there, so what is put aside goes beside the directory. */
static void check_sandboxes(const char *root)
{
    CLEANUP_FREE char *directory = xasprintf("%s/sandbox", root);
    CLEANUP_DIR DIR *dir = opendir(directory);
    const struct dirent *entry;

    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        CLEANUP_FREE char *path = xasprintf("%s/%s", directory, entry->d_name);
        CLEANUP_FREE char *to = xasprintf("%s/sandbox-%.12s", root, entry->d_name);

        if (entry->d_name[0] != '.') {
            check_checkpoint(path, to, NULL);
        }
    }
}

void edgecore_tidy(const cJSON *config)
{
    const char *root = edgecore_config_string(config, "modules.edged.rootDirectory", "/var/lib/edged");
    const char *policy = edgecore_config_string(config, "modules.edged.tailoredKubeletConfig.cpuManagerPolicy", "none");
    CLEANUP_FREE char *cpu = xasprintf("%s/cpu_manager_state", root);
    CLEANUP_FREE char *memory = xasprintf("%s/memory_manager_state", root);

    check_checkpoint(cpu, NULL, policy);
    check_checkpoint(memory, NULL, NULL);
    check_sandboxes(edgecore_config_string(config, "modules.edged.dockershimRootDirectory", "/var/lib/dockershim"));
    check_database(edgecore_config_string(config, "database.dataSource", "/var/lib/kubeedge/edgecore.db"));
}
