#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh, daemon and took from services.sh
# shellcheck disable=SC2317 # functions called by wait_for
#
# A KubeEdge node: each way in which edgecore fails is recognised, told with its remedy, parked or tried again, and woken by
# what can change it. dockerd is the real one; edgecore is a stand-in that fails where the real one does (tests/edgecore), or
# the real one: EDGECORE=/path.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"
# shellcheck source=services.sh
source "$edge_here/services.sh"
# shellcheck source=edgecore.sh
source "$edge_here/edgecore.sh"
command -v dockerd >/dev/null || skip_all "dockerd is not installed"

# told CODE REMEDY-PATTERN NAME: within 20 s edgecore does not run for this reason, parked, and the node's line says what to do
told()
{
    ok "$3: $1" wait_for 20 held "$1" || diag "$("$EDGEINIT" status)" "$("$EDGEINIT" logs -n 5 edgecore)"
    is "$(service edgecore state)" parked "$1: parked"
    like "$(node remedy)" "$2" "$1: what to do"
    edge status
    like "$(tail -n 1 <<<"$out")" "^node edge-07: (not joined|down).*$2" "$1: the last line of status says it" || diag "$out"
}

# woken WHAT COMMAND...: does it, and edgecore is executed at once: its keeper's record says when that was begun. Its own word,
# the time of its first line, is printed as well. (A busy PC may take its time; what is wrong is to wait for the pause, which is
# 5 s at least. bench/wake.sh has the figures.)
woken()
{
    local before began since what=$1
    shift
    before=$(executions)
    began=${EPOCHREALTIME/./}
    since=$(uptime_ms)
    "$@"
    until_executed $((before + 1))
    is "$?" 0 "$what: edgecore is started" || diag "$("$EDGEINIT" status)" "executions: $(executions)"
    took=$(($(started_ms) - since))
    ok "$what: executed $took ms later, its first line after $((($(last_execution) - began) / 1000)) ms" \
        test $((took > -20 && took < 2000)) = 1
}

node_connected()
{
    [[ $(node connected) == True ]]
}

