/* SPDX-License-Identifier: Apache-2.0 */
#include "host/policy.h"

#include <errno.h>
#include <fcntl.h>

#include "base/file.h"
#include "base/util.h"

#define SELINUXFS "/sys/fs/selinux/"

/* One question to a file of selinuxfs: write, then read the answer. */
static bool ask(const char *name, const char *question, char *answer, size_t size)
{
    CLEANUP_FREE char *path = xasprintf(SELINUXFS "%s", name);
    CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
    ssize_t length;

    if (fd < 0 || write(fd, question, strlen(question)) < 0) {
        return false;
    }
    length = read(fd, answer, size - 1);
    answer[length < 0 ? 0 : length] = '\0';
    return length > 0;
}

/* The number in a file below class/: "index" of a class, "perms/rename" of a permission. 0: not there. */
static int number_of(const char *class, const char *file)
{
    CLEANUP_FREE char *path = xasprintf(SELINUXFS "class/%s/%s", class, file);
    CLEANUP_FREE char *text = NULL;
    struct error ignored = {0};
    size_t length = 0;

    return file_read(path, 16, &text, &length, &ignored) == 0 ? (int)strtol(text, NULL, 10) : 0;
}

/* The classes are the policy's: without one the directory is empty. */
bool policy_is_loaded(void)
{
    return number_of("process", "index") > 0;
}

bool policy_is_enforcing(void)
{
    CLEANUP_FREE char *enforce = NULL;
    struct error ignored = {0};
    size_t length = 0;

    return file_read(SELINUXFS "enforce", 16, &enforce, &length, &ignored) == 0 && enforce[0] == '1';
}

bool policy_own_context(char context[POLICY_LONGEST])
{
    CLEANUP_FREE char *current = NULL;
    struct error ignored = {0};
    size_t length = 0;

    if (file_read("/proc/self/attr/current", POLICY_LONGEST - 1, &current, &length, &ignored) != 0) {
        return false;
    }
    snprintf(context, POLICY_LONGEST, "%s", current); /* it ends at the kernel's NUL */
    return length > 0;
}

bool policy_knows(const char *context)
{
    CLEANUP_CLOSE int fd = open(SELINUXFS "context", O_RDWR | O_CLOEXEC);

    return fd < 0 || write(fd, context, strlen(context) + 1) >= 0 || errno != EINVAL;
}

int policy_allows(const char *from, const char *to, const char *class, const char *permission)
{
    CLEANUP_FREE char *question = xasprintf("%s %s %d", from, to, number_of(class, "index"));
    CLEANUP_FREE char *file = xasprintf("perms/%s", permission);
    int bit = number_of(class, file);
    char answer[128];

    if (bit < 1 || bit > 32 || !ask("access", question, answer, sizeof(answer))) {
        return -1;
    }
    return (int)(strtoul(answer, NULL, 16) >> (bit - 1) & 1);
}

bool policy_context_after(const char *from, const char *label, char context[POLICY_LONGEST])
{
    CLEANUP_FREE char *question = xasprintf("%s %s %d", from, label, number_of("process", "index"));

    return ask("create", question, context, POLICY_LONGEST);
}
