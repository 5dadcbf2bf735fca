#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
# shellcheck disable=SC2317 # called by wait_for
#
# The whole thing: `edgeinit daemon` with the shipped manifests brings the real dockerd up, containers run on the card
# and in the hierarchies that edgeinit mounted, a killed dockerd comes back, and SIGTERM leaves nothing behind.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
command -v dockerd >/dev/null || skip_all "dockerd is not installed"

service()
{
    "$EDGEINIT" status --json 2>/dev/null | json "d[\"services\"][0][\"$1\"]"
}

# shellcheck disable=SC2317 # called by wait_for
restarted()
{
    (($(service restarts) >= 1)) && [[ $(service state) == ready ]]
}

# Those of this pid namespace alone are seen here.
processes()
{
    ps -e -o pid=,stat=,comm= | grep -E 'dockerd|containerd|runc|edgeinit'
}

no_dockerd()
{
    [[ ! $(processes | grep -v containerd-shim) ]]
}

no_process()
{
    [[ ! $(processes) ]]
}

stage_docker()
{
    local daemon began pid container controller group missing='' first
    use_shipped
    for controller in cpu cpuacct cpuset devices freezer memory pids; do
        [[ " $BOARD_CONTROLLERS " == *" $controller "* ]] || missing+=" $controller"
    done
    if [[ $missing ]]; then
        skip "dockerd needs cgroup v1 controllers that this PC does not give:$missing" 1
        return
    fi
    edge status
    is "$status" 3 "before: no daemon answers"

    diag "up"
    began=${EPOCHREALTIME/./}
    "$EDGEINIT" daemon "${shipped[@]}" >"$work/out" 2>"$work/log" </dev/null &
    daemon=$!
    # The daemon's socket is there at once, but not before it was started.
    ok "the daemon answers" wait_for 10 "$EDGEINIT" status
    edge wait-ready --timeout 240s dockerd
    is "$status" 0 "wait-ready dockerd: exit code 0" || diag "$err" "$(<"$work/log")"
    diag "dockerd is ready after $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
    ok "and really answers, at once" docker_ping
    edge wait-ready --timeout 60s
    is "$status" 0 "wait-ready: all of it is"
    is "$(service state) $(service restarts)" 'ready 0' "status --json: ready, no restart"
    pid=$(service pid)
    is "$(</proc/"$pid"/comm) $(awk '/^PPid/ {print $2}' /proc/"$pid"/status)" "dockerd $(service keeper)" "its pid is dockerd's, a child of its keeper"
    edge status
    like "$out" $'(^|\n)dockerd +ready +for [0-9.]+ .*, pid [0-9]+, 0 restarts' "status says it to people" || diag "$out"
    like "$out" 'resources: ([0-9]+) of \1 in place' "and that all resources are in place"
    like "$(<"$work/log")" $'\ndockerd: .*level=info' "its output is passed on with its name"
    unlike "$(grep -v '^dockerd: ' "$work/log")" 'rror' "no complaint of edgeinit itself"

    diag "containers"
    first=$("$edge_here/image" | docker import - busybox 2>&1)
    like "$first" '^sha256:' "an image is imported"
    is "$(docker run --rm busybox echo greetings from a container 2>&1)" 'greetings from a container' "a container runs and prints"
    is "$(docker info --format '{{.Driver}} {{.CgroupDriver}} {{.CgroupVersion}} {{.DockerRootDir}}' 2>/dev/null)" \
        'overlay2 cgroupfs 1 /mnt/f2fs/docker' "docker info: as the manifest says"
    unlike "$(docker info 2>&1)" 'No (memory|cpu|cpuset|pids|kernel memory|oom kill|swap)[a-z ]* (limit )?support' "it misses no limit"
    like "$(findmnt --noheadings --output SOURCE --target /mnt/f2fs/docker/overlay2)" "^$BOARD_CARD(\\[|\$)" "its layers are on the card"
    unlike "$(awk '$4 == "0A" {print $2}' /proc/net/tcp /proc/net/tcp6)" ':0947' "no TCP port for docker"
    container=$(docker run -d --memory 32m --cpus 0.5 --pids-limit 20 busybox sleep 1000 2>"$work/err")
    like "$container" '^[0-9a-f]{64}$' "one with limits" || diag "$(<"$work/err")"
    pid=$(docker inspect --format '{{.State.Pid}}' "$container")
    for controller in memory cpu pids devices freezer; do
        group=/sys/fs/cgroup/$controller/docker/$container
        is "$(cat "$group/cgroup.procs" 2>&1)" "$pid" "it is in its group of the $controller hierarchy that edgeinit mounted"
    done
    is "$(cat "/sys/fs/cgroup/memory/docker/$container/memory.limit_in_bytes")" $((32 << 20)) "its memory limit"
    is "$(cat "/sys/fs/cgroup/pids/docker/$container/pids.max")" 20 "its limit of processes"
    is "$(docker exec "$container" hostname)" "${container:0:12}" "docker exec"

    diag "dockerd killed"
    kill -KILL "$(service pid)"
    ok "is there again, ready" wait_for 60 restarted
    edge status
    like "$out" "dockerd +ready .*, $(service restarts) restarts" "status counts it"
    is "$(docker run --rm busybox echo again 2>&1)" again "and runs containers"
    docker rm -f "$container" >/dev/null 2>&1
    container=$(docker run -d --stop-timeout 1 busybox sleep 1000 2>/dev/null)
    pid=$(docker inspect --format '{{.State.Pid}}' "$container")
    is "$(docker ps --quiet | wc -l)" 1 "one runs at the end"

    diag "down"
    began=${EPOCHREALTIME/./}
    kill -TERM "$daemon"
    wait "$daemon"
    is "$?" 0 "SIGTERM: exit code 0"
    diag "stopped after $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
    unlike "$(<"$work/log")" 'dockerd: does not stop within' "in less than the stop timeout"
    # The kernel kills dockerd's containerd when dockerd has ended (PR_SET_PDEATHSIG), and that takes its time.
    wait_for 10 no_dockerd
    is "$(processes | grep -v containerd-shim)" '' "no process of dockerd is left but what holds the container"
    is "$(cat "/proc/$pid/comm")" sleep "which lives on (live-restore)"
    ok "no socket is left" test ! -e /run/edgeinit/control.sock
    edge status
    is "$status" 3 "no daemon answers"

    diag "and up again on the same board"
    "$EDGEINIT" daemon "${shipped[@]}" >"$work/out" 2>"$work/log2" </dev/null &
    daemon=$!
    ok "the daemon answers" wait_for 10 "$EDGEINIT" status
    edge wait-ready --timeout 240s dockerd
    is "$status $(docker images --quiet busybox | wc -l)" '0 1' "the image is there" || diag "$(<"$work/log2")"
    is "$(docker inspect --format '{{.State.Status}} {{.State.Pid}}' "$container")" "running $pid" "and the container runs as it did"
    docker rm -f "$container" >/dev/null 2>&1
    kill -TERM "$daemon"
    wait "$daemon"
    is "$?" 0 "SIGTERM: exit code 0"
    wait_for 10 no_process
    is "$(processes)" '' "no process is left"
    # The killed dockerd has left its bind of the data directory on itself, and no later one takes it for its own.
    ok "the card can be unmounted" umount --recursive /mnt/f2fs || diag "$(grep /mnt/f2fs /proc/mounts)"
    [[ -z $(grep -c Sanitizer "$work/log" "$work/log2" | grep -v ':0$') ]] || diag "$(cat "$work/log" "$work/log2")"
}

on_board docker
done_testing
