# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the sweep does, piece by piece; board.d/enter uses the first two before a board, board.d/sweep all of them after.

# sweep_alive PATH: is there a live board behind this name? The own board counts as dead: the sweep is its end.
sweep_alive()
{
    local pid=${1##*edgeinit-board.} comm=''
    pid=${pid%%[!0-9]*}
    [[ $pid != "$BOARD_PID" ]] || return 1
    # Unreadable means there is no such process.
    read -r comm 2>/dev/null <"/proc/$pid/comm" || true
    [[ $comm == board ]]
}

# A killed board may leave the loop device attached when it died between attach and the mark for automatic detach.
# With the own board it is a matter of waiting: the last umount runs after the last process is gone.
sweep_loops()
{
    local file backing device tries
    for file in /sys/block/loop*/loop/backing_file; do
        for ((tries = 0; tries < 100; tries++)); do
            backing=''
            # Detached between the expansion and now.
            read -r backing 2>/dev/null <"$file" || true
            [[ $backing == */edgeinit-board.* ]] || break
            sweep_alive "$backing" && break
            device=${file%/loop/backing_file}
            losetup --detach "/dev/${device##*/}" 2>/dev/null || true # another board's sweep has done it
            sleep 0.02
        done
    done
}

# Groups of dead boards, depth first. One that still holds processes belongs to a board in another pid namespace (its
# processes may read as 0 here), except below the own name, where a process can only be about to die: it is waited for.
# Another board's sweep may be at the same group.
sweep_groups()
{
    local group tries pids
    while IFS= read -r group; do
        sweep_alive "${group##*/}" && continue
        for ((tries = 0; tries < 100; tries++)); do
            mapfile -t pids < <(find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null)
            ((${#pids[@]})) || find "$group" -depth -type d -delete 2>/dev/null || true
            [[ -d $group && ${group##*/} == "$BOARD_NAME" ]] || break
            ((${pids[0]:-0} == 0)) || kill -KILL "${pids[@]}" 2>/dev/null || true
            sleep 0.02
        done
    done < <(find "$CGROUP_TOP" -mindepth 2 -type d -name 'edgeinit-board.*' -prune 2>/dev/null)
}

# Hierarchies without a group that the host has not mounted, while all are still mounted below CGROUP_TOP. One with
# groups in it is in use by somebody else.
sweep_idle_hierarchies()
{
    local host_mounts=$1 name
    # shellcheck disable=SC2154 # in cgroup.sh
    for name in "${!cgroup_self[@]}"; do
        [[ $name != unified && ! $host_mounts =~ \ -\ cgroup\ [^$'\n']*[,\ ]${name%%,*}($'\n'|,|$) ]] || continue
        compgen -G "$CGROUP_TOP/$name/*/" >/dev/null || printf '%s\n' "$name"
    done
}

# A removed group counts until the kernel has freed it, some 100 ms later.
sweep_groups_freed()
{
    local name groups
    while read -r name _ groups _; do
        [[ " $* " != *" $name "* || $groups == 1 ]] || return 1
    done </proc/cgroups
}

# A v1 hierarchy ends with the last umount that finds no group in it, not with the last group: mounted once more, and
# unmounted. A controller that was taken from cgroup2 goes back there with this.
sweep_hierarchies()
{
    local tries name options left
    for ((tries = 0; tries < 30; tries++)); do
        sweep_groups_freed "$@" && break
        sleep 0.02
    done
    # Listed until the kernel has freed it; mounting it too early would only make it anew.
    for ((tries = 0; tries < 50; tries++)); do
        left=''
        for name; do
            [[ $(</proc/self/cgroup) == *:"$name":* ]] || continue
            left=yes
            options=$name
            [[ $name == name=* ]] && options=none,$name
            ((tries % 10 == 0)) || continue
            mount -t cgroup -o "$options" cgroup "$CGROUP_TOP" 2>/dev/null && umount "$CGROUP_TOP"
        done
        [[ $left ]] || break
        sleep 0.01
    done
}