stage_join()
{
    local before pid good
    edgecore_can_run 1 || return
    edgecore_board
    cloud_make
    node_manifest "{\"cloud\": \"$cloud_address\", \"node\": \"edge-07\", \"token_file\": \"$work/token\"}"
    up_with_docker

    diag "no token, none that is one"
    told token-missing "keadm gettoken.*$work/token" "no token"
    is "$(executions)" 0 "edgecore is not started for that"
    give_token "what is this"
    told token-malformed "$work/token" "a token that is none"
    is "$(executions)" 0 "nor for that"

    diag "the cloud refuses the connection"
    before=$(executions)
    give_token
    told cloud-refused 'start cloudcore' "nobody listens at the cloud"
    like "$(node text)" "the cloud at $cloud_address:10002 refuses the connection" "what was seen"
    kill_daemon
    up "${manifests[@]}"
    is "$(node code)" cloud-refused "a daemon that was killed and came back says the same"
    sleep 4
    # Once for the token, again at the earliest 5 s after the end: never every second.
    ok "not tried again within 4 s (tried $(($(executions) - before)) times)" test "$(($(executions) - before))" -le 2
    wait_for 10 held cloud-refused
    woken "an address came" ip addr add 10.55.0.1/32 dev lo
    ok "and judged again" wait_for 10 held cloud-refused

    diag "tokens that the cloud refuses"
    cloud_up
    woken "a token was written" give_token "$(token -2)"
    told token-expired "keadm gettoken.*$work/token" "an expired token"
    like "$(node text)" 'expired, 2 hours ago' "and since when"
    good=$(token)
    give_token "${good%?????}AAAAA"
    told token-refused "keadm gettoken.*$work/token" "a token of another cloud's key"
    is "$(($(cloud_asked /edge.crt 400) >= 2))" 1 "it was the cloud that refused them"
    give_token "$(printf '0%.0s' {1..64}).${good#*.}"
    told ca-mismatch "keadm gettoken.*$work/token" "a token with another CA's hash"
    ok "no token in what edgeinit says" tells_no_token "$work/token"

    diag "joined"
    woken "the right token was written" give_token "$good"
    well "joined"
    if is_standin; then
        ok "the node is Ready" wait_for 10 node_is ready || diag "$("$EDGEINIT" status)" "$("$EDGEINIT" logs -n 15 edgecore)"
        edge status
        like "$(tail -n 1 <<<"$out")" "^node edge-07: Ready since [0-9:]{8}, joined cloud $cloud_address, 0 pods\$" "status ends with it"
    else
        ok "connected" wait_for 40 node_connected
        skip "the cloud's stand-in does not tell a real edgecore about its node" 1
    fi
    is "$(stat -c %a /etc/kubeedge/config/edgecore.yaml)" 600 "its configuration is nobody else's to read"
    printf '%s\n' "$good" >"$work/good"
    ok "the token is in nothing that edgeinit says" tells_no_token "$work/good"
    pid=$(service edgecore pid)
    for _ in {1..5}; do
        kill_daemon
        up "${manifests[@]}"
    done
    wait_for 10 service_is edgecore state ready
    is "$(service edgecore pid)" "$pid" "the daemon killed five times: the same edgecore"

    diag "status never waits long"
    if is_standin; then
        cloud_mode cut
        before=$(milliseconds)
        edge status
        ok "the link is cut: answered after $(($(milliseconds) - before)) ms" test $(($(milliseconds) - before)) -lt 3000
        like "$(tail -n 1 <<<"$out")" "^node edge-07: connected to cloud $cloud_address, which does not say yet" "and says that the cloud does not"
    else
        skip "the cloud's stand-in does not tell a real edgecore about its node" 2
    fi
    cloud_down
    ok "the cloud is gone: offline" wait_for 20 node_is offline || diag "$("$EDGEINIT" status)"
    is "$(service edgecore pid)" "$pid" "and edgecore goes on"

    diag "another name"
    sed -i 's/edge-07/edge-08/' "$work/node.json"
    "$EDGEINIT" restart --no-wait edgecore
    ok "name-changed" wait_for 20 held name-changed || diag "$("$EDGEINIT" status)"
    like "$(node remedy)" 'name back.*new token' "name-changed: what to do"
    down
    is "$status" 0 "SIGTERM: exit code 0"
}

stage_cloud()
{
    edgecore_can_run 1 || return
    edgecore_board
    cloud_make --valid 20500101000000Z:20510101000000Z
    node_manifest "{\"cloud\": \"$cloud_address\", \"node\": \"edge-07\", \"address\": \"10.77.0.2\", \"token_file\": \"$work/token\"}"
    cloud_up
    give_token
    up_with_docker
    told certificate-not-yet-valid 'set the clock' "the cloud's certificate is of the future"
    cloud_down

    diag "the certificate is another's"
    rm -rf "$cloud_home"
    "$cloud_program" init "$cloud_home" --address 10.9.9.9
    cloud_up
    woken "a token was written" give_token "$(token)"
    if is_standin; then
        # It speaks no TLS, so it cannot know.
        skip "only the real edgecore looks at the certificate's names" 4
        wait_for 20 service_is edgecore state ready
        "$EDGEINIT" stop edgecore
        rm -rf /etc/kubeedge/certs
    else
        told cloud-certificate 'advertiseAddress' "the cloud's certificate is for another address"
    fi
    cloud_down
    ip addr del "$cloud_address/32" dev lo

    diag "nobody answers there"
    give_token
    "$EDGEINIT" restart --no-wait edgecore
    told cloud-unreachable 'connect the board' "no machine has the cloud's address"
    ip route del default
    woken "an address came" ip addr add 10.55.0.2/32 dev lo
    told no-route 'connect the board' "no route leads to the cloud"
    cloud_up 2>/dev/null
    woken "the cloud's address came" ip addr add "$cloud_address/32" dev lo
    ok "judged again: refused" wait_for 10 held cloud-refused
    down

    diag "a name that nobody knows"
    sed -i "s/\"cloud\": \"$cloud_address\"/\"cloud\": \"cloud.example\"/" "$work/node.json"
    ip route add default via 10.77.0.1
    : >/etc/resolv.conf
    up_with_docker
    told cloud-name '/etc/hosts' "the cloud's name is unknown"
    woken "a line in /etc/hosts" put "$(</etc/hosts)"$'\n'"$cloud_address cloud.example" /etc/hosts
    ok "and then it is the connection that is refused" wait_for 10 held cloud-refused
    down
}


