#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh, daemon from services.sh
# shellcheck disable=SC2317 # functions called by wait_for
#
# "stat_filter": a reader as strict as edgecore (tests/strict) lives with files that a container runtime cannot parse, reads
# live numbers, and does not feel the daemon's death; every layer below that, and how one falls to the next.
#
# Stand-in: this PC's kernel writes a clean memory.stat. So another file of a control group lies over it, one that has lines
# of both sorts and changes all the time: blkio.throttle.io_service_bytes ("7:0 Read 4096", and "Total 4096"), of the card
# that a loop reads. To kernel and edgeinit that is what the real one is: cgroupfs, unclean, live. What it cannot show is
# OpenHarmony's own format; that is in tests/unit/statistics.c. strict's own parser is shown to refuse it first.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"
strict=${EDGEINIT%/*}/strict
[[ -x $strict ]] || skip_all "$strict is not built"
# On the board where every user can reach it.
if [[ ${EDGE_STAGE:-} ]]; then
    mkdir -p /tmp/work
    cp "$strict" /tmp/work/strict
    strict=/tmp/work/strict
fi
services=/run/edgeinit/services
memory=/sys/fs/cgroup/memory
blkio=/sys/fs/cgroup/blkio
source_file=blkio.throttle.io_service_bytes

# can_rig: are there such files here?
can_rig()
{
    local controller
    for controller in memory cpu blkio; do
        [[ " $BOARD_CONTROLLERS " == *" $controller "* ]] || return 1
    done
    manifest rig <<<'{"version": 1, "host": {"cgroups": {"controllers": ["memory", "cpu", "blkio"]}}}'
    edge apply --manifest "$work/rig.json"
    card=/dev/block/mmcblk0p1
    # Since 6.10 nothing is counted before a limit is set.
    [[ $status == 0 && -e "$blkio/$source_file" && -b "$card" ]] &&
        echo "$((0x$(stat -Lc %t "$card"))):$((0x$(stat -Lc %T "$card"))) 4000000000" >"$blkio/blkio.throttle.read_bps_device" &&
        read_card && grep -q ' Read ' "$blkio/$source_file"
}

read_card()
{
    dd if="$card" of=/dev/null bs=4096 count="${1:-4}" iflag=direct 2>/dev/null
}

# rig: memory.stat of the root group and of the group "pod" are unclean from now on, and change.
rig()
{
    mkdir "$memory/pod" /sys/fs/cgroup/cpu/pod
    mount --bind "$blkio/$source_file" "$memory/memory.stat"
    mount --bind "$blkio/$source_file" "$memory/pod/memory.stat"
}

# In the background: the numbers change.
keep_reading()
{
    while read_card; do sleep 0.01; done &
    reading=$!
}

# counter FILE NUMBER: of what strict counts
counter()
{
    od -An -t u8 -j $(($2 * 8)) -N 8 "$1" 2>/dev/null | tr -d ' '
}

counted()
{
    (($(counter "$1" "$2") >= $3))
}

total()
{
    awk '$1 == "Total" {print $2}' "$blkio/$source_file"
}

shows_total()
{
    [[ $(counter "$1" 2) == "$(total)" ]]
}

ended()
{
    [[ $(service "$1" state) != ready && $("$EDGEINIT" logs "$1") == *"$2"* ]]
}

# lines_of SERVICE: what it wrote
lines_of()
{
    "$EDGEINIT" logs "$1" | cut -d' ' -f2-
}

# told WORDS: has the daemon said so?
told()
{
    grep -qF -- "$1" "$work/log"
}

stage_notify()
{
    local daemon reading card pid keeper before rounds=50 i
    if ! can_rig; then
        skip "memory, cpu and blkio of version 1 with throttling are not here" 1
        return
    fi
    rig
    install -d -o nobody "$work/nobody"
    is "$("$strict" once 2>&1 | tail -n 1 | cut -d: -f1-2)" "strict: failed to parse $memory/memory.stat" \
        "the rig: a strict reader without help refuses the file"
    manifest stat <<EOF2
{
  "version": 1,
  "services": {
    "stock": {"command": ["$strict", "watch", "$work/stock"], "restart": {"policy": "never"}},
    "reader": {"command": ["$strict", "watch", "$work/reader"], "stat_filter": "auto"},
    "child": {"command": ["/bin/sh", "-c", "$strict watch $work/child /pod & wait"], "stat_filter": "auto",
              "stop": {"scope": "group"}},
    "user": {"command": ["$strict", "watch", "$work/nobody/user"], "user": "nobody", "stat_filter": "auto"},
    "once": {"command": ["$strict", "once", "/pod"], "stat_filter": "auto", "restart": {"policy": "never"}},
    "idle": {"command": ["/bin/sleep", "100000"], "stat_filter": "auto", "orphan": "adopt"},
    "storm": {"command": ["$strict", "storm", "5"], "stat_filter": "auto", "restart": {"policy": "never"}}
  }
}
EOF2
    keep_reading
    up --manifest "$work/stat.json"
    ok "without \"stat_filter\" the reader ends" wait_for 20 ended stock "failed to parse $memory/memory.stat"
    ok "with it, it reads" wait_for 20 counted "$work/reader" 0 100
    ok "status tells how" wait_for 20 service_is reader stat_filter notify
    is "$(service stock stat_filter)" '' "and nothing of others"
    is "$(awk '/^(Seccomp|NoNewPrivs):/ {printf "%s ", $2}' "/proc/$(service reader pid)/status")" "0 2 " \
        "by a filter, without no_new_privs"
    ok "the log names the line" wait_for 20 told "reader: $memory/memory.stat has a line that no container runtime parses: "
    ok "and the cost" wait_for 20 told "reader: its keeper answers its openat2(2) calls and takes such lines out"
    ok "a child of a service reads a group's file" wait_for 20 counted "$work/child" 0 100
    ok "so does a service of another user" wait_for 20 counted "$work/nobody/user" 0 100
    ok "a reader that prints ends well" wait_for 20 ended once Total
    like "$(lines_of once | tr '\n' ' ')" '^Total [0-9]+ nr_periods ' "and has seen the clean lines alone"
    ok "readers that are interrupted all the time" wait_for 40 ended storm "storm "
    before=$(lines_of storm)
    diag "$before"
    like "$before" '^storm [1-9][0-9]* 0 0$' "have no failed open, and no descriptor left over"

    pid=$(service reader pid) keeper=$(service reader keeper) before=$(counter "$work/reader" 0)
    is_sanitized && rounds=10
    for ((i = 0; i < rounds; i++)); do
        kill_daemon
        up --manifest "$work/stat.json"
    done
    taken_over
    ok "10,000 reads" wait_for 60 counted "$work/reader" 0 $((before + 10000))
    is "$(service reader pid) $(service reader keeper) $(service reader restarts)" "$pid $keeper 0" \
        "while the daemon was killed $rounds times: the reader has met no failed open and no line that it cannot parse"
    is "$(service child restarts) $(service user restarts)" "0 0" "nor have the others"
    ok "and the numbers were live" wait_for 20 counted "$work/reader" 1 50
    diag "$(counter "$work/reader" 0) reads, $(counter "$work/reader" 1) times other numbers"
    kill "$reading"
    wait "$reading" 2>/dev/null
    ok "what it reads is what the kernel says" wait_for 10 shows_total "$work/reader"

    before=$(service reader pid)
    kill -KILL "$keeper"
    ok "a killed keeper takes the answers with it: the reader ends of that, and is started anew" \
        wait_for 20 restarted reader 1
    pid=$(counter "$work/reader" 0)
    ok "and reads on" wait_for 20 counted "$work/reader" 0 $((pid + 100))
    ok "as before" wait_for 20 service_shows 'notify 1' reader stat_filter restarts
    ok "the one before it is gone" wait_for 20 gone "$before"
    before=$(service idle pid)
    kill -KILL "$(service idle keeper)"
    ok "and one that would not end of it is started anew, whatever \"orphan\" says" wait_for 20 restarted idle 1
    ok "which the log explains" wait_for 20 told "until it is started anew, for nobody answers its openat2(2) calls"
    ok "the one before it is gone as well" wait_for 20 gone "$before"

    taken_over
    keeper=$(service idle keeper)
    edge stop idle
    before=$(least_descriptors "$keeper")
    edge start idle
    wait_for 20 service_is idle stat_filter notify
    ok "the listener is the one descriptor that this costs the keeper" wait_for 5 descriptors_are "$keeper" $((before + 1)) ||
        diag "$(descriptors "$keeper") after $before"
    edge stop idle
    ok "and it is closed when the service has ended" wait_for 5 descriptors_are "$keeper" "$before" || diag "$(descriptors "$keeper") after $before"
    down
    is "$status" 0 "the daemon ends"
}

# Where the same hierarchy is mounted elsewhere first, as on the DAYU200 (/dev/memcg).
stage_early()
{
    local daemon reading card pid
    if ! can_rig; then
        skip "memory, cpu and blkio of version 1 with throttling are not here" 1
        return
    fi
    umount "$memory"
    mkdir /dev/memcg
    mount -t cgroup -o memory memcg /dev/memcg
    mount -t cgroup -o memory memory "$memory"
    rig
    mount --bind "$blkio/$source_file" /dev/memcg/memory.stat
    mkdir /data/pods
    mount -t tmpfs pods /data/pods
    mount --make-shared /data/pods
    mount --make-shared /dev
    mount --make-shared /dev/memcg
    mount --make-shared "$memory"
    manifest stat <<EOF2
{
  "version": 1,
  "services": {
    "reader": {"command": ["$strict", "watch", "$work/reader"], "stat_filter": "auto", "needs": ["/sys/fs/cgroup"]},
    "stock": {"command": ["$strict", "watch", "$work/stock"], "restart": {"policy": "never"}}
  }
}
EOF2
    keep_reading
    up --manifest "$work/stat.json"
    ok "a reader without help meets the early mount" wait_for 20 ended stock "failed to parse /dev/memcg/memory.stat"
    ok "with \"stat_filter\" it reads" wait_for 20 counted "$work/reader" 0 1000
    ok "by answers" wait_for 20 service_shows 'notify 0' reader stat_filter restarts
    pid=$(service reader pid)
    is "$(grep -c ' /dev/memcg' "/proc/$pid/mountinfo")" 0 "the early mount is gone where it is"
    is "$(grep -c ' /dev/memcg ' /proc/self/mountinfo)" 1 "and still there for all others"
    is "$(readlink "/proc/$(service stock keeper)/ns/mnt")" "$(readlink /proc/self/ns/mnt)" "which have the same mounts as before"
    mkdir /data/pods/volume /data/pods/later
    nsenter -t "$pid" -m mount -t tmpfs volume /data/pods/volume
    ok "what the service mounts for a pod is seen outside" mountpoint -q /data/pods/volume
    mount -t tmpfs later /data/pods/later
    ok "and what is mounted outside is seen by the service" nsenter -t "$pid" -m mountpoint -q /data/pods/later
    kill "$reading"
    down
}

# layer DENIED WAY WORDS...: where this is denied, the reader is started this way, and the log says these words.
layer()
{
    local denied=$1 way=$2 word
    shift 2
    : >"$work/log"
    rm -rf "$work/reader" "$services"
    "$strict" deny "$denied" "$EDGEINIT" daemon --manifest "$work/stat.json" >>"$work/log" 2>&1 </dev/null &
    daemon=$!
    wait_for 10 "$EDGEINIT" status
    if [[ $way == none ]]; then
        ok "$denied denied: the reader ends" wait_for 20 ended reader "failed to parse"
    else
        ok "$denied denied: the reader reads" wait_for 20 counted "$work/reader" 0 100
        ok "$denied denied: by $way, at the first start" wait_for 20 service_shows "$way 0" reader stat_filter restarts
    fi
    for word in "$@"; do
        ok "$denied denied: \"$word\"" wait_for 10 told "$word" || diag "$(<"$work/log")"
    done
    down
}

stage_layers()
{
    local daemon reading card pid keeper before cost='a copy without such lines lies over'
    if ! can_rig; then
        skip "memory, cpu and blkio of version 1 with throttling are not here" 1
        return
    fi
    rig
    manifest stat <<EOF2
{
  "version": 1,
  "services": {
    "reader": {"command": ["$strict", "watch", "$work/reader"], "stat_filter": "auto", "restart": {"policy": "never"}}
  }
}
EOF2
    keep_reading
    layer seccomp refresh "its openat2(2) calls cannot be caught" CONFIG_SECCOMP_FILTER "$cost"
    layer filters refresh "its openat2(2) calls cannot be caught (Permission denied)" CAP_SYS_ADMIN "$cost"
    layer filters-kill refresh "its openat2(2) calls cannot be caught (who tried was killed)" "$cost"
    layer addfd refresh "the kernel cannot answer an open with a file" "Linux 5.9" "$cost"
    layer look refresh "its keeper may not look into its memory (Operation not permitted)" "ptrace" "$cost"
    layer memfd refresh "no copy can be made (Function not implemented)" "CONFIG_MEMFD_CREATE" "$cost"
    layer openat2 none "the kernel has no openat2(2)" "edged.enableMetrics: false"
    # The copies need mounts of their own, the answers do not.
    layer unshare notify "its keeper answers"
    mkdir /dev/memcg
    mount -t cgroup -o memory memcg /dev/memcg
    mount --bind "$blkio/$source_file" /dev/memcg/memory.stat
    layer unshare none "it cannot get mounts of its own (Operation not permitted)" "edged.enableMetrics: false"
    umount -l /dev/memcg
    umount -l "$memory"
    mount -t cgroup -o memory memcg /dev/memcg
    mount --bind "$blkio/$source_file" /dev/memcg/memory.stat
    layer unshare none "not mounted below /sys/fs/cgroup" "edged.enableMetrics: false"
    kill "$reading"
}

stage_refresh()
{
    local daemon reading card pid keeper before
    if ! can_rig; then
        skip "memory, cpu and blkio of version 1 with throttling are not here" 1
        return
    fi
    rig
    manifest stat <<EOF2
{
  "version": 1,
  "services": {
    "reader": {"command": ["$strict", "watch", "$work/reader"], "stat_filter": "auto"},
    "child": {"command": ["$strict", "watch", "$work/child", "/pod"], "stat_filter": "auto", "restart": {"policy": "never"}},
    "plain": {"command": ["/bin/sleep", "100000"]}
  }
}
EOF2
    "$strict" deny seccomp "$EDGEINIT" daemon --manifest "$work/stat.json" >>"$work/log" 2>&1 </dev/null &
    daemon=$!
    wait_for 10 "$EDGEINIT" status
    ok "it reads a copy" wait_for 20 counted "$work/reader" 0 100
    ok "a group below the root is not covered, and that is said" wait_for 20 ended child "failed to parse $memory/pod"
    ok "by the log" wait_for 20 told "pods and containers have no numbers"
    before=$(total)
    read_card 16
    ok "the copy is renewed" wait_for 20 shows_total "$work/reader"
    is "$(($(total) > before)) $(service reader restarts)" "1 0" "with other numbers"
    is "$(grep -c "$memory/memory.stat" /proc/self/mountinfo)" 1 "nothing lies over the file for others but the rig"
    pid=$(service reader pid) keeper=$(service reader keeper)
    kill -KILL "$keeper"
    wait_for 20 told "reader: its keeper was killed"
    read_card 16
    ok "the next keeper renews it too" wait_for 20 shows_total "$work/reader"
    taken_over
    is "$(service reader pid) $(service reader restarts)" "$pid 0" "and the reader has not been touched"
    pid=$(service plain keeper) keeper=$(service reader keeper)
    differ_by_three()
    {
        (($(descriptors "$keeper") - $(descriptors "$pid") == 3))
    }
    ok "it costs the keeper the two files, and that it is another's" wait_for 5 differ_by_three || diag "$(ls -l "/proc/$keeper/fd" "/proc/$pid/fd")"
    down
}

# Where the kernel's file is clean nothing is done; "always" does it all the same; another setting is another start.
stage_clean()
{
    local daemon pid
    manifest stat <<EOF2
{
  "version": 1,
  "host": {"cgroups": {"controllers": ["memory", "cpu"]}},
  "services": {"reader": {"command": ["$strict", "watch", "$work/reader"], "stat_filter": "auto", "needs": ["/sys/fs/cgroup"]}}
}
EOF2
    if [[ " $BOARD_CONTROLLERS " != *" memory "* ]]; then
        skip "memory is not here" 1
        return
    fi
    up --manifest "$work/stat.json"
    ok "a reader of clean files" wait_for 20 counted "$work/reader" 0 100
    taken_over
    pid=$(service reader pid)
    is "$(service reader stat_filter) $(awk '/^Seccomp:/ {print $2}' "/proc/$pid/status")" "clean 0" "has no filter"
    ok "and no plan" test ! -e "$services/reader/filter"
    sed -i 's/"auto"/"always"/' "$work/stat.json"
    edge reload
    ok "\"always\" starts it anew" wait_for 20 service_is reader stat_filter notify
    pid=$(counter "$work/reader" 0)
    ok "and it reads, by answers that say \"go on\"" wait_for 20 counted "$work/reader" 0 $((pid + 1000))
    is "$(service reader restarts)" 1 "without an end"
    down
}

on_board notify --card 64M
on_board early --card 64M
on_board layers --card 64M
on_board refresh --card 64M
on_board clean

done_testing
