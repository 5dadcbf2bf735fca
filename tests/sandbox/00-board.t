#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2016 # what stands in single quotes is for the board's shell
#
# The board itself, without edgeinit: that it is what it promises, that real Docker runs on it, and that nothing of it
# is left on the host however it ends. Other boards may run at the same time: what is looked for carries a name.

set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
((EUID == 0)) || exec sudo -- "$0"
export PATH="$PATH:/usr/sbin:/sbin"
# shellcheck source=lib.sh
source "$here/lib.sh"
board=$here/board
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mounts_before=$(</proc/self/mountinfo)
docker_before=$(ls -A /var/lib/docker /run/docker* 2>&1)
links_before=$(ip -brief link; ip netns)

on_board()
{
    "$board" --quiet --card none "$@"
}

# What is left of the board with this pid, one word a thing; empty when nothing is.
left_of()
{
    local pid=$1 found=''
    # Not by its exit code: that tells of a process that ended while it was looked at, too.
    grep -ls "/edgeinit-board\.$pid\b" /proc/[0-9]*/cgroup >"$tmp/processes"
    [[ ! -s $tmp/processes ]] || found+=" processes"
    grep -qs "/edgeinit-board\.$pid\.img" /sys/block/loop*/loop/backing_file && found+=" loop"
    [[ -z $(group_dirs "$pid") ]] || found+=" cgroups"
    [[ $(</proc/self/mountinfo) == "$mounts_before" ]] || found+=" mounts"
    [[ $(ip -brief link; ip netns) == "$links_before" ]] || found+=" links"
    printf '%s' "${found# }"
}

# Every hierarchy is looked at, also those that nothing on the host has mounted.
group_dirs()
{
    unshare --mount -- bash -c '
        BOARD_HOME=$1; source "$1/board.d/cgroup.sh"; cgroup_mount_active
        find "$CGROUP_TOP" -mindepth 2 -type d -name "edgeinit-board.$2"' bash "$here" "$1"
}

# start ARG...: a board in the background that says "up"; its pid in $pid. A background command of a script has INT
# ignored, and a shell cannot trap what was ignored when it started.
start()
{
    env --default-signal=INT "$board" --quiet "$@" >"$tmp/out" 2>"$tmp/err" &
    pid=$!
    wait_for 10 grep -q up "$tmp/out" || diag "the board did not start: $(<"$tmp/err")"
}

# ended STATUS-PATTERN NAME: the board of $pid ends with this status and leaves nothing
ended()
{
    wait "$pid" 2>/dev/null
    like "$?" "^($1)\$" "$2: status"
    nothing_left "$2: nothing left"
}

# The kernel takes a card or a control group away behind the back of whoever let it go, on a busy PC some seconds later.
nothing_left()
{
    wait_for 10 is_gone "$pid"
    is "$(left_of "$pid")" '' "$1"
}

# shellcheck disable=SC2317 # called by wait_for
is_gone()
{
    [[ ! $(left_of "$1") ]]
}

diag "command and its status"
began=${EPOCHREALTIME/./}
up=$("$board" --quiet bash -c 'echo ${EPOCHREALTIME/./}')
diag "start with card: $(((up - began) / 1000)) ms, with the end: $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
# A third of a second; on a PC that has much else to do it may take some. What it must not do is to wait for a timeout.
ok "is up in good time" test $((up - began)) -lt 20000000
on_board true
is $? 0 "status 0"
on_board bash -c 'exit 7'
is $? 7 "status 7"
on_board bash -c 'kill -KILL $$' 2>/dev/null
is $? 137 "status of a killed command"
on_board /nonexistent 2>/dev/null
is $? 127 "status of a command that is not there"
"$board" --card much true 2>/dev/null
is $? 64 "status of a wrong option"
"$board" --quiet --card 64K true 2>/dev/null
is $? 125 "status when no board can be made"
is "$(echo word | on_board cat)" word "stdin reaches the command"
is "$(on_board printf '%s|' 'a b' '' "c'd")" "a b||c'd|" "arguments arrive as they are"

