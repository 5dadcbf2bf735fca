/* SPDX-License-Identifier: Apache-2.0 */
/* What init made of us, and what services and containers therefore inherit: mount namespace, capabilities, seccomp, domain. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/util.h"
#include "doctor/judge.h"
#include "doctor/probe.h"

#define STATUS_LARGEST 16384

enum {
    ROW_NAMESPACE,
    ROW_CAPABILITIES,
    ROW_RESOURCE,
    ROW_SECCOMP,
    ROW_DOMAIN,
};

static const struct probe_row rows[] = {
    [ROW_NAMESPACE] =
        {"init.namespace", NEED_EDGEINIT, "we are in the mount namespace of process 1",
         "what edgeinit mounts is seen by nobody else, and the other way round",
         "OpenHarmony 3.2 and later: add \"sandbox\": 0 to edgeinit's service in its init .cfg (3.1 must not "
         "have the key, see cfg/)"},
    [ROW_CAPABILITIES] =
        {"init.capabilities", NEED_DOCKER, "the bounding set has the capabilities of a container",
         "dockerd or runc fails with \"operation not permitted\"",
         "remove \"caps\" from edgeinit's service in its init .cfg: a list there drops all others for good"},
    [ROW_RESOURCE] = {"init.sys_resource", NEED_KUBEEDGE, "the bounding set has SYS_RESOURCE",
                      "every pod fails: its sandbox wants oom_score_adj -998",
                      "remove \"caps\" from edgeinit's service in its init .cfg, or add SYS_RESOURCE to the list"},
    [ROW_SECCOMP] =
        {"init.seccomp", NEED_DOCKER, "no seccomp filter is inherited",
         "dockerd and containers inherit it: clone3, openat2, mount_setattr may end them with SIGSYS",
         "start edgeinit as a program of its own (\"path\" in an init .cfg), not from within sa_main or a shell "
         "that has a filter"},
    [ROW_DOMAIN] =
        {"selinux.domain", NEED_EDGEINIT, "SELinux is not enforcing, or we have a domain of our own",
         "mounts, cgroups and exec of dockerd are denied",
         "build the image with sepolicy/ and set \"secon\": \"u:r:edgeinit:s0\" in the init .cfg, or boot with "
         "enforcing=0"},
};

/* Whose rights are judged, in words. */
static const char *subject(const struct board *board, char text[48])
{
    snprintf(text, 48, board->daemon > 0 ? "the daemon (process %d)" : "this process", (int)board->daemon);
    return text;
}

static char *read_of(const struct board *board, const char *name)
{
    CLEANUP_FREE char *path =
        board->daemon > 0 ? xasprintf("/proc/%d/%s", (int)board->daemon, name) : xasprintf("/proc/self/%s", name);
    struct error ignored = {0};
    char *text = NULL;
    size_t length = 0;

    return file_read(path, STATUS_LARGEST, &text, &length, &ignored) == 0 ? text : NULL;
}

static void check_namespace(struct answers *answers, const struct board *board)
{
    CLEANUP_FREE char *path =
        board->daemon > 0 ? xasprintf("/proc/%d/ns/mnt", (int)board->daemon) : xstrdup("/proc/self/ns/mnt");
    char ours[64] = "";
    char init[64] = "";
    char who[48];

    /* The name in the link ("mnt:[4026531840]") tells as much as the file behind it, which is unlabeled: under SELinux
     * hardly anybody may look at that. */
    if (readlink(path, ours, sizeof(ours) - 1) < 0 || readlink("/proc/1/ns/mnt", init, sizeof(init) - 1) < 0) {
        probe_say(answers,
                  &(struct said){
                      .row = ROW_NAMESPACE, .answer = ANSWER_UNKNOWN, .remedy = "run it as root, with CAP_SYS_PTRACE"},
                  "the mount namespace of process 1 cannot be seen: %s", strerror(errno));
    } else if (streq(ours, init)) {
        say(answers, ROW_NAMESPACE, ANSWER_YES, "%s is in the mount namespace of process 1", subject(board, who));
    } else {
        say(answers, ROW_NAMESPACE, ANSWER_NO, "%s is not in the mount namespace of process 1", subject(board, who));
    }
}

