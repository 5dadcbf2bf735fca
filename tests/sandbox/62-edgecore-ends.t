#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh, daemon and took from services.sh
# shellcheck disable=SC2317 # functions called by wait_for
#
# A KubeEdge node that has joined, and then: edgecore crashes, docker ends or hangs beside it, everybody is killed, and it is
# well again for long. edgecore is a stand-in that fails where the real one does (tests/edgecore), or the real one:
# EDGECORE=/path.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"
# shellcheck source=edgecore.sh
source "$edge_here/edgecore.sh"
command -v dockerd >/dev/null || skip_all "dockerd is not installed"
((${edgecore_minor:-9} < 14)) || skip_all "this edgecore has no dockershim"

stage_crash()
{
    local pid
    edgecore_can_run 1 || return
    # A question that must never be asked of an edgecore without metrics.
    joined_node ', "metrics": false'
    well "joined"
    pid=$(service edgecore pid)
    curl --silent --max-time 5 http://127.0.0.1:10350/metrics/cadvisor >/dev/null
    ok "it panics" wait_for 10 restarted edgecore 1
    wait_for 10 grep -q 'crashed: panic' "$work/log"
    like "$(grep -v '^edgecore: ' "$work/log")" 'crashed: panic: runtime error: invalid memory address or nil pointer dereference' "and is judged by the panic's first line"
    well "it is started again"
    ok "another one" test "$(service edgecore pid)" != "$pid"
    is "$(service edgecore last_end.exit_code)" 2 "exit code 2"
    cloud_down
    down
}

# Is it a stopped or another dockerd than this process id?
docker_restarted()
{
    [[ $(service dockerd pid) != "$1" && $(service dockerd state) == ready ]]
}

stage_docker()
{
    local pid docker before began restarts
    edgecore_can_run 1 || return
    joined_node '' '{"ready": {"timeout": "15s"}}'
    well "joined"
    restarts=$(service edgecore restarts)

    diag "docker is killed: edgecore goes on"
    pid=$(service edgecore pid)
    docker=$(service dockerd pid)
    kill -KILL "$docker"
    ok "dockerd comes back" wait_for 60 docker_restarted "$docker"
    ok "edgecore's pods are listed again" wait_for 20 curl --fail --silent --output /dev/null http://127.0.0.1:10350/runningpods/
    is "$(service edgecore pid) $(service edgecore restarts)" "$pid $restarts" "the same edgecore"

    diag "docker takes connections and says nothing, while edgecore runs"
    docker=$(service dockerd pid)
    kill -STOP "$docker"
    began=$(milliseconds)
    ok "it is dockerd that is restarted" wait_for 90 docker_restarted "$docker" || diag "$("$EDGEINIT" status)"
    diag "after $(($(milliseconds) - began)) ms"
    like "$(grep -v '^[a-z]*: ' "$work/log"; grep '^edgeinit: dockerd' "$work/log")" 'dockerd: stopping: [^\n]*liveness' "for its own liveness" ||
        diag "$(grep '^edgeinit: dockerd' "$work/log" | tail -n 20)"
    is "$(service edgecore pid) $(service edgecore restarts)" "$pid $restarts" "the same edgecore"

    diag "docker takes connections and says nothing, while edgecore starts"
    docker=$(service dockerd pid)
    before=$(executions)
    began=$(milliseconds)
    kill -STOP "$docker"
    kill -KILL "$pid"
    ok "edgecore is executed" wait_for 20 executed $((before + 1))
    ok "it waits in silence, and docker is found to be the culprit" wait_for 60 grep -q 'edgecore: docker-hung' "$work/log" ||
        diag "$("$EDGEINIT" status)" "$(grep -v '^edgecore: \|^dockerd: ' "$work/log" | tail -n 20)"
    ok "dockerd is restarted" wait_for 90 docker_restarted "$docker" || diag "$("$EDGEINIT" status)"
    well "and edgecore started as soon as docker is ready"
    # Once; again where it has waited the whole of its 15 s, or of the pause.
    ok "edgecore was not executed again and again meanwhile ($(($(executions) - before)) times)" \
        test $(($(executions) - before)) -le $((3 + ($(milliseconds) - began) / 20000))

    diag "docker's socket is gone, while edgecore starts"
    docker=$(service dockerd pid)
    before=$(executions)
    began=$(milliseconds)
    mv /var/run/docker.sock /var/run/docker.lost
    kill -KILL "$(service edgecore pid)"
    ok "edgecore says so" wait_for 30 grep -q 'edgecore: docker-absent' "$work/log" || diag "$("$EDGEINIT" status)"
    ok "and is parked" wait_for 10 eval '[[ $(service edgecore state cause) == "parked docker-absent" ]]' || diag "$("$EDGEINIT" status)"
    ok "dockerd is restarted, for nobody can reach it" wait_for 90 docker_restarted "$docker" || diag "$("$EDGEINIT" status)"
    well "and edgecore started again"
    ok "in few tries ($(($(executions) - before)))" test $(($(executions) - before)) -le $((4 + ($(milliseconds) - began) / 20000))
    cloud_down
    down
}

