# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # results and restarts come from on-board
#
# bench/restart.sh — from the SIGKILL of a service to the next process at main(): edgeinit, s6, runit and the floor in turns.
# Each has as many services, so that one has run for the second that s6 and runit ask for when its turn comes.

RESTART_SERVICES=16

measure_restart() {
    local name contestants=() peers=()
    mkdir -p "$TREES"
    edgeinit_start "$TREES/restart" "$RESTART_SERVICES"
    for name in floor s6 runit; do
        "${name}_start" "$TREES/restart_$name" "$RESTART_SERVICES"
        peers+=("$peer")
        contestants+=("restart_$name=$TREES/restart_$name")
    done
    "$BIN/restart" "$restarts" "$results" "${contestants[@]}" "restart=$TREES/restart/services" || fail 'restart'
    for name in runit s6 floor; do
        peer=${peers[-1]}
        unset 'peers[-1]'
        [ "$name" = floor ] || "${name}_stop"
    done
    edgeinit_stop "$TREES/restart"
    floor_stop
}
