#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
# shellcheck disable=SC2317 # functions called by wait_for
#
# The supervisor that can be killed: as OpenHarmony's init does, the daemon is killed with SIGKILL at random instants of
# its life and started anew at once, many times, while the real dockerd runs a container and two test services log
# numbered lines, one of which ends now and then in a known way. Nothing may change but the daemon's pid. What kills and
# checks is tests/soak. SOAK_KILLS=10000 (make soak) for that many kills, and then the daemon must be back within 20 ms.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"
soak=${EDGEINIT%/*}/soak
[[ -x $soak ]] || skip_all "$soak is not built"
limit=20000 # microseconds

# figure NAME: of what soak found
figure()
{
    awk -v name="$1" '$1 == name {print $2}' "$work/found"
}

# Of each keeper: how many descriptors it has.
keepers_descriptors()
{
    local pid
    for pid in $(pgrep -x 'keeper .*' | sort -n); do
        # shellcheck disable=SC2012 # names are numbers
        printf '%s %s\n' "$pid" "$(ls "/proc/$pid/fd" | wc -l)"
    done
}

# keepers_are WORDS: are those their descriptors? What a moment needs goes, a leak stays.
keepers_are()
{
    [[ $(keepers_descriptors) == "$1" ]]
}

# But the container, which lives on (live-restore), with its shim.
nothing_is_left()
{
    (($(pgrep -a -f "$soak|dockerd|containerd" | grep -vc containerd-shim) == 0))
}

with_docker()
{
    local controller
    command -v dockerd >/dev/null || return 1
    for controller in cpu cpuacct cpuset devices freezer memory pids; do
        [[ " $BOARD_CONTROLLERS " == *" $controller "* ]] || return 1
    done
}

stage_survive()
{
    local daemon kills=1000 docker='' container='' pids=() keepers name before steady
    is_sanitized && kills=60
    kills=${SOAK_KILLS:-$kills}
    shipped=()
    if with_docker; then
        docker=yes
        use_shipped
    else
        diag "dockerd cannot run here: without it"
    fi
    manifest soak <<EOF2
{
  "version": 1,
  "services": {
    "steady": {"command": ["$soak", "steady", "$work/page"], "log": {"size": "1M"}},
    "crasher": {"command": ["$soak", "crasher", "$work/page"], "ready": {"notify": true}, "log": {"size": "1M"},
                "restart": {"delay": "2ms", "max_delay": "10ms", "jitter": 0.5}}
  }
}
EOF2
    set -- "$EDGEINIT" daemon "${shipped[@]}" --manifest "$work/soak.json"
    "$@" >"$work/log" 2>&1 </dev/null &
    daemon=$!
    edge wait-ready --timeout 240s
    is "$status" 0 "all services are ready" || diag "$err" "$(<"$work/log")"
    if [[ $docker ]]; then
        "$edge_here/image" | docker import - busybox >/dev/null 2>&1
        container=$(docker run -d --stop-timeout 1 busybox sleep 100000 2>"$work/err")
        like "$container" '^[0-9a-f]{64}$' "a container runs" || diag "$(<"$work/err")"
        pids+=("$(service dockerd pid)" "$(docker inspect --format '{{.State.Pid}}' "$container")")
    fi
    taken_over
    steady=$(service steady pid)
    pids+=("$steady")
    for name in steady crasher ${docker:+dockerd}; do
        pids+=("$(service "$name" keeper)")
    done
    keepers=$(keepers_descriptors)

    kill -KILL "$daemon"
    wait "$daemon" 2>/dev/null
    before=$SECONDS
    timeout -k 5 3000 "$soak" kill "$kills" "$work/page" /run/edgeinit "${pids[@]}" -- "$@" >"$work/found" 2>>"$work/log" </dev/null
    is "$? $(figure kills) $(figure wrong)" "0 $kills 0" "$kills kills: no line is missing or doubled, every restart and exit status exact" ||
        diag "$(<"$work/found")" "$(tail -n 30 "$work/log")"
    diag "$(figure kills) kills in $((SECONDS - before)) s; $(figure lines) lines, $(figure ends) ends seen"
    diag "from the kill to the next daemon's answer: p50 $(figure p50_us) us, p99 $(figure p99_us) us, max $(figure max_us) us"
    if [[ ${SOAK_KILLS:-} ]]; then
        ok "back and in charge within $limit us (p99)" test "$(figure p99_us)" -le "$limit"
    else
        # Of a few kills the slowest are what the PC did meanwhile.
        ok "back and in charge within a second (p50)" test "$(figure p50_us)" -le 1000000
    fi

    edge status
    is "$status" 0 "the last daemon is in charge"
    taken_over
    is "$(service steady pid) $(service steady restarts)" "$steady 0" "the steady service has not been touched"
    is "$(service crasher restarts)" $(($(figure starts) - 1)) "status counts what the service itself counted"
    # A daemon that is slow to come up is killed before it starts anything: how many, the PC decides.
    ok "which is not nothing" restarted crasher 1
    # One that is told after the kill is told by nobody; none is told twice.
    like "$(grep -cE '^edgeinit: crasher: (exit code|killed by|ended)' "$work/log")" '^[0-9]+$' "ends that the log tells"
    if [[ $docker ]]; then
        is "$(service dockerd pid) $(service dockerd restarts)" "${pids[0]} 0" "nor has dockerd"
        is "$(docker inspect --format '{{.State.Pid}} {{.State.Running}} {{.RestartCount}}' "$container")" "${pids[1]} true 0" "nor the container"
        is "$(docker exec "$container" echo alive 2>&1)" alive "which answers"
    fi
    ok "the keepers have as many descriptors as before" wait_for 10 keepers_are "$keepers" || diag "$keepers, then $(keepers_descriptors)"
    ok "no zombie is left" wait_for 5 no_zombies || diag "$(ps -ef)"
    unlike "$(<"$work/log")" 'Sanitizer|runtime error' "nothing for the sanitizers"

    daemon=$("$EDGEINIT" status --json | json 'd["daemon"]["pid"]')
    kill -TERM "$daemon"
    ok "SIGTERM ends it" wait_for 30 test ! -e "/proc/$daemon"
    ok "no service is left" wait_for 10 nothing_is_left || diag "$(ps -ef)"
}

on_board survive
done_testing
