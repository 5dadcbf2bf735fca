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

# Is it parked, and not about to be tried again in any case?
calm()
{
    "$EDGEINIT" status --json >"$work/seen.json" && [[ $(seen state) == parked ]] || return
    local left
    left=$(seen next_try_ms)
    [[ ! $left ]] || ((${left%.*} > 2500))
}

# How often an event has woken it
wakings()
{
    grep -c '^edgeinit: edgecore: has waited for ' "$work/log"
}

# woken WHAT COMMAND...: does it, and edgecore is executed because of that, not when its pause (5 s at least) is over: the daemon
# has told that it was woken. Or it was being tried as the event came. How long it took is the machine's affair, and printed: until
# it was begun, by its keeper's record, and until its first line. bench/wake.sh has the figures.
woken()
{
    local before began since earlier why='' what=$1
    shift
    wait_for 10 calm
    before=$(executions)
    earlier=$(wakings)
    began=${EPOCHREALTIME/./}
    since=$(uptime_ms)
    "$@"
    until_executed $((before + 1))
    is "$?" 0 "$what: edgecore is started" || diag "$("$EDGEINIT" status)" "executions: $(executions)"
    took=$(($(started_ms) - since))
    if (($(wakings) > earlier)); then
        why='woken by it'
    elif ((took < 0)); then
        why='tried as it came'
    fi
    ok "$what: executed $took ms later, its first line after $((($(last_execution) - began) / 1000)) ms" test "$why" ||
        diag "$(grep '^edgeinit: edgecore: ' "$work/log" | tail -n 20)"
}

node_connected()
{
    [[ $(node connected) == True ]]
}

stage_join()
{
    local before began count pid good
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
    began=$(milliseconds)
    give_token
    told cloud-refused 'start cloudcore' "nobody listens at the cloud"
    like "$(node text)" "the cloud at $cloud_address:10002 refuses the connection" "what was seen"
    kill_daemon
    up "${manifests[@]}"
    ok "a daemon that was killed and came back says the same" wait_for 10 parked_for cloud-refused || diag "$("$EDGEINIT" status)"
    sleep 4
    # Once for the token, again at the earliest 5 s after each end: never every second.
    count=$(($(executions) - before))
    ok "not tried again within 4 s (tried $count times in $(($(milliseconds) - began)) ms)" \
        test "$count" -le $((2 + ($(milliseconds) - began) / 5000))
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
        ok "status ends with it" wait_for 10 last_line_says "^node edge-07: Ready since [0-9:]{8}, joined cloud $cloud_address, 0 pods\$" ||
            diag "$(<"$work/status")"
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
        # The link says nothing for ever.
        ok "the link is cut: answered after $(($(milliseconds) - before)) ms" test $(($(milliseconds) - before)) -lt 30000
        ok "and says that the cloud does not" wait_for 10 last_line_says \
            "^node edge-07: connected to cloud $cloud_address, which does not say yet" || diag "$(<"$work/status")"
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
    until_executed $((before + 1)) # its first words may still be on their way
    is "$(executions)" $((before + 1)) "at the first try"
    # (1.12 has not written cpu_manager_state anew by then.)
    is "$(find /var/lib/edged /var/lib/kubeedge -maxdepth 1 -type f -printf '%f\n' | sort | grep -vx cpu_manager_state | xargs)" \
        'cpu_manager_state.broken.1 edgecore.db edgecore.db.broken.1' "the old ones are there still, aside"

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
    wait_for 30 eval 'held memory-stat || [[ $(service edgecore state stat_filter) == "ready notify" ]]'
    if held memory-stat; then
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
done_testing
