# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # results and EDGEINIT come from on-board
#
# bench/stat.sh — what "stat_filter" costs its service. tests/strict times its own calls, once as a service with the filter
# and once as the same service without, in turns: an open that the filter lets pass (for that costs nanoseconds, by turns of
# two processes on one processor, whose ratios are compared turn by turn), one that the keeper answers with "go on", and
# reading memory.stat. That of the kernel is clean here; so that there is something to take out, another file of a
# control group lies over it (tests/sandbox/48-stat-filter.t says which, and why).

# stat_manifest WHAT LOOPS PATH
stat_manifest() {
    local setting name
    printf '{"version": 1, "services": {'
    for setting in never always; do
        name=$1_$setting
        printf '"%s": {"command": ["%s", "time", "%s", "%s", "%s"], "stat_filter": "%s", "restart": {"policy": "never"}}' \
            "$name" "$STRICT" "$1" "$2" "$3" "$setting"
        [ "$setting" = always ] || printf ', '
    done
    printf '}}\n'
}

# stat_samples SERVICE: how many times it has told its time
stat_samples() {
    "$EDGEINIT" logs --run-dir /tmp/stat/run "$1" 2>/dev/null | wc -l
}

# stat_wait SERVICE COUNT
stat_wait() {
    local end=$((SECONDS + 120))
    until [ "$(stat_samples "$1")" -ge "$2" ]; do
        [ "$SECONDS" -lt "$end" ] || fail "stat: $1: $(tail -n 5 /tmp/stat/log)"
        sleep 0.05
    done
}

# measure_call WHAT LOOPS PATH: into the figures stat_WHAT_never and stat_WHAT_always, nanoseconds
measure_call() {
    local run=/tmp/stat daemon setting round
    rm -rf "$run"
    mkdir -p "$run"
    stat_manifest "$@" >"$run/manifest.json"
    "$EDGEINIT" daemon --run-dir "$run/run" --state-dir "$run/state" --manifest "$run/manifest.json" >"$run/log" 2>&1 </dev/null &
    daemon=$!
    # The first of both run at the same time and are not counted.
    stat_wait "$1_never" 1
    stat_wait "$1_always" 1
    for ((round = 2; round <= 8; round++)); do
        for setting in never always; do
            "$EDGEINIT" start --no-wait --run-dir "$run/run" "$1_$setting" >/dev/null
            stat_wait "$1_$setting" "$round"
        done
    done
    for setting in never always; do
        "$EDGEINIT" logs --run-dir "$run/run" "$1_$setting" | awk -v what="$1" 'NR > 1 && $(NF - 1) == what { print $NF }' \
            >"$results/stat_$1_$setting"
    done
    kill -TERM "$daemon"
    wait "$daemon" || true
}

# measure_turns WHAT LOOPS PATH: into the figures stat_WHAT_never and stat_WHAT_always, nanoseconds, and stat_WHAT_ratio, a line
# for each of seven pairs of processes, ten thousand times the median of their ratios; ..._control, where both are without
measure_turns() {
    local run=/tmp/stat daemon setting round side
    rm -rf "$run"
    mkdir -p "$run"
    {
        printf '{"version": 1, "services": {'
        for setting in never always; do
            for side in 0 1; do
                printf '"%s-%s": {"command": ["%s", "turns", "%s", "%s", "%s", "100", "%s", "%s/table"],
                    "stat_filter": "%s", "conditions": [{"file": "%s/go"}], "restart": {"policy": "never"}}' \
                    "$setting" "$side" "$STRICT" "$side" "$1" "$2" "$3" "$run" "$([ $side = 0 ] && echo never || echo $setting)" "$run"
                [ "$setting-$side" = always-1 ] || printf ', '
            done
        done
        printf '}}\n'
    } >"$run/manifest.json"
    "$EDGEINIT" daemon --run-dir "$run/run" --state-dir "$run/state" --manifest "$run/manifest.json" >"$run/log" 2>&1 </dev/null &
    daemon=$!
    until "$EDGEINIT" status --run-dir "$run/run" >/dev/null 2>&1; do sleep 0.05; done
    for setting in never always; do
        "$EDGEINIT" stop --run-dir "$run/run" $setting-0 && "$EDGEINIT" stop --run-dir "$run/run" $setting-1
    done >/dev/null
    touch "$run/go"
    for ((round = 1; round <= 7; round++)); do
        for setting in never always; do
            rm -f "$run/table"
            "$EDGEINIT" start --no-wait --run-dir "$run/run" $setting-0 >/dev/null
            "$EDGEINIT" start --no-wait --run-dir "$run/run" $setting-1 >/dev/null
            stat_wait $setting-1 "$round"
        done
    done
    "$EDGEINIT" logs --run-dir "$run/run" always-1 | awk -v to="$results/stat_$1_" '$(NF - 3) == "turns" {
        print $(NF - 2) >(to "never"); print $(NF - 1) >(to "always"); print $NF >(to "ratio") }'
    "$EDGEINIT" logs --run-dir "$run/run" never-1 | awk '$(NF - 3) == "turns" { print $NF }' >"$results/stat_$1_control"
    kill -TERM "$daemon"
    wait "$daemon" || true
}

measure_stat() {
    local rig=/sys/fs/cgroup card=/dev/block/mmcblk0p1 file
    STRICT=${EDGEINIT%/*}/strict
    [ -x "$STRICT" ] || fail "$STRICT is not built"
    echo '{"version": 1, "host": {"cgroups": {"controllers": ["memory", "cpu", "blkio"]}}}' >/tmp/stat.json
    "$EDGEINIT" apply --manifest /tmp/stat.json >/dev/null || return 0
    file=$rig/blkio/blkio.throttle.io_service_bytes
    measure_turns open 1000 /etc/passwd
    measure_turns openat 1000 /etc/passwd
    measure_call openat2 2000 /etc/passwd
    if echo "$((0x$(stat -Lc %t $card))):$((0x$(stat -Lc %T $card))) 4000000000" >$rig/blkio/blkio.throttle.read_bps_device &&
        dd if=$card of=/dev/null bs=4096 count=4 iflag=direct 2>/dev/null && grep -q ' Read ' "$file"; then
        # Both read the same; without the filter its own parser would refuse it.
        measure_call raw 2000 $rig/memory/memory.stat
        mount --bind "$file" $rig/memory/memory.stat
        measure_call hit 2000 $rig/memory/memory.stat
        umount -l $rig/memory/memory.stat
    fi
    umount -l $rig
}
