# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034,SC2120,SC2119 # work and shipped come from edge.sh, and the tests use what is here
#
# For tests of the node, beside edge.sh and services.sh: a board on which edgecore can run, the cloud's side of a join, and
# edgecore as a service. EDGECORE=/path takes a real edgecore instead of the stand-in (tests/edgecore/README.md).

edgecore_standin=${EDGEINIT%/*}/edgecore
EDGECORE=$(readlink -f "${EDGECORE:-$edgecore_standin}")
export EDGECORE
cloud_program=$edge_root/tests/edgecore/cloud
cloud_address=10.66.0.1
cloud_home=/tmp/cloud

is_standin()
{
    [[ $EDGECORE == "$(readlink -f "$edgecore_standin")" ]]
}

# The options for on_board: a real edgecore is somewhere else.
edgecore_binds=()
[[ $EDGECORE == "$edge_root"/* ]] || edgecore_binds=(--bind "${EDGECORE%/*}:${EDGECORE%/*}")

# What edgecore needs of a board, and this board lacks by its nature: a network with a default route that leads nowhere, and
# kernel parameters that are as edgecore would set them (/proc/sys is read-only).
edgecore_board()
{
    local setting name
    ip link set lo up
    ip link add wan type veth peer name wan-peer
    ip link set wan up
    ip link set wan-peer up
    ip addr add 10.77.0.2/24 dev wan
    ip route add default via 10.77.0.1
    # No answer to "who has": a cloud that is behind it is as if it was not there.
    sysctl -q net.ipv4.conf.all.arp_ignore=8
    mkdir "$work/sys"
    for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
        kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
        name=${setting%=*}
        echo "${setting#*=}" >"$work/sys/${name//\//.}"
        [[ ! -e /proc/sys/$name ]] || mount --bind "$work/sys/${name//\//.}" "/proc/sys/$name"
    done
    # From 1.12 on it looks there for containers that ran out of memory. Of this PC's messages it is to see none.
    [[ -e /dev/kmsg ]] || : >/dev/kmsg
    mount --make-rshared /
}

# Does this PC lend the board all that edgecore wants? If not, skip the stage's COUNT assertions.
edgecore_can_run()
{
    local controller lacking=''
    for controller in cpu cpuacct cpuset devices freezer memory pids; do
        [[ " $BOARD_CONTROLLERS " == *" $controller "* ]] || lacking+=" $controller"
    done
    [[ ! $lacking ]] || skip "edgecore needs cgroup v1 controllers that this PC does not give:$lacking" "$1"
    [[ ! $lacking ]]
}

# Of a real edgecore; a stand-in is a 1.9.
edgecore_minor=$(grep -aom1 'pkg/version\.gitVersion=v1\.[0-9]*' "$EDGECORE")
edgecore_minor=${edgecore_minor##*.}

# node_manifest EDGE-SECTION [SERVICE-OVERLAY]: the shipped manifests, with edgecore where it is here and shorter times, as
# $manifests; what is the node's own is in $work/node.json
node_manifest()
{
    use_shipped
    manifest here <<EOF2
{
  "version": 1,
  "services": {
    "edgecore": {
      "command": ["$EDGECORE", "--config", "/etc/kubeedge/config/edgecore.yaml"],
      "environment": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
      "restart": {"delay": "200ms", "max_delay": "1m", "jitter": 0, "reset_after": "35s"},
      "alive": {"interval": "2s", "timeout": "3s"},
      "stop": {"timeout": "5s"},
      // A PC's container rarely may do these.
      "oom_score_adj": null,
      "rlimits": null
    }
  }
}
EOF2
    manifest node <<<"{\"version\": 1, \"edge\": $1, \"services\": {\"edgecore\": ${2:-{\}}}}"
    manifests=("${shipped[@]}" --manifest "$edge_root/cfg/edgecore.json" --manifest "$work/here.json" --manifest "$work/node.json")
}

# The cloud. cloud_make [OPTION...]: its keys. cloud_up, cloud_down: it itself. cloud_mode WORD: how it behaves.
cloud_make()
{
    rm -rf "$cloud_home"
    "$cloud_program" init "$cloud_home" --address "$cloud_address" "$@"
    ip addr replace "$cloud_address/32" dev lo
}

cloud_listens()
{
    (exec 3<>"/dev/tcp/$cloud_address/10002") && (exec 3<>"/dev/tcp/$cloud_address/10000")
}

cloud_up()
{
    "$cloud_program" serve "$cloud_home" --address "$cloud_address" >"$work/cloud.log" 2>&1 </dev/null &
    cloud=$!
    wait_for 10 cloud_listens
}

cloud_down()
{
    kill "$cloud"
    wait "$cloud" 2>/dev/null
}

cloud_mode()
{
    echo "$1" >"$cloud_home/mode"
}

# cloud_asked PATH STATUS: how often
cloud_asked()
{
    grep -c "^$1 .* $2\$" "$cloud_home/asked" 2>/dev/null
}

# token [HOURS]: on stdout
token()
{
    "$cloud_program" token "$cloud_home" --hours "${1:-24}"
}

# give_token [TEXT]: into the token's file, whole, and nobody else's to read
give_token()
{
    (umask 077 && printf '%s\n' "${1:-$(token)}" >"$work/token.new")
    mv "$work/token.new" "$work/token"
}

# node KEY: of status --json
node()
{
    "$EDGEINIT" status --json 2>/dev/null | json "str(d.get('node', {}).get('$1', ''))"
}

# held CODE: edgecore does not run, for this reason
held()
{
    [[ $(node code) == "$1" ]]
}

node_is()
{
    [[ $(node state) == "$1" ]]
}

# How often edgecore was executed: the program says its version first, or refuses its configuration.
executions()
{
    "$EDGEINIT" logs -n 100000 edgecore 2>/dev/null | grep -cE 'Version: v1\.|helper.go:34|server.go:6[08]'
}

executed()
{
    (($(executions) >= $1))
}

# A process's name has 15 characters.
edgecore_name=${EDGECORE##*/}
edgecore_name=${edgecore_name:0:15}

