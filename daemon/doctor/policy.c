/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loaded SELinux policy says of dockerd, asked of the kernel (selinuxfs: create, access) and not tried: which domain
 * would it get, and may that domain do the two things that OpenHarmony's policy lets nobody do (docs/selinux.md, "two walls").
 */
#include <fcntl.h>
#include <limits.h>
#include <sys/xattr.h>

#include "base/file.h"
#include "base/path.h"
#include "base/util.h"
#include "doctor/probe.h"
#include "host/policy.h"

enum { ROW_DOMAIN, ROW_REMOVE, ROW_SETFCAP };

static const struct probe_row rows[] = {
    [ROW_DOMAIN] =
        {"selinux.dockerd", NEED_DOCKER, "dockerd gets a domain of its own",
         "containers cannot be made, or with edgeinit's rights",
         "build the image with sepolicy/; label dockerd by its file_contexts, or name its domain: \"context\""},
    [ROW_REMOVE] =
        {"selinux.remove", NEED_OVERLAY, "the policy lets containers remove files of their image",
         "rm in a container fails for what came with its image: package managers, some start scripts",
         "OpenHarmony's policy lets nobody rename a character device, which is how overlayfs marks a removed "
         "file: change that rule of the base (docs/selinux.md), use \"storage-driver\": \"vfs\", or such images "
         "that remove nothing"},
    [ROW_SETFCAP] =
        {"selinux.setfcap", NEED_OPTIONAL, "the policy lets files of an image have capabilities",
         "images lose the capabilities of their files (ping for other users than root)",
         "OpenHarmony's policy lets nobody: use images that need none, or change the base (docs/selinux.md)"},
};

struct policy {
    char us[POLICY_LONGEST];      /* the daemon's context, or ours */
    char dockerd[POLICY_LONGEST]; /* what it starts dockerd in */
};

static bool read_label(const char *path, char label[POLICY_LONGEST])
{
    ssize_t length = getxattr(path, "security.selinux", label, POLICY_LONGEST - 1);

    label[length < 0 ? 0 : length] = '\0';
    return length > 0;
}

/* The context that a process of `from` gets by executing the program. */
static bool context_after(const char *from, const char *program, char context[POLICY_LONGEST])
{
    char label[POLICY_LONGEST];

    return read_label(program, label) && policy_context_after(from, label, context);
}

static bool find_program(const struct board *board, char program[PATH_MAX])
{
    struct board_service service;

    for (size_t n = 0; board_service(board, n, &service); n++) {
        if (streq(path_name(service.program), "dockerd")) {
            snprintf(program, PATH_MAX, "%s", service.program);
            return true;
        }
    }
    return board_find_program(board->docker_path, "dockerd", program);
}

/* dockerd is started by the keeper, which lies beside edgeinit. */
static bool find_contexts(const struct board *board, struct policy *policy)
{
    CLEANUP_FREE char *current =
        board->daemon > 0 ? xasprintf("/proc/%d/attr/current", (int)board->daemon) : xstrdup("/proc/self/attr/current");
    CLEANUP_FREE char *context = NULL;
    struct error ignored = {0};
    size_t length = 0;
    char keeper[POLICY_LONGEST];
    char program[PATH_MAX];
    char self[PATH_MAX] = "";
    char directory[PATH_MAX];

    if (file_read(current, POLICY_LONGEST - 1, &context, &length, &ignored) != 0 ||
        readlink("/proc/self/exe", self, sizeof(self) - sizeof("-keeper")) < 0 || !find_program(board, program)) {
        return false;
    }
    snprintf(policy->us, sizeof(policy->us), "%s", context);
    path_parent(self, directory);
    snprintf(self, sizeof(self), "%.*s/edgeinit-keeper", PATH_MAX - 32, directory);
    return context_after(policy->us, self, keeper) && context_after(keeper, program, policy->dockerd);
}

static void judge(struct answers *answers, unsigned row, int allowed, const char *yes)
{
    if (allowed < 0) {
        say(answers, row, ANSWER_UNKNOWN, "the kernel does not tell us: %s", rows[row].title);
    } else if (allowed) {
        say(answers, row, ANSWER_YES, "%s", yes);
    } else {
        say(answers, row, ANSWER_NO, "not so: %s", rows[row].title);
    }
}

static void run(struct answers *answers, const struct board *board)
{
    struct policy policy = {0};
    char content[POLICY_LONGEST] = "";
    char found[PATH_MAX];

    if (!policy_is_enforcing()) {
        for (unsigned row = 0; row < ARRAY_SIZE(rows); row++) {
            say(answers, row, ANSWER_YES, "SELinux is off or permissive: it denies nothing");
        }
        return;
    }
    if (!find_contexts(board, &policy)) {
        for (unsigned row = 0; row < ARRAY_SIZE(rows); row++) {
            say(answers, row, ANSWER_UNKNOWN,
                "SELinux is enforcing, and which domain dockerd would get cannot be found out");
        }
        return;
    }
    if (streq(policy.us, policy.dockerd)) {
        say(answers, ROW_DOMAIN, ANSWER_NO, "dockerd stays in %.100s", policy.us);
    } else {
        say(answers, ROW_DOMAIN, ANSWER_YES, "dockerd gets the domain %.100s", policy.dockerd);
    }
    if (board_locate(board, board->data_root, found) && read_label(found, content)) {
        judge(answers, ROW_REMOVE, policy_allows(policy.dockerd, content, "chr_file", "rename"),
              "the policy lets containers remove files of their image");
    } else {
        say(answers, ROW_REMOVE, ANSWER_UNKNOWN, "the data-root %s is not there yet, or has no label",
            board->data_root);
    }
    judge(answers, ROW_SETFCAP, policy_allows(policy.dockerd, policy.dockerd, "capability", "setfcap"),
          "the policy lets files of an image have capabilities");
}

const struct probe probe_policy = {.name = "policy", .rows = rows, .count = ARRAY_SIZE(rows), .run = run};
