#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh — puts edgeinit onto an OpenHarmony board that has no place for it in its image; run on the board, by root,
# in the directory that was unpacked there (hdc file send, tar xzf). Works with the board's own shell (mksh) and toybox.
#
#   sh install.sh [--board NAME] [--edge] [--release 3.1] [--root DIRECTORY] [--force]
#   sh install.sh --undo [--root DIRECTORY]
#
# --edge adds the service edgecore; what the node must know (cloud, token) goes into conf.d/60-edge.json: docs/kubeedge.md.
# What it replaces is kept in /data/service/el1/public/edgeinit.before, and --undo brings it back. It can be ended anywhere
# and run again. Nothing is started: that happens at the next boot, or with "begetctl start_service edgeinit".
set -eu

root=
board=
release=
undo=
force=
edge=
here=${0%/*}
[ "$here" != "$0" ] || here=.

usage() {
    sed -n 's/^# \{0,1\}//; 3,12p' "$here/install.sh"
}

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case $1 in
    --undo) undo=yes ;;
    --force) force=yes ;;
    --edge) edge=yes ;;
    --board | --release | --root)
        [ $# -gt 1 ] || fail "$1 wants a word after it"
        case $1 in
        --board) board=$2 ;;
        --release) release=$2 ;;
        --root) root=$2 ;;
        esac
        shift
        ;;
    --help | -h)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 64
        ;;
    esac
    shift
done

backup=$root/data/service/el1/public/edgeinit.before
list=$backup/list

# The system partition is read-only: open it, and close it again however this ends.
opened=
close_system() {
    [ -z "$opened" ] || mount -o remount,ro / || echo "install.sh: / is still writable: mount -o remount,ro /" >&2
}
open_system() {
    [ -n "$root" ] && return
    [ "$(id -u)" = 0 ] || fail "only root can write into the system (hdc shell of a root image; or: hdc smode)"
    if ! touch /system/bin/.edgeinit 2>/dev/null; then
        mount -o remount,rw / || fail "cannot make / writable: this image wants edgeinit built in (docs/openharmony.md)"
        opened=yes
    fi
    rm -f /system/bin/.edgeinit
}
trap close_system EXIT
trap 'exit 1' HUP INT TERM

if [ -n "$undo" ]; then
    [ -e "$list" ] || fail "nothing to undo: $list is not there"
    open_system
    while read -r path; do
        if [ -e "$backup$path" ]; then
            cp -p "$backup$path" "$root$path.new" && mv "$root$path.new" "$root$path"
            echo "restored $path"
        else
            rm -f "$root$path"
            echo "removed $path"
        fi
    done <"$list"
    sync
    rm -rf "$backup"
    echo "edgeinit is gone from the next boot on. Its state is left: /data/service/el1/public/edgeinit"
    exit 0
fi

# What this package is, and what the board is.
for file in bin/edgeinit bin/edgeinit-keeper etc/edgeinit/edgeinit.json SHA256SUMS; do
    [ -e "$here/$file" ] || fail "$here/$file is missing: unpack the whole archive"
done
(cd "$here" && sha256sum -c SHA256SUMS >/dev/null) || fail "a file differs from SHA256SUMS: send and unpack the archive again"
"$here/bin/edgeinit" --version >/dev/null 2>&1 ||
    fail "this board cannot run bin/edgeinit ($(cat "$here/ARCH") here, the kernel says $(uname -m)): take another archive"
if [ -z "$release" ]; then
    full=$(param get const.ohos.fullname 2>/dev/null || begetctl param get const.ohos.fullname 2>/dev/null || true)
    case $full in
    *OpenHarmony-[0-9]*)
        release=${full#*OpenHarmony-}
        release=${release%%[!0-9.]*}
        ;;
    *) fail "cannot find out which OpenHarmony this is (param get const.ohos.fullname): say it with --release 3.1, 3.2, 4.0 ..." ;;
    esac
fi
case $release in
3.1*) cfg=edgeinit-3.1.cfg ;;
3.[2-9]* | [4-9].* | [1-9][0-9].*) cfg=edgeinit-3.2.cfg ;;
*) fail "OpenHarmony $release is none that this package knows: 3.1 and later" ;;
esac
[ -z "$board" ] || [ -e "$here/etc/edgeinit/boards/$board.json" ] ||
    fail "no manifest for a board \"$board\"; there are: $(cd "$here/etc/edgeinit/boards" && echo *.json | sed 's/\.json//g')"
manifests="--manifest $here/etc/edgeinit/edgeinit.json"
[ -z "$board" ] || manifests="$manifests --manifest $here/etc/edgeinit/boards/$board.json"
if [ -z "$root$force" ]; then
    status=0
    # shellcheck disable=SC2086 # words
    "$here/bin/edgeinit" doctor $manifests || status=$?
    [ "$status" != 1 ] || fail "this board cannot run the node yet, see above; install it all the same with --force"
fi

open_system
mkdir -p "$backup"
chmod 700 "$backup"

# put SOURCE PATH MODE [LABEL]: keep what is there (the first time), then replace it in one step
put() {
    mkdir -p "$root${2%/*}"
    if ! grep -qx "$2" "$list" 2>/dev/null; then
        if [ -e "$root$2" ]; then
            mkdir -p "$backup${2%/*}"
            cp -p "$root$2" "$backup$2"
        fi
        echo "$2" >>"$list"
    fi
    cp "$1" "$root$2.new"
    chmod "$3" "$root$2.new"
    [ -n "$root" ] || chown 0:0 "$root$2.new"
    if [ -n "${4:-}" ] && [ -z "$root" ] && [ -e /sys/fs/selinux/enforce ]; then
        chcon "u:object_r:$4:s0" "$root$2.new" 2>/dev/null ||
            echo "note: the policy of this image has no type $4 (docs/openharmony.md); $2 keeps the directory's label"
    fi
    mv "$root$2.new" "$root$2"
    echo "installed $2"
}

put "$here/bin/edgeinit-keeper" /system/bin/edgeinit-keeper 0755 edgeinit_keeper_exec
put "$here/bin/edgeinit" /system/bin/edgeinit 0755 edgeinit_exec
put "$here/etc/edgeinit/edgeinit.json" /system/etc/edgeinit/edgeinit.json 0644
conf=/data/service/el1/public/edgeinit/conf.d
if [ -n "$board" ]; then
    put "$here/etc/edgeinit/boards/$board.json" "$conf/10-$board.json" 0600
fi
[ -z "$edge" ] || put "$here/etc/edgeinit/edgecore.json" "$conf/50-edgecore.json" 0600
for file in edgeinit.para edgeinit.para.dac; do
    put "$here/param/$file" "/system/etc/param/$file" 0644
done
put "$here/init/$cfg" /system/etc/init/edgeinit.cfg 0500
sync
echo
echo "edgeinit is installed, for OpenHarmony $release. It starts with the next boot."
[ -n "$board" ] || echo "This board's own manifest belongs into $conf; examples are in $here/etc/edgeinit/boards."
echo "sh install.sh --undo takes it off again."