# joined: the daemon, docker, and an edgecore that has joined and is ready; $1 the edge section's further keys, $2 of the service
joined_node()
{
    edgecore_board
    cloud_make
    cloud_up
    give_token
    node_manifest "{\"cloud\": \"$cloud_address\", \"node\": \"edge-07\", \"address\": \"10.77.0.2\", \"token_file\": \"$work/token\"${1:-}}" "${2:-}"
    up_with_docker
    wait_for 60 service_is edgecore state ready || diag "$("$EDGEINIT" status)" "$("$EDGEINIT" logs -n 15 edgecore)"
    wait_for 40 test -s /etc/kubeedge/certs/server.crt
}

# again: edgecore is restarted by a person; whatever is wrong by then is met
again()
{
    "$EDGEINIT" restart --no-wait edgecore
}

well()
{
    ok "$1: ready" wait_for 30 service_is edgecore state ready || diag "$("$EDGEINIT" status)" "$("$EDGEINIT" logs -n 15 edgecore)"
}

stage_host()
{
    local before name holder
    edgecore_can_run 1 || return
    joined_node
    well "joined"

    diag "what a power cut leaves"
    "$EDGEINIT" stop edgecore
    : >/var/lib/edged/cpu_manager_state
    head -c 4096 /dev/urandom >/var/lib/kubeedge/edgecore.db
    before=$(executions)
    "$EDGEINIT" start --no-wait edgecore
    well "an empty cpu_manager_state and a database that is none"
    is "$(executions)" $((before + 1)) "at the first try"
    is "$(find /var/lib/edged /var/lib/kubeedge -maxdepth 1 -type f -printf '%f\n' | sort | xargs)" \
        'cpu_manager_state cpu_manager_state.broken.1 edgecore.db edgecore.db.broken.1' "the old ones are there still, aside"

    diag "the host lacks something"
    umount /sys/fs/cgroup/cpuset
    again
    told cgroup-missing 'edgeinit apply' "no hierarchy cpuset"
    woken "cpuset is mounted" mount -t cgroup -o cpuset,nodev,noexec,nosuid cgroup /sys/fs/cgroup/cpuset
    well "with cpuset"

    cp /etc/hosts "$work/hosts"
    put "$(grep -v localhost "$work/hosts")" /etc/hosts
    again
    told localhost '127.0.0.1 localhost' "localhost has no address"
    woken "/etc/hosts has it again" put "$(<"$work/hosts")" /etc/hosts
    well "with localhost"

    mount -t ramfs ramfs /var/lib/edged
    again
    told partition '"bind"' "/var/lib/edged on a file system that cAdvisor does not know"
    umount /var/lib/edged
    mount -t tmpfs tmpfs /var/lib/edged
    "$EDGEINIT" restart --no-wait edgecore
    well "on a tmpfs"

    umount /proc/sys/vm/overcommit_memory
    if [[ $(</proc/sys/vm/overcommit_memory) == 1 ]]; then
        skip "this PC's vm.overcommit_memory is what edgecore wants" 4
    else
        again
        told sysctl-read-only 'sysctls' "a kernel parameter cannot be set"
    fi
    mount --bind "$work/sys/vm.overcommit_memory" /proc/sys/vm/overcommit_memory
    again
    well "with the parameter set"

    diag "the ports"
    "$EDGEINIT" stop edgecore
    for name in 10350 10550; do
        /usr/bin/python3 -I -c "
import socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', $name))
s.listen()
time.sleep(1000)" &
        holder=$!
        wait_for 5 bash -c "exec 3<>/dev/tcp/127.0.0.1/$name"
        before=$(executions)
        "$EDGEINIT" start --no-wait edgecore
        told port-taken "pid $holder" "port $name is taken"
        is "$(executions)" "$before" "edgecore is not started beside that"
        kill "$holder"
        wait "$holder" 2>/dev/null
        ok "it is started within the pause once the port is free" wait_for 15 service_is edgecore state ready
        "$EDGEINIT" stop edgecore
    done
    cloud_down
    down
}

