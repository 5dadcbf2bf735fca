/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases of docker that a power cut tore. What the network's one loses: networks that a person made, and which container
 * has which address. Its maintainers say to remove it (moby#34840, moby#42099), but dockerd makes its default networks only if
 * no container runs (live-restore: "There are old running containers, the network config will not take affect"); with one
 * that does, nothing could be started after. After a power cut none does. The build cache's: the cache.
 */
#include "base/file.h"
#include "base/util.h"
#include "edge/aside.h"
#include "edge/dockerd.h"
#include "supervise/record.h"

#define RECORD_LARGEST 65536
#define CMDLINE_LARGEST 65536

static const struct {
    const char *code;
    bool needs_rest; /* not while a container runs */
    const char *names[6];
} databases[] = {
    {DOCKERD_CODE_NETWORK_DATABASE, true, {"network/files/local-kv.db"}},
    {DOCKERD_CODE_BUILD_CACHE,
     false,
     {"buildkit/cache.db", "buildkit/metadata_v2.db", "buildkit/metadata.db", "buildkit/snapshots.db",
      "buildkit/containerdmeta.db"}},
};

/* "containerd-shim-runc-v2 -namespace moby -id 0123…", also before 18.09 and with later shims. */
static bool is_shim(const char *words, size_t length)
{
    const char *before = "";

    for (const char *word = words; word < words + length; word += strlen(word) + 1) {
        if (streq(before, "-namespace") && streq(word, "moby")) {
            return strstr(words, "containerd-shim") != NULL;
        }
        before = word;
    }
    return false;
}

bool dockerd_containers_run(void)
{
    CLEANUP_DIR DIR *processes = opendir("/proc");
    const struct dirent *entry;

    while (processes != NULL && (entry = readdir(processes)) != NULL) {
        CLEANUP_FREE char *path = NULL;
        CLEANUP_FREE char *words = NULL;
        struct error ignored = {0};
        size_t length = 0;

        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') {
            continue;
        }
        path = xasprintf("/proc/%s/cmdline", entry->d_name);
        if (file_read(path, CMDLINE_LARGEST, &words, &length, &ignored) == 0 && is_shim(words, length)) {
            return true;
        }
    }
    return false;
}

/* Is this judgement about the end of the last instance? An older one has been acted upon, and all was well since. */
static bool is_of_last_instance(const struct profile_call *call, const struct judgement *judgement)
{
    CLEANUP_FREE char *path = xasprintf("%s/record", call->directory);
    CLEANUP_FREE char *bytes = NULL;
    struct keeper_record record;
    struct error ignored = {0};
    size_t length = 0;

    return file_read(path, RECORD_LARGEST, &bytes, &length, &ignored) == 0 && record_read(bytes, length, &record) &&
           record.instance == judgement->instance;
}

int dockerd_put_databases_aside(const struct dockerd_start *start, struct error *err)
{
    struct judgement last;

    if (!judgement_read(&last, start->call->directory) || !is_of_last_instance(start->call, &last)) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
        if (!streq(databases[i].code, last.code) || (databases[i].needs_rest && dockerd_containers_run())) {
            continue;
        }
        for (size_t j = 0; databases[i].names[j] != NULL; j++) {
            CLEANUP_FREE char *path = xasprintf("%s/%s", start->options.data_root, databases[i].names[j]);

            if (aside_move(path, NULL, "broken", err) != 0) {
                return -1;
            }
        }
    }
    return 0;
}
