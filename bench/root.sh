# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A root as OpenHarmony lays it out, made anew for every lap so that all contestants start from the same state; on a
# board of tests/sandbox. This PC's /usr is shown at /system/host and its libraries from there at /lib: so the manifest
# may bind over /usr, /var and /run as on the DAYU200, and the next program still starts.

ROOT=/lap
PARTS=/parts # what every root shows
CARD=/dev/block/mmcblk0p1
FLASH=/flash

# root_parts PROGRAM...: once a board
root_parts() {
    local name
    mkdir -p "$ROOT" "$PARTS"/{bin,etc/edgeinit,conf.d}
    cp "$@" "$(command -v busybox)" "$PARTS/bin"
    for name in cat chmod chown ip mkdir mount; do
        ln -s busybox "$PARTS/bin/$name"
    done
    : >"$PARTS/bin/init" # by which edgeinit knows OpenHarmony
    printf '%s:x:%d:%d::/:/bin/false\n' root 0 0 bin 2 2 system 1000 1000 shell 2000 2000 >"$PARTS/etc/passwd"
    printf '%s:x:%d:\n' root 0 bin 2 system 1000 shell 2000 >"$PARTS/etc/group"
    printf '127.0.0.1 edge-board\n' >"$PARTS/etc/hosts"
    cp /etc/ld.so.cache "$PARTS/etc"
}

# What a board keeps on its flash, here on a loop device: an ext4 that has to commit what fsync(2) asks for.
flash_make() {
    local number
    [ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
    for ((number = 0; number < 64; number++)); do
        [ -e "/dev/loop$number" ] || mknod "/dev/loop$number" b 7 "$number"
    done
    truncate -s 64M /tmp/flash.img
    mkfs.ext4 -q -F -E lazy_itable_init=0 /tmp/flash.img
    mkdir "$FLASH"
    mount -o loop /tmp/flash.img "$FLASH"
}

# root_make [flash]: all of it in memory, or /data and /etc on flash
root_make() {
    mount -t tmpfs -o mode=0755 root "$ROOT"
    mkdir -p "$ROOT"/{data,dev,mnt,opt,proc,run,sys,tmp,usr,var,system/{bin,host,etc}}
    ln -s system/bin system/etc system/host/lib "$ROOT"
    ! [ -d /usr/lib64 ] || ln -s system/host/lib64 "$ROOT"
    mount --bind /usr "$ROOT/system/host"
    mount --bind "$PARTS/bin" "$ROOT/system/bin"
    mount --rbind /proc "$ROOT/proc"
    mount --bind /sys "$ROOT/sys"
    if [ -n "${1:-}" ]; then
        rm -rf "$FLASH"/lap
        mkdir -p "$FLASH"/lap/{data,etc}
        mount --bind "$FLASH/lap/data" "$ROOT/data"
        mount --bind "$FLASH/lap/etc" "$ROOT/system/etc"
    else
        mount -t tmpfs -o mode=0755 data "$ROOT/data"
    fi
    mount -t tmpfs -o mode=0755 dev "$ROOT/dev"
    mkdir -p "$ROOT"/dev/block "$ROOT"/data/service/el1/public/edgeinit
    cp -a /dev/null "$ROOT/dev"
    cp -a "$CARD" "$ROOT/dev/block"
    cp -a "$PARTS"/etc/. "$ROOT/system/etc"
    cp -a "$PARTS/conf.d" "$ROOT/data/service/el1/public/edgeinit"
    [ -z "${1:-}" ] || sync -f "$FLASH"
}

# Undo what outlives its mounts, then take the root's mount away with all that is on it.
root_drop() {
    local group
    rmdir "$ROOT/dev/cpuset/background" 2>/dev/null || true # a contestant that failed has not made it
    for group in "$ROOT"/sys/fs/cgroup/*; do
        [ ! -d "$group" ] || { chown 0:0 "$group" && chmod 0755 "$group"; }
    done
    for preference in 1 2; do
        ip rule del pref "$preference" 2>/dev/null || true # likewise
    done
    echo 0 >/proc/sys/net/ipv4/ip_forward
    # Not lazily: the card must be free for the next lap.
    ! mountpoint -q "$ROOT/mnt/f2fs" || umount "$ROOT/mnt/f2fs"
    umount -l "$ROOT"
    sleep 0.05 # the kernel frees in the background
}