static void check_capabilities(struct answers *answers, const char *status)
{
    CLEANUP_TEXT struct text missing = {0};
    CLEANUP_TEXT struct text resource = {0};
    char value[64] = "";
    uint64_t mask;

    if (!judge_status_field(status, "CapBnd", value)) {
        return;
    }
    mask = strtoull(value, NULL, 16);
    judge_capabilities(mask, CAPABILITIES_DOCKER, &missing);
    judge_capabilities(mask, CAPABILITIES_RESOURCE, &resource);
    if (missing.length > 0) {
        say(answers, ROW_CAPABILITIES, ANSWER_NO, "the bounding set lacks %s", text_string(&missing));
    } else {
        say(answers, ROW_CAPABILITIES, ANSWER_YES, "the bounding set has all that a container gets");
    }
    if (resource.length > 0) {
        say(answers, ROW_RESOURCE, ANSWER_NO, "the bounding set lacks %s", text_string(&resource));
    } else {
        say(answers, ROW_RESOURCE, ANSWER_YES, "the bounding set has SYS_RESOURCE");
    }
}

static void check_seccomp(struct answers *answers, const char *status)
{
    char value[64] = "0";

    /* A kernel without seccomp has no such line, and then no filter either. */
    judge_status_field(status, "Seccomp", value);
    if (streq(value, "0")) {
        say(answers, ROW_SECCOMP, ANSWER_YES, "no seccomp filter is inherited");
    } else {
        say(answers, ROW_SECCOMP, ANSWER_WARNING, "a seccomp filter is inherited (mode %s)", value);
    }
}

static void check_domain(struct answers *answers, const struct board *board)
{
    CLEANUP_FREE char *enforce = NULL;
    CLEANUP_FREE char *context = NULL;
    struct error err = {0};
    size_t length = 0;

    if (file_read("/sys/fs/selinux/enforce", 16, &enforce, &length, &err) != 0) {
        say(answers, ROW_DOMAIN, ANSWER_YES, "SELinux is off");
        return;
    }
    if (enforce[0] != '1') {
        say(answers, ROW_DOMAIN, ANSWER_YES, "SELinux is permissive: it denies nothing");
        return;
    }
    context = read_of(board, "attr/current");
    if (context == NULL) {
        say(answers, ROW_DOMAIN, ANSWER_UNKNOWN, "SELinux is enforcing, and our context cannot be read");
        return;
    }
    switch (judge_context(context)) {
        case DOMAIN_OWN:
            say(answers, ROW_DOMAIN, ANSWER_YES, "SELinux is enforcing, and the domain is %.100s", context);
            break;
        case DOMAIN_GENERIC:
            say(answers, ROW_DOMAIN, ANSWER_NO, "SELinux is enforcing, and the domain is the catch-all %.100s",
                context);
            break;
        default:
            probe_say(answers,
                      &(struct said){.row = ROW_DOMAIN,
                                     .answer = ANSWER_UNKNOWN,
                                     .remedy = "start the daemon by init, and ask again while it runs"},
                      "SELinux is enforcing, and the domain is that of a shell, %.100s", context);
            break;
    }
}

static void run(struct answers *answers, const struct board *board)
{
    CLEANUP_FREE char *status = read_of(board, "status");

    check_namespace(answers, board);
    if (status != NULL) {
        check_capabilities(answers, status);
        check_seccomp(answers, status);
    }
    check_domain(answers, board);
}

const struct probe probe_process = {
    .name = "process", .rows = rows, .count = ARRAY_SIZE(rows), .run = run, .quick = run};