edgecores()
{
    edgecores_now | grep -c .
}

# Their process ids, a line each. One that was killed may still be listed until its new parent reaps it.
edgecores_now()
{
    local pid fields
    for pid in $(pgrep --exact --runstates DRSTt "$edgecore_name"); do
        # Nor is one another edgecore's child that has not executed anything yet (PF_FORKNOEXEC).
        read -r -a fields 2>/dev/null <"/proc/$pid/stat" && (((fields[8] & 0x40) == 0)) && echo "$pid"
    done
}

milliseconds()
{
    echo $((${EPOCHREALTIME/./} / 1000))
}

# The kernel's time since boot, to 10 ms; and in the same units when the keeper began with edgecore's last start (struct
# keeper_record, started_at).
uptime_ms()
{
    awk '{ printf "%d", $1 * 1000 }' /proc/uptime
}

started_ms()
{
    echo $(($(od -A n -t d8 -j 80 -N 8 /run/edgeinit/services/edgecore/record) / 1000))
}

# until_executed COUNT: waits for that execution, 20 s at most
until_executed()
{
    wait_for 20 executed "$1"
}

# last_execution: when it was, microseconds since 1970, as edgecore says it ("I1122 12:31:58.193042 …", local time)
last_execution()
{
    local line
    line=$("$EDGEINIT" logs -n 100000 edgecore 2>/dev/null | grep -E 'Version: v1\.|helper.go:34|server.go:6[08]' | tail -n 1 |
        sed -E 's/.*[IEF]([0-9]{2})([0-9]{2}) ([0-9:]+\.[0-9]{6}) .*/\1-\2 \3/')
    date --date "$(date +%Y)-$line" +%s%6N
}

# put TEXT FILE: into a file that may be bound there, so not by renaming
put()
{
    printf '%s\n' "$1" >"$2"
}

# up_with_docker: the daemon, and docker ready
up_with_docker()
{
    up "${manifests[@]}"
    wait_for 90 service_is dockerd state ready || diag "dockerd: $(service dockerd state reason)" "$(tail -n 20 "$work/log")"
}

# tells_no_token FILE: the token in it is in nothing that edgeinit says, nor in anybody's command line
tells_no_token()
{
    cut -d. -f3- "$1" >"$work/secret"
    ! {
        "$EDGEINIT" status
        "$EDGEINIT" status --json
        "$EDGEINIT" logs
        cat "$work/log"
        ps -e -o args=
    } 2>&1 | grep -qFf "$work/secret"
}

# of what parked_for has seen: of edgecore KEY, or of the node KEY
seen()
{
    json "str(([s for s in d['services'] if s['name'] == 'edgecore'] + [{}])[0].get('$1', ''))" "$work/seen.json"
}

seen_of_node()
{
    json "str(d.get('node', {}).get('$1', ''))" "$work/seen.json"
}

# parked_for CODE: in one answer, for it is tried again every few seconds
parked_for()
{
    "$EDGEINIT" status --json >"$work/seen.json" && [[ $(seen_of_node code) == "$1" && $(seen state) == parked ]]
}

last_line_says()
{
    "$EDGEINIT" status >"$work/status" && [[ $(tail -n 1 "$work/status") =~ $1 ]]
}

# told CODE REMEDY-PATTERN NAME: within 20 s edgecore does not run for this reason, parked, and the node's line says what to do
told()
{
    ok "$3: $1" wait_for 20 parked_for "$1" || diag "$("$EDGEINIT" status)" "$("$EDGEINIT" logs -n 5 edgecore)"
    is "$(seen state)" parked "$1: parked"
    like "$(seen_of_node remedy)" "$2" "$1: what to do"
    wait_for 10 last_line_says "^node edge-07: (not joined|down).*$2"
    like "$(tail -n 1 "$work/status")" "^node edge-07: (not joined|down).*$2" "$1: the last line of status says it" || diag "$(<"$work/status")"
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
