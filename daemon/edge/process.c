/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/process.h"

#include <errno.h>
#include <limits.h>

#include "base/file.h"
#include "base/path.h"
#include "base/util.h"
#include "doctor/judge.h"

#define PID_FILE_LARGEST 4096
#define PROCESS_LARGEST 65536
#define COMM_LONGEST 15

pid_t process_read_pid(const char *path)
{
    CLEANUP_FREE char *text = NULL;
    struct error err = {0};
    int64_t number = 0;
    size_t length = 0;

    if (file_read(path, PID_FILE_LARGEST, &text, &length, &err) != 0) {
        return err.errnum == ENOENT ? 0 : -1;
    }
    text[strcspn(text, "\n")] = '\0';
    return text_parse_integer(text, &number) && number > 0 && number <= INT32_MAX ? (pid_t)number : -1;
}

char *process_read(pid_t pid, const char *name, size_t *length)
{
    CLEANUP_FREE char *path = xasprintf("/proc/%d/%s", (int)pid, name);
    struct error ignored = {0};
    char *text = NULL;

    return file_read(path, PROCESS_LARGEST, &text, length, &ignored) == 0 ? text : NULL;
}

bool process_is_contained(pid_t pid)
{
    size_t length = 0;
    CLEANUP_FREE char *status = process_read(pid, "status", &length);
    char numbers[64];

    return status != NULL && judge_status_field(status, "NSpid", numbers) && strpbrk(numbers, " \t") != NULL;
}

/* Where a policy hides what it executes: by the name that the kernel has given it. */
static bool is_called(pid_t pid, const char *name)
{
    size_t length = 0;
    CLEANUP_FREE char *comm = process_read(pid, "comm", &length);

    if (comm == NULL) {
        return false;
    }
    comm[strcspn(comm, "\n")] = '\0';
    return strncmp(comm, name, COMM_LONGEST) == 0;
}

bool process_runs(pid_t pid, const char *name)
{
    CLEANUP_FREE char *link = xasprintf("/proc/%d/exe", (int)pid);
    char path[PATH_MAX];
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    const char *found;

    if (length <= 0) {
        return length < 0 && (errno == EACCES || errno == EPERM) && is_called(pid, name);
    }
    path[length] = '\0';
    found = path_name(path);
    return strncmp(found, name, strlen(name)) == 0 && (found[strlen(name)] == '\0' || found[strlen(name)] == ' ');
}
