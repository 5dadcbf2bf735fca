# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The board's place in every cgroup hierarchy. Hierarchies are global in the kernel, so the board gets its own group
# ($BOARD_NAME) below the caller's group in each of them and a cgroup namespace that shows this group as the root.
# The kernel lets only the initial cgroup namespace create a v1 hierarchy (EPERM elsewhere): those that the board may
# want to mount are created here, before the namespace, and stay alive through the board's group in them.
# Every function works in a private mount namespace, with the hierarchies mounted below one directory.

CGROUP_TOP=/sys/fs/cgroup # exists wherever there are cgroups, and nothing on the way to the board needs what it hides

# cgroup_mount NAME: NAME as in /proc/self/cgroup, "cpu,cpuacct" or "name=systemd"
cgroup_mount()
{
    local options=$1
    [[ $1 == name=* ]] && options=none,$1
    mkdir -p "$CGROUP_TOP/$1"
    mount -t cgroup -o "$options" "$1" "$CGROUP_TOP/$1" 2>/dev/null
}

# Mounts all hierarchies there are; cgroup_self[NAME] is the caller's group in each.
declare -A cgroup_self=()
cgroup_mount_active()
{
    local controllers path groups
    mount -t tmpfs -o mode=0755 edgeinit-board "$CGROUP_TOP"
    # All of it in one go: another board's hierarchies come and go, and the rest of a list that has changed begins anywhere.
    groups=$(</proc/self/cgroup)
    while IFS=: read -r _ controllers path; do
        if [[ -z $controllers ]]; then
            controllers=unified
            mkdir -p "$CGROUP_TOP/unified"
            mount -t cgroup2 cgroup2 "$CGROUP_TOP/unified" 2>/dev/null || continue
        else
            cgroup_mount "$controllers" || continue
        fi
        cgroup_self[$controllers]=$path
    done <<<"$groups"
}

# Creates those that nobody has mounted yet. A controller that cgroup2 hands out to groups gives EBUSY. Which ones are
# active is not asked: another board's may come and go meanwhile.
cgroup_mount_wanted()
{
    local wanted name enabled
    mapfile -t wanted <<<"$BOARD_HIERARCHIES"
    while read -r name _ _ enabled; do
        [[ $name == '#'* || $enabled != 1 ]] || wanted+=("$name")
    done </proc/cgroups
    for name in "${wanted[@]}"; do
        cgroup_has "$name" && continue
        if cgroup_mount "$name"; then
            cgroup_self[$name]=/
        else
            rmdir "$CGROUP_TOP/$name"
        fi
    done
}

# Is this controller, or name=NAME, part of one of the mounted hierarchies?
cgroup_has()
{
    local IFS=,
    [[ ,${!cgroup_self[*]}, == *,"$1",* ]]
}

# Moves the calling shell, and so everything after it, into the board's group of every hierarchy.
cgroup_enter()
{
    local name parent file
    for name in "${!cgroup_self[@]}"; do
        parent=$CGROUP_TOP/$name/${cgroup_self[$name]#/}
        mkdir -p "$parent/$BOARD_NAME"
        # A v1 cpuset starts empty, and the kernel puts no task into an empty one. The prefix is a mount option.
        for file in cpuset.cpus cpuset.mems cpus mems; do
            [[ $name == *cpuset* && -w $parent/$BOARD_NAME/$file ]] || continue
            cat "$parent/$file" >"$parent/$BOARD_NAME/$file"
        done
        printf 0 >"$parent/$BOARD_NAME/cgroup.procs" || die "cannot enter a cgroup of my own in hierarchy $name"
    done
}

# BOARD_CGROUP and BOARD_CONTROLLERS, and one line about what cannot be shown.
cgroup_report()
{
    local name missing='' shown='' enabled
    while read -r name _ _ enabled; do
        [[ $name == '#'* || $enabled != 1 ]] && continue
        if cgroup_has "$name"; then shown+=" $name"; else missing+=" $name"; fi
    done </proc/cgroups
    export BOARD_CONTROLLERS=${shown# } BOARD_CGROUP=v1
    [[ $shown ]] || BOARD_CGROUP=v2
    [[ -z $missing ]] || say "held by cgroup2 or a container, so the board cannot show them as cgroup v1:$missing"
    [[ $shown ]] || say "no cgroup v1 on this host: bring-up of cgroups and containers cannot be shown, the rest can"
}

cgroup_unmount()
{
    umount -R "$CGROUP_TOP"
}
