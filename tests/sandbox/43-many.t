#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh, daemon and took from services.sh
# shellcheck disable=SC2317 # functions called by wait_for
#
# A service that crashes again and again, and a manifest full of services: nothing is leaked, nothing grows, and one of many
# is restarted as fast as one of few. With SOAK_KILLS (make soak) 10,000 crashes and 1,000 services.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"

weight()
{
    echo "$(descriptors "$daemon") $(descriptors "$keeper") $(private_dirty "$daemon") $(private_dirty "$keeper")"
}

# The state of daemon and keeper at rest, for each start is a few of both: descriptors, private dirty kilobytes, of each the least
# that is seen in a second and a half. The daemon gives back what it can after 300 ms.
rest()
{
    "$EDGEINIT" stop crashes
    "$EDGEINIT" stop talks
    for _ in {1..30}; do
        weight
        sleep 0.05
    done | awk '{for (i = 1; i <= 4; i++) if (NR == 1 || $i < least[i]) least[i] = $i} END {print least[1], least[2], least[3], least[4]}'
}

go_on()
{
    "$EDGEINIT" start --no-wait talks
    "$EDGEINIT" start --no-wait crashes
}

# not_grown FIRST LAST KILOBYTES WEIGHT...: of weight's columns, none by more than that
not_grown()
{
    local first=$1 last=$2 most=$3 now i
    shift 3
    read -ra now < <(weight)
    for ((i = first; i <= last; i++)); do
        ((now[i - 1] <= ${!i} + most)) || return 1
    done
}

stage_crashes()
{
    local daemon took keeper before crashes=1000 warm=300 began
    is_sanitized && crashes=400
    [[ ${SOAK_KILLS:-} ]] && crashes=10000 warm=1000
    manifest crashes <<EOF2
{
  "version": 1,
  "services": {
    "crashes": {"command": ["/bin/busybox", "false"], "restart": {"delay": "0s"}},
    "talks": {"command": ["/bin/busybox", "echo", "one line"], "restart": {"delay": "0s"}, "stop": {"scope": "group"}},
    "stays": {"command": ["/bin/sleep", "100000"]}
  }
}
EOF2
    up --manifest "$work/crashes.json"
    ok "it crashes and comes back" wait_for 60 restarted crashes "$warm"
    keeper=$(service crashes keeper)
    before=$(rest)
    go_on
    began=${EPOCHREALTIME/./}
    ok "$crashes times" wait_for 300 restarted crashes $((warm + crashes))
    diag "$crashes crashes in $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
    diag "descriptors and private kilobytes of daemon and keeper: $before, then $(rest)"
    # shellcheck disable=SC2086 # words
    ok "no descriptor of daemon or keeper is left of them" wait_for 5 not_grown 1 2 0 $before || diag "$(weight)"
    if is_sanitized; then
        skip "memory: sanitized" 1
    else
        # shellcheck disable=SC2086 # words
        ok "the memory of daemon and keeper has not grown" wait_for 5 not_grown 3 4 8 $before || diag "$(weight)"
    fi
    go_on
    is "$(service crashes keeper) $(service stays restarts)" "$keeper 0" "it is the same keeper, and the others are let be"
    edge stop crashes
    is "$status $(service crashes state)" '0 stopped' "it can be stopped"
    ok "the other one too, in a group" wait_for 10 restarted talks 10
    edge stop talks
    is "$status $(service talks state)" '0 stopped' "and stopped"
    ok "no zombie is left" wait_for 5 no_zombies || diag "$(ps -ef)"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_many()
{
    local daemon took count=200 i began pids keeper pid
    is_sanitized && count=60
    [[ ${SOAK_KILLS:-} ]] && count=1000
    {
        printf '{"version": 1, "services": {'
        for ((i = 1; i <= count; i++)); do
            ((i == 1)) || printf ','
            printf '"s%d": {"command": ["/bin/sleep", "100000"]}\n' "$i"
        done
        printf '}}'
    } >"$work/many.json"
    began=${EPOCHREALTIME/./}
    "$EDGEINIT" daemon --manifest "$work/many.json" >"$work/log" 2>&1 </dev/null &
    daemon=$!
    edge wait-ready --timeout 240s
    is "$status" 0 "$count services are ready" || diag "$err" "$(tail "$work/log")"
    diag "after $(((${EPOCHREALTIME/./} - began) / 1000)) ms; the daemon's private memory: $(private_dirty "$daemon") kB, descriptors: $(descriptors "$daemon")"
    is "$(pgrep -c -f '^/bin/sleep 100000') $(pgrep -c -f edgeinit-keeper)" "$count $count" "one process and one keeper each"
    began=${EPOCHREALTIME/./}
    "$EDGEINIT" status --json >"$work/status"
    diag "status in $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
    is "$(json 'len([s for s in d["services"] if s["state"] == "ready" and s["pid"] > 0 and s["restarts"] == 0])' "$work/status")" "$count" "status has all of them"
    edge status
    is "$(grep -c ' ready ' <<<"$out")" "$count" "for people too"
    pid=$(service s7 pid)
    kill -KILL "$pid"
    ok "one is killed, and restarts" wait_for 5 restarted s7 1
    wait_for 5 service_is s7 state ready
    began=${EPOCHREALTIME/./}
    edge restart "s$count"
    is "$status" 0 "one is restarted"
    diag "restart in $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
    pids=$(pgrep -f '^/bin/sleep 100000' | sort -n | md5sum)
    kill_daemon
    began=${EPOCHREALTIME/./}
    "$EDGEINIT" daemon --manifest "$work/many.json" >"$work/log" 2>&1 </dev/null &
    daemon=$!
    edge wait-ready --timeout 240s
    diag "the daemon is killed, the next one has taken all over after $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
    is "$status $(pgrep -f '^/bin/sleep 100000' | sort -n | md5sum)" "0 $pids" "the daemon is killed: they are the same"
    sed -i 's/^,"s5": .*//; s/"s6": {"command": \["\/bin\/sleep", "100000"/"s6": {"command": ["\/bin\/sleep", "200000"/' "$work/many.json"
    edge reload
    edge wait-ready --timeout 240s
    is "$status $(pgrep -c -f '^/bin/sleep 200000')" "0 1" "reload" || diag "$err"
    ok "and one less" wait_for 5 processes '^/bin/sleep 100000' $((count - 2))
    began=${EPOCHREALTIME/./}
    down
    is "$status" 0 "SIGTERM: exit code 0"
    diag "in $took ms"
    ok "all have ended" wait_for 5 processes '^/bin/sleep .00000' 0
    ok "and their keepers" wait_for 5 processes edgeinit-keeper 0
}

on_board crashes --card none
on_board many --card none
done_testing
