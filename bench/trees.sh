# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # used by the others
#
# bench/trees.sh — the same small service (stamp.c), so many times, under edgeinit, s6 and runit, and under the least that a
# supervisor can be (floor.c). Each directory that is made here has one directory for each service, with its `stamp`.

TREES=/tmp/trees
BIN=$PARTS/bin

# names COUNT: of the services
names() {
    seq -f 's%04.0f' 1 "$1"
}

# edgeinit_make DIRECTORY COUNT: the manifest, a delay of zero
edgeinit_make() {
    local name separator=''
    mkdir -p "$1/state"
    # shellcheck disable=SC2046 # words
    (mkdir -p "$1/services" && cd "$1/services" && mkdir $(names "$2"))
    {
        echo '{"version": 1, "services": {'
        for name in $(names "$2"); do
            printf '%s"%s": {"command": ["%s/stamp", "%s"], "restart": {"delay": "0s"}}\n' "$separator" "$name" "$BIN" \
                "$1/services/$name/stamp"
            separator=', '
        done
        echo '}}'
    } >"$1/manifest.json"
}

# edgeinit_command DIRECTORY VERB: in the array `command`
edgeinit_command() {
    command=("$BIN/edgeinit" "$2" --manifest "$1/manifest.json" --run-dir "$1/run" --state-dir "$1/state")
}

# edgeinit_start DIRECTORY COUNT [LAPS]: its start, and LAPS deaths of its daemon, are measured on the way (takeover.c)
edgeinit_start() {
    local command
    edgeinit_make "$1" "$2"
    edgeinit_command "$1" daemon
    "$BIN/takeover" "${3:-0}" "$1" "${command[@]}" || fail "edgeinit: $(tail -n 5 "$1/log")"
}

edgeinit_stop() {
    local daemon
    daemon=$(cat "$1/pid")
    kill "$daemon"
    await_end "$daemon"
}

# Of an orphan; process 1 of the board reaps it.
await_end() {
    local tenths
    for ((tenths = 0; tenths < 300; tenths++)); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.1
    done
    fail "process $1 does not end"
}

# peer_start DIRECTORY COUNT PROGRAM: s6-svscan or runsvdir; its pid in `peer`
peer_start() {
    local name
    for name in $(names "$2"); do
        mkdir -p "$1/$name"
        ln -s "$BIN/stamp" "$1/$name/run"
        echo 3 >"$1/$name/notification-fd" # s6 alone looks at it; see stamp.c
    done
    "$3" "$1" </dev/null >"$1.log" 2>&1 &
    peer=$!
    sleep 0.5
}

s6_start() {
    peer_start "$1" "$2" s6-svscan
}

s6_stop() {
    kill -TERM "$peer"
    wait "$peer" || true
}

runit_start() {
    peer_start "$1" "$2" runsvdir
}

runit_stop() {
    kill -HUP "$peer" # TERM would leave the services running
    wait "$peer" || true
}

floor_start() {
    local name
    for name in $(names "$2"); do
        mkdir -p "$1/$name"
    done
    "$BIN/floor" "$BIN/stamp" "$1"/* </dev/null >/dev/null 2>&1 &
    peer=$!
}

floor_stop() {
    kill "$peer"
    wait "$peer" 2>/dev/null || true
    pkill -KILL -x stamp || true # of this board alone, which has its own process namespace
}
