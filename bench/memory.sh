# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # results comes from on-board
#
# bench/memory.sh — what supervising two small services takes: a whole tree of processes but for the services themselves.

# memory_of FIELD PID...: the sum over these processes, kB
memory_of() {
    local field=$1 pid
    shift
    for pid; do
        cat "/proc/$pid/smaps_rollup"
    done | awk -v field="$field:" '$1 == field { sum += $2 } END { print sum }'
}

# memory_note FIGURE PID...
memory_note() {
    local figure=$1
    shift
    memory_of Pss "$@" >"$results/${figure}_pss_kb"
    memory_of Private_Dirty "$@" >"$results/${figure}_private_kb"
}

children_of() {
    local children
    children=$(cat /proc/"$1"/task/*/children)
    # shellcheck disable=SC2086 # words
    printf '%s\n' $children
}

measure_memory() {
    local name pids
    for name in s6 runit; do
        mkdir -p "$TREES"
        "${name}_start" "$TREES/memory_$name" 2
        sleep 1
        mapfile -t pids < <(children_of "$peer")
        [ ${#pids[@]} -eq 2 ] || fail "$name has ${#pids[@]} processes, not 2"
        memory_note "$name" "$peer" "${pids[@]}"
        "${name}_stop"
    done
}
