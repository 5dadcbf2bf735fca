# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # results comes from on-board
#
# bench/log.sh — lines per second from a service's pipe to where they are kept: edgeinit's ring, s6-log's and svlogd's files
# on a tmpfs, 4 MiB each. The same program talks to all three as fast as it can (flood.c). Lap 0, the one that starts with
# edgeinit's daemon, warms up.

LOG_LINES=1500000
LOG_LAPS=5

log_edgeinit() {
    ((lap == 0)) || "$BIN/edgeinit" start --no-wait --run-dir "$TREES/log/run" flood || fail 'edgeinit start'
    "$BIN/logged" $((LOG_LINES * (lap + 1))) "$TREES/log/stamp" ring "$TREES/log/run/services/flood/log"
}

log_s6_log() {
    "$BIN/logged" "$LOG_LINES" "$TREES/log/stamp" pipe "$BIN/flood" "$(command -v s6-log)" n3 s1048576 "$TREES/log/s6"
}

log_svlogd() {
    "$BIN/logged" "$LOG_LINES" "$TREES/log/stamp" pipe "$BIN/flood" "$(command -v svlogd)" "$TREES/log/runit"
}

measure_log() {
    local lap name time command
    mkdir -p "$TREES"/log/{services,state,s6,runit}
    printf 's1048576\nn4\n' >"$TREES/log/runit/config"
    cat >"$TREES/log/manifest.json" <<END
{"version": 1, "services": {"flood": {"command": ["$BIN/flood", "$LOG_LINES", "$TREES/log/stamp"],
    "restart": {"policy": "never"}, "log": {"size": "4M"}}}}
END
    edgeinit_command "$TREES/log" daemon
    "$BIN/takeover" 0 "$TREES/log" "${command[@]}" || fail "edgeinit: $(tail -n 5 "$TREES/log/log")"
    for ((lap = 0; lap <= LOG_LAPS; lap++)); do
        for name in edgeinit s6_log svlogd; do
            time=$("log_$name") || fail "$name"
            ((lap == 0)) || awk -v us="$time" -v lines="$LOG_LINES" 'BEGIN { printf "%.0f\n", lines * 1e6 / us }' >>"$results/log_$name"
        done
    done
    edgeinit_stop "$TREES/log"
}
