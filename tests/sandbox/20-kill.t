#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # out, err, status and work come from edge.sh
#
# apply killed with SIGKILL right before each call that changes something, in turn, in the process itself and in its
# workers. After each: every file is whole; apply run once more ends well, and in the same state as an undisturbed one.
# Each try has mounts, network and file trees of its own. KILL_FULL=1 adds the calls that only lead to a change.

set -uo pipefail
# shellcheck source=edge.sh
source "$(dirname "$(readlink -f "$0")")/edge.sh"

# A bit of everything: directories, a card with a bind, a tmpfs and files on it, a file that has to be staged and bound
# (its target is a mount point with an earlier content), a remount window, a cgroup2 to be kept reachable, rules.
kill_manifest()
{
    local controllers=''
    [[ " $BOARD_CONTROLLERS " != *" cpuacct "* ]] || controllers='{"name": "cpuacct", "path": "/mnt/cpuacct",
        "uid": "nobody", "gid": "daemon", "mode": "0555"}'
    [[ " $BOARD_CONTROLLERS " != *" freezer "* ]] || controllers+=', "freezer"'
    manifest kill <<EOF2
{
  "version": 1,
  "host": {
    "directories": ["/mnt/card/dir", "/data/a/b", {"path": "/data/private", "mode": "0700", "owner": "nobody"},
                    {"path": "/mnt/ro/window", "mode": "0711", "remount": true}],
    "mounts": [
      {"target": "/mnt/card", "source": "LABEL=edgecard", "options": "noatime", "wait": "5s"},
      {"target": "/srv/bound", "source": "/data/a", "type": "bind", "options": "ro"},
      {"target": "/srv/bound-card", "source": "/mnt/card/dir", "type": "bind"},
      {"target": "/mnt/card/tmp", "type": "tmpfs", "options": "size=64K,mode=0700"}
    ],
    "cgroups": {"root": "/mnt/cgroup", "size": "64K", "controllers": [${controllers#, }], "named": ["systemd"],
                "descriptor": "/srv/cgroups.json"},
    "files": [
      {"path": "/srv/merged.json", "json": {"new": 1}},
      {"path": "/srv/deep/down/new.json", "json": {"new": 1}, "mode": "0600", "owner": "nobody"},
      {"path": "/mnt/image/hosts", "lines": ["127.0.0.1 localhost"]},
      {"path": "/srv/config.yaml", "yaml": {"kind": "EdgeCore"}, "when": "absent"},
      {"path": "/srv/some.text", "text": "a text\n"},
      {"path": "/srv/broken.conf", "json": {"new": 1}},
      {"path": "/mnt/ro/new.json", "json": {"new": 1}, "remount": true},
      {"path": "/mnt/ro/there.json", "json": {"new": 1}},
      {"path": "/mnt/card/dir/on-card.json", "json": {"new": 1}},
      {"path": "/proc/sys/net/ipv4/conf/lo/forwarding", "write": "1"}
    ],
    "sysctls": {"net.ipv4.ip_forward": "1"},
    "rules": [{"priority": 1, "table": "main"}, {"priority": 2, "table": "default"},
              {"priority": 3, "table": 100, "family": "ipv6"}]
  }
}
EOF2
    # What the workers do, step by step.
    manifest worker-0 <<<'{"version": 1}'
    json '{"version": 1, "host": {"mounts": d["host"]["mounts"][0:1]}}' "$work/kill.json" >"$work/worker-1.json"
    json '{"version": 1, "host": {"mounts": d["host"]["mounts"][0:1], "directories": ["/mnt/card/dir"]}}' \
        "$work/kill.json" >"$work/worker-2.json"
    json '{"version": 1, "host": {"mounts": [d["host"]["mounts"][i] for i in (0, 2, 3)],
        "directories": ["/mnt/card/dir"], "files": [f for f in d["host"]["files"] if "on-card" in f["path"]]}}' \
        "$work/kill.json" >"$work/worker-3.json"
    # Named by its path, it is mounted by a process that shares the memory of its parent.
    manifest path <<EOF2
{"version": 1, "host": {"mounts": [
    {"target": "/mnt/card", "source": "$BOARD_CARD", "type": "$BOARD_CARD_TYPE", "options": "noatime"}]}}
EOF2
}

