/* SPDX-License-Identifier: Apache-2.0 */
/* SELinux labels by the image's file_contexts, as OpenHarmony's restorecon sets them: the last expression that fits. */
#include "init.h"

#include <errno.h>
#include <ftw.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CONTEXTS "/system/etc/selinux/targeted/contexts/file_contexts"

static struct expression {
    regex_t path;
    char *context;
} * expressions;
static size_t count;

void label_read(void)
{
    FILE *file = access("/sys/fs/selinux/enforce", F_OK) == 0 ? fopen(CONTEXTS, "re") : NULL;
    char line[512];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        struct expression expression;
        char written[251];
        char path[300];
        char context[200];

        if (line[0] == '#' || sscanf(line, "%250s %199s", written, context) != 2) {
            continue;
        }
        snprintf(path, sizeof(path), "^(%s)$", written);
        expressions = realloc(expressions, (count + 1) * sizeof(*expressions));
        if (expressions == NULL || regcomp(&expression.path, path, REG_EXTENDED | REG_NOSUB) != 0) {
            say("%s: %s", CONTEXTS, path);
            continue;
        }
        expression.context = strdup(context);
        expressions[count++] = expression;
    }
    if (file != NULL) {
        fclose(file);
    }
}

void label_set(const char *path)
{
    for (size_t i = count; i-- > 0;) {
        if (regexec(&expressions[i].path, path, 0, NULL, 0) == 0) {
            const char *context = expressions[i].context;

            /* The kernel's own file systems have labels that are not set. */
            if (lsetxattr(path, "security.selinux", context, strlen(context) + 1, 0) != 0 && errno != EOPNOTSUPP &&
                errno != EROFS) {
                say("label %s %s: %s", path, context, strerror(errno));
            }
            return;
        }
    }
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    label_set(path);
    return 0;
}

void label_tree(const char *path)
{
    if (count > 0) {
        nftw(path, visit, 16, FTW_PHYS | FTW_MOUNT);
    }
}
