#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
# shellcheck disable=SC2317 # called by wait_for
#
# Containers live on, and those with published ports go on answering, while dockerd is restarted and killed a hundred times
# and edgeinit is killed a hundred times; and a dockerd that hangs is found.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"
# shellcheck source=docker.sh
source "$edge_here/docker.sh"

# What somebody else in the network sees, beyond an interface of the board.
outsiders()
{
    ip netns add outside
    ip link add board0 type veth peer name outside0 netns outside
    ip address add 10.99.0.1/24 dev board0
    ip link set board0 up
    ip -n outside address add 10.99.0.2/24 dev outside0
    ip -n outside link set outside0 up

    # prober HOST PORT FILE: asks again and again, each time by a new connection; a line "TIME good|bad" for each
    program prober <<'EOF2'
#!/usr/bin/python3 -I
import socket, sys, time
with open(sys.argv[3], "w") as notes:
    while True:
        began = time.monotonic()
        try:
            with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=30) as client:
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                good = client.recv(100).startswith(b"HTTP/1.")
        except OSError:
            good = False
        notes.write(f"{began:.3f} {'good' if good else 'bad'}\n")
        notes.flush()
        time.sleep(0.005)
EOF2
    # talker HOST PORT FILE: one connection that stays, to a server that says what it hears; how often it did
    program talker <<'EOF2'
#!/usr/bin/python3 -I
import os, socket, sys, time
client = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=100)
count = 0
while True:
    count += 1
    said = b"%d\n" % count
    client.sendall(said)
    heard = b""
    while not heard.endswith(b"\n"):
        more = client.recv(100)
        if not more:
            sys.exit("hung up")
        heard += more
    if heard != said:
        sys.exit("wrong")
    with open(sys.argv[3] + ".new", "w") as file:
        file.write(str(count))
    os.rename(sys.argv[3] + ".new", sys.argv[3])
    time.sleep(0.02)
EOF2
}

# probe: begin anew; its pid in $prober
probe()
{
    [[ ! ${prober:-} ]] || kill "$prober"
    rm -f "$work/tries"
    ip netns exec outside "$work/prober" 10.99.0.1 8080 "$work/tries" &
    prober=$!
    wait_for 10 tried 1
}

# tried COUNT: has it asked that often?
tried()
{
    (($(wc -l <"$work/tries") >= $1))
}

# gaps: of what it noted: bad ones, gaps (bad ones in a row), the longest gap in ms, whether the last one was good
gaps()
{
    awk '
        $2 == "bad" { bad++; if (!since) { since = last ? last : $1; gaps++ } }
        $2 == "good" { if (since) { gap = ($1 - since) * 1000; if (gap > longest) longest = gap; since = 0 }; last = $1 }
        END { printf "%d %d %d %s\n", bad, gaps, longest, since ? "bad" : "good" }' "$work/tries"
}

# more_than FILE NUMBER
more_than()
{
    (($(<"$1") > $2))
}

answers_outside()
{
    ip netns exec outside /usr/bin/python3 -I -c '
import urllib.request
assert urllib.request.urlopen("http://10.99.0.1:8080/", timeout=2).read() == b"hello\n"'
}

processes_of_containers()
{
    docker inspect --format '{{.State.Pid}}' counter web | tr '\n' ' '
}

