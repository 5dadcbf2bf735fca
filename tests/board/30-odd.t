#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Boards that are not as the manifest thinks: another file system on the card, a full card, a full /data, kernels without a
# controller or without SELinux. Each time: what cannot be is named with a remedy, and the rest comes up.
#
# Not here, because this kernel has it built in and no switch for it: a kernel without CONFIG_IP_MULTIPLE_TABLES. What
# edgeinit says then is tested in tests/sandbox/30-impossible.t with the error that such a kernel gives.

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

# failures: what the log says was not done, without those that it blocks
failures()
{
    console | grep 'edgeinit: error:' | grep -v 'blocked by'
}

settled()
{
    console_has 'edgeinit: apply: .* (failed|left out)'
}

diag "another file system on the card"
ok "boot" boot --card 256M:ext4 || console
ok "bring-up ends" wait_for "$patience" settled
like "$(failures)" 'mount /mnt/f2fs .*/dev/block/mmcblk0p1 holds ext4, not f2fs' "it says what is there" || diag "$(console)"
like "$(failures)" '(mkfs.f2fs|"type": "ext4")' "and what helps"
is "$(service card state) $(service other state)" 'blocked ready' "what needs the card is blocked, the rest runs"
ok "control: it is there" on 'mkdir /dev/x && mount -t ext4 /dev/block/mmcblk0p1 /dev/x && umount /dev/x'
vm off 20

diag "a card that is full, and a /data that is"
ok "boot" boot --card 256M || console
ok "ready" on edgeinit wait-ready --timeout "${patience}s"
on 'dd if=/dev/zero of=/mnt/f2fs/full bs=64k; dd if=/dev/zero of=/mnt/f2fs/more bs=4k; sync; rm -f /data/etc/docker/daemon.json
    set -- $(stat -f -c "%a %S" /data); fallocate -l $(($1 * $2)) /data/full; dd if=/dev/zero of=/data/more bs=1k; sync' >/dev/null 2>&1
like "$(on 'echo x >/mnt/f2fs/x')" 'No space' "control: the card is full"
like "$(on 'echo x >/data/x')" 'No space' "control: /data is full"
vm off 20
ok "boot" again || console
ok "bring-up ends" wait_for "$patience" settled
ok "what needs the card runs, for it is there" wait_for "$patience" service_is card state ready
like "$(failures)" 'file /etc/docker/daemon.json .*No space left on device' "the file that does not fit is named" || diag "$(console)"
is "$(on 'ls -A /data/etc/docker')" '' "and not written half"
ok "room is made" on 'rm /data/full /data/more'
on edgeinit reload
is "$(resources_left)" '' "then it is written"
vm off 20

diag "a kernel without the memory controller"
ok "boot" boot --append cgroup_disable=memory || console
ok "bring-up ends" wait_for "$patience" settled
like "$(failures)" 'cgroup /sys/fs/cgroup/memory .*cgroup_disable' "it is named, with the remedy" || diag "$(console)"
is "$(service other state)" ready "the rest runs"
is "$(on edgeinit plan | grep -cE '^[~+] ')" 0 "and is in place"
vm off 20

diag "a kernel with SELinux switched off"
ok "boot" boot --append security=none || console
ok "ready" on edgeinit wait-ready --timeout "${patience}s"
unlike "$(on 'ls /sys/fs/selinux')" enforce "control: there is no SELinux"
is "$(service card state) $(service other state)" 'ready ready' "all runs"
like "$(on edgeinit plan | grep selinux)" 'selinux' "and the plan says what became of \"selinux\": \"permissive\""
diag "$(on edgeinit plan | grep selinux)"
vm off 20

done_testing