# A board as it is before bring-up, for one try. The card is cleaned through a mount that outlives the tries.
fresh()
{
    local tree
    rm -rf /tmp/card/*
    for tree in /data /mnt /run /srv; do mount -n -t tmpfs -o mode=0755 tmpfs "$tree"; done
    mkdir -p /data/service/el1/public/edgeinit/files/mnt/image /mnt/ro /mnt/image /mnt/cgroup
    echo '{"there": {"before": [1, 2]}}' >/srv/merged.json
    echo '{"half": ' >/srv/broken.conf
    mount -n -t tmpfs -o mode=0755 tmpfs /mnt/image
    echo '::1 ip6-localhost' | tee /mnt/image/hosts >/data/service/el1/public/edgeinit/files/mnt/image/hosts
    mount -n -o remount,ro /mnt/image
    mount -n --bind /data/service/el1/public/edgeinit/files/mnt/image/hosts /mnt/image/hosts
    mount -n -t tmpfs -o mode=0755,nodev tmpfs /mnt/ro
    echo '{"there": 1}' >/mnt/ro/there.json
    mount -n -o remount,ro,nodev /mnt/ro
    # As OpenHarmony's netsysnative leaves it when it starts again: over the tmpfs of an earlier bring-up.
    mount -n -t tmpfs -o nosuid,nodev,noexec,mode=0755,size=64K tmpfs /mnt/cgroup
    mount -n -t cgroup2 cgroup2 /mnt/cgroup 2>/dev/null
    ip link set lo up
}

# one_try STRACE-OPTION...: prints "hit" and what went wrong, or "missed"
one_try()
{
    local what=kill
    fresh
    if [[ $1 == path ]]; then
        what=path
        shift
    fi
    # In a worker (-f) each process counts its own calls: only what is still to be done by workers is asked for.
    if [[ $1 == after-* ]]; then
        what=worker-3
        "$EDGEINIT" apply --manifest "$work/worker-${1#after-}.json" >/dev/null || echo "the manifest before: $?"
        shift
    fi
    traced "$@" -- apply --manifest "$work/$what.json"
    if ((status == 137)) || [[ $out == *'the worker died by signal 9'* ]]; then
        echo hit
    else
        echo missed
        ((status == 0)) || printf 'undisturbed, and yet: %s\n' "$status $(different) $err"
        return
    fi
    state whole | sed 's/^/not whole: /'
    edge apply --manifest "$work/kill.json"
    ((status == 0)) || printf 'the next apply: %s\n' "$status $out $err"
    diff "$work/reference" <(state) | sed 's/^/different: /'
    find /data /mnt /run /srv \( -name '*.edgeinit-new' -o -name 'window.[0-9]*' \) 2>/dev/null | sed 's/^/left: /'
}

shares_memory()
{
    fresh
    traced -f -e trace=clone -- apply --manifest "$work/path.json"
    grep -c CLONE_VM "$work/trace"
}

# killed_at NAME FEWEST CALLS [STRACE-OPTION...]: one assertion over every place
killed_at()
{
    local name=$1 fewest=$2 calls=$3 number result bad=''
    shift 3
    for ((number = 1; number < 500; number++)); do
        result=$(apart one_try "$@" -e trace="$calls" -e "inject=$calls:signal=KILL:when=$number")
        [[ $result == hit* ]] || break
        [[ $result == hit ]] || bad+="number $number of $calls: $result"$'\n'
        ((${#bad} < 4000)) || break
    done
    [[ $result == hit* || $result == missed ]] || bad+=$result
    total=$((total + number - 1))
    is "$bad" '' "killed before each of $((number - 1)) calls of ${calls%%,*}: $name"
    ok "they are at least $fewest" test "$((number - 1))" -ge "$fewest"
}

# apart FUNCTION ARGUMENT...: with mounts and network of its own
apart()
{
    unshare --mount --net -- bash -c 'EDGE_STAGE=none; source "$0"; work=$1; shift; "$@"' "$0" "$work" "$@"
}

stage_kill()
{
    local total=0 v1=0 before=${EPOCHREALTIME/./}
    [[ " $BOARD_CONTROLLERS " != *" cpuacct "* ]] || v1=3
    kill_manifest
    mkdir /tmp/card
    mount -n "$BOARD_CARD" /tmp/card
    apart undisturbed >"$work/undisturbed"
    is "$(head -n 1 "$work/undisturbed")" '0 0' "undisturbed: apply ends well, and the next one finds all in place" ||
        {
            diag "$(grep -E '^[!~+]' "$work/undisturbed")"
            return
        }
    tail -n +2 "$work/undisturbed" >"$work/reference"
    like "$(<"$work/reference")" $'/data/private 40700.*/srv/config.yaml.*rule' "control: the state says a lot"

    killed_at 'in the main process' $((7 + v1)) mount
    killed_at 'in the main process' 12 mkdir,mkdirat
    killed_at 'in the main process' 9 rename,renameat,renameat2
    killed_at 'in the main process' 1 umount2
    killed_at 'netlink, in the main process' 3 sendto,sendmsg
    killed_at 'unlink, also of the note of a window' 1 unlink,unlinkat
    # Everything that stands on the card is made by workers, one for each resource.
    # strace counts each call for itself, so each has a line.
    killed_at 'the worker that mounts the card' 1 mkdir after-0 -f
    killed_at 'the worker that mounts the card' 1 mount after-0 -f
    is "$(apart shares_memory)" 1 "a card that is named by its path is mounted by a process that shares the memory"
    killed_at 'the process of the one call that mounts the card' 1 mount path -f
    killed_at 'the same, before it has said with whom it dies' 1 prctl path -f
    killed_at 'the worker of a directory on it' 1 mkdir after-1 -f
    killed_at 'the workers of a bind, a tmpfs and a file on it' 1 mkdir after-2 -f
    killed_at 'the workers of a bind, a tmpfs and a file on it' 1 mount after-2 -f
    killed_at 'the worker of a file on it' 1 rename,renameat,renameat2 after-2 -f
    killed_at 'in the main process' 10 write
    if [[ ${KILL_FULL:-} ]]; then
        killed_at 'mode and owner' 6 chmod,fchmod,fchmodat,chown,fchown,fchownat
        killed_at 'in the main process' 10 fsync
        killed_at 'in the main process' 30 openat
        killed_at 'in the main process' 4 clone,clone3,fork,vfork
        killed_at 'open in a worker' 3 openat after-2 -f
        killed_at 'write in a worker' 2 write after-2 -f
        killed_at 'fsync in a worker' 2 fsync after-2 -f
    fi
    diag "$total kills in $(((${EPOCHREALTIME/./} - before) / 1000)) ms"
    umount -n /tmp/card
}

undisturbed()
{
    fresh
    edge apply --manifest "$work/kill.json"
    printf '%s ' "$status"
    [[ $status == 0 ]] || printf '%s\n' "$out" "$err"
    edge plan --manifest "$work/kill.json"
    printf '%s\n' "$status"
    [[ $status == 0 ]] || different
    state
}

[[ ${EDGE_STAGE:-} == none ]] || {
    on_board kill
    done_testing
}
