/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor/board.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/file.h"
#include "base/path.h"
#include "base/util.h"
#include "edge/docker_options.h"
#include "host/facts.h"
#include "host/lines.h"

#define FILE_LARGEST (256 * 1024)
#define DATA_ROOT "/var/lib/docker"
#define DEEPEST 16 /* binds over binds, before it is taken for a circle */

static const cJSON *get(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *string_of(const cJSON *object, const char *key)
{
    const char *string = cJSON_GetStringValue(get(object, key));

    return string == NULL ? "" : string;
}

static const cJSON *section(const struct board *board, const char *key)
{
    return get(get(board->manifest, "host"), key);
}

static const cJSON *item(const cJSON *list, size_t n)
{
    const cJSON *at = list == NULL ? NULL : list->child;

    while (at != NULL && n-- > 0) {
        at = at->next;
    }
    return at;
}

bool board_service(const struct board *board, size_t n, struct board_service *service)
{
    const cJSON *at = item(get(board->manifest, "services"), n);
    const char *program = cJSON_GetStringValue(cJSON_GetArrayItem(get(at, "command"), 0));
    const char *path;

    if (program == NULL) {
        return false;
    }
    path = string_of(get(at, "environment"), "PATH");
    *service = (struct board_service){at->string, program, path[0] == '\0' ? CHILD_PATH : path};
    return true;
}

bool board_mount(const struct board *board, size_t n, struct board_mount *mount)
{
    const cJSON *at = item(section(board, "mounts"), n);

    if (at == NULL) {
        return false;
    }
    *mount = (struct board_mount){string_of(at, "target"), string_of(at, "source"), string_of(at, "type"),
                                  string_of(at, "options")};
    return true;
}

bool board_controller(const struct board *board, size_t n, struct board_controller *controller)
{
    static const struct board_controller usual[] = {
        {"devices", true}, {"cpu", true},      {"cpuacct", true}, {"cpuset", true},
        {"memory", true},  {"freezer", false}, {"blkio", false},  {"pids", false},
    };
    const cJSON *list = get(section(board, "cgroups"), "controllers");
    const cJSON *at = item(list, n);

    if (list == NULL && n < ARRAY_SIZE(usual)) {
        *controller = usual[n];
        return true;
    }
    if (at == NULL) {
        return false;
    }
    controller->name = cJSON_IsString(at) ? at->valuestring : string_of(at, "name");
    controller->required = cJSON_IsString(at) || !cJSON_IsTrue(get(at, "optional"));
    return true;
}

bool board_wants(const struct board *board, enum need need)
{
    bool overlay = board->storage_driver[0] == '\0' || starts_with(board->storage_driver, "overlay");

    return (need != NEED_KUBEEDGE || board->wants_kubeedge) && (need != NEED_DOCKER || board->wants_docker) &&
           (need != NEED_OVERLAY || (board->wants_docker && overlay));
}

bool board_wants_type(const struct board *board, const char *type)
{
    struct board_mount mount;

    for (size_t i = 0; board_mount(board, i, &mount); i++) {
        if (streq(mount.type, type)) {
            return true;
        }
    }
    return false;
}

const char *board_cgroup_root(const struct board *board)
{
    const char *root = string_of(section(board, "cgroups"), "root");

    return root[0] == '\0' ? "/sys/fs/cgroup" : root;
}

/* The mount of the manifest at or above the path that is nearest to it and not made yet. */
static bool find_unmade(const struct board *board, const char *path, struct board_mount *unmade)
{
    struct board_mount mount;
    size_t longest = 0;
    bool found = false;

    for (size_t i = 0; board_mount(board, i, &mount); i++) {
        bool is_above = streq(path, mount.target) || path_is_below(path, mount.target);

        if (is_above && strlen(mount.target) >= longest) {
            longest = strlen(mount.target);
            *unmade = mount;
            found = true;
        }
    }
    return found && !facts_is_mounted(unmade->target);
}

bool board_locate(const struct board *board, const char *path, char found[PATH_MAX])
{
    struct board_mount mount;
    struct stat status;
    bool there = true;

    snprintf(found, PATH_MAX, "%s", path);
    for (unsigned depth = 0; depth < DEEPEST && there && find_unmade(board, found, &mount); depth++) {
        if (streq(mount.type, "bind")) {
            CLEANUP_FREE char *rest = xstrdup(found + strlen(mount.target));

            snprintf(found, PATH_MAX, "%s%s", mount.source, rest);
        } else {
            snprintf(found, PATH_MAX, "%s", mount.target);
            there = false;
        }
    }
    while (stat(found, &status) != 0 && path_up(found)) {
    }
    return there;
}

/* What the manifest writes to this file; NULL if nothing. */
static const cJSON *find_file(const struct board *board, const char *path)
{
    const cJSON *at;

    cJSON_ArrayForEach(at, section(board, "files"))
    {
        if (streq(string_of(at, "path"), path)) {
            return at;
        }
    }
    return NULL;
}

char *board_file(const struct board *board, const char *path)
{
    const cJSON *file = find_file(board, path);
    CLEANUP_TEXT struct text text = {0};
    struct error ignored = {0};
    char found[PATH_MAX];
    char *now = NULL;
    size_t length = 0;

    if (get(file, "text") != NULL) {
        return xstrdup(string_of(file, "text"));
    }
    board_locate(board, path, found);
    /* Its nearest ancestor is not the file. */
    if (streq(path_name(found), path_name(path))) {
        file_read(found, FILE_LARGEST, &now, &length, &ignored);
    }
    if (get(file, "lines") == NULL) {
        return now;
    }
    lines_complete(get(file, "lines"), now == NULL ? "" : now, &text);
    free(now);
    return text_take(&text);
}

/* What dockerd's file says: as it is, with what the manifest merges into it. */
static cJSON *read_config(const struct board *board)
{
    CLEANUP_FREE char *text = board_file(board, board->config_file);
    cJSON *now = text == NULL ? NULL : json_parse(text, strlen(text));
    const cJSON *wanted = get(find_file(board, board->config_file), "json");

    return wanted == NULL ? now : json_merge(now, cJSON_Duplicate(wanted, 1));
}

/* The words of a command, ended by NULL; they stay the manifest's. */
static const char **words_of(const cJSON *command)
{
    const char **words = xcalloc((size_t)cJSON_GetArraySize(command) + 1, sizeof(*words));
    const cJSON *word;
    size_t count = 0;

    cJSON_ArrayForEach(word, command)
    {
        if (word->valuestring != NULL) {
            words[count++] = word->valuestring;
        }
    }
    return words;
}

static void read_docker(struct board *board, const cJSON *command)
{
    CLEANUP_FREE const char **words = words_of(command);
    CLEANUP_JSON cJSON *config = NULL;
    struct docker_options options;

    docker_options_read(&options, words, NULL);
    board->config_file = options.config_file;
    config = read_config(board);
    docker_options_read(&options, words, config);
    snprintf(board->data_root, sizeof(board->data_root), "%s",
             options.data_root[0] == '/' ? options.data_root : DATA_ROOT);
    snprintf(board->storage_driver, sizeof(board->storage_driver), "%s",
             options.storage_driver == NULL ? "" : options.storage_driver);
    board->userland_proxy = options.userland_proxy;
    board->iptables = options.iptables;
    board->own_containerd = options.containerd == NULL;
    snprintf(board->cgroup_driver, sizeof(board->cgroup_driver), "%s", options.cgroup_driver);
}

/* A lock of fcntl(2) names its holder. */
static pid_t find_daemon(const char *run_dir)
{
    CLEANUP_FREE char *path = xasprintf("%s/daemon.lock", run_dir);
    CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0 ? lock.l_pid : 0;
}

void board_open(struct board *board, const cJSON *manifest, const char *run_dir)
{
    struct board_service service;
    const cJSON *command = NULL;

    *board = (struct board){
        .manifest = manifest,
        .run_dir = run_dir,
        .daemon = run_dir == NULL ? 0 : find_daemon(run_dir),
        .wants_docker = manifest == NULL,
        .wants_kubeedge = manifest == NULL,
        .docker_path = CHILD_PATH,
        .kubeedge_path = CHILD_PATH,
    };
    for (size_t i = 0; board_service(board, i, &service); i++) {
        if (streq(path_name(service.program), "dockerd")) {
            board->wants_docker = true;
            board->docker_path = service.path;
            command = get(item(get(manifest, "services"), i), "command");
        } else if (streq(path_name(service.program), "edgecore")) {
            board->wants_kubeedge = true;
            board->kubeedge_path = service.path;
        }
    }
    read_docker(board, command);
}

bool board_find_program(const char *path, const char *name, char found[PATH_MAX])
{
    struct stat status;

    if (strchr(name, '/') != NULL) {
        snprintf(found, PATH_MAX, "%s", name);
        return stat(name, &status) == 0;
    }
    for (const char *at = path; at != NULL && *at != '\0';) {
        size_t length = strcspn(at, ":");

        snprintf(found, PATH_MAX, "%.*s/%s", (int)length, at, name);
        if (stat(found, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0) {
            return true;
        }
        at += length + (at[length] == ':');
    }
    return false;
}
