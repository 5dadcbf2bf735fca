# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # results comes from on-board
#
# bench/many.sh — ten, a hundred, a thousand services: how long all of them take to start, what the daemon and the keepers
# take of memory for each, and how long one of a thousand takes to be started again.

measure_many() {
    local count daemon keepers
    for count in 10 100 1000; do
        edgeinit_start "$TREES/many_$count" "$count"
        awk -v count="$count" '{ print $1 / 1000 / count }' "$TREES/many_$count/start" \
            >"$results/service_start_ms_per_service_$count"
        daemon=$(cat "$TREES/many_$count/pid")
        mapfile -t keepers < <(children_of "$daemon")
        memory_of Pss "$daemon" "${keepers[@]}" | awk -v count="$count" '{ print $1 / count }' \
            >"$results/service_kb_per_service_$count"
        if [ "$count" = 1000 ]; then
            floor_start "$TREES/many_floor" 16
            "$BIN/restart" 100 "$results" "restart_1000=$TREES/many_1000/services" "restart_1000_floor=$TREES/many_floor" ||
                fail 'restart of one of 1000'
        fi
        edgeinit_stop "$TREES/many_$count"
    done
    floor_stop
}
