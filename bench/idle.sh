# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # idle, static and results come from on-board
#
# bench/idle.sh — the daemon and the keepers of two small services after the bring-up of the DAYU200: memory, and what they
# do while nothing happens.

idle_pids=()
tree_pids=()

# idle_value FILE KEY PID: of a file in /proc
idle_value() {
    sed -n "s/^$2:[[:space:]]*\([0-9]*\).*/\1/p" "/proc/$3/$1"
}

idle_wake_ups() {
    local pid sum=0
    for pid in "${idle_pids[@]}"; do
        sum=$((sum + $(idle_value status voluntary_ctxt_switches "$pid") + \
            $(idle_value status nonvoluntary_ctxt_switches "$pid")))
    done
    echo "$sum"
}

idle_written() {
    local pid sum=0
    for pid in "${idle_pids[@]}"; do
        sum=$((sum + $(idle_value io wchar "$pid")))
    done
    echo "$sum"
}

# tree_begin: the daemon with two small services in a new $ROOT; its pid in $tree_daemon, all that it consists of in $tree_pids.
# In a mount namespace of its own, so that what is mounted elsewhere meanwhile is no news to it.
tree_begin() {
    root_make
    unshare --mount --propagation private chroot "$ROOT" /system/bin/edgeinit daemon >/tmp/daemon.log 2>&1 &
    tree_daemon=$!
    sleep 0.5
    chroot "$ROOT" /system/bin/edgeinit wait-ready --timeout 10s || fail "the daemon: $(cat /tmp/daemon.log)"
    sleep 1
    mapfile -t tree_pids < <(children_of "$tree_daemon")
    [ ${#tree_pids[@]} -eq 2 ] || fail "the daemon has ${#tree_pids[@]} children, not two keepers"
    tree_pids+=("$tree_daemon")
}

# The same tree of the static build, for a moment.
static_measure() {
    local ROOT=/static
    mkdir -p "$ROOT"
    mount --bind "$results/programs.static" "$PARTS/bin"
    tree_begin
    memory_note static_daemon "$tree_daemon"
    memory_note static_tree "${tree_pids[@]}"
    kill "$tree_daemon"
    wait "$tree_daemon" || fail "the static daemon: $(cat /tmp/daemon.log)"
    umount -l "$ROOT"
    umount "$PARTS/bin"
}

idle_begin() {
    local small='["/system/bin/busybox", "sleep", "10000"]'
    printf '{"version": 1, "services": {"dockerd": null, "one": {"command": %s}, "two": {"command": %s}}}\n' \
        "$small" "$small" >"$PARTS/conf.d/service.json"
    wanted apply || { find_controllers && make_manifests; }
    [ -z "$static" ] || static_measure
    tree_begin
    idle_pids=("${tree_pids[@]}")
    memory_note daemon "$tree_daemon"
    memory_note tree "${tree_pids[@]}"
    idle_began=$SECONDS
    idle_wake_ups_before=$(idle_wake_ups)
    idle_written_before=$(idle_written)
}

idle_end() {
    local left=$((idle_began + idle - SECONDS))
    [ "$left" -le 0 ] || sleep "$left"
    echo $(($(idle_wake_ups) - idle_wake_ups_before)) >"$results/idle_wakeups_${idle}s"
    echo $(($(idle_written) - idle_written_before)) >"$results/idle_bytes_written_${idle}s"
}
