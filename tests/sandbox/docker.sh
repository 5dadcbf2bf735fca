# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # out, err, status and work come from edge.sh
# shellcheck disable=SC2317 # called by wait_for
#
# For tests of the profile "dockerd", beside edge.sh and services.sh: the shipped manifests with the real dockerd.

command -v dockerd >/dev/null || skip_all "dockerd is not installed"

# shellcheck disable=SC2034 # for the tests
config=/etc/docker/daemon.json

# docker_manifests <OVERLAY: the shipped manifests, and this one over them. False, and skipped, where dockerd cannot run.
docker_manifests()
{
    local controller missing=''
    use_shipped
    for controller in cpu cpuacct cpuset devices freezer memory pids; do
        [[ " $BOARD_CONTROLLERS " == *" $controller "* ]] || missing+=" $controller"
    done
    if [[ $missing ]]; then
        skip "dockerd needs cgroup v1 controllers that this PC does not give:$missing" 1
        return 1
    fi
    manifest overlay
    shipped+=(--manifest "$work/overlay.json")
}

# up_docker: the daemon, and dockerd ready
up_docker()
{
    up "${shipped[@]}"
    edge wait-ready --timeout 240s dockerd
    is "$status" 0 "dockerd is ready" || diag "$err" "$(tail -40 "$work/log")"
}

# down_docker: and nothing is left of it
down_docker()
{
    down
    is "$status" 0 "SIGTERM: exit code 0"
    # The kernel kills dockerd's containerd when dockerd has ended (PR_SET_PDEATHSIG), and that takes its time.
    ok "nothing of docker is left" wait_for 10 nothing_left || diag "$(ps -e -o pid=,stat=,comm=)"
}

nothing_left()
{
    ! ps -e -o comm= | grep -qE 'dockerd|containerd'
}

# Start it, whatever becomes of that.
try_docker()
{
    edge start --no-wait dockerd
}

# stop_docker: and its containerd, which the kernel kills a moment later if dockerd has not ended it
stop_docker()
{
    local pid containerd
    pid=$(service dockerd pid)
    containerd=$(pgrep -P "${pid:-0}" -x containerd)
    edge stop dockerd
    is "$status" 0 "dockerd is stopped" || diag "$err"
    [[ ! $containerd ]] || wait_for 10 gone "$containerd" || diag "its containerd does not end: $(ps -e -o pid=,stat=,comm=)"
}

state_is()
{
    [[ $(service dockerd state) == "$1" ]]
}

# ready_again [PID]: is one ready that is not this?
ready_again()
{
    local now
    now=$(service dockerd state pid)
    [[ $now == "ready "* && $now != "ready ${1:-}" ]]
}

# cause_is CODE: is that what its profile says?
cause_is()
{
    [[ $(service dockerd cause) == "$1" ]]
}

parked()
{
    [[ $(service dockerd state cause) == "parked $1" ]]
}

logged()
{
    grep -q -e "$1" "$work/log"
}

# status_says REGEX: edgeinit status, as text
status_says()
{
    [[ $("$EDGEINIT" status 2>/dev/null) =~ $1 ]]
}

# kill_dockerd: and wait until another one is ready
kill_dockerd()
{
    local pid
    pid=$(service dockerd pid)
    kill -KILL "$pid"
    wait_for 30 ready_again "$pid"
}

import_image()
{
    "$edge_here/image" | docker import - busybox >/dev/null
}
