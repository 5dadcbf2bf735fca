/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/stat_words.h"

const char *const stat_way_costs[STAT_WAYS] = {
    [STAT_CLEAN] = "it reads the kernel's statistics as they are",
    [STAT_NOTIFY] =
        "its keeper answers its openat2(2) calls and takes such lines out; each call takes 20 to 50 us more",
    [STAT_REFRESH] =
        "a copy without such lines lies over the root group's file, renewed every 5 s; pods and containers "
        "have no numbers",
    [STAT_NONE] =
        "nothing takes such lines out; an edgecore runs only without metrics (edged.enableMetrics: false), and "
        "then there are no numbers of node, pods and containers",
};

const struct stat_reason stat_reasons[STAT_STEPS] = {
    [STAT_STEP_NONE] = {"", ""},
    [STAT_STEP_PLAN] = {"the file \"filter\" in its directory cannot be read", "restart edgeinit, which writes it"},
    [STAT_STEP_NAMESPACE] = {"it cannot get mounts of its own", "let edgeinit have CAP_SYS_ADMIN, and the kernel "
                                                                "CONFIG_NAMESPACES"},
    [STAT_STEP_MOUNTS] = {"the mounts that hide /sys/fs/cgroup from it cannot be taken off",
                          "see that the SELinux policy lets edgeinit mount and unmount, or do not mount cgroup "
                          "controllers outside of /sys/fs/cgroup"},
    [STAT_STEP_FILTER] =
        {"its openat2(2) calls cannot be caught",
         "let edgeinit have CAP_SYS_ADMIN, and the kernel CONFIG_SECCOMP_FILTER and at least Linux 5.9; "
         "see that no filter of init forbids it seccomp(2)"},
    [STAT_STEP_ANSWER] = {"the kernel cannot answer an open with a file", "use Linux 5.9 or later"},
    [STAT_STEP_HAND] = {"its keeper did not get hold of its calls", "see whether there are descriptors left"},
    [STAT_STEP_LOOK] =
        {"its keeper may not look into its memory",
         "let edge_stat_keeper ptrace the service's domain and read its files in /proc; OpenHarmony 5.0 and "
         "5.1 let nobody (docs/selinux.md)"},
    [STAT_STEP_GIVE] = {"the kernel does not let it have the copy",
                        "allow the service's domain to use descriptors of edgeinit's and to read its tmpfs files"},
    [STAT_STEP_COPY] = {"no copy can be made", "let the kernel have CONFIG_MEMFD_CREATE; see with df whether the run "
                                               "directory is full"},
    [STAT_STEP_COVER] = {"the copy cannot be put over the kernel's file",
                         "see that the SELinux policy lets edgeinit mount on files of control groups"},
};