stage_lives_on()
{
    local talker pids before count i bad=0 rounds=10 kills=20
    local prober=''
    [[ ! ${KILL_FULL:-} ]] || rounds=50 kills=100
    docker_manifests <<<'{"version": 1, "services": {"dockerd": {"restart": {"delay": "50ms"}}}}' || return
    # The sanitizers look at each step, not at how often it is taken.
    ! is_sanitized || rounds=5 kills=10
    up_docker
    import_image
    docker run -d --name counter busybox sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/n; mv /n /count; usleep 20000; done' \
        >/dev/null
    docker run -d --name web -p 8080:80 -p 8081:81 busybox \
        sh -c 'echo hello >/index.html; httpd -p 80 -h /; exec nc -ll -p 81 -e cat' >/dev/null
    pids=$(processes_of_containers)
    like "$pids" '^[1-9][0-9]* [1-9][0-9]* $' "two containers run, one with published ports"
    outsiders
    ok "a published port answers from outside" wait_for 10 answers_outside
    ip netns exec outside "$work/talker" 10.99.0.1 8081 "$work/said" 2>"$work/talker.err" &
    talker=$!
    ok "and a connection is made that stays" wait_for 10 test -s "$work/said"

    diag "dockerd is stopped for a while"
    stop_docker
    probe
    ok "it is asked a hundred times" wait_for 60 tried 100
    is "$(gaps)" '0 0 0 good' "and answers every time: the rules are the kernel's"
    edge start dockerd
    is "$status" 0 "dockerd is started again"

    diag "dockerd is restarted $rounds times, and killed $rounds times"
    before=$(service dockerd restarts)
    probe
    for ((i = 0; i < rounds; i++)); do
        edge restart dockerd
        [[ $status == 0 ]] || bad=$((bad + 1))
        kill_dockerd || bad=$((bad + 1))
    done
    is "$bad" 0 "each time it is ready again" || diag "$(tail -50 "$work/log")"
    ok "at least $((2 * rounds)) restarts" restarted dockerd $((before + 2 * rounds))
    is "$(processes_of_containers)" "$pids" "the containers' processes are the same"
    # dockerd takes all its rules out and puts them in again as it starts (libnetwork: removeIPChains): for that moment nobody
    # new is let in. Once for each start, never for good, and nothing else does it.
    ok "from outside all is well in the end" wait_for 10 answers_outside
    ok "and is asked again" wait_for 10 tried $(($(wc -l <"$work/tries") + 20))
    diag "refused, gaps, longest gap in ms, the end: $(gaps)"
    like "$(gaps)" ' good$' "new connections are refused for a moment of each start of dockerd"
    # (A start that is slow may let somebody in between the two.)
    ok "and at no other time" test "$(gaps | cut -d' ' -f2)" -le $((4 * rounds))
    ok "the connection that stays still talks" kill -0 "$talker" || diag "$(<"$work/talker.err")"
    ok "and goes on" wait_for 10 more_than "$work/said" "$(<"$work/said")"

    diag "edgeinit is killed $kills times"
    count=$(service dockerd pid)
    probe
    for ((i = 0; i < kills; i++)); do
        kill_daemon
        up "${shipped[@]}"
    done
    ok "dockerd is ready" wait_for 20 state_is ready
    is "$(service dockerd pid)" "$count" "and the same"
    is "$(processes_of_containers)" "$pids" "the containers' processes are the same"
    is "$(gaps)" '0 0 0 good' "the port answered every time, $(wc -l <"$work/tries") times"
    before=$(<"/proc/${pids%% *}/root/count")
    ok "the counter goes on" wait_for 10 more_than "/proc/${pids%% *}/root/count" "$before"
    ok "the connection that stays still talks" kill -0 "$talker" || diag "$(<"$work/talker.err")"
    kill "$prober" "$talker"
    docker rm -f counter web >/dev/null 2>&1
    down_docker
}

stage_hangs()
{
    local container pid before
    docker_manifests <<<'{"version": 1, "services": {"dockerd": {
        "restart": {"delay": "50ms"}, "stop": {"timeout": "1s"}, "alive": {"interval": "500ms", "timeout": "5s", "failures": 2}}}}' ||
        return
    up_docker
    import_image
    container=$(docker run -d busybox sleep 1000)
    before=$(docker inspect --format '{{.State.Pid}}' "$container")

    diag "the kernel takes connections for it, and it says nothing"
    pid=$(service dockerd pid)
    kill -STOP "$pid"
    ok "another one is ready" wait_for 30 ready_again "$pid" || diag "$(tail -20 "$work/log")"
    ok "the hung one is gone" gone "$pid"
    like "$(service dockerd explanation)" '^docker-hung: dockerd took connections and did not answer' "and status says why"
    is "$(docker inspect --format '{{.State.Pid}}' "$container")" "$before" "its container lives on"

    diag "it hangs so that not even SIGKILL ends it, as on a card that does not answer"
    pid=$(service dockerd pid)
    mkdir /sys/fs/cgroup/freezer/hung
    echo "$pid" >/sys/fs/cgroup/freezer/hung/cgroup.procs
    echo FROZEN >/sys/fs/cgroup/freezer/hung/freezer.state
    ok "it is to be stopped" wait_for 30 state_is stopping
    ok "and killed" wait_for 30 grep -q 'ShdPnd:.*[1-9a-f]' "/proc/$pid/status"
    ok "and no second one is started beside it" test "$(service dockerd pid)" = "$pid"
    echo THAWED >/sys/fs/cgroup/freezer/hung/freezer.state
    ok "another one is ready" wait_for 30 ready_again "$pid" || diag "$(tail -20 "$work/log")"
    is "$(docker inspect --format '{{.State.Pid}}' "$container")" "$before" "its container lives on"
    docker rm -f "$container" >/dev/null 2>&1
    down_docker
}

on_board lives_on
on_board hangs
done_testing