diag "what the board is"
facts=$(on_board bash -c 'cat /proc/sys/kernel/hostname; ls -A /sys/fs/cgroup; cut -d: -f3 /proc/self/cgroup | sort -u
    ls -A /run /mnt; ip -brief address; readlink /proc/self/ns/{mnt,net,pid,uts,ipc,cgroup}')
like "$facts" $'^edge-board\n/\n' "host name, no cgroup file system mounted, the root of every cgroup hierarchy"
like "$facts" $'\n/mnt:\n\n/run:\n' "nothing of the host's in /run and /mnt"
ok "nor in /tmp" on_board test ! -e "$tmp"
like "$facts" $'/run:\nlo +UNKNOWN +127[^\n]*\nmnt:' "only lo, and lo is up"
for kind in mnt net pid uts ipc cgroup; do
    [[ $facts == *"$(readlink "/proc/self/ns/$kind")"* ]] && break
    kind=none
done
is "$kind" none "no namespace is the host's"
ok "/data can be written" on_board mkdir /data/etc
ok "a file of the board stays on the board" on_board touch /etc/edgeinit-board-test
ok "and is not on the host" test ! -e /etc/edgeinit-board-test
like "$(on_board touch "$here/x" 2>&1)" 'Read-only' "the project is read-only"
like "$(on_board bash -c 'echo 1 >/proc/sys/kernel/panic' 2>&1)" 'Read-only' "the host's sysctls are out of reach"
ok "those of the network are not" on_board bash -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
echo word >"$tmp/file"
is "$(on_board --bind "$tmp:/new/place" cat /new/place/file)" word "--bind"
like "$(on_board --bind "$tmp:/new" touch /new/x 2>&1)" 'Read-only' "--bind is read-only"
on_board --bind "$tmp:/new:rw" touch /new/y
ok "--bind :rw is not" test -e "$tmp/y"

diag "card"
facts=$("$board" --card 256M bash -c 'blkid -o export "$BOARD_CARD"; blockdev --getsize64 "$BOARD_CARD"
    mount "$BOARD_CARD" /mnt && touch /mnt/x && stat -f -c "type %T" /mnt; echo "$BOARD_CARD"' 2>"$tmp/err")
like "$facts" 'LABEL=edgecard' "label"
like "$facts" 'UUID=ed9eca2d-0000-4000-8000-0000ed9eca2d' "uuid"
like "$facts" $'\n'$((256 << 20))$'\n' "size"
like "$facts" $'\ntype (f2fs|ext2/ext3)\n' "can be mounted and written"
like "$facts" $'\n/dev/block/mmcblk0p1$' "name"
if grep -qw f2fs /proc/filesystems; then
    like "$facts" 'TYPE=f2fs' "f2fs where the kernel has it"
else
    like "$(<"$tmp/err")" 'no f2fs: the card is ext4' "that it is ext4 is said"
fi
is "$(on_board bash -c 'ls /dev/block; echo "$BOARD_CARD"')" '' "--card none"
# When the node was made, and when the board's other ones were.
late=$("$board" --quiet --card-late 0.5 bash -c 'for ((i = 0; i < 600; i++)); do [[ -e $BOARD_CARD ]] && break; sleep 0.1; done
    echo "$(stat -c %.3Z "$BOARD_CARD") $(stat -c %.3Z /dev/ptmx)"')
ok "--card-late" awk "BEGIN {split(\"$late\", at, \" \"); exit !(at[1] - at[2] > 0.45)}" || diag "$late"

diag "read-only root"
refused=$(on_board --read-only-root bash -c 'mkdir /x; touch /etc/x; echo >>/etc/hosts
    touch /data/x /mnt/x /run/x /dev/x' 2>&1)
is "$(grep -c 'Read-only file system' <<<"$refused")" 3 "/, /etc and its files are read-only"
is "$(wc -l <<<"$refused")" 3 "/data, /mnt, /run and /dev are not"
ok "a remount opens it" on_board --read-only-root bash -c 'mount -o remount,rw / && mkdir /x'

diag "capabilities"
ok "CAP_NET_ADMIN is there" on_board ip link set lo mtu 1400
like "$(on_board --drop-cap cap_net_admin ip link set lo mtu 1400 2>&1)" 'not permitted' "--drop-cap"
unlike "$(on_board capsh --print)" 'Bounding set =[^'$'\n'']*cap_sys_time' "the host's clock is out of reach"
like "$(on_board --keep-caps capsh --print)" 'Bounding set =[^'$'\n'']*cap_sys_time' "--keep-caps"

diag "how it ends"
start bash -c 'echo up; exec sleep 60'
is "$(left_of "$pid")" "processes loop cgroups" "control: a running board is seen"
kill -TERM "$pid"
ended 143 TERM
for signal in INT HUP; do
    start bash -c 'echo up; exec sleep 60'
    kill "-$signal" "$pid"
    ended 143 "$signal"
done
start bash -c 'trap "exit 5" TERM; echo up; sleep 60 & wait'
kill -TERM "$pid"
ended 5 "a command that ends in order"
start --grace 1 bash -c 'trap "" TERM; echo up; sleep 60; sleep 60'
kill -TERM "$pid"
ended 137 "a command that ignores SIGTERM"
start bash -c 'mount "$BOARD_CARD" /mnt; setsid sleep 60 & 
    (mkdir /mnt/c; mount -t cgroup -o pids c /mnt/c; mkdir -p /mnt/c/a/b; echo $BASHPID >/mnt/c/a/b/cgroup.procs
        exec sleep 60) & sleep 0.3; echo up; exit 9'
ended 9 "a command with a card in use, a daemon and cgroups of its own"
start bash -c 'echo up; exec sleep 60'
kill -KILL "$pid"
wait "$pid" 2>/dev/null
# shellcheck disable=SC2317 # called by wait_for
processes_gone()
{
    [[ $(left_of "$pid") != *processes* ]]
}
ok "KILL: no process survives" wait_for 5 processes_gone
on_board true
nothing_left "KILL: nothing left after the next start"
# A terminal's Ctrl-C goes to every process of the group at once.
# shellcheck disable=SC2094 # reading what was typed so far is the point
(wait_for 20 grep -q ^up "$tmp/typed"; printf '\003'; sleep 1) |
    script -qefc "bash -c 'echo pid=\$\$; exec \"$board\" --quiet bash -c \"echo up; sleep 60\"'" /dev/null \
        >"$tmp/typed" 2>&1
like "$(<"$tmp/typed")" 'pid=([0-9]+)'$'\r?\n''up' "Ctrl-C: was running"
pid=${BASH_REMATCH[1]:-0}
ok "Ctrl-C: has ended" wait_for 5 test ! -e "/proc/$pid"
nothing_left "Ctrl-C: nothing left"

diag "killed anywhere on its way up"
pids=()
for signal in TERM KILL; do
    for delay in 0.01 0.03 0.06 0.10 0.14 0.17 0.20 0.24 0.28 0.33; do
        env --default-signal=INT "$board" --quiet sleep 60 2>/dev/null &
        pids+=($!)
        sleep "$delay"
        kill "-$signal" $!
        wait $! 2>/dev/null
    done
done
# What a killed board had just begun, a mkfs or a losetup, ends by itself; then it is the next board that sweeps.
# shellcheck disable=SC2317 # called by wait_for
swept()
{
    on_board true
    for pid in "${pids[@]}"; do
        left=$(left_of "$pid")
        [[ -z $left ]] || return 1
    done
}
left=unknown
wait_for 10 swept
is "$left" '' "nothing left of ${#pids[@]} boards"

diag "docker"
if [[ $(on_board printenv BOARD_CGROUP) != v1 ]]; then
    skip "no cgroup v1 on this host" 6
elif ! command -v dockerd >/dev/null; then
    skip "dockerd is not installed" 6
else
        start "$here/by-hand" bash -c '
        "$1/image" | docker import - busybox >/dev/null && docker run --rm busybox echo greetings from a container
        docker info --format "{{.Driver}} {{.CgroupDriver}} {{.CgroupVersion}}"
        docker run -d busybox sleep 60; echo up' \
        bash "$here"
    ended 0 "docker with a container still running"
    like "$(<"$tmp/out")" 'greetings from a container' "a container runs"
    like "$(<"$tmp/out")" 'overlay2 cgroupfs 1' "with overlay2, cgroupfs and cgroup v1"
    [[ -s $tmp/err ]] && diag "$(<"$tmp/err")"
    like "$(<"$tmp/out")" $'\n[0-9a-f]{64}\n' "a second one was running at the end"
    is "$(ls -A /var/lib/docker /run/docker* 2>&1)" "$docker_before" "the host's docker directories are as they were"
fi

done_testing