# 1.12.0 does not serve /runningpods/, and no later one with this key (tests/edgecore/README.md): the shipped checks fit that.
stage_unserved()
{
    edgecore_can_run 1 || return
    if ! is_standin && ((edgecore_minor < 12)); then
        skip "this edgecore serves /runningpods/ always" 4
        return
    fi
    joined_node ', "merge": {"modules": {"edged": {"tailoredKubeletConfig": {"enableDebuggingHandlers": false}}}}' \
        '{"ready": {"timeout": "15s"}}'
    is "$(curl --silent --output /dev/null --write-out '%{http_code}' http://127.0.0.1:10350/runningpods/)" 405 "/runningpods/ is not served"
    well "all the same"
    ok "its pods are not known" test "$(node pods)" = ''
    sed -i 's/"timeout": "15s"/&, "accept": null/' "$work/node.json"
    edge reload
    again
    ok "without \"accept\": not ready in time" wait_for 40 grep -q 'edgecore: stopping: not ready in time' "$work/log" || diag "$("$EDGEINIT" status)"
    cloud_down
    down
}

# What only edgecore itself finds out: judged by its last words.
stage_words()
{
    edgecore_can_run 1 || return
    joined_node ', "merge": {"modules": {"edgeHub": {"heartbeat": 15}}}'
    well "joined"

    sed -i 's/"heartbeat": 15/"heartbeat": "often"/' "$work/node.json"
    kill -HUP "$daemon"
    told config-invalid '"merge"' "a key of another type"
    woken "the manifest is corrected" sed -i 's/"heartbeat": "often"/"heartbeat": 15/' "$work/node.json"
    well "with that"

    cat /sys/fs/cgroup/memory/memory.stat >"$work/stat"
    printf 'Anon:\t%12d kB\n' 123 >>"$work/stat"
    mount --bind "$work/stat" /sys/fs/cgroup/memory/memory.stat
    again
    if wait_for 10 held memory-stat; then
        told memory-stat '.' "a memory.stat with other lines"
    else
        skip "memory.stat is filtered by now" 4
        well "a memory.stat with other lines"
    fi
    umount /sys/fs/cgroup/memory/memory.stat
    again
    well "with the kernel's memory.stat"
    cloud_down
    down
}

# A memory.stat that no container runtime can parse, on cgroupfs as on a board: another file of the kernel lies over it, all of
# whose lines are such ("total=123 N0=123"). tests/sandbox/48-stat-filter.t has the rest.
stage_statistics()
{
    local memory=/sys/fs/cgroup/memory
    edgecore_can_run 1 || return
    joined_node
    well "joined"
    if [[ ! -e $memory/memory.numa_stat ]]; then
        skip "this kernel has no memory.numa_stat to lie over memory.stat" 3
    else
        mount --bind "$memory/memory.numa_stat" "$memory/memory.stat"
        again
        well "with a memory.stat that it cannot parse"
        is "$(service edgecore stat_filter)" notify "it reads what its keeper filters"
        kill -KILL "$daemon"
        wait "$daemon" 2>/dev/null
        up "${manifests[@]}"
        sleep 12 # edgecore looks about every 10 s
        is "$(service edgecore restarts) $(service edgecore state)" "1 ready" "also while and after the daemon is killed"
        umount "$memory/memory.stat"
    fi
    cloud_down
    down
}

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
    like "$(grep -v '^edgecore: ' "$work/log")" 'crashed: panic: runtime error: invalid memory address or nil pointer dereference' "and is judged by the panic's first line"
    well "it is started again"
    ok "another one" test "$(service edgecore pid)" != "$pid"
    is "$(service edgecore last_end.exit_code)" 2 "exit code 2"
    cloud_down
    down
}

