/* SPDX-License-Identifier: Apache-2.0 */
#include "ohos/parameter.h"

#include <string.h>

#include "base/util.h"

#ifdef EDGEINIT_WITH_BEGETUTIL
#include <parameter.h>
#else
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/child.h"

#define LONGEST_ANSWER 512 /* "Set parameter NAME VALUE fail! errNum is:106!" */
#define SUCCESS " success"
#endif

bool parameter_is_valid(const char *name, const char *value)
{
    size_t length = strlen(name);

    return length > 0 && length < PARAMETER_SIZE && strlen(value) < PARAMETER_SIZE && strchr(value, '\n') == NULL &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@:") == length &&
           name[0] != '.' && name[length - 1] != '.' && strstr(name, "..") == NULL;
}

#ifdef EDGEINIT_WITH_BEGETUTIL

bool parameter_is_possible(void)
{
    return true;
}

static int set(const char *name, const char *value, struct error *err)
{
    int result = SetParameter(name, value);

    if (result == 0) {
        return 0;
    }
    error_set(err, ERROR_SYSTEM, 0, "set parameter %s to %s: init refuses (%d)", name, value, result);
    return error_remedy(err, "check edgeinit.para.dac and the policy's parameter_contexts");
}

#else

bool parameter_is_possible(void)
{
    return access(PARAMETER_PROGRAM, X_OK) == 0;
}

static void become_param(const char *name, const char *value, int output, pid_t parent)
{
    char *const arguments[] = {"param", "set", (char *)name, (char *)value, NULL};

    child_die_with(parent); /* whoever waits for it may give up */
    child_reset_signals();
    dup2(output, STDOUT_FILENO);
    execv(PARAMETER_PROGRAM, arguments);
    _exit(127);
}

/* All that it says, as much of it as fits. */
static void read_answer(int fd, char answer[LONGEST_ANSWER])
{
    char rest[64];
    size_t length = 0;
    ssize_t count;

    while ((count = length < LONGEST_ANSWER - 1 ? read(fd, answer + length, LONGEST_ANSWER - 1 - length)
                                                : read(fd, rest, sizeof(rest))) > 0 ||
           (count < 0 && errno == EINTR)) {
        length += count > 0 && length < LONGEST_ANSWER - 1 ? (size_t)count : 0;
    }
    answer[length] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
}

static int set(const char *name, const char *value, struct error *err)
{
    char answer[LONGEST_ANSWER];
    int ends[2];
    int status = 0;
    size_t length;
    pid_t parent = getpid(), pid;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return error_system(err, errno, "make a pipe for %s", PARAMETER_PROGRAM);
    }
    pid = fork();
    if (pid == 0) {
        become_param(name, value, ends[1], parent);
    }
    close(ends[1]);
    read_answer(ends[0], answer);
    close(ends[0]);
    if (pid < 0 || (waitpid(pid, &status, 0) < 0 && errno != ECHILD)) {
        return error_system(err, errno, "run %s", PARAMETER_PROGRAM);
    }
    length = strlen(answer);
    if (length >= strlen(SUCCESS) && streq(answer + length - strlen(SUCCESS), SUCCESS)) {
        return 0;
    }
    error_set(err, ERROR_SYSTEM, 0, "%s set %s %s: %s", PARAMETER_PROGRAM, name, value,
              answer[0] == '\0' ? "no answer" : answer);
    return error_remedy(err, "check edgeinit.para.dac and the policy's parameter_contexts");
}

#endif

int parameter_set(const char *name, const char *value, struct error *err)
{
    if (!parameter_is_valid(name, value)) {
        return error_set(err, ERROR_INPUT, 0, "\"%s\" and \"%s\" are no name and value of a parameter", name, value);
    }
    return set(name, value, err);
}
