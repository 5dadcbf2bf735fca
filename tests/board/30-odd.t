#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Boards that are not as the manifest thinks: another file system on the card, a full card, a full /data, kernels without a
# controller, without SELinux, without policy routing. Each time: what cannot be is named with a remedy, and the rest comes up.
#
# Policy routing of IPv4 has no switch in this kernel, that of IPv6 has: ipv6.disable=1. What edgeinit gets then is what a
# kernel without CONFIG_IP_MULTIPLE_TABLES says to an IPv4 rule: nobody makes rules for that family (EAFNOSUPPORT).

# shellcheck disable=SC2154 # dir, patience and their like come from lib.sh
set -uo pipefail
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"

shipped dayu200
overlay 20-services <<'EOF'
{"version": 1, "services": {
    "dockerd": null,
    "card": {"command": ["/system/bin/sleep", "100000"], "needs": ["/mnt/f2fs"]},
    "other": {"command": ["/system/bin/sleep", "100000"]}
}}
EOF

# failed REGEX NAME: a test: the log says that this was not done
failed()
{
    told "edgeinit: error: $1" "$2"
}

diag "another file system on the card"
ok "boot" boot --card 256M:ext4 || console
ok "bring-up ends" wait_for "$patience" applied
failed 'mount /mnt/f2fs .*/dev/block/mmcblk0p1 holds ext4, not f2fs' "it says what is there"
failed 'mount /mnt/f2fs .*(mkfs.f2fs|"type": "ext4")' "and what helps"
is "$(service card state)" blocked "what needs the card is blocked"
ok "the rest runs" wait_for "$patience" service_is other state ready
ok "control: it is there" on 'mkdir /dev/x && mount -t ext4 /dev/block/mmcblk0p1 /dev/x && umount /dev/x'
vm off "$patience"

diag "a card that is full, and a /data that is"
ok "boot" boot --card 256M || console
ok "ready" on edgeinit wait-ready --timeout "${patience}s"
on 'dd if=/dev/zero of=/mnt/f2fs/full bs=64k; dd if=/dev/zero of=/mnt/f2fs/more bs=4k; sync; rm -f /data/etc/docker/daemon.json
    set -- $(stat -f -c "%a %S" /data); fallocate -l $(($1 * $2)) /data/full; dd if=/dev/zero of=/data/more bs=1k; sync' >/dev/null 2>&1
like "$(on 'echo x >/mnt/f2fs/x')" 'No space' "control: the card is full"
like "$(on 'echo x >/data/x')" 'No space' "control: /data is full"
vm off "$patience"
ok "boot" again || console
ok "bring-up ends" wait_for "$patience" applied
ok "what needs the card runs, for it is there" wait_for "$patience" service_is card state ready
failed 'file /etc/docker/daemon.json .*No space left on device' "the file that does not fit is named"
is "$(on 'ls -A /data/etc/docker')" '' "and not written half"
ok "room is made" on 'rm /data/full /data/more'
on edgeinit reload
is "$(resources_left)" '' "then it is written"
vm off "$patience"

diag "a kernel without the memory controller"
ok "boot" boot --append cgroup_disable=memory || console
ok "bring-up ends" wait_for "$patience" applied
failed 'cgroup /sys/fs/cgroup/memory .*cgroup_disable' "it is named, with the remedy"
ok "the rest runs" wait_for "$patience" service_is other state ready
is "$(on edgeinit plan | grep -cE '^[~+] ')" 0 "and is in place"
vm off "$patience"

diag "controllers that are mounted together elsewhere, and so can only be mounted together"
echo 'mkdir /dev/joint && mount -t cgroup -o net_cls,net_prio none /dev/joint' >"$dir/data/local/tmp/at-boot"
ok "boot" boot || console
rm "$dir/data/local/tmp/at-boot"
ok "bring-up ends" wait_for "$patience" applied
is "$(on 'grep -c " /dev/joint cgroup .*net_cls,net_prio" /proc/mounts')" 1 "control: they are"
for name in net_cls net_prio; do
    like "$(on "grep ' /sys/fs/cgroup/$name ' /proc/mounts")" 'nosuid,nodev,noexec.*net_cls,net_prio' "$name is there, with the other"
done
is "$(resources_left)" '' "and all is in place"
ok "all runs" wait_for "$patience" service_is card state ready
vm off "$patience"

diag "a kernel with SELinux and policy routing of IPv6 switched off, and a root without mount points"
overlay 30-off <<'EOF'
{"version": 1, "host": {"selinux": "permissive", "rules": [
    {"priority": 1, "table": "main"}, {"priority": 2, "table": "default"}, {"priority": 3, "table": "main", "family": "ipv6"}]}}
EOF
ok "boot" boot --append 'security=none ipv6.disable=1' || console
ok "bring-up ends" wait_for "$patience" applied
failed 'rule ipv6 3 .*Address family not supported by protocol; build the kernel with .*CONFIG_IPV6_MULTIPLE_TABLES=y' \
    "the rule that cannot be is named, with the remedy"
like "$(on 'ip rule')" '1:.*lookup main.*2:.*lookup default' "the others are there"
unlike "$(on 'ls /sys/fs/selinux')" enforce "control: there is no SELinux"
ok "all runs" wait_for "$patience" service_is card state ready
ok "all of it" wait_for "$patience" service_is other state ready
like "$(on 'grep " / " /proc/mounts')" '^/dev/[a-z0-9/]+ / ext4 ro,(seclabel,)?nodev' "the root is read-only and nodev again, after the remount windows"
unlike "$(on 'grep " /mnt/f2fs " /proc/mounts')" context= "the card has no label"
like "$(on edgeinit plan | grep selinux)" 'selinux' "and the plan says what became of \"selinux\": \"permissive\""
diag "$(on edgeinit plan | grep selinux)"

diag "a /data that cannot be mounted: half of its superblock is another one, as a disk leaves it that loses single sectors"
vm off "$patience"
printf torn | dd of="$dir/board/data.img" bs=1 seek=$((1024 + 512 + 100)) conv=notrunc status=none
ok "boot" again || console
ok "bring-up ends" wait_for "$patience" applied
unlike "$(on cat /proc/mounts)" ' /data ' "control: it is not mounted"
failed 'directory /data/var .*Read-only file system; .*if /data itself is, the kernel log says why' "it is said where to look"
like "$(on dmesg)" 'EXT4-fs .*checksum' "there it is"
done_testing
