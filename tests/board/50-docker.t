#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The shipped manifests, nothing over them, with the real dockerd: overlay2 on the f2fs card, SELinux enforcing our policy
# without a denial. A container, what docker's commands do with it, the second boot with it, the card pulled out while
# it runs and put back.

# shellcheck disable=SC2154 # dir, patience and their like come from lib.sh
# shellcheck disable=SC2317 # functions called by wait_for
set -uo pipefail
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"

shipped dayu200
cp "$board_root/out/board/image.tar" "$dir/data/local/tmp/"

# containerd gives itself 5 s to clear up after a shim that is dead (io.containerd.timeout.shim.cleanup), and does not try again
# before its next start: on a busy machine docker says "mkdir ...: file exists" until then.
start_again()
{
    on docker start box && return
    on edgeinit restart dockerd
    on edgeinit wait-ready --timeout "${patience}s" dockerd
    false
}

container()
{
    on docker run --rm busybox echo in a container
}

ok "boot" enforcing --append 'board.docker enforcing=1' || console
ok "dockerd is ready" on edgeinit wait-ready --timeout "${patience}s" dockerd || console
is "$(resources_left)" '' "all of the manifests is in place"
is "$(on 'docker info --format "{{.Driver}} {{.CgroupVersion}} {{.DockerRootDir}}"')" 'overlay2 1 /mnt/f2fs' "dockerd uses what was made for it"
like "$(on 'docker info' 2>&1)" 'Backing Filesystem: f2fs' "overlay2 on f2fs"
ok "docker import" on 'docker import /data/local/tmp/image.tar busybox'
is "$(container | tail -1)" 'in a container' "a container runs"
is "$(on "cat /proc/$(service dockerd pid)/oom_score_adj")" -500 "dockerd's oom_score_adj"
# On a busy machine dockerd gives its containerd up now and then, and is started again.
dockerd=$(service dockerd pid restarts)
[[ $dockerd == *' 0' ]] || diag "dockerd: $dockerd" "$(console | grep -E 'edgeinit: dockerd|level=(fatal|error)')"
on 'kill -9 $(pidof edgeinit)'
ok "edgeinit is killed, and back" wait_for "$patience" on edgeinit wait-ready dockerd
is "$(service dockerd pid restarts)" "$dockerd" "dockerd did not notice"
diag "what docker does with a container"
on 'docker run -d --name box busybox sh -c "echo said; trap \"exit 7\" USR1; while :; do sleep 0.2; done"' >/dev/null
ok "docker logs" wait_for "$patience" on 'docker logs box | grep -q said'
like "$(on docker top box)" 'PID.*sh -c echo said' "docker top" || diag "$(on docker top box 2>&1)"
is "$(on 'docker exec box sh -c "echo \$((6 * 7))"')" 42 "docker exec"
is "$(on 'docker exec box sh -c "echo copied >/copied"; docker cp box:/copied - | tar -xO')" copied "docker cp"
like "$(on 'docker stats --no-stream --format "{{.Name}} {{.PIDs}}"')" '^box [1-9]' "docker stats"
is "$(on 'docker kill -s USR1 box >/dev/null; docker wait box')" 7 "docker kill"
is "$(on 'docker start box >/dev/null; docker stop -t 1 box; docker rm box')" $'box\nbox' "docker start, stop, rm"
no_denials "bring-up, containers, a killed daemon"

diag "second boot"
ok "power off" vm off "$patience"
rm "$dir/seen"
ok "boot" again --append 'board.docker enforcing=1' || console
ok "dockerd is ready" on edgeinit wait-ready --timeout "${patience}s" dockerd || console
is "$(resources_left)" '' "all in place"
is "$(container | tail -1)" 'in a container' "a container of the image of the first boot"

diag "the card is pulled out while a container runs"
on 'docker run -d --name box busybox sh -c "while :; do echo x >>/x; sleep 0.1; done"' >/dev/null
is "$(on 'docker ps --format "{{.Names}}"')" box "control: it runs"
card out
ok "dockerd is stopped" wait_for "$patience" service_is dockerd state waiting || diag "$(on edgeinit status; console | tail -20)"
is "$(on 'mkdir -p /dev/bare && mount --bind /mnt /dev/bare && ls -A /dev/bare/f2fs; umount /dev/bare')" '' \
    "nothing was written into the bare directory"
like "$(on edgeinit status)" 'mount /mnt/f2fs +(its device is gone|waiting)' "status says why" || diag "$(on edgeinit status)"
card in
ok "put back: dockerd is ready" wait_for "$patience" service_is dockerd state ready || diag "$(on edgeinit status; console | tail -20)"
is "$(resources_left)" '' "all in place"
is "$(on 'grep -c " /mnt/f2fs " /proc/mounts')" 1 "the card alone is mounted there"
is "$(container | tail -1)" 'in a container' "containers run"
ok "the one that ran can be started again" wait_for "$patience" start_again || diag "$(on docker start box; on docker logs box)"
no_denials "second boot, the card pulled out and put back"
done_testing