# Is dockerd, as this process id, stopped, or another?
docker_restarted()
{
    [[ $(service dockerd pid) != "$1" && $(service dockerd state) == ready ]]
}

stage_docker()
{
    local pid docker before began
    edgecore_can_run 1 || return
    joined_node '' '{"ready": {"timeout": "8s"}}'
    well "joined"

    diag "docker is killed: edgecore goes on"
    pid=$(service edgecore pid)
    docker=$(service dockerd pid)
    kill -KILL "$docker"
    ok "dockerd comes back" wait_for 60 docker_restarted "$docker"
    ok "edgecore's pods are listed again" wait_for 20 curl --fail --silent --output /dev/null http://127.0.0.1:10350/runningpods/
    is "$(service edgecore pid) $(service edgecore restarts)" "$pid 0" "the same edgecore"

    diag "docker takes connections and says nothing, while edgecore runs"
    docker=$(service dockerd pid)
    kill -STOP "$docker"
    began=$(milliseconds)
    ok "it is dockerd that is restarted" wait_for 90 docker_restarted "$docker" || diag "$("$EDGEINIT" status)"
    diag "after $(($(milliseconds) - began)) ms"
    like "$(grep -v '^[a-z]*: ' "$work/log"; grep '^edgeinit: dockerd' "$work/log")" 'dockerd: stopping: [^\n]*liveness' "for its own liveness" ||
        diag "$(grep '^edgeinit: dockerd' "$work/log" | tail -n 20)"
    is "$(service edgecore pid) $(service edgecore restarts)" "$pid 0" "the same edgecore"

    diag "docker takes connections and says nothing, while edgecore starts"
    docker=$(service dockerd pid)
    before=$(executions)
    kill -STOP "$docker"
    kill -KILL "$pid"
    ok "edgecore is executed" wait_for 20 executed $((before + 1))
    ok "it waits in silence, and docker is found to be the culprit" wait_for 60 grep -q 'edgecore: docker-hung' "$work/log" ||
        diag "$("$EDGEINIT" status)" "$(grep -v '^edgecore: \|^dockerd: ' "$work/log" | tail -n 20)"
    ok "dockerd is restarted" wait_for 90 docker_restarted "$docker" || diag "$("$EDGEINIT" status)"
    began=$(milliseconds)
    well "and edgecore started as soon as docker is ready"
    diag "ready $(($(milliseconds) - began)) ms after docker was seen to be"
    ok "edgecore was not executed again and again meanwhile ($(($(executions) - before)) times)" test $(($(executions) - before)) -le 3

    diag "docker's socket is gone, while edgecore starts"
    docker=$(service dockerd pid)
    before=$(executions)
    mv /var/run/docker.sock /var/run/docker.lost
    kill -KILL "$(service edgecore pid)"
    ok "edgecore says so" wait_for 30 grep -q 'edgecore: docker-absent' "$work/log" || diag "$("$EDGEINIT" status)"
    is "$(service edgecore state)" parked "and is parked" || diag "$("$EDGEINIT" status)"
    ok "dockerd is restarted, for nobody can reach it" wait_for 90 docker_restarted "$docker" || diag "$("$EDGEINIT" status)"
    well "and edgecore started again"
    ok "in few tries ($(($(executions) - before)))" test $(($(executions) - before)) -le 4
    cloud_down
    down
}

# Never two: whoever is killed.
stage_one()
{
    local most=0 count died=0 end
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
            count=$(edgecores)
            if ((count > most)); then
                most=$count
                ps -eo pid,ppid,stat,lstart,args | grep '[e]dgecore' >"$work/most"
            fi
        done
    done
    is "$most" 1 "daemon killed 15 times, edgecore $died times, its keeper now and then: never two edgecores" || diag "$(<"$work/most")" "$(tail -n 30 "$work/log")"
    wait_for 10 "$EDGEINIT" status
    # 15 ends at most, and each may have been in the middle of a start.
    ok "ready in the end" wait_for 90 service_is edgecore state ready || diag "$("$EDGEINIT" status)"
    is "$(edgecores)" 1 "one"
    cloud_down
    down
}

