#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
# shellcheck disable=SC2317 # called by wait_for
#
# The real dockerd with its data on the card, live-restore and a container that writes there: "edgeinit down" ends them all, and
# the card can be pulled; the next daemon brings docker back with what was on the card.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"
# shellcheck source=docker.sh
source "$edge_here/docker.sh"

nothing_of_docker()
{
    ! pgrep 'dockerd|containerd' >/dev/null && ! pgrep -f 'sleep 4321' >/dev/null
}

# Nobody has the card mounted, in any namespace.
card_is_free()
{
    /usr/bin/python3 -I -c 'import os; os.open("/dev/block/mmcblk0p1", os.O_RDONLY | os.O_EXCL)' 2>/dev/null
}

stage_docker()
{
    docker_manifests <<<'{"version": 1}' || return
    up_docker
    import_image
    docker run -d --name writer --volume /mnt/f2fs/kept:/kept busybox \
        sh -c 'while :; do date >>/kept/dates; sleep 0.1; done' >/dev/null
    docker run -d --name sleeper busybox sleep 4321 >/dev/null
    ok "containers run, on the card" wait_for 20 test -s /mnt/f2fs/kept/dates
    began=${EPOCHREALTIME/./}
    edge down "${shipped[@]}"
    diag "down took $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
    is "$status" 0 "down: exit code 0" || diag "$out" "$err" "$(ps -e -o pid=,ppid=,args=)"
    like "$out" '- mount /mnt/f2fs' "the card is taken off"
    ok "the card is free" card_is_free
    # The kernel kills dockerd's containerd when dockerd has ended (PR_SET_PDEATHSIG), and that takes its time.
    ok "no docker runs, nor a container" wait_for 10 nothing_of_docker || diag "$(ps -e -o pid=,ppid=,args=)"
    is "$(findmnt --noheadings --list --output TARGET | grep -E '^/(mnt/f2fs|opt|etc/docker)|overlay2')" '' \
        "nothing of it is mounted"
    wait "$daemon"
    edge down "${shipped[@]}"
    is "$status" 0 "a second time"

    mount -o ro "$(readlink -f /dev/block/mmcblk0p1)" /mnt && ok "the card is whole" test -s /mnt/kept/dates
    umount /mnt
    up_docker
    docker start writer >/dev/null
    is "$?" 0 "the next daemon brings it back, with its containers"

    diag "the daemon was killed, docker and its containers run"
    kill_daemon
    edge down "${shipped[@]}"
    is "$status" 0 "down without a daemon: exit code 0" || diag "$out" "$err" "$(ps -e -o pid=,ppid=,args=)"
    ok "the card is free" card_is_free
    ok "no docker runs, nor a container" wait_for 10 nothing_of_docker || diag "$(ps -e -o pid=,ppid=,args=)"
}

on_board docker
done_testing