# Never two: whoever is killed.
stage_one()
{
    local most=0 count died=0 end first second
    edgecore_can_run 1 || return
    joined_node
    well "joined"
    for _ in {1..15}; do
        kill_daemon
        case $((RANDOM % 3)) in
        0) kill -KILL "$(pgrep --exact --oldest "$edgecore_name")" 2>/dev/null && died=$((died + 1)) ;;
        1) pkill -KILL --exact --full 'edgeinit-keeper /run/edgeinit/services/edgecore .*' ;;
        *) ;;
        esac
        "$EDGEINIT" daemon "${manifests[@]}" >>"$work/log" 2>&1 </dev/null &
        daemon=$!
        end=$(($(milliseconds) + 400))
        while (($(milliseconds) < end)); do
            # A look takes longer than one edgecore's end and the next one's start: those that two looks have seen were there together.
            first=$(edgecores_now)
            second=$(edgecores_now)
            count=$(comm -12 <(sort <<<"$first") <(sort <<<"$second") | grep -c .)
            if ((count > most)); then
                most=$count
                ps -eo pid,ppid,stat,lstart,args | grep '[e]dgecore' >"$work/most"
            fi
        done
    done
    is "$most" 1 "daemon killed 15 times, edgecore $died times, its keeper now and then: never two edgecores" || diag "$(<"$work/most")" "$(tail -n 30 "$work/log")"
    unlike "$(<"$work/log")" ':10350: bind: address already in use' "and none found another's port taken"
    wait_for 10 "$EDGEINIT" status
    # 15 ends at most, and each may have been in the middle of a start.
    ok "ready in the end" wait_for 90 service_is edgecore state ready || diag "$("$EDGEINIT" status)"
    is "$(edgecores)" 1 "one"
    cloud_down
    down
}

ended_times()
{
    (($(grep -c 'edgecore: ended:' "$work/log") >= $1))
}

last_end()
{
    grep 'edgecore: ended:' "$work/log" | tail -n 1
}

# The pause grows while it fails, and begins anew after 35 s of being well.
stage_reset()
{
    local count
    edgecore_can_run 1 || return
    joined_node
    well "joined"
    # 200, 400, 800, 1600 ms, less what passes until it is told: a pause is over before status has told of it.
    for count in 1 2 3 4; do
        kill -KILL "$(service edgecore pid)"
        wait_for 30 ended_times "$count"
        wait_for 30 restarted edgecore "$count"
        wait_for 60 service_is edgecore state ready
    done
    like "$(last_end)" 'next try in ([7-9][0-9]{2} ms|1\.[0-9]+ s|1[0-9]{3} ms)' "killed four times: the next try is far away" ||
        diag "$(grep 'edgecore: ended:' "$work/log")"
    diag "36 s of being well"
    sleep 36
    kill -KILL "$(service edgecore pid)"
    ok "then it is started at once" wait_for 5 restarted edgecore 5
    like "$(last_end)" 'next try in ([0-9.]+ us|[0-9]{1,2}(\.[0-9]+)? ms|1[0-9]{2} ms|200 ms)' "200 ms after its end"
    cloud_down
    down
}

on_board crash "${edgecore_binds[@]}"
on_board docker "${edgecore_binds[@]}"
on_board one "${edgecore_binds[@]}"
on_board reset "${edgecore_binds[@]}"
done_testing
