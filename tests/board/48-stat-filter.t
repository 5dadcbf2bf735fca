#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # dir comes from lib.sh
# shellcheck disable=SC2317 # functions called by wait_for
#
# "stat_filter" on the virtual board: Linux 5.10 (which gives and answers in two calls, and tells late of the end), arm64,
# /dev/memcg mounted before /sys/fs/cgroup/memory as on the DAYU200, and a memory.stat that is really unclean: a module makes
# the kernel append lines of OpenHarmony's form to its own (unclean). The numbers are those of real memory.

set -uo pipefail
# shellcheck source=lib.sh
source "$(dirname "$(readlink -f "$0")")/lib.sh"
module=$("$board_here/unclean") || skip_all "no module for the board's kernel"
strict=/data/local/tmp/strict
counters=/data/local/tmp/counters

# counter FILE NUMBER: of what strict counts
counter()
{
    on "od -t d8 -A n -v $1 2>/dev/null | tr -s ' \n' ' ' | cut -d' ' -f$(($2 + 2))"
}

counted()
{
    (($(counter "$1" "$2") >= $3))
}

daemon_pid()
{
    on edgeinit status --json | /usr/bin/python3 -I -c 'import json, sys; print(json.load(sys.stdin)["daemon"]["pid"])' 2>/dev/null
}

# There is a daemon, another one than this, and it knows the reader.
is_back()
{
    local now
    now=$(daemon_pid)
    [[ $now && $now != "$1" ]] && service_is reader stat_filter notify
}

# samples SERVICE: how many times it has told its time
has_samples()
{
    (($(on edgeinit logs "$1" | wc -l) >= $2))
}

# best SERVICE: the least of them, nanoseconds
best()
{
    on edgeinit logs "$1" | awk '{print $NF}' | sort -n | head -n 1
}

install -m 755 "$board_root/out/arm64/strict" "$dir/data/local/tmp/strict"
install -m 644 "$board_root/$module" "$dir/data/local/tmp/unclean.ko"
shipped dayu200
overlay 50-strict <<EOF2
{
  "version": 1,
  "services": {
    "dockerd": null, "edgecore": null,
    "stock": {"command": ["$strict", "once"], "restart": {"policy": "never"}, "conditions": [{"file": "/data/go"}]},
    "reader": {"command": ["$strict", "watch", "$counters"], "stat_filter": "auto", "conditions": [{"file": "/data/go"}]},
    "storm": {"command": ["$strict", "storm", "10"], "stat_filter": "auto", "restart": {"policy": "never"},
              "conditions": [{"file": "/data/go"}]},
    "turn_plain": {"command": ["$strict", "turns", "0", "open", "200", "100", "/system/etc/passwd", "/data/table"],
                   "restart": {"policy": "never"}, "conditions": [{"file": "/data/turns"}]},
    "turn_with": {"command": ["$strict", "turns", "1", "open", "200", "100", "/system/etc/passwd", "/data/table"],
                  "stat_filter": "always", "restart": {"policy": "never"}, "conditions": [{"file": "/data/turns"}]},
    "call_with": {"command": ["$strict", "time", "openat2", "200", "/system/etc/passwd"], "stat_filter": "auto",
                  "restart": {"policy": "never"}, "conditions": [{"file": "/data/time"}]},
    "call_plain": {"command": ["$strict", "time", "openat2", "200", "/system/etc/passwd"],
                  "restart": {"policy": "never"}, "conditions": [{"file": "/data/time"}]}
  }
}
EOF2
boot --card 64M || { echo "Bail out! the board does not boot: $(console)"; exit 1; }
wait_for "$patience" on test -e /sys/fs/cgroup/memory/memory.stat
ok "the kernel writes unclean lines from now on" on "insmod /data/local/tmp/unclean.ko && grep -q '^Anon:' /dev/memcg/memory.stat"
on 'touch /data/go'
ok "a reader without help ends" wait_for "$patience" service_is stock last_end.exit_code 1
like "$(on edgeinit logs stock)" 'failed to parse /dev/memcg/memory.stat: "Anon:' "of the early mount's file"
ok "with \"stat_filter\" it reads" wait_for "$patience" counted $counters 0 100
is "$(service reader stat_filter) $(service reader restarts)" "notify 0" "by answers"
pid=$(service reader pid)
is "$(on "grep -c ' /dev/memcg ' /proc/$pid/mountinfo")" 0 "the early mount is gone where it is"
is "$(on "grep -c ' /dev/memcg ' /proc/self/mountinfo")" 1 "and still there for all others"

ok "readers that are interrupted all the time" wait_for "$patience" service_is storm last_end.exit_code 0
storm=$(on edgeinit logs storm | cut -d' ' -f2-)
diag "$storm"
like "$storm" '^storm [0-9]+ 0 ' "have no failed open"
ok "and not more descriptors left over than the keeper gives anew" test "${storm##* }" -le 16

before=$(counter $counters 0)
rounds=${BOARD_KILLS:-10} killed=0
for ((i = 0; i < rounds; i++)); do
    daemon=$(daemon_pid)
    on "kill -9 $daemon"
    wait_for "$patience" is_back "$daemon" && killed=$((killed + 1))
done
is "$killed" "$rounds" "the daemon was killed and came back"
ok "10,000 reads" wait_for 1200 counted $counters 0 $((before + 10000))
is "$(service reader pid) $(service reader restarts)" "$pid 0" "while the daemon was killed $rounds times, and none failed"
ok "and the numbers were live" counted $counters 1 100
diag "$(counter $counters 0) reads, $(counter $counters 1) times other numbers"

on "kill -9 $(service reader keeper)"
ok "a killed keeper: the reader is started anew" wait_for "$patience" service_is reader restarts 1
before=$(counter $counters 0)
ok "and reads on" wait_for "$patience" counted $counters 0 $((before + 100))

# The end of a service: on 5.10 the listener tells of it only when it is reaped.
on edgeinit stop reader
ok "a reader is stopped" wait_for "$patience" service_is reader state stopped
# One after the other, the first of each not alone. An emulated CPU: what means something is how they compare.
on touch /data/time
names=(call_plain call_with)
for ((i = 1; i <= 5; i++)); do
    for name in "${names[@]}"; do
        ((i == 1)) || on edgeinit start --no-wait "$name"
        wait_for "$patience" has_samples "$name" "$i"
    done
done
for name in "${names[@]}"; do
    diag "$name: $(best "$name") ns"
done

# An open that is let pass, over the same of a service without the filter. This kernel asks the filter at each call. The board's
# clock counts instructions now, so this is no matter of what the PC does; bench/board-stat has more of it.
on 'rm -f /data/go /data/time'
vm off "$patience"
again --exact --card none
on 'rm -f /data/table; touch /data/turns'
ok "two take turns" wait_for "$patience" has_samples turn_with 1
ratio=$(on edgeinit logs turn_with | awk '{ print $NF }')
ok "an open that is not caught costs $(awk -v r="$ratio" 'BEGIN { printf "%.2f", r / 100 - 100 }') % more" test "${ratio:-99999}" -lt 10500
done_testing
