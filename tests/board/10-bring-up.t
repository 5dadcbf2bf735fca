#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The shipped DAYU200 manifest on a kernel, file systems and a root like that board's, with SELinux enforcing our policy; in
# place of dockerd, services that show what only a real kernel shows. Twice, for the second boot finds a card, a /data and a
# root that were used. (Boards without a policy, and kernels without SELinux: 20, 30, 40, 60.)

# shellcheck disable=SC2154 # dir, patience and their like come from lib.sh
set -uo pipefail
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"

shipped dayu200
overlay 20-services <<'EOF'
{"version": 1, "services": {
    "dockerd": null,
    "steady": {"command": ["/system/bin/sleep", "100000"], "needs": ["/mnt/f2fs"], "oom_score_adj": -500,
        "context": "u:r:board_service:s0"},
    // Eats what it can get. tail keeps the line that does not end.
    "hungry": {"context": "u:r:board_service:s0", "command": ["/system/bin/sh", "-c", "sleep 1; tail /dev/zero"],
        "needs": ["/sys/fs/cgroup"], "restart": {"delay": "1m", "max_delay": "1m"},
        "cgroup": {"memory.limit_in_bytes": "16M"}}
}}
EOF

ok "it boots, and its init starts edgeinit" enforcing --append enforcing=1 || console
ok "ready" on edgeinit wait-ready --timeout "${patience}s" steady
is "$(resources_left)" '' "all of the manifest is in place"
is "$(on 'grep " /mnt/f2fs " /proc/mounts' | cut -d' ' -f1-3)" '/dev/block/mmcblk0p1 /mnt/f2fs f2fs' "the SD card, by the manifest's own name, as f2fs"
like "$(on 'grep " / " /proc/mounts')" '^/dev/[a-z0-9/]+ / ext4 ro,(seclabel,)?nodev' "the root is read-only and nodev"
is "$(on 'for name in etc/docker var run tmp opt usr; do [ "$(stat -c %d:%i /$name)" = "$(stat -c %d:%i /data/$name)" ] || echo $name; done')" '' \
    "the tutorial's binds"
is "$(on 'ip rule' | sed -n '2,3s/[[:space:]][[:space:]]*/ /gp')" $'1: from all lookup main \n2: from all lookup default ' "ip rules" ||
    diag "$(on 'ip rule')"
is "$(on 'cat /sys/fs/selinux/enforce /proc/sys/net/ipv4/ip_forward' | tr -d '\n')" 11 "SELinux enforcing, ip_forward on"
# One hierarchy for each controller, init's mounts among them, and the same groups seen through each.
is "$(on 'cat /dev/cpuset/background/cpuset.mems /sys/fs/cgroup/cpuset/background/cpuset.mems' | tr -d '\n')" 00 "cpusets: init's mount and ours are one"

like "$(on 'grep " /mnt/f2fs " /proc/mounts')" 'context=u:object_r:edge_content_file:s0' "the card has its label, by \"label\" of the manifest"
no_denials "bring-up"

diag "what only a kernel does"
steady=$(service steady pid)
is "$(on "cat /proc/$steady/oom_score_adj")" -500 "oom_score_adj is lowered"
ok "16 MB are a limit" wait_for "$patience" service_is hungry state delayed
is "$(service hungry last_end.cause)" out-of-memory "and who was killed there is told so" || diag "$(on edgeinit status; on 'dmesg | tail')"
told 'hungry: ended: killed by the kernel, out of memory.*its control group was at its limit' "in the log too"

diag "init kills and starts again; netsysnative mounts cgroup2"
on 'kill -9 $(pidof edgeinit)'
ok "it is back" wait_for "$patience" on edgeinit wait-ready steady
is "$(service steady pid restarts)" "$steady 0" "its services did not notice"
on 'mount -t cgroup2 none /sys/fs/cgroup'
unlike "$(on ls /sys/fs/cgroup)" cpuset "control: cgroup2 hides the hierarchies"
ok "edgeinit reload" on edgeinit reload
like "$(on ls /sys/fs/cgroup)" cpuset "they are back"
is "$(resources_left)" '' "all in place"

no_denials "limits, a killed daemon, drift"

diag "second boot: a used card, /data and root"
on 'echo kept >/mnt/f2fs/kept'
ok "power off" vm off "$patience"
rm "$dir/seen"
ok "it boots" again --append enforcing=1 || console
ok "ready" on edgeinit wait-ready --timeout "${patience}s" steady
is "$(resources_left)" '' "all in place"
is "$(on cat /mnt/f2fs/kept)" kept "the card has what was on it"
no_denials "second boot"
unlike "$(console)" '\+ (directory|file) /(data|etc/docker|usr|opt|var|run)[ /]' "nothing was made or written anew that was there"
done_testing
