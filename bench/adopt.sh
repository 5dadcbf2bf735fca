# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # results comes from on-board
#
# bench/adopt.sh — from the SIGKILL of the daemon until the next one is in charge: it answers that both services are ready,
# and neither was started again.

measure_adopt() {
    edgeinit_start "$TREES/adopt" 2 300
    cp "$TREES/adopt/adopt" "$results/adopt"
    edgeinit_stop "$TREES/adopt"
}
