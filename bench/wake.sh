# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # results, here, runs and EDGEINIT come from on-board
#
# bench/wake.sh — how long from the event that a service waits for until its program is executed (wake.c). Of an edgecore that
# is parked because the cloud refuses its connection: an address comes, a route, a token; of one that comes after a dockerd
# which becomes ready (a stand-in for it, which becomes ready at a word). In between, its profile prepares the start: the
# manifest is read, the board is looked at, the configuration written. And of a service without a profile that waits for a
# route. The edgecore is the stand-in of the tests, without containers.

wake_status() {
    "$EDGEINIT" status --json --run-dir /tmp/wake/run 2>/dev/null
}

# wake_until PATTERN: of status --json
wake_until() {
    local end=$((SECONDS + 60))
    until wake_status | tr -d '\n\t ' | grep -qE "$1"; do
        [ "$SECONDS" -lt "$end" ] || fail "wake: no $1: $(tail -n 5 /tmp/wake/log)"
        sleep 0.02
    done
}

# wake_sample NAME SERVICE EVENT...
wake_sample() {
    local name=$1 record=/tmp/wake/run/services/$2/record
    shift 2
    "$PARTS/bin/wake" "$record" "$@" >>"$results/wake_$name" || fail "wake: $name"
}

wake_verb() {
    "$EDGEINIT" "$@" --run-dir /tmp/wake/run >/dev/null
}

# wake_parked: edgecore has been parked for a while, and a person has started it before, so that nothing has failed in a row:
# only the first wakes are free, and the tenth of a second after the end is not (machine.h)
wake_parked() {
    wake_until "$parked"
    wake_verb restart --no-wait edgecore
    wake_until "$parked"
    sleep 0.15
}

measure_wake() {
    local edgecore=${EDGEINIT%/*}/edgecore cloud=$here/../tests/edgecore/cloud daemon i
    local parked='"name":"edgecore","state":"parked","cause":"cloud-refused"'
    [ -x "$edgecore" ] || fail "$edgecore is not built"
    rm -rf /tmp/wake
    mkdir -p /tmp/wake
    mkfifo /tmp/wake/fifo
    ip link set lo up
    ip link add wake0 type veth peer name wake1
    ip link set wake0 up
    ip link set wake1 up
    ip addr add 10.88.0.2/24 dev wake0
    ip addr add 10.66.0.1/32 dev lo
    "$cloud" init /tmp/wake/cloud --address 10.66.0.1
    "$cloud" token /tmp/wake/cloud >/tmp/wake/token
    chmod 600 /tmp/wake/token
    cat >/tmp/wake/manifest.json <<EOF
{
  "version": 1,
  "edge": {"cloud": "10.66.0.1", "node": "edge-07", "address": "10.66.0.1", "token_file": "/tmp/wake/token",
           "config": "/tmp/wake/edgecore.yaml", "merge": {"modules": {"edged": {"enable": false}}}},
  "services": {
    "routed": {"command": ["/bin/sleep", "100000"], "conditions": [{"route": "default"}]},
    "dockerd": {"command": ["$PARTS/bin/wake", "ready", "/tmp/wake/fifo"], "ready": {"notify": true}},
    "edgecore": {"command": ["$edgecore", "--config", "/tmp/wake/edgecore.yaml"], "profile": "edgecore", "stat_filter": "never",
                 "environment": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, "after": ["dockerd"]}
  }
}
EOF
    "$EDGEINIT" daemon --run-dir /tmp/wake/run --state-dir /tmp/wake/state --manifest /tmp/wake/manifest.json >/tmp/wake/log 2>&1 </dev/null &
    daemon=$!
    # Once without being counted: there is a record then.
    wake_until '"name":"routed","state":"waiting"'
    ip route add default via 10.88.0.1
    wake_until '"name":"routed","state":"ready"'
    ip route del default
    wake_verb stop routed
    wake_verb start --no-wait routed
    wake_until '"name":"routed","state":"waiting"'
    for ((i = 0; i < runs; i++)); do
        wake_sample condition routed route wake0 10.88.0.1
        wake_verb stop routed
        wake_verb start --no-wait routed
        wake_until '"name":"routed","state":"waiting"'
    done
    wake_verb stop routed
    wake_until '"name":"edgecore","state":"waiting"'
    for ((i = -1; i < runs; i++)); do
        if ((i < 0)); then
            echo -n x >/tmp/wake/fifo
        else
            wake_sample docker edgecore byte /tmp/wake/fifo
        fi
        wake_until "$parked"
        wake_verb stop edgecore
        wake_verb stop dockerd
        wake_verb start --no-wait dockerd
        wake_verb start --no-wait edgecore
        wake_until '"name":"edgecore","state":"waiting"'
    done
    echo -n x >/tmp/wake/fifo
    wake_until "$parked"
    for ((i = 0; i < runs; i++)); do
        wake_parked
        wake_sample address edgecore address wake0 10.88.1.$((i + 1))
        wake_parked
        wake_sample route edgecore route wake0 10.88.0.1
        wake_parked
        cp -p /tmp/wake/token /tmp/wake/token.new
        wake_sample token edgecore file /tmp/wake/token
    done
    kill -TERM "$daemon"
    wait "$daemon" || true
}
