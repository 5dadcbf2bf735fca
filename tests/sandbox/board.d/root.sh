# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# The board's file tree: an overlay of the host's root whose upper half is a tmpfs, with everything fresh in it that
# could show or touch the host.

# What a host with docker or edgecore of its own has and a fresh board has not.
ROOT_HIDDEN=(etc/docker etc/containerd etc/kubeedge etc/cgroups.json
    var/lib/docker var/lib/containerd var/lib/kubeedge var/lib/edged var/lib/dockershim)

root_upper()
{
    local upper=$1
    mkdir -p "$upper/etc" "$upper/var/lib" "$upper/var/log" "$upper/var/tmp" "$upper"/{data,mnt,proc,sys,dev,run}
    mkdir "$upper/tmp"
    chmod 1777 "$upper/tmp" "$upper/var/tmp"
    local name
    for name in "${ROOT_HIDDEN[@]}"; do
        # A character device 0:0 in the upper half is the overlay's mark for "not there".
        mknod "$upper/$name" c 0 0
    done
    # mount(8) merges a host's fstab line for / into every remount of the board's root.
    : >"$upper/etc/fstab"
    : >"$upper/etc/resolv.conf"
    echo edge-board >"$upper/etc/hostname"
    printf '127.0.0.1 localhost\n::1 ip6-localhost\n' >"$upper/etc/hosts"
    [[ -L /var/run ]] || ln -s /run "$upper/var/run"
}

root_dev()
{
    local dev=$1
    mount -t tmpfs -o mode=0755,nosuid tmpfs "$dev"
    cp -a /dev/{null,zero,full,random,urandom,tty} "$dev"
    mkdir "$dev"/{pts,shm,block}
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$dev/pts"
    mount -t tmpfs -o nosuid,nodev tmpfs "$dev/shm"
    ln -s pts/ptmx "$dev/ptmx"
    ln -s /proc/self/fd "$dev/fd"
    ln -s /proc/self/fd/0 "$dev/stdin"
    ln -s /proc/self/fd/1 "$dev/stdout"
    ln -s /proc/self/fd/2 "$dev/stderr"
}

# Most sysctls outside net/ are the host's own: only those that belong to the board's network namespace are writable.
root_proc()
{
    local proc=$1
    mount -t proc -o nosuid,nodev,noexec proc "$proc"
    echo edge-board >"$proc/sys/kernel/hostname"
    mount --bind "$proc/sys" "$proc/sys"
    mount --bind "$proc/sys/net" "$proc/sys/net"
    mount -o remount,bind,ro,nosuid,nodev,noexec "$proc/sys"
}

# root_bind SOURCE TARGET MODE
root_bind()
{
    if [[ -d $1 ]]; then
        mkdir -p "$2"
    else
        mkdir -p "${2%/*}"
        [[ -e $2 ]] || : >"$2"
    fi
    mount -o "bind,$3" "$1" "$2"
}

# The host's own mounts do not show through an overlay of its root.
root_binds()
{
    local root=$1 mounts source target mode
    mounts=$(</proc/self/mountinfo)
    for source in /usr /opt /nix; do
        [[ $mounts != *" / $source "* && $mounts != *" $source "* ]] || root_bind "$source" "$root$source" ro
    done
    source=$(readlink -f "$BOARD_HOME/../..")
    root_bind "$source" "$root$source" ro
    while IFS=: read -r source target mode; do
        [[ $source ]] || continue
        [[ -e $source && $target == /* ]] || die "--bind $source:$target: SRC must exist and DST be absolute"
        root_bind "$source" "$root$target" "${mode:-ro}"
    done <<<"$BOARD_BINDS"
}

root_build()
{
    local root=$BOARD_WORK/root
    mkdir "$BOARD_WORK"/{root,upper,work}
    root_upper "$BOARD_WORK/upper"
    mount -t overlay -o "lowerdir=/,upperdir=$BOARD_WORK/upper,workdir=$BOARD_WORK/work" overlay "$root"
    root_proc "$root/proc"
    mount -t sysfs -o nosuid,nodev,noexec sysfs "$root/sys"
    root_dev "$root/dev"
    mount -t tmpfs -o mode=0755,nosuid,nodev tmpfs "$root/run"
    mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
    mount -t tmpfs -o mode=0755 tmpfs "$root/mnt"
    mount -t tmpfs -o mode=0755 tmpfs "$root/data"
    mkdir -p "$root"/data/{local/tmp,log,service/el1/public}
    root_binds "$root"
}

root_enter()
{
    cd "$BOARD_WORK/root" || return
    mkdir mnt/.host
    pivot_root . mnt/.host
    # With -n, because umount(8) would leave its own directory in the empty /run.
    umount -n -l /mnt/.host
    rmdir /mnt/.host
    # The superblock, not only the mount: a remount of / has to open it again, as on a board.
    [[ -z $BOARD_READ_ONLY ]] || mount -o remount,ro,nodev /
}