# The pause grows while it fails, and begins anew after 35 s of being well.
stage_reset()
{
    local first
    edgecore_can_run 1 || return
    joined_node
    well "joined"
    for _ in 1 2 3; do
        kill -KILL "$(service edgecore pid)"
        wait_for 30 service_is edgecore state delayed
        wait_for 60 service_is edgecore state ready
    done
    kill -KILL "$(service edgecore pid)"
    wait_for 10 service_is edgecore state delayed
    first=$(service edgecore next_try_ms)
    ok "killed four times: the next try is $first ms away" test "${first:-0}" -gt 700
    wait_for 60 service_is edgecore state ready
    diag "36 s of being well"
    sleep 36
    kill -KILL "$(service edgecore pid)"
    ok "then it is started at once" wait_for 5 restarted edgecore 5
    like "$(grep 'edgecore: ended:' "$work/log" | tail -n 1)" 'next try in (1[0-9]{2}|200) ms' "200 ms after its end"
    cloud_down
    down
}

# 1.14 and later have no dockershim: containers by a containerd of their own, which says READY=1 itself.
stage_cri()
{
    local pid containerd
    edgecore_can_run 1 || return
    edgecore_board
    cloud_make
    cloud_up
    give_token
    node_manifest "{\"cloud\": \"$cloud_address\", \"node\": \"edge-07\", \"address\": \"10.77.0.2\", \"token_file\": \"$work/token\"}" \
        '{"after": ["containerd"]}'
    manifest containerd <<'EOF2'
{"version": 1, "services": {
  "dockerd": null,
  "containerd": {"command": ["/usr/bin/containerd", "--root", "/mnt/f2fs/containerd", "--state", "/run/containerd"],
                 "environment": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, "ready": {"notify": true},
                 "alive": {"command": ["/usr/bin/ctr", "version"], "interval": "2s", "timeout": "3s"}}
}}
EOF2
    manifests+=(--manifest "$work/containerd.json")
    cp "$work/token" "$work/token.kept"
    up "${manifests[@]}"
    ok "containerd is ready" wait_for 60 service_is containerd state ready || diag "$("$EDGEINIT" logs -n 10 containerd)"
    well "joined"
    ok "connected" wait_for 40 node_connected
    is "$(stat -c %a /etc/kubeedge/config/edgecore.yaml)" 600 "its configuration is nobody else's to read"
    ok "the token is in nothing that edgeinit says" tells_no_token "$work/token.kept"
    pid=$(service edgecore pid)
    kill_daemon
    up "${manifests[@]}"
    wait_for 10 service_is edgecore state ready
    is "$(service edgecore pid)" "$pid" "the daemon killed: the same edgecore"
    again
    well "restarted"
    pid=$(service edgecore pid)
    containerd=$(service containerd pid)
    kill -STOP "$containerd"
    ok "containerd hangs: it is restarted" wait_for 90 restarted containerd 1 || diag "$("$EDGEINIT" status)"
    ok "edgecore's pods are listed again" wait_for 20 curl --fail --silent --output /dev/null http://127.0.0.1:10350/runningpods/
    is "$(service edgecore pid) $(service edgecore state)" "$pid ready" "the same edgecore" || diag "$("$EDGEINIT" logs -n 15 edgecore)"
    like "$("$EDGEINIT" status | tail -n 1)" '^node edge-07: ' "the last line of status" && diag "$("$EDGEINIT" status | tail -n 1)"
    cloud_down
    down
}

if ((${edgecore_minor:-9} >= 14)); then
    on_board cri "${edgecore_binds[@]}"
    done_testing
fi
on_board join "${edgecore_binds[@]}"
on_board cloud "${edgecore_binds[@]}"
on_board host "${edgecore_binds[@]}"
on_board unserved "${edgecore_binds[@]}"
on_board words "${edgecore_binds[@]}"
on_board statistics "${edgecore_binds[@]}"
on_board crash "${edgecore_binds[@]}"
on_board docker "${edgecore_binds[@]}"
on_board one "${edgecore_binds[@]}"
on_board reset "${edgecore_binds[@]}"
done_testing
